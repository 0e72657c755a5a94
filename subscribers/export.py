"""The list as CSV: what an import reads back.

The database makes one text of each person, times in ISO 8601 and all, and one of some thousand people, with characters
between cells and people that none of them holds. A value for each cell was two thirds of the cost, and a row for each
person a third of the rest (benchmarks/transfer.py). What is rare (a formula, a cell that needs quotes) is looked for in
some thousand people at once, and only these are taken apart.
"""

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TextIO

from sqlalchemy import ColumnElement, Select, String, bindparam, func, select, type_coerce
from sqlmodel import Session, col

from subscribers.sheet import FORMULA, guard, lines
from subscribers.subscriber import Status, Subscriber

TOGETHER = 5_000  #: people who are read and written together
BETWEEN = "\x1f"  #: two cells, until they are written
BEFORE = "\x1e"  #: each person but the first, until they are written

#: What an export writes, in this order; an import reads it back. Times are ISO 8601 in UTC.
COLUMNS = (
    "email", "name", "status", "signed_up_at", "confirmed_at", "status_since", "paused_until", "source", "zone",
    "topics", "frequency",
)  # fmt: skip
_THEIRS = ("address", *COLUMNS[1:])
_WORDS = ("address", "name", "source", "zone")  #: what people wrote themselves, and could be a formula
_TIMES = ("signed_up_at", "confirmed_at", "status_since", "paused_until")
_GUARDED = [_THEIRS.index(name) for name in _WORDS]
#: Two, because one sign to begin with is looked for four times as fast as one of two.
_FORMULAS = [re.compile(f"{sign}{FORMULA}") for sign in (BEFORE, BETWEEN)]


def export_csv(session: Session, out: TextIO, *, raw: bool = False, status: Status | None = None) -> int:
    """Write everybody (of one status), in the order of ids; how many there were. Who was erased is not there.

    The session has to see one moment (newsletter.database.reading): it is asked again and again. Cells that a
    spreadsheet would calculate get a ' in front; `raw` leaves them alone, for machines.
    """
    number = last = 0
    query = _some(status, plain=session.get_bind().dialect.name == "sqlite")
    with ThreadPoolExecutor(1) as beside:  # one text is written while the database makes the next
        writing = beside.submit(out.write, lines([COLUMNS]))
        while (found := session.connection().execute(query, {"last": last}).one()).people:
            writing.result()
            writing = beside.submit(lambda people: out.write(written(people, raw=raw)), found.text)
            number, last = number + found.people, found.last
        writing.result()
    return number


def written(people: str, *, raw: bool) -> str:
    """People as CSV: BEFORE each of them but the first, BETWEEN their cells."""
    formula = not raw and any(each.search(BEFORE + people) for each in _FORMULAS)
    if formula or any(sign in people for sign in ',"\n\r'):
        cells = [person.split(BETWEEN) for person in people.split(BEFORE)]
        return lines(cells if raw else [_guarded(row) for row in cells])
    return people.replace(BEFORE, "\n").replace(BETWEEN, ",") + "\n"


def _some(status: Status | None, *, plain: bool) -> Select[str, int, Any]:
    """Some thousand people behind the id `last` as one text; how many they are, and the last one's id.

    They are put together in the order in which the inner query gives them: both databases do so in a plain loop.
    """
    rows = select(col(Subscriber.id), _row(plain=plain).label("text")).where(col(Subscriber.address).is_not(None))
    if status is not None:
        rows = rows.where(col(Subscriber.status) == status)
    rows = rows.where(col(Subscriber.id) > bindparam("last")).order_by(col(Subscriber.id)).limit(TOGETHER)
    some = rows.subquery()
    together = func.aggregate_strings(some.c.text, BEFORE).label("text")
    return select(together, func.count().label("people"), func.max(some.c.id).label("last"))


def _guarded(cells: list[str]) -> list[str]:
    for at in _GUARDED:
        cells[at] = guard(cells[at])
    return cells


def _row(*, plain: bool) -> ColumnElement[str]:
    """All cells of a person as one text; `plain`: as SQLite says it."""
    columns = Subscriber.metadata.tables["subscriber"].c
    cells = [_moment(columns[name], plain=plain) if name in _TIMES else columns[name] for name in _THEIRS]
    return (func.printf if plain else func.format)(BETWEEN.join(["%s"] * len(cells)), *cells, type_=String)


def _moment(column: ColumnElement[Any], *, plain: bool) -> ColumnElement[str]:
    """A time in ISO 8601 and UTC, NULL where there is none. SQLite keeps UTC as text, to the microsecond."""
    text = column if plain else func.to_char(func.timezone("UTC", column), "YYYY-MM-DD HH24:MI:SS.US")
    iso = func.replace(func.replace(type_coerce(text, String), " ", "T"), ".000000", "", type_=String)
    return iso + "+00:00"
