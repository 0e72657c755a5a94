"""Whoever reads in order to write holds the lock from the first word on."""

import sqlite3

import pytest
from sqlalchemy import Engine, text

from newsletter.database import reading, transaction
from newsletter.errors import DatabaseError

pytestmark = pytest.mark.sqlite


def test_nobody_writes_between_the_reading_and_the_writing_of_a_transaction(engine: Engine) -> None:
    """A claim reads who is eligible and then writes: without the lock an unsubscription could fall in between."""
    other = sqlite3.connect(engine.url.database or "", timeout=0, isolation_level=None)
    with transaction(engine) as session:
        session.execute(text("select count(*) from subscriber"))

        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("begin immediate")
    other.execute("begin immediate")
    other.close()


def test_who_reads_for_long_holds_nobody_up_and_sees_one_moment(engine: Engine) -> None:
    """An export of a million people takes seconds: somebody who leaves meanwhile leaves at once."""
    other = sqlite3.connect(engine.url.database or "", timeout=0, isolation_level=None)
    with reading(engine) as session:
        before = session.execute(text("select count(*) from suppression")).scalar_one()

        other.execute("insert into suppression values ('0', null, 'manual', '2026-11-19 08:00:00', '', '')")

        assert session.execute(text("select count(*) from suppression")).scalar_one() == before == 0
    other.close()


def test_what_only_reads_cannot_write(engine: Engine) -> None:
    """What was read may be old already: nothing may be decided by it. The next transaction writes again."""
    leaving = text("delete from suppression")
    with pytest.raises(DatabaseError, match="may only be read"), reading(engine) as session:
        session.execute(leaving)

    with transaction(engine) as session:
        session.execute(leaving)
