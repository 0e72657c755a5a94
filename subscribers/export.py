"""The list as CSV: what an import reads back.

The database makes one text of each person, times in ISO 8601 and all, with a character between the cells that none of
them holds. A value for each cell was two thirds of the cost (benchmarks/transfer.py). What is rare (a formula, a cell
that needs quotes) is looked for in some thousand rows at once, and only these are taken apart.
"""

import re
from collections.abc import Sequence
from typing import Any, TextIO

from sqlalchemy import ColumnElement, String, func, select, type_coerce
from sqlmodel import Session, col

from subscribers.sheet import FORMULA, guard, lines
from subscribers.subscriber import Status, Subscriber

TOGETHER = 5_000  #: rows that are read and written together
BETWEEN = "\x1f"  #: two cells, until they are written

#: What an export writes, in this order; an import reads it back. Times are ISO 8601 in UTC.
COLUMNS = (
    "email", "name", "status", "signed_up_at", "confirmed_at", "status_since", "paused_until", "source", "zone",
    "topics", "frequency",
)  # fmt: skip
_THEIRS = ("address", *COLUMNS[1:])
_WORDS = ("address", "name", "source", "zone")  #: what people wrote themselves, and could be a formula
_TIMES = ("signed_up_at", "confirmed_at", "status_since", "paused_until")
_GUARDED = [_THEIRS.index(name) for name in _WORDS]
_FORMULAS = re.compile(f"{BETWEEN}{FORMULA}")


def export_csv(session: Session, out: TextIO, *, raw: bool = False, status: Status | None = None) -> int:
    """Write everybody (of one status), in the order of ids; how many there were. Who was erased is not there.

    Cells that a spreadsheet would calculate get a ' in front; `raw` leaves them alone, for machines.
    """
    number = 0
    out.write(lines([COLUMNS]))
    embedded = session.get_bind().dialect.name == "sqlite"
    query = select(_row(plain=embedded)).where(col(Subscriber.address).is_not(None))
    if status is not None:
        query = query.where(col(Subscriber.status) == status)
    found = session.connection().execute(  # a server would send all of it at once
        query.order_by(col(Subscriber.id)), execution_options={"stream_results": not embedded}
    )
    for rows in found.scalars().partitions(TOGETHER):
        out.write(written(rows, raw=raw))
        number += len(rows)
    return number


def written(rows: Sequence[str], *, raw: bool) -> str:
    """Rows, each with BETWEEN between its cells, as CSV."""
    joined = BETWEEN + f"\n{BETWEEN}".join(rows) + "\n"
    breaks = joined.count("\n") > len(rows) or "\r" in joined
    if breaks or "," in joined or '"' in joined or (not raw and _FORMULAS.search(joined)):
        cells = [row.split(BETWEEN) for row in rows]
        return lines(cells if raw else [_guarded(row) for row in cells])
    return joined.replace(f"\n{BETWEEN}", "\n")[1:].replace(BETWEEN, ",")


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
