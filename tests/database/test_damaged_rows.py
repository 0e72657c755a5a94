"""Rows that a hand or a failing disk has changed: whatever needs one stops with a sentence, and the doctor names it."""

import pytest
from delivery_samples import dispatcher_for_ten, state_of
from desk_samples import furnished
from people import NOW
from sqlalchemy import Engine

from newsletter.database import transaction
from newsletter.delivery import waves
from newsletter.delivery.batch import Sending
from newsletter.desk import sending, writing
from newsletter.desk.checkup import rows
from newsletter.errors import DatabaseError, DeliveryError
from newsletter.issues.issue import issues


def damage(engine: Engine, statement: str) -> None:
    """As a hand would."""
    with transaction(engine) as session:
        session.connection().exec_driver_sql(statement)


def test_a_status_that_is_none_is_told_in_a_sentence(engine: Engine) -> None:
    """And no traceback."""
    here = furnished(engine)
    writing.draft(here.desk)
    damage(engine, "update issue set status = 'drat'")

    with pytest.raises(DatabaseError, match="newsletter doctor"), here.desk.transaction() as session:
        issues(session, "weekly")


def test_the_doctor_names_the_rows(engine: Engine) -> None:
    """Table, column, how many, and the first; nothing of what is in them."""
    here = furnished(engine)
    writing.draft(here.desk)
    sound = [line.found for line in rows.findings(here.desk)]
    damage(engine, "update issue set status = 'drat'")
    damage(engine, "update subscriber set status = 'gone' where id > 3")

    assert sound == ["All of them can be read."]
    assert [line.found for line in rows.findings(here.desk)] == [
        "issue.status holds what was never written there, in one row (first: id 1).",
        "subscriber.status holds what was never written there, in two rows (first: id 4).",
    ]


@pytest.mark.sqlite
def test_the_doctor_names_a_time_that_is_none(engine: Engine) -> None:
    """A server takes none such."""
    here = furnished(engine)
    damage(engine, "update subscriber set confirmed_at = 'soon' where id = 1")

    assert ["subscriber.confirmed_at" in line.found for line in rows.findings(here.desk)] == [True]


def test_an_issue_does_not_begin_while_a_status_on_the_list_is_damaged(engine: Engine) -> None:
    """Nobody could say whether they are to be mailed. With the status mended everybody gets theirs."""
    here = furnished(engine)
    writing.draft(here.desk)
    writing.approve(here.desk, "1", by="Mara")
    damage(engine, "update subscriber set status = 'actve' where address = 'Ada@example.org'")
    with pytest.raises(DeliveryError, match="newsletter doctor"):
        sending.send(here.desk, "1", by="Mara")
    damage(engine, "update subscriber set status = 'active' where address = 'Ada@example.org'")

    assert sending.send(here.desk, "1", by="Mara").progress.accepted == 1


@pytest.mark.parametrize("in_waves", [False, True])
def test_nobody_is_passed_over_because_their_status_was_damaged_meanwhile(engine: Engine, in_waves: bool) -> None:
    """The claim stops before them, and counts nobody."""
    ten = dispatcher_for_ten(engine)
    with transaction(engine) as session:
        if in_waves:
            waves.lay(session, session.get_one(Sending, 1), waves.Places(lambda _: (NOW, 0)), NOW)
    damage(engine, "update subscriber set status = 'actve' where id = 2")

    with pytest.raises(DeliveryError, match="newsletter doctor"):
        ten.run(1)
    assert (state_of(ten).accepted, ten.provider.calls) == (0, [])
