"""Whoever reads in order to write holds the lock from the first word on."""

import sqlite3

import pytest
from sqlalchemy import Engine, text

from newsletter.database import transaction


def test_nobody_writes_between_the_reading_and_the_writing_of_a_transaction(engine: Engine) -> None:
    """A claim reads who is eligible and then writes: without the lock an unsubscription could fall in between."""
    other = sqlite3.connect(engine.url.database or "", timeout=0, isolation_level=None)
    with transaction(engine) as session:
        session.execute(text("select count(*) from subscriber"))

        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("begin immediate")
    other.execute("begin immediate")
    other.close()
