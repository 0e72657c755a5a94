"""Several dispatchers on one PostgreSQL ledger: what is whose, what is taken over, and nobody lost or doubled."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from delivery_samples import NOW, dispatcher_for_ten, state_of
from fake_provider import FakeProvider, Killed
from postgres_server import programs
from sqlalchemy import Engine, text
from sqlmodel import col, select

from newsletter.database import engine_for, transaction
from newsletter.delivery import ledger, recovery
from newsletter.delivery.batch import Batch, BatchStatus
from newsletter.delivery.crew import Worker, forget_workers
from newsletter.delivery.dispatch import Dispatcher
from newsletter.delivery.flight import Ending, Flight
from newsletter.delivery.lock import dispatching, only_dispatcher
from newsletter.delivery.readback import read_back
from newsletter.delivery.session_lock import living
from newsletter.errors import SomebodySends
from newsletter.providers.base import Receipt

pytestmark = pytest.mark.sqlite  # and yet for PostgreSQL alone: the fixture below is not doubled
KNOWN = {"fake": FakeProvider().capabilities}
BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "workers.py"


@pytest.fixture
def ten(emptied: Callable[[], str]) -> Iterator[Dispatcher]:
    """A dispatcher for ten people, four in a call, whose provider honours keys."""
    engine = engine_for(emptied())
    yield replace(dispatcher_for_ten(engine), provider=FakeProvider(remembers=True))
    engine.dispose()


def share(ten: Dispatcher) -> tuple[Ending, str]:
    """One run beside others."""
    with dispatching(ten.engine, NOW) as (alone, crew):
        return replace(ten, alone=alone, crew=crew).run(1)


def statuses(engine: Engine) -> list[tuple[BatchStatus, int | None]]:
    """Of every batch, with whose it is."""
    with transaction(engine) as session:
        return [(one.status, one.worker) for one in session.exec(select(Batch).order_by(col(Batch.number)))]


def test_two_of_four_workers_that_are_killed_lose_and_double_nobody() -> None:
    """Four processes share an issue; SIGKILL in the middle. The sink's own count is asked, and how long it took."""
    if programs() is None:
        pytest.skip("no PostgreSQL server here")
    command = [
        sys.executable,
        str(BENCHMARK),
        "--people",
        "3000",
        "--batch",
        "50",
        "--kill",
        "2",
        "--json",
        "--workers",
    ]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=300)  # noqa: S603 - ourselves
    found = json.loads(done.stdout.splitlines()[-1])

    assert (found["lost"], found["doubled"], found["unknown"]) == (0, 0, 0)
    assert found["after_kill"] < 30


def test_what_a_living_one_has_open_is_left_alone_and_a_dead_ones_is_taken_over(ten: Dispatcher) -> None:
    """The first dies in its second call, and its lock with it."""
    with dispatching(ten.engine, NOW) as (alone, first):
        provider = FakeProvider(next_answers=["accept", "accept, die after"])
        with pytest.raises(Killed):
            replace(ten, alone=alone, crew=first, provider=provider).run(1)
        with dispatching(ten.engine, NOW) as (_, second), transaction(ten.engine) as session:
            assert first
            assert second
            assert (second.take_over(session, 1, KNOWN, NOW), second.others_send(session, 1)) == ([], True)
    with dispatching(ten.engine, NOW) as (_, third), transaction(ten.engine) as session:
        assert third
        assert ([one.number for one in third.take_over(session, 1, KNOWN, NOW)], third.others_send(session, 1)) == (
            [2],
            False,
        )

    assert statuses(ten.engine) == [(BatchStatus.ACCEPTED, first.number), (BatchStatus.SENDING, third.number)]


def test_what_a_frozen_one_has_is_taken_over_when_no_call_of_it_can_be_under_way(ten: Dispatcher) -> None:
    """SIGSTOP keeps the lock. Twice the longest request and a minute later its batch is somebody else's."""
    with dispatching(ten.engine, NOW) as (alone, frozen):
        provider = FakeProvider(next_answers=["accept, die after"])
        with pytest.raises(Killed):
            replace(ten, alone=alone, crew=frozen, provider=provider).run(1)
        with dispatching(ten.engine, NOW) as (_, crew), transaction(ten.engine) as session:
            assert crew
            early = crew.take_over(session, 1, KNOWN, NOW + timedelta(minutes=3))
            late = crew.take_over(session, 1, KNOWN, NOW + timedelta(minutes=3, seconds=1))

    assert (early, [one.number for one in late]) == ([], [1])


def test_who_dies_during_a_run_is_noticed_in_that_run(ten: Dispatcher) -> None:
    """The one that lives claims the rest, waits until no call of the dead is under way, and repeats it by its key."""
    provider = FakeProvider(remembers=True)
    dying = dispatching(ten.engine, NOW)
    alone, first = dying.__enter__()
    provider.next_answers = ["accept, die after"]
    with pytest.raises(Killed):
        replace(ten, alone=alone, crew=first, provider=provider).run(1)

    def later(_: float) -> None:
        ten.ticks.forward(30.0)  # type: ignore[attr-defined]
        if provider.log and len(provider.calls) == 3:
            dying.__exit__(None, None, None)
            provider.calls.append(("the lock is free", 0))

    ended = share(replace(ten, provider=provider, pause=later))

    assert ended == (Ending.DONE, "")
    assert list(provider.log.values()) == [1] * 10
    assert state_of(ten).accepted == 10


def test_nobody_is_alone_while_somebody_shares_and_nobody_shares_while_somebody_is_alone(ten: Dispatcher) -> None:
    """Two share at once; what has to be alone is refused meanwhile, and the other way round."""
    with dispatching(ten.engine, NOW), dispatching(ten.engine, NOW), pytest.raises(SomebodySends):  # noqa: SIM117
        with only_dispatcher(ten.engine):
            pass
    with only_dispatcher(ten.engine), pytest.raises(SomebodySends), dispatching(ten.engine, NOW):
        pass


def test_the_rate_is_one_for_all(ten: Dispatcher) -> None:
    """A call of a hundred at fifty a second: whoever comes next waits two seconds, and then four."""
    with dispatching(ten.engine, NOW, 50.0) as (_, first), dispatching(ten.engine, NOW, 50.0) as (_, second):
        assert first
        assert second
        with transaction(ten.engine) as session:
            before = second.left(session)
            first.spend(session, 100)
        with transaction(ten.engine) as session:
            once = second.left(session)
            second.spend(session, 100)
        with transaction(ten.engine) as session:
            twice = first.left(session)

    assert before == 0
    assert 1 < once <= 2
    assert 3 < twice <= 4


def test_a_run_keeps_the_rate_that_others_have_used(ten: Dispatcher) -> None:
    """It claims nothing before its time, and says what it waits for."""
    waits: list[str] = []
    with dispatching(ten.engine, NOW, 4.0) as (alone, crew):
        assert crew
        with transaction(ten.engine) as session:
            crew.spend(session, 4_000)

        def passes(_: float) -> None:
            with transaction(ten.engine) as session:
                session.execute(text("delete from pace"))
            ten.ticks.forward(1_001.0)  # type: ignore[attr-defined]

        told = replace(
            ten, alone=alone, crew=crew, pause=passes, on_wait=lambda one: waits.append(one.why if one else "")
        )
        assert told.run(1) == (Ending.DONE, "")

    assert waits[0] == "the rate of sending.per_second"


def test_what_a_look_up_says_of_an_earlier_attempt_is_not_believed(ten: Dispatcher) -> None:
    """Somebody took the batch up while it was asked about: "nothing there" would send it a third time."""

    @dataclass
    class Slow(FakeProvider):
        def look_up(self, key: str, keys: Sequence[str]) -> Sequence[Receipt]:
            with transaction(ten.engine) as session:
                ledger.take_again(session, session.get_one(Batch, 1), NOW)
            return super().look_up(key, keys)

    with pytest.raises(Killed):
        share(replace(ten, provider=FakeProvider(next_answers=["die before"])))
    with transaction(ten.engine) as session:
        batch = session.get_one(Batch, 1)

    assert recovery.look_into(ten.engine, Slow(answers_look_ups=True), str, batch, lambda: NOW) is None
    assert statuses(ten.engine)[0][0] is BatchStatus.SENDING


def test_only_its_own_claims_are_read_back(ten: Dispatcher) -> None:
    """After a lost answer to a commit: what another has claimed meanwhile is in that one's hands."""
    with pytest.raises(Killed):
        share(replace(ten, provider=FakeProvider(next_answers=["die before"])))
    ((_, worker),) = statuses(ten.engine)
    with transaction(ten.engine) as session:
        other = read_back(session, 1, Flight(), [], NOW, (worker or 0) + 1)
        own = read_back(session, 1, Flight(), [], NOW, worker)

    assert (len(other), len(own)) == (0, 1)


def test_rows_of_the_dead_that_no_call_names_are_forgotten(ten: Dispatcher) -> None:
    """Who lives, who has just begun, and whose calls stand in the ledger stays."""
    share(ten)
    old = NOW - timedelta(days=2)
    with transaction(ten.engine) as session:
        session.exec(select(Worker)).one().began_at = old  # it is dead as well, and its calls are here
        session.add_all([Worker(name="dead", began_at=old), Worker(name="new", began_at=NOW)])
    with dispatching(ten.engine, old) as (_, crew), transaction(ten.engine) as session:
        gone = forget_workers(session, living(session), NOW - timedelta(days=1))
        left = {one.number for one in session.exec(select(Worker))}
        mine = crew.number if crew else 0

    assert gone == 1
    assert mine in left
    assert {worker for _, worker in statuses(ten.engine)} <= left
    assert len(left) == 3
