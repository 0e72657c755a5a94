"""What an event costs does not depend on how many people the issue went to."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from delivery_samples import NOW, answers, crowd, issue_on_its_way
from sqlmodel import Session, select

from newsletter.database import engine_for, transaction
from newsletter.delivery import claims, ledger
from newsletter.delivery.events import take
from newsletter.providers.base import Outcome
from newsletter.providers.hooks import Event, Kind
from subscribers.subscriber import Subscriber


def sent(session: Session, people: int) -> None:
    """An issue that the provider accepted for so many people."""
    crowd(session, people)
    batch = claims.claim(session, issue_on_its_way(session, 1), people, NOW, "fake")
    assert batch is not None
    ledger.record(session, batch, answers(batch, Outcome.ACCEPTED), NOW)


def steps(session: Session, events: Sequence[Event]) -> int:
    """How many hundred steps SQLite's machine needs to take these events."""
    driver, counted = session.connection().connection.driver_connection, [0]

    def count() -> None:
        counted[0] += 1

    assert driver is not None
    driver.set_progress_handler(count, 100)
    take(session, "fake", events, NOW)
    driver.set_progress_handler(None, 0)
    return counted[0]


@pytest.mark.parametrize("number", [1, 61])
def test_events_cost_as_much_among_many_people_as_among_few(number: int, blank_database: Path, tmp_path: Path) -> None:
    """Once all deliveries of the issue were read for them: a second of the write lock, with a million people."""
    cost = {}
    for people in (70, 700):
        path = shutil.copy(blank_database, tmp_path / f"{people}.db")
        engine = engine_for(f"sqlite:///{path}")
        with transaction(engine) as session:
            sent(session, people)
            refs = session.exec(select(Subscriber.ref).order_by(Subscriber.id).limit(number))
            events = [Event(Kind.DELIVERED, f"1-{ref}", f"e-{ref}", NOW, "", "") for ref in refs]
            cost[people] = steps(session, events)
        engine.dispose()

    assert cost[700] < 1.2 * cost[70] + 2
