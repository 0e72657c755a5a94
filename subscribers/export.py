"""The list as CSV: what an import reads back.

Rows are read as the driver gives them, and a column at a time is turned into text: an object or a time for each cell
was four fifths of the cost (benchmarks/transfer.py). What is rare (a formula, a cell that needs quotes) is looked for
in a page at once.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, TextIO

from sqlalchemy import String, select, type_coerce
from sqlmodel import Session, col

from subscribers.sheet import guarded, lines
from subscribers.subscriber import Status, Subscriber

PAGE = 5_000  #: rows that are read together

#: What an export writes, in this order; an import reads it back. Times are ISO 8601 in UTC.
COLUMNS = (
    "email", "name", "status", "signed_up_at", "confirmed_at", "status_since", "paused_until", "source", "zone",
    "topics", "frequency",
)  # fmt: skip
_THEIRS = ("address", *COLUMNS[1:])
_WORDS = ("address", "name", "source", "zone")  #: what people wrote themselves, and could be a formula
_OURS = ("status", "topics", "frequency")  #: words of ours


def export_csv(session: Session, out: TextIO, *, raw: bool = False, status: Status | None = None) -> int:
    """Write everybody (of one status), in the order of ids; how many there were. Who was erased is not there.

    Cells that a spreadsheet would calculate get a ' in front; `raw` leaves them alone, for machines.
    """
    number = 0
    out.write(lines([COLUMNS]))
    for page in _pages(session, status):
        cells = (_cells(name, column, raw=raw) for name, column in zip(_THEIRS, page, strict=True))
        out.write(lines(list(zip(*cells, strict=True))))
        number += len(page[0])
    return number


def _pages(session: Session, status: Status | None) -> Iterator[Sequence[Sequence[Any]]]:
    """Some thousand people at a time, as columns."""
    wanted = [type_coerce(Subscriber.metadata.tables["subscriber"].c[name], String).label(name) for name in _THEIRS]
    last = 0
    while True:
        query = select(col(Subscriber.id), *wanted).where(
            col(Subscriber.id) > last, col(Subscriber.address).is_not(None)
        )
        if status is not None:
            query = query.where(col(Subscriber.status) == status)
        found = session.connection().execute(query.order_by(col(Subscriber.id)).limit(PAGE)).all()
        if not found:
            return
        ids, *columns = zip(*found, strict=True)
        yield columns
        last = ids[-1]


def _cells(name: str, column: Sequence[Any], *, raw: bool) -> Sequence[str]:
    """One column as it is written."""
    if name in _OURS or (raw and name in _WORDS):
        return column
    return guarded(column) if name in _WORDS else _moments(column)


def _moments(column: Sequence[Any]) -> Sequence[str]:
    """A column of times. Whole lists share a few of them."""
    texts = {stored: _moment(stored) for stored in set(column)}
    return [texts[stored] for stored in column]


def _moment(stored: str | datetime | None) -> str:
    """A time as it is stored (text in SQLite, aware elsewhere) in ISO 8601 and UTC; nothing where there is none."""
    if not stored:
        return ""
    time = datetime.fromisoformat(stored) if isinstance(stored, str) else stored
    return (time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)).isoformat()
