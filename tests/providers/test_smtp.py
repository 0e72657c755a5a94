"""The SMTP provider against a real mail server: what becomes of each message, and of those that come after it."""

import gc
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from delivery_samples import batch_of, recipient
from smtp_server import DROP, MailServer, mail_server, provider

from newsletter.providers.base import Answer, Directive, Outcome
from newsletter.providers.smtp import BATCH, Smtp, SmtpSettings
from newsletter.providers.smtp_channel import Patience
from newsletter.providers.smtp_replies import Then

A, R, T, U = Outcome.ACCEPTED, Outcome.REFUSED, Outcome.RETRY, Outcome.UNKNOWN
TRIO = ("ada", "bob", "cleo")


@pytest.fixture
def server() -> Iterator[MailServer]:
    """A server without TLS, on this machine."""
    with mail_server() as one:
        yield one


def send(server: MailServer, *names: str, **rest: object) -> Answer:
    """The answer to one call."""
    with provider(server, **rest) as smtp:
        return smtp.send(batch_of(*names))


def outcomes(answer: Answer) -> list[Outcome]:
    """What became of each, in order."""
    return [receipt.outcome for receipt in answer.receipts]


def test_each_message_has_one_recipient_and_its_own_return_path(server: MailServer) -> None:
    """A bounce names the delivery, and nobody is in another's envelope."""
    send(server, "ada", "bob")

    assert [(letter.sender, letter.to) for letter in server.letters] == [
        ("bounces+key-ada@news.example.org", ("ada@example.org",)),
        ("bounces+key-bob@news.example.org", ("bob@example.org",)),
    ]


def test_the_bytes_that_arrive_are_those_of_the_builder(server: MailServer) -> None:
    """Nothing between the two takes them apart and puts them together again."""
    batch = batch_of("ada")
    with provider(server) as smtp:
        smtp.send(batch)

    assert server.letters[0].content == batch.builder.mime(recipient("ada"))


def test_everybody_accepted_is_one_plain_answer_with_the_servers_queue_ids(server: MailServer) -> None:
    """The cheap one, in the recipients' order."""
    answer = send(server, *TRIO)

    assert answer.is_plain
    assert [receipt.provider_id for receipt in answer.receipts] == ["Q1", "Q2", "Q3"]


def test_who_is_refused_has_the_servers_words_without_an_address(server: MailServer) -> None:
    """The others get theirs."""
    server.say("RCPT", "bob", "550 5.1.1 <bob@example.org>: no mailbox bob here")

    answer = send(server, *TRIO)

    assert outcomes(answer) == [A, R, A]
    assert "550 to RCPT: 5.1.1 (an address) no mailbox (an address) here" in answer.receipts[1].reason
    assert answer.directive is Directive.GO_ON


def test_who_is_refused_after_the_message_is_refused_too(server: MailServer) -> None:
    """The reply to the final dot is the server's word."""
    server.say("END", "bob", "554 5.6.0 that looks like https://news.example.org/u/token to us")

    answer = send(server, *TRIO)

    assert (outcomes(answer), server.people) == ([A, R, A], ["ada", "cleo"])
    assert "token" not in answer.receipts[1].reason


@pytest.mark.parametrize("stage", ["RCPT", "END"])
def test_who_is_not_wanted_now_is_tried_again_in_the_same_call(server: MailServer, stage: str) -> None:
    """Else the ledger would have to doubt him: the others were accepted."""
    server.say(stage, "bob", "451 4.7.1 later", "452 4.3.1 later still")

    answer = send(server, *TRIO)

    assert (outcomes(answer), server.people) == ([A, A, A], ["ada", "cleo", "bob"])


def test_who_is_never_wanted_now_is_given_up_after_three_times(server: MailServer) -> None:
    """And is said to be not taken."""
    server.say("RCPT", "bob", *["452 4.2.2 mailbox full"] * 9)

    answer = send(server, *TRIO)

    assert outcomes(answer) == [A, T, A]
    assert len(server.rules["RCPT", "bob"]) == 6


def test_where_nobody_is_wanted_now_the_dispatcher_tries_them_all_again(server: MailServer) -> None:
    """Nobody has anything: no need to wait here."""
    server.say("RCPT", "", *["451 4.7.1 later"] * 9)

    assert outcomes(send(server, *TRIO)) == [T, T, T]
    assert len(server.rules["RCPT", ""]) == 6


@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA"])
def test_a_connection_lost_before_the_final_dot_is_replaced_and_nobody_is_doubted(
    server: MailServer, stage: str
) -> None:
    """The message was certainly not taken, and neither were those after it."""
    server.say(stage, "bounces+key-bob" if stage == "MAIL" else "bob", DROP)

    answer = send(server, *TRIO)

    assert answer.is_plain
    assert (sorted(server.people), server.visits) == (["ada", "bob", "cleo"], 2)


def test_a_connection_lost_after_the_final_dot_is_doubt_for_one_and_the_others_go_on(server: MailServer) -> None:
    """He may have it, and here he does: he is not asked about again in this call."""
    server.say("END", "bob", DROP)

    answer = send(server, *TRIO)

    assert (outcomes(answer), server.people) == ([A, U, A], ["ada", "bob", "cleo"])
    assert "It may have taken it" in answer.receipts[1].reason


def test_a_message_that_always_ends_the_connection_does_not_keep_the_others_waiting(server: MailServer) -> None:
    """They come first; it has three tries in all."""
    server.say("DATA", "ada", *[DROP] * 9)

    answer = send(server, "zoe", "ada", "bob", "cleo")

    assert (outcomes(answer), server.people) == ([A, T, A, A], ["zoe", "bob", "cleo"])
    assert len(server.rules["DATA", "ada"]) == 6


def test_a_server_that_always_hangs_up_is_left_after_some_connections(server: MailServer) -> None:
    """With waits that grow; those who were not reached are said to be not taken."""
    server.say("MAIL", "", "", *[DROP] * 99)
    waits: list[float] = []

    answer = send(server, *TRIO, "dora", "emil", pause=waits.append, call_seconds=300.0)

    assert outcomes(answer) == [A, T, T, T, T]
    assert waits == [0.0, 2.0, 4.0, 8.0, 16.0, 32.0]


def test_a_server_that_hangs_up_before_anything_was_sent_is_the_dispatchers_to_wait_for(server: MailServer) -> None:
    """Two connections, then everybody is tried again later."""
    server.say("MAIL", "", *[DROP] * 99)

    assert outcomes(send(server, *TRIO)) == [T, T, T]
    assert server.mails == 2


@pytest.mark.parametrize("reply", ["421 4.7.0 too much", "454 4.7.0 Throttling failure: Maximum sending rate exceeded"])
@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "END"])
def test_a_server_that_asks_for_less_is_given_time(server: MailServer, stage: str, reply: str) -> None:
    """The rest of the batch waits here, and the calls after it elsewhere."""
    server.say(stage, "bounces+key-bob" if stage == "MAIL" else "bob", reply)
    waits: list[float] = []

    answer = send(server, *TRIO, pause=waits.append)

    assert (outcomes(answer), sorted(server.people)) == ([A, A, A], ["ada", "bob", "cleo"])
    assert (answer.directive, answer.wait, waits) == (Directive.SLOW_DOWN, 30.0, [1.0])


def test_a_server_that_asks_for_less_at_once_gets_it_at_once(server: MailServer) -> None:
    """Nobody has anything yet: the dispatcher waits, and looks at consent again."""
    server.say("MAIL", "", "451 4.3.2 come back later")

    answer = send(server, *TRIO)

    assert (outcomes(answer), answer.directive, server.mails) == ([T, T, T], Directive.SLOW_DOWN, 1)


@pytest.mark.parametrize(
    ("stage", "reply"),
    [
        ("MAIL", "553 5.7.1 not your domain"),
        ("MAIL", "530 5.7.0 Authentication required"),
        ("RCPT", "554 5.7.1 Relay access denied"),
        ("END", "454 Throttling failure: Daily message quota exceeded"),
    ],
)
def test_what_concerns_the_account_stops_everything(server: MailServer, stage: str, reply: str) -> None:
    """A person has to look. Nobody is refused for it, and nobody else is tried."""
    server.say(stage, "", reply)

    answer = send(server, *TRIO)

    assert (outcomes(answer), answer.directive) == ([T, T, T], Directive.HALT)
    assert (server.people, server.mails) == ([], 1)


def test_an_account_that_is_closed_in_mid_batch_stops_the_rest(server: MailServer) -> None:
    """Whoever has the message has it; nobody else is tried."""
    server.say("MAIL", "bounces+key-bob", "550 5.7.1 suspended")

    answer = send(server, *TRIO)

    assert (outcomes(answer), answer.directive) == ([A, T, T], Directive.HALT)
    assert (server.people, server.mails) == (["ada"], 2)


def test_a_wait_that_would_outlast_the_call_is_not_begun(server: MailServer) -> None:
    """A second, where four fifths of one are left."""
    server.say("MAIL", "bounces+key-bob", "421 later")
    waits: list[float] = []

    answer = send(server, *TRIO, pause=waits.append, call_seconds=1.0)

    assert (outcomes(answer), waits) == ([A, T, T], [])


def test_a_wait_that_took_too_long_is_the_end_of_the_call(server: MailServer) -> None:
    """The machine slept in it, perhaps."""
    server.say("DATA", "bob", DROP)

    answer = send(server, *TRIO, pause=lambda _: threading.Event().wait(2.1), call_seconds=2.0)

    assert (outcomes(answer), server.people) == ([A, T, T], ["ada"])


def test_a_server_that_is_not_there_is_tried_again_later() -> None:
    """Nothing was sent; the dispatcher is told to wait a little."""
    with mail_server() as gone:
        pass

    answer = send(gone, *TRIO)

    assert (outcomes(answer), answer.directive, answer.wait) == ([T, T, T], Directive.GO_ON, 10.0)
    assert "could not be reached" in answer.receipts[0].reason


def test_who_cannot_be_written_to_is_refused_here(server: MailServer) -> None:
    """The server is not asked."""
    odd = replace(recipient("bob"), address="bob@example.org>\r\nRCPT TO:<eve@example.org")
    batch = replace(batch_of("ada"), recipients=[recipient("ada"), odd])
    with provider(server) as smtp:
        answer = smtp.send(batch)

    assert (outcomes(answer), server.people) == ([A, R], ["ada"])


def test_a_connection_carries_so_many_messages_and_no_more(server: MailServer) -> None:
    """Then another one does, without a wait, whatever became of the messages."""
    server.say("RCPT", "ada", "550 no")
    waits: list[float] = []

    answer = send(server, "ada", "bob", "cleo", "dora", "emil", messages_per_connection=2, pause=waits.append)

    assert (outcomes(answer), server.visits, server.goodbyes) == ([R, A, A, A, A], 3, 3)
    assert set(waits) == {0.0}


def test_the_next_call_uses_the_same_connection(server: MailServer) -> None:
    """A greeting, TLS and a login cost more than a message."""
    with provider(server) as smtp:
        smtp.send(batch_of("ada"))
        smtp.send(batch_of("bob"))

    assert (server.people, server.visits) == (["ada", "bob"], 1)


def test_who_forgets_a_provider_says_goodbye_all_the_same(server: MailServer) -> None:
    """A command ends, and nobody closes what it has used."""
    smtp = Smtp(SmtpSettings(host="127.0.0.1", security="none", bounce="b@example.org", port=server.port))
    smtp.send(batch_of("ada"))
    del smtp
    gc.collect()

    assert server.goodbyes == 1


def test_a_connection_that_lay_idle_is_not_trusted(server: MailServer) -> None:
    """Servers close theirs without a word."""
    with provider(server, idle_seconds=0) as smtp:
        smtp.send(batch_of("ada"))
        smtp.send(batch_of("bob"))

    assert (server.people, server.visits) == (["ada", "bob"], 2)


def test_a_refused_recipient_does_not_spoil_the_connection(server: MailServer) -> None:
    """RSET: the next message begins anew, on the same one."""
    server.say("RCPT", "ada", "550 no")

    send(server, *TRIO)

    assert (server.people, server.visits) == (["bob", "cleo"], 1)


def test_threads_share_the_connections_and_everybody_gets_one_message(server: MailServer) -> None:
    """Eight calls at once over two connections."""
    names = [f"reader{number}" for number in range(40)]
    with provider(server, pool=2) as smtp, ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda at: smtp.send(batch_of(*names[at : at + 5])), range(0, 40, 5)))

    assert all(answer.is_plain for answer in answers)
    assert (sorted(server.people), server.visits) == (sorted(names), 2)


def test_a_call_that_gets_no_connection_in_time_has_sent_nothing(server: MailServer) -> None:
    """It waits as long as a message could still be sent."""
    with provider(server, pool=1, call_seconds=0.5) as smtp:
        busy = smtp.pool.take(Patience(lambda: 1.0))
        began = time.monotonic()
        answer = smtp.send(batch_of("bob"))
        smtp.pool.give_back(busy, Then.GO_ON)

    assert (outcomes(answer), server.mails) == ([T], 0)
    assert time.monotonic() - began < 0.6
    assert "No connection" in answer.receipts[0].reason


def test_a_connection_that_could_not_be_made_takes_up_no_place() -> None:
    """After as many failures as there are places, the next call still tries."""
    with mail_server() as gone:
        pass

    with provider(gone, pool=1) as smtp:
        reasons = [smtp.send(batch_of("ada")).receipts[0].reason for _ in range(3)]

    assert all("could not be reached" in reason for reason in reasons)


def test_messages_to_one_domain_are_spaced_out(server: MailServer) -> None:
    """Two a second; whoever is at another domain does not wait behind them."""
    now, waits = [0.0], []

    def pause(seconds: float) -> None:
        waits.append(seconds)
        now[0] += seconds

    people = [recipient("ada"), recipient("bob"), replace(recipient("cleo"), address="cleo@example.net")]
    with provider(server, per_domain_per_second=2.0, pause=pause, ticks=lambda: now[0]) as smtp:
        answer = smtp.send(replace(batch_of("ada"), recipients=people))

    assert (server.people, waits) == (["ada", "cleo", "bob"], [0.5])
    assert [receipt.provider_id for receipt in answer.receipts] == ["Q1", "Q3", "Q2"]


def test_a_message_whose_turn_comes_too_late_is_left_for_later(server: MailServer) -> None:
    """Nothing is begun that could not be finished in the call's time."""
    with provider(server, per_domain_per_second=0.01, ticks=lambda: 0.0) as smtp:
        answer = smtp.send(batch_of("ada", "bob"))

    assert (outcomes(answer), server.people) == ([A, T], ["ada"])
    assert "no time left" in answer.receipts[1].reason


@pytest.mark.parametrize(("rate", "fitting"), [(0.0, BATCH), (1.0, 37), (0.1, 3), (0.001, 1), (100.0, BATCH)])
def test_a_call_holds_as_many_as_can_be_paced_in_half_its_time(rate: float, fitting: int) -> None:
    """300 seconds, 4 connections, everybody at one domain."""
    with provider(25, per_domain_per_second=rate, call_seconds=300.0) as smtp:
        assert smtp.fits(batch_of("ada").builder) == fitting


def test_nothing_can_be_asked_of_a_mail_server() -> None:
    """It keeps no list, and no key keeps it from sending twice."""
    with provider(25) as smtp:
        assert [receipt.outcome for receipt in smtp.look_up("key", ["a", "b"])] == [U, U]
        assert not smtp.capabilities.answers_look_ups
        assert smtp.capabilities.remembers_keys_for is None
