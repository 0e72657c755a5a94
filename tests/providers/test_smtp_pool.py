"""Connections: what is sent in clear (nothing), what is doubt and what is not, and that everything ends in time."""

import socket
import time
from collections.abc import Callable, Iterator

import pytest
from delivery_samples import batch_of
from misbehaving import Script, Visit
from smtp_server import SECRET, USER, MailServer, mail_server, provider, scripted, scripted_server, trusting

from newsletter.providers.base import Answer, Directive, Outcome
from newsletter.providers.smtp_channel import Patience
from newsletter.providers.smtp_pool import Connection
from newsletter.providers.smtp_replies import Said, Then
from newsletter.providers.smtp_settings import SmtpSettings
from newsletter.providers.wire import Left, deadline

A, R, T, U = Outcome.ACCEPTED, Outcome.REFUSED, Outcome.RETRY, Outcome.UNKNOWN
CONTENT = b"Subject: x\r\n\r\nhello\r\n"


def one(server: MailServer | int, **rest: object) -> Answer:
    """The answer to a call for Ada."""
    with provider(server, **rest) as smtp:
        return smtp.send(batch_of("ada"))


def fate(answer: Answer) -> tuple[Outcome, Directive]:
    """What became of her, and what comes next."""
    return answer.receipts[0].outcome, answer.directive


def said_to(
    script: Script,
    content: bytes = CONTENT,
    left: Left | None = None,
    stopping: Callable[[], bool] = lambda: False,
    **rest: object,
) -> Said:
    """What one transaction with a scripted server ends in. `left` tells the time, if the clock does not."""
    usual = {"host": "127.0.0.1", "security": "none", "bounce": "b@example.org", "call_seconds": 5.0}
    with scripted_server(script) as port:
        settings = SmtpSettings(**{**usual, "port": port, **rest})
        connection = Connection.open(settings, None, Patience(left or deadline(settings.call_seconds), stopping))
        if isinstance(connection, Said):
            return connection
        try:
            return connection.transact("b@example.org", "ada@example.org", content)
        finally:
            connection.channel.close()


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_with_tls_everything_arrives(security: str) -> None:
    """The certificate is for localhost, and that is whom we call."""
    with mail_server(security) as server:
        answer = one(server, host="localhost", security=security)

    assert (fate(answer), server.people) == ((A, Directive.GO_ON), ["ada"])


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_certificate_that_nobody_vouches_for_stops_everything(security: str) -> None:
    """Nothing arrives (S-41)."""
    with mail_server(security) as server:
        answer = one(server, host="localhost", security=security, context=None)

    assert (fate(answer), server.mails) == ((T, Directive.HALT), 0)
    assert "certificate is not good" in answer.receipts[0].reason


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_certificate_for_another_name_stops_everything(security: str) -> None:
    """It is for localhost; we call 127.0.0.1."""
    with mail_server(security) as server:
        answer = one(server, host="127.0.0.1", security=security)

    assert (fate(answer), server.mails) == ((T, Directive.HALT), 0)


@pytest.mark.parametrize("login", [{}, {"user": USER, "secret": SECRET}])
def test_a_server_without_starttls_gets_nothing(server: MailServer, login: dict[str, str]) -> None:
    """Somebody on the way may have taken the offer out (S-41)."""
    answer = one(server, host="localhost", security="starttls", **login)

    assert (fate(answer), server.mails, server.logins) == ((T, Directive.HALT), 0, [])
    assert "STARTTLS" in answer.receipts[0].reason


def test_what_somebody_slips_in_before_tls_is_not_believed() -> None:
    """The reply to STARTTLS brings the reply to the next command with it (CVE-2021-38371 and its kin)."""
    script = scripted(ehlo=b"250-x\r\n250 STARTTLS\r\n", star=b"220 go\r\n250 I am your server\r\n")

    said = said_to(script, host="localhost", security="starttls")

    assert (said.outcome, said.then) == (T, Then.RECONNECT)


def test_a_starttls_that_does_not_work_just_now_is_tried_later() -> None:
    """RFC 3207, section 4: 454 is temporary."""
    script = scripted(ehlo=b"250-x\r\n250 STARTTLS\r\n", star=b"454 TLS not available\r\n")

    said = said_to(script, host="localhost", security="starttls")

    assert (said.outcome, said.then) == (T, Then.SLOW_DOWN)


@pytest.fixture
def server() -> Iterator[MailServer]:
    """A server without TLS."""
    with mail_server() as one:
        yield one


def test_the_login_is_made_once_for_a_connection() -> None:
    """And not for each message."""
    with (
        mail_server("starttls", login=True) as server,
        provider(server, host="localhost", security="starttls", user=USER, secret=SECRET) as smtp,
    ):
        answer = smtp.send(batch_of("ada", "bob"))

    assert answer.is_plain
    assert server.logins == [(USER.encode(), SECRET.encode())]


@pytest.mark.parametrize(
    ("reply", "directive"),
    [
        ("", Directive.HALT),
        ("534 5.7.9 too weak", Directive.HALT),
        ("454 4.7.0 Temporary authentication failure", Directive.SLOW_DOWN),
    ],
)
def test_a_login_that_fails_stops_everything_unless_it_is_temporary(reply: str, directive: Directive) -> None:
    """A person has to mend the password; it is not in the reason."""
    with mail_server("starttls", login=True) as server:
        server.login_reply = reply
        answer = one(server, host="localhost", security="starttls", user=USER, secret="canary-wrong")

    assert (fate(answer), server.mails) == ((T, directive), 0)
    assert "canary" not in answer.receipts[0].reason


def test_a_server_that_knows_no_login_stops_everything(server: MailServer) -> None:
    """With a password in the settings, one is expected."""
    assert fate(one(server, user=USER, secret=SECRET, host="127.0.0.1")) == (T, Directive.HALT)


def test_a_login_that_makes_no_sense_stops_everything() -> None:
    """A challenge that is no base64."""
    script = scripted(ehlo=b"250-x\r\n250 AUTH CRAM-MD5\r\n", auth=b"334 A\r\n")

    said = said_to(script, user=USER, secret=SECRET)

    assert (said.outcome, said.then) == (T, Then.HALT)


@pytest.mark.parametrize(
    ("greeting", "then"),
    [
        (b"421 too many connections\r\n", Then.SLOW_DOWN),
        (b"554 no service for you\r\n", Then.HALT),
        (b"", Then.RECONNECT),
        (b"SSH-2.0-OpenSSH\r\n", Then.RECONNECT),
        (b"HTTP/1.1 400 Bad Request\r\n", Then.RECONNECT),
    ],
)
def test_a_greeting_that_is_no_welcome_means_that_nothing_was_sent(greeting: bytes, then: Then) -> None:
    """Too busy, blocked, or no mail server at all."""

    def script(visit: Visit) -> None:
        visit.say(greeting)

    said = said_to(script)

    assert (said.outcome, said.then) == (T, then)


def test_lines_that_begin_with_a_dot_arrive_as_they_are(server: MailServer) -> None:
    """SMTP doubles such dots on the way; a lone one would end the message."""
    content = b".first: x\r\n\r\n..two\r\n.\r\n.MAIL FROM:<eve@example.org>\r\nlast"
    settings = SmtpSettings(host="127.0.0.1", security="none", bounce="b@example.org", port=server.port)
    connection = Connection.open(settings, None, Patience(deadline(settings.call_seconds)))
    assert isinstance(connection, Connection)

    connection.transact("b@example.org", "ada@example.org", content)
    connection.quit()

    assert [letter.content for letter in server.letters] == [content + b"\r\n"]


@pytest.mark.parametrize(
    "reply",
    [
        None,
        b"",
        b"25",
        b"250-queued as 1\r\n",
        b"gibberish\r\n",
        b"354 more\r\n",
        b"503 out of step\r\n",
        b"550 " + b"x" * 10_000 + b"\r\n",
        b"250-x\r\n" * 20_000 + b"250 OK\r\n",
    ],
    ids=["end", "silence", "cut", "half", "gibberish", "asks for more", "out of step", "long line", "endless"],
)
def test_after_the_final_dot_only_a_reply_that_makes_sense_is_believed(reply: bytes | None) -> None:
    """Everything else is doubt; the long line too, of which smtplib makes a "500" by itself."""

    def hang_up(visit: Visit) -> None:
        scripted(end=reply, quit=None)(visit)

    said = said_to(hang_up, answer_seconds=0.5)

    assert (said.outcome, said.then) == (U, Then.RECONNECT)


@pytest.mark.parametrize("step", ["mail", "rcpt", "data"])
@pytest.mark.parametrize("reply", [None, b"", b"gibberish\r\n", b"503 out of step\r\n", b"199 hm\r\n", b"2"])
def test_before_the_final_dot_nothing_can_have_been_taken(step: str, reply: bytes | None) -> None:
    """Whatever the server says or does not say."""
    said = said_to(scripted(**{step: reply}), call_seconds=0.5)

    assert (said.outcome, said.then) == (T, Then.RECONNECT)


def test_a_server_that_stops_reading_in_mid_message_has_not_taken_it() -> None:
    """More than the system's buffers hold: sending itself fails."""

    def script(visit: Visit) -> None:
        visit.connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        lines = visit.connection.makefile("rb")
        for reply in (b"220 x\r\n", b"250 x\r\n", b"250 x\r\n", b"250 x\r\n"):
            visit.say(reply)
            lines.readline()
        visit.say(b"354 x\r\n")
        lines.close()
        visit.reset()

    said = said_to(script, b"x" * 20_000_000)

    assert (said.outcome, said.then) == (T, Then.RECONNECT)


def test_a_server_that_refuses_in_mid_message_is_believed() -> None:
    """It has had enough, and says why; the connection is of no use any more."""
    said = said_to(scripted(data=b"354 go\r\n552 5.3.4 too large\r\n"))

    assert (said.outcome, said.then) == (R, Then.RECONNECT)
    assert "too large" in said.reason


def test_a_reply_that_nobody_waits_for_ends_the_connection_before_the_next_message() -> None:
    """Else it would be taken for the answer to the next command, and here stop everything."""
    script = scripted(end=b"250 OK\r\n550 of what?\r\n")
    visits: list[Visit] = []

    with scripted_server(lambda visit: (visits.append(visit), script(visit))[1]) as port, provider(port) as smtp:
        answer = smtp.send(batch_of("ada", "bob"))

    assert [receipt.outcome for receipt in answer.receipts] == [A, A]
    assert len(visits) == 2


@pytest.mark.parametrize("step", ["greeting", "ehlo", "rcpt", "end"])
def test_a_server_that_drips_does_not_outlive_the_deadline(step: str) -> None:
    """A byte every 50 ms: no single wait is long."""

    def script(visit: Visit) -> None:
        lines = visit.connection.makefile("rb")
        for at in ("greeting", "ehlo", "mail", "rcpt", "data", "end"):
            while at == "end" and lines.readline() not in (b".\r\n", b""):
                pass
            if at == step:
                visit.drip(b"250-" + b"x" * 2000)
            visit.say({"greeting": b"220 x\r\n", "data": b"354 x\r\n"}.get(at, b"250 x\r\n"))
            lines.readline()

    began = time.monotonic()
    said = said_to(script, connect_seconds=0.5, command_seconds=0.5, answer_seconds=0.5)

    assert time.monotonic() - began < 2
    assert said.outcome is (U if step == "end" else T)


def test_a_server_that_took_too_long_gets_no_final_dot() -> None:
    """The call is over while the message is on its way: it is certainly not taken."""
    seconds, got = [5.0], []

    def script(visit: Visit) -> None:
        lines = visit.connection.makefile("rb")
        for reply in (b"220 x\r\n", b"250 x\r\n", b"250 x\r\n", b"250 x\r\n"):
            visit.say(reply)
            lines.readline()
        seconds[0] = 0.0
        visit.say(b"354 x\r\n")
        got.extend(lines)

    def left() -> float:
        if not seconds[0]:
            raise TimeoutError
        return seconds[0]

    said = said_to(script, left=left)

    assert (said.outcome, said.then) == (T, Then.RECONNECT)
    assert b".\r\n" not in got


def test_a_kept_connection_ends_at_the_deadline_of_the_call_that_uses_it(server: MailServer) -> None:
    """And not at that of the call that opened it."""
    early, late = Patience(deadline(5)), Patience(deadline(4))
    with provider(server) as smtp:
        opened = smtp.pool.take(early)
        smtp.pool.give_back(opened, Then.GO_ON)
        again = smtp.pool.take(late)
        patience = again.channel.patience
        smtp.pool.give_back(again, Then.GO_ON)

    assert opened is again
    assert patience is late


def test_what_was_offered_before_tls_is_forgotten() -> None:
    """STARTTLS itself: the server asks for the greeting anew, and does not offer it again (RFC 3207, section 4.2)."""
    with mail_server("starttls") as server:
        settings = SmtpSettings(host="localhost", bounce="b@example.org", port=server.port)
        connection = Connection.open(settings, trusting(), Patience(deadline(300)))
        assert isinstance(connection, Connection)
        connection.quit()

    assert not connection.smtp.has_extn("starttls")
    assert connection.smtp.has_extn("size")


def test_a_connection_that_the_server_closed_meanwhile_is_not_used_again() -> None:
    """It is seen before anything is sent on it."""
    script, waits = scripted(end=b"250 OK\r\n421 closing\r\n"), []
    with scripted_server(script) as port, provider(port, pause=waits.append) as smtp:
        smtp.send(batch_of("ada"))
        answer = smtp.send(batch_of("bob"))

    assert (fate(answer), waits) == ((A, Directive.GO_ON), [])


def test_nothing_secret_is_in_a_repr() -> None:
    """Of settings and of what is made with them."""
    settings = SmtpSettings(host="127.0.0.1", bounce="canary@example.org", user="canary", secret="canary")

    assert "canary" not in repr(settings)
    assert trusting().check_hostname
