"""The night's chores: what is forgotten and when, the nightly copy, one run a night."""

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from desk_samples import Place, furnished
from people import BEN, CLEO, PAGE, SECRET
from sqlalchemy import Engine
from sqlmodel import select

from jobs.housekeeping import JOB, keep_house
from jobs.slots import LEASE, RunStatus, runs, seize
from newsletter.config import Backup
from newsletter.delivery.event_tables import ProviderEvent
from newsletter.desk import chores, sending, writing
from newsletter.providers.hooks import Kind
from subscribers.consent import ConsentEvent
from subscribers.subscriber import Status, add, counts, find
from subscribers.transfer import Terms, import_csv


def how_many(here: Place) -> dict[Status, int]:
    """On the list, by status."""
    with here.desk.transaction() as session:
        return counts(session)


@pytest.mark.parametrize(("days", "left"), [(28, 1), (30, 0)])
def test_a_sign_up_that_nobody_confirmed_is_forgotten_after_thirty_days(engine: Engine, days: int, left: int) -> None:
    """Ben asked a day before the clock begins; his evidence goes with him."""
    here = furnished(engine)
    here.clock.forward(days=days)
    chores.forget_pending(here.desk)

    assert how_many(here)[Status.PENDING] == left
    with here.desk.transaction() as session:
        known = {event.subscriber_id for event in session.exec(select(ConsentEvent))}
    assert len(known) == 4 + left


def test_who_confirmed_once_is_not_forgotten(engine: Engine) -> None:
    """Active, left, paused: nobody of them is a sign-up that waits."""
    here = furnished(engine)
    here.clock.forward(days=365)
    chores.forget_pending(here.desk)

    assert sum(how_many(here).values()) == 4


def test_who_left_once_and_asked_again_is_not_forgotten(engine: Engine) -> None:
    """Issues were sent to them: their row is part of the ledger."""
    here = furnished(engine)
    with here.desk.transaction() as session:
        add(session, CLEO, PAGE, secret=SECRET, now=here.clock())
        assert counts(session)[Status.PENDING] == 2
    here.clock.forward(days=60)
    chores.forget_pending(here.desk)

    assert how_many(here)[Status.PENDING] == 1


def test_an_old_date_in_a_file_makes_nobody_be_forgotten_tonight(engine: Engine) -> None:
    """Imported today as pending since last year: the thirty days begin today."""
    here = furnished(engine)
    file = BytesIO(b"email,status,status_since\nlou@example.org,pending,2025-01-01\n")
    with here.desk.transaction() as session:
        terms = Terms("fair", "v1", by="olga", consented=False)
        import_csv(session, file, terms, secret=SECRET, now=here.clock())

    assert chores.forget_pending(here.desk) == ""


def test_who_was_forgotten_can_sign_up_again(engine: Engine) -> None:
    """As if it were the first time: nothing of the old sign-up is in the way."""
    here = furnished(engine)
    here.clock.forward(days=60)
    chores.forget_pending(here.desk)
    with here.desk.transaction() as session:
        assert find(session, BEN) is None
        again = add(session, BEN, PAGE, secret=SECRET, now=here.clock(), confirmed=True)

        assert again.status is Status.ACTIVE


def test_nobody_is_forgotten_while_an_issue_is_on_its_way(engine: Engine) -> None:
    """The sum of a sending is over the whole list (invariant 6)."""
    here = furnished(engine)
    writing.draft(here.desk)
    writing.approve(here.desk, "1", by="Mara")
    sending.start(here.desk, "1", by="Mara")
    here.clock.forward(days=60)

    assert "on its way" in chores.forget_pending(here.desk)
    assert how_many(here)[Status.PENDING] == 1


def test_what_providers_said_long_ago_is_forgotten(engine: Engine) -> None:
    """Of two events the younger one stays."""
    here = furnished(engine)
    with here.desk.transaction() as session:
        for number in range(2):
            now = here.clock()
            event = {"provider": "p", "event_id": str(number), "kind": Kind.DELIVERED, "word": "delivery"}
            session.add(ProviderEvent(**event, at=now, received_at=now))
            here.clock.forward(days=300)

    assert chores.forget_events(here.desk).startswith("one event")


@pytest.mark.sqlite
def test_the_chores_are_done_once_a_night(engine: Engine, tmp_path: Path) -> None:
    """Two processes ask at every half minute; one copy is made, and the next night another."""
    here = furnished(engine)
    config = here.desk.config.model_copy(update={"backup": Backup(folder=tmp_path / "copies")})
    desk = replace(here.desk, config=config)
    said = [bool(keep_house(desk)) for _ in range(3)]
    here.clock.forward(days=1)
    keep_house(desk)

    assert (said, len(list((tmp_path / "copies").iterdir()))) == ([True, False, False], 2)


def test_a_chore_that_fails_is_told_and_takes_nothing_from_the_others(engine: Engine, tmp_path: Path) -> None:
    """The folder for the copies is a file: the sign-ups are looked at all the same."""
    here = furnished(engine)
    here.clock.forward(days=60)
    (tmp_path / "file").write_text("")
    config = here.desk.config.model_copy(update={"backup": Backup(folder=tmp_path / "file")})
    said = keep_house(replace(here.desk, config=config))

    assert [line.partition(":")[0] for line in said] == ["sign-ups", "backup"]
    with here.desk.transaction() as session:
        assert runs(session, JOB)[0].status is RunStatus.FAILED


def test_chores_that_a_dead_process_began_are_done_by_the_next(engine: Engine) -> None:
    """Some minutes later."""
    here = furnished(engine)
    keep_house(here.desk)
    here.clock.forward(days=60)
    with here.desk.transaction() as session:
        found = runs(session, JOB)[0]
        session.connection().exec_driver_sql("update run set status = 'running', ended_at = null")
        found.status = RunStatus.RUNNING
        session.expunge(found)
    with here.desk.transaction() as session:
        seize(session, found, here.clock())
    here.clock.now += LEASE * 2

    assert "sign-ups" in keep_house(here.desk)[0]


def test_the_database_is_maintained_after_somebody_has_only_read(engine: Engine) -> None:
    """The connection of a reader, which cannot write, is the next one's."""
    here = furnished(engine)
    with here.desk.reading() as session:
        counts(session)

    assert chores.maintain(here.desk) == ""
