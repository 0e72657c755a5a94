"""No query of a listing reads the whole table of people, however many there are (benchmarks/lists.py)."""

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event
from sqlmodel import Session

from newsletter.database import engine_for, reading

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from lists import queries

ASKED = queries(1_000)


@pytest.fixture
def file(blank_database: Path, tmp_path: Path) -> Iterator[Engine]:
    """A SQLite database of our own: how it goes about a query is asked of it."""
    engine = engine_for(f"sqlite:///{shutil.copy(blank_database, tmp_path / 'list.db')}")
    yield engine
    engine.dispose()


def plans(engine: Engine, query: Callable[[Session, Session], Any]) -> list[str]:
    """How SQLite goes about each statement of this query."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: Connection, _cursor: Any, statement: str, values: Any, _context: Any, _many: bool) -> None:
        asked.append((statement, values))

    event.listen(engine, "before_cursor_execute", note)
    with reading(engine) as session, reading(engine) as beside:
        query(session, beside)
    event.remove(engine, "before_cursor_execute", note)
    with engine.connect() as connection:
        selects = [(text, values) for text, values in asked if text.startswith("SELECT")]
        found = [connection.exec_driver_sql(f"explain query plan {text}", values) for text, values in selects]
        return [row.detail for rows in found for row in rows]


@pytest.mark.parametrize("asked", ASKED)
def test_a_listing_goes_by_an_index(asked: str, file: Engine) -> None:
    """It may read an index that holds all that is asked for, or the rows in their order from where a page begins."""
    found = plans(file, ASKED[asked])

    assert found
    assert not [plan for plan in found if "SCAN subscriber" in plan and "COVERING INDEX" not in plan]
    assert not [plan for plan in found if "TEMP B-TREE FOR ORDER BY" in plan]
