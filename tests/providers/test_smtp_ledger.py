"""The dispatcher, its ledger and a mail server that loses connections: who is doubted, and who is not."""

from dataclasses import replace

import pytest
from delivery_samples import dispatcher_for_ten, state_of
from fault_matrix import FAULTS, cell
from smtp_server import DROP, STALL, MailServer, mail_server, provider
from sqlalchemy import Engine

from newsletter.delivery.dispatch import Ending
from newsletter.delivery.progress import Progress

#: The faults of the matrix, as a mail server shows them: when, and how it answers.
SAID = {
    "500": ("END", "554 5.6.0 no"),
    "429": ("END", "451 4.3.0 later"),
    "no connection": ("MAIL", DROP),
    "reset after the body": ("END", DROP),
    "stall": ("END", STALL),
    "half a document": ("END", "25"),
    "page of a proxy": ("END", "<html>all is well</html>"),
    "error inside a 200": ("END", "250-2.0.0 taken\r\n554 5.3.0 or not"),  # the last line counts (RFC 5321, 4.2)
}


def run(engine: Engine, server: MailServer, **settings: float) -> tuple[Ending, Progress]:
    """Send issue 1 to ten people, four in a call; how it ended, and what the ledger says."""
    with provider(server, **{"call_seconds": 60.0} | settings) as smtp:
        dispatcher = replace(dispatcher_for_ten(engine), provider=smtp)
        return dispatcher.run(1)[0], state_of(dispatcher)


@pytest.mark.parametrize("fault", FAULTS)
def test_one_fault_is_one_final_dot_where_repeating_is_unsafe(engine: Engine, fault: str) -> None:
    """And the ledger ends as the table in docs/providers says."""
    expected, (stage, reply) = cell("smtp", fault, keyed=False), SAID[fault]
    with mail_server() as server:
        server.say(stage, "", reply)
        ending, state = run(engine, server, answer_seconds=0.5)

    assert (ending, state.accepted, state.refused, state.unknown) == (
        Ending.DONE,
        expected.accepted,
        expected.refused,
        expected.unknown,
    )
    assert server.ended.count(server.ended[0]) == (2 if fault == "429" else 1)
    assert len(server.people) == len(set(server.people))


@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA"])
def test_connections_lost_before_the_final_dot_leave_nobody_in_doubt(engine: Engine, stage: str) -> None:
    """Every third time, in the middle of batches."""
    with mail_server() as server:
        server.say(stage, "", *["", "", DROP] * 6)
        ending, state = run(engine, server)

    assert (ending, state.accepted, state.unknown) == (Ending.DONE, 10, 0)
    assert len(server.people) == len(set(server.people)) == 10


def test_a_connection_lost_after_the_final_dot_leaves_one_person_in_doubt(engine: Engine) -> None:
    """And not the batch."""
    with mail_server() as server:
        server.say("END", "reader5", DROP)
        ending, state = run(engine, server)

    assert (ending, state.accepted, state.unknown) == (Ending.DONE, 9, 1)
    assert len(server.people) == len(set(server.people)) == 10


def test_a_busy_server_gets_everybody_in_the_end(engine: Engine) -> None:
    """It says 421 in the middle of a batch, and 450 to a whole one."""
    with mail_server() as server:
        server.say("RCPT", "", "", "421 4.7.0 later", "", "", "", *["450 4.2.0 later"] * 4)
        ending, state = run(engine, server)

    assert (ending, state.accepted, state.unknown) == (Ending.DONE, 10, 0)


def test_a_wrong_account_stops_the_run_and_refuses_nobody(engine: Engine) -> None:
    """After it was mended, the next run goes on."""
    with mail_server() as server:
        server.say("MAIL", "", "550 5.7.1 not your domain")
        ending, state = run(engine, server)

    assert (ending, state.accepted, state.refused, state.unknown) == (Ending.HALTED, 0, 0, 0)
