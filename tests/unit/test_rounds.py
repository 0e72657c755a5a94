"""Whether all that is done again and again still is, and the ping that says so."""

from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from desk_samples import Clock, place
from sqlalchemy import Engine
from telling_samples import Chat

from jobs.pinging import Ping
from jobs.rounds import Rounds
from newsletter.config import Telling
from newsletter.errors import DatabaseError

NAMES = ("weekly", "sending", "telling")
URL = "https://dead-man.example/1"


def ends(rounds: Rounds, *names: str) -> None:
    """These come to a good end now."""
    for name in names:
        rounds.watched(name, list)()


def fails(rounds: Rounds, name: str) -> None:
    """This one does not."""

    def broken() -> list[str]:
        raise DatabaseError("The database is gone.")

    with suppress(DatabaseError):
        rounds.watched(name, broken)()


def test_what_failed_last_is_in_trouble_until_it_ends_well() -> None:
    """By its name, without a word of what was wrong."""
    rounds = Rounds.of(Clock(), NAMES)
    fails(rounds, "sending")
    before = rounds.trouble()
    ends(rounds, "sending")

    assert (before, rounds.trouble()) == (["sending failed"], [])


@pytest.mark.parametrize(("minutes", "late"), [(60, []), (61, ["telling was not done for an hour"])])
def test_silence_is_trouble_but_for_what_takes_long(minutes: int, late: list[str]) -> None:
    """A thread that hangs never fails; an issue may take hours."""
    clock = Clock()
    rounds = Rounds.of(clock, NAMES)
    clock.forward(minutes=minutes)
    ends(rounds, "weekly")

    assert rounds.trouble() == late


def pinging(engine: Engine, **settings: Any) -> tuple[Ping, Chat, Clock]:
    """The ping of a desk that pings every five minutes, and who is called."""
    here, chat = place(engine), Chat()
    config = here.desk.config.model_copy(update={"telling": Telling(**{"ping": URL, **settings})})
    ping = Ping(replace(here.desk, config=config), chat, Rounds.of(here.clock, NAMES))
    return ping, chat, here.clock


def test_the_ping_waits_for_the_first_whole_round_and_then_comes_every_so_often(engine: Engine) -> None:
    """A start is no proof of anything."""
    ping, chat, clock = pinging(engine)
    calls = []
    for what in (["weekly"], ["telling"], [], []):
        ends(ping.rounds, *what)
        ping()
        calls.append(len(chat.calls))
    clock.forward(minutes=5)
    ping()

    assert calls == [0, 1, 1, 1]
    assert [(call.method, call.url, call.length) for call in chat.calls] == [("GET", URL, 0)] * 2


def test_the_ping_is_held_back_while_something_fails(engine: Engine) -> None:
    """That is what whoever watches is to cry about; here it is said once."""
    ping, chat, _ = pinging(engine)
    ends(ping.rounds, *NAMES)
    fails(ping.rounds, "weekly")
    said = [ping(), ping()]
    ends(ping.rounds, "weekly")
    ping()

    assert said == [["The dead-man ping is held back: weekly failed."], []]
    assert len(chat.calls) == 1


def test_a_ping_that_fails_is_said_once_without_its_address_and_tried_every_minute(engine: Engine) -> None:
    """Whoever knows the address could ping for us."""
    ping, chat, clock = pinging(engine)
    ends(ping.rounds, *NAMES)
    chat.status = 500
    said = [ping(), ping()]
    clock.forward(minutes=1)
    said.append(ping())

    assert said == [["The dead-man ping's address answered 500."], [], []]
    assert len(chat.calls) == 2


def test_without_an_address_nobody_is_called(engine: Engine) -> None:
    """The default."""
    ping, chat, _ = pinging(engine, ping=None)
    ends(ping.rounds, *NAMES)

    assert (ping(), chat.calls) == ([], [])
