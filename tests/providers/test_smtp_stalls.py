"""A mail server that falls silent, at every step: who is doubted, who is not, and that it ends in time."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from delivery_samples import batch_of, dispatcher_for_ten, state_of
from misbehaving import Visit
from smtp_server import SECRET, STALL, USER, MailServer, mail_server, provider, scripted, scripted_server
from sqlalchemy import Engine

from newsletter.delivery.flight import Ending
from newsletter.providers.base import Answer, Outcome
from newsletter.providers.smtp_channel import SLICE, Channel, Patience, rest
from newsletter.providers.smtp_pool import Connection
from newsletter.providers.smtp_replies import Said, Then
from newsletter.providers.smtp_settings import SmtpSettings
from newsletter.providers.wire import deadline

A, R, T, U = Outcome.ACCEPTED, Outcome.REFUSED, Outcome.RETRY, Outcome.UNKNOWN
TRIO = ("ada", "bob", "cleo")
TIMES = ("connect", "command", "data", "block", "answer", "stop")
SHORT = {f"{name}_seconds": 0.4 for name in TIMES}
LONG = {f"{name}_seconds": 300.0 for name in TIMES}
#: Up to the login: the step, and how the server is reached.
OPENING = [
    ("GREETING", "none"),
    ("GREETING", "tls"),
    ("EHLO", "none"),
    ("STARTTLS", "starttls"),
    ("HANDSHAKE", "starttls"),
    ("EHLO again", "starttls"),
    ("AUTH", "starttls"),
]
BEFORE_THE_DOT = ["MAIL", "RCPT", "DATA"]
LARGE = 20_000_000  #: bytes: more than the system's buffers hold


@contextmanager
def silent_at(stage: str, security: str = "none", who: str = "", times: int = 1) -> Iterator[MailServer]:
    """A server that stalls there, so many times."""
    with mail_server(security, login=security == "starttls") as server:
        name, _, again = stage.partition(" ")
        server.say(name, who, *([""] if again else []), *[STALL] * times)
        yield server


def send(server: MailServer, security: str = "none", *names: str, **rest: Any) -> Answer:
    """The answer to one call for these people."""
    login = {"user": USER, "secret": SECRET} if security == "starttls" else {}
    with provider(server, host="localhost", security=security, **login, **rest) as smtp:
        return smtp.send(batch_of(*names))


def stopped(server: MailServer, security: str = "none", *names: str, **rest: Any) -> Answer:
    """The same; somebody asks to stop as soon as the server has fallen silent."""
    login = {"user": USER, "secret": SECRET} if security == "starttls" else {}
    with provider(
        server, host="localhost", security=security, **login, **{**LONG, "call_seconds": 300.0, **rest}
    ) as smtp:
        return smtp.send(replace(batch_of(*names), stopping=server.stalled.is_set))


def outcomes(answer: Answer) -> list[Outcome]:
    """What became of each, in order."""
    return [receipt.outcome for receipt in answer.receipts]


@pytest.mark.parametrize(("stage", "security"), OPENING)
def test_a_server_that_is_silent_up_to_the_login_costs_one_connect_time(stage: str, security: str) -> None:
    """Nothing was sent, and the reason says what it did not answer; the dispatcher waits."""
    began = time.monotonic()
    with silent_at(stage, security) as server:
        answer = send(server, security, *TRIO, **SHORT)

    assert (outcomes(answer), server.people, server.mails) == ([T, T, T], [], 0)
    assert "in time. Nothing was sent." in answer.receipts[0].reason
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(("stage", "security"), OPENING)
def test_a_stop_ends_the_wait_for_a_login_at_once(stage: str, security: str) -> None:
    """With all the time of the world in the settings."""
    began = time.monotonic()
    with silent_at(stage, security) as server:
        answer = stopped(server, security, *TRIO)

    assert (outcomes(answer), server.people) == ([T, T, T], [])
    assert "asked to stop" in answer.receipts[0].reason
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("stage", BEFORE_THE_DOT)
def test_a_silence_before_the_final_dot_is_a_lost_connection_and_no_doubt(stage: str) -> None:
    """Another one carries the message, once, and the rest."""
    with silent_at(stage, who="bounces+key-bob" if stage == "MAIL" else "bob") as server:
        answer = send(server, "none", *TRIO, **SHORT)

    assert answer.is_plain
    assert (sorted(server.people), server.visits) == (["ada", "bob", "cleo"], 2)


@pytest.mark.parametrize("stage", BEFORE_THE_DOT)
def test_a_stop_before_the_final_dot_leaves_nobody_in_doubt(stage: str) -> None:
    """Who has it has it; the others were certainly not mailed."""
    began = time.monotonic()
    with silent_at(stage, who="bounces+key-bob" if stage == "MAIL" else "bob") as server:
        answer = stopped(server, "none", *TRIO)

    assert (outcomes(answer), server.people) == ([A, T, T], ["ada"])
    assert time.monotonic() - began < 5


def test_a_silence_after_the_final_dot_is_doubt_for_one_and_the_others_go_on() -> None:
    """On another connection."""
    with silent_at("END", who="bob") as server:
        answer = send(server, "none", *TRIO, **SHORT)

    assert (outcomes(answer), server.people) == ([A, U, A], ["ada", "cleo"])


def test_a_stop_after_the_final_dot_leaves_the_answer_its_last_seconds() -> None:
    """Then it is doubt for that one; the next one is not begun."""
    began = time.monotonic()
    with silent_at("END", who="bob") as server:
        answer = stopped(server, "none", *TRIO, stop_seconds=0.5)

    assert (outcomes(answer), server.people) == ([A, U, T], ["ada"])
    assert 0.5 < time.monotonic() - began < 5


def test_where_the_call_ends_with_a_doubt_those_after_it_are_in_none() -> None:
    """There is no time left for them: what became of the last one is no word on them."""
    with silent_at("END", who="bob") as server:
        answer = send(server, "none", *TRIO, **{**SHORT, "answer_seconds": 1.0, "call_seconds": 1.0})

    assert (outcomes(answer), server.people) == ([A, U, T], ["ada"])
    assert "no time left" in answer.receipts[2].reason


def test_an_answer_that_comes_in_the_last_seconds_counts() -> None:
    """A stop does not make a doubt where the server is only slow."""
    asked: list[bool] = []

    def script(visit: Visit) -> None:
        asked.append(True)
        visit.over.wait(2 * SLICE)
        visit.say(b"250 OK\r\n")

    with scripted_server(scripted(end=script)) as port, provider(port) as smtp:
        answer = smtp.send(replace(batch_of("ada"), stopping=lambda: bool(asked)))

    assert outcomes(answer) == [A]


def test_a_silence_after_a_refusal_changes_nothing_about_it() -> None:
    """RSET gets no answer; the reply to RCPT has been heard."""
    with silent_at("RSET") as server:
        server.say("RCPT", "bob", "550 5.1.1 no such user")
        answer = send(server, "none", *TRIO, **SHORT)

    assert (outcomes(answer), server.people) == ([A, R, A], ["ada", "cleo"])


def in_mid_message(stopping: Callable[[], bool] = lambda: False, **seconds: float) -> Said:
    """What becomes of a message that the server stops reading."""

    def script(visit: Visit) -> None:
        for reply in (b"220 x\r\n", b"250 x\r\n", b"250 x\r\n", b"250 x\r\n", b"354 x\r\n"):
            visit.say(reply)
            visit.connection.recv(100)
        visit.wait()

    with scripted_server(script) as port:
        settings = SmtpSettings(host="127.0.0.1", security="none", bounce="b@example.org", port=port, **seconds)
        patience = Patience(deadline(300), stopping)
        connection = Connection.open(settings, None, patience)
        assert isinstance(connection, Connection)
        said = connection.transact("b@example.org", "ada@example.org", b"x" * LARGE)
        connection.channel.close()
    return said


def test_a_server_that_stops_reading_is_left_after_the_time_for_one_piece() -> None:
    """The message was not finished: it is certainly not taken."""
    said = in_mid_message(block_seconds=0.4)

    assert (said.outcome, said.then) == (T, Then.RECONNECT)
    assert "did not answer to DATA in time" in said.reason


def test_a_stop_in_mid_message_means_that_it_was_not_sent() -> None:
    """A look at the clock comes before each piece; here the stop comes with the twentieth look."""
    looks = iter([False] * 20)

    said = in_mid_message(stopping=lambda: next(looks, True))

    assert (said.outcome, "asked to stop" in said.reason) == (T, True)


def test_a_host_with_several_addresses_gives_each_its_share() -> None:
    """The first one takes no connection any more, and does not say so: the second one has half of the time."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, mail_server() as server:
        waiting = [socket.socket() for _ in range(3)]
        for one in waiting:
            one.settimeout(0)
            one.connect_ex(full.getsockname())
        places = [full.getsockname(), ("127.0.0.1", server.port)]
        found = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", place) for place in places]
        patience = Patience(deadline(1.0))
        channel = Channel.to("mail.example.org", 25, patience, lambda *_, **__: found)
        peer = channel.sock.getpeername()
        channel.close()
        for one in waiting:
            one.close()

    assert peer == places[1]
    assert 0.3 < patience.left() <= 0.5


def test_a_rest_ends_when_somebody_asks_to_stop() -> None:
    """It would last an hour."""
    looks = iter([False, True])

    rest(3600.0, lambda: next(looks))

    assert next(looks, None) is None


def test_a_rest_lasts_as_long_as_it_should() -> None:
    """Where nobody asks."""
    began = time.monotonic()

    rest(0.3, lambda: False)

    assert 0.3 <= time.monotonic() - began < 3


def test_who_waits_for_a_free_connection_can_be_stopped() -> None:
    """All are in use by others."""
    looks = iter([False] * 3)
    with mail_server() as server, provider(server, pool=1) as smtp:
        busy = smtp.pool.take(Patience(deadline(300)))
        answer = smtp.send(replace(batch_of("ada"), stopping=lambda: next(looks, True)))
        smtp.pool.give_back(busy, Then.GO_ON)

    assert (outcomes(answer), server.mails) == ([T], 0)
    assert "asked to stop" in answer.receipts[0].reason


@pytest.mark.parametrize("stage", ["GREETING", *BEFORE_THE_DOT])
def test_a_stop_reaches_a_call_through_the_dispatcher(engine: Engine, stage: str) -> None:
    """What SIGTERM sets is seen inside of a call, and nobody is in doubt for it."""
    with mail_server() as server:
        server.say(stage, "", STALL)
        with provider(server, **LONG) as smtp:
            dispatcher = replace(dispatcher_for_ten(engine), provider=smtp)
            ending, _ = dispatcher.run(1, stop=server.stalled.is_set)

    assert (ending, state_of(dispatcher).unknown, server.people) == (Ending.STOPPED, 0, [])
