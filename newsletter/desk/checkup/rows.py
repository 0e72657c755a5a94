"""Whether every row can be read: words that are none of ours, and times that are none, name their table and row.

Nobody but a hand or a damaged disk writes such a value. What meets one is refused with a sentence that leads here
(`newsletter.database.transaction`); the rest of the newsletter goes on.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Column, DateTime, Enum, String, Table, TypeDecorator, case, func, select, text, type_coerce
from sqlmodel import Session, SQLModel

from newsletter.desk.desk import Desk
from newsletter.issues.wording import counted
from newsletter.providers.checkup import Finding, green, red

LOOKED_AT = "Rows of the database"
_TODO = "Put a copy back (newsletter db restore), or ask who changed it: docs/guarantees.md, 'A row that is damaged'."


def findings(desk: Desk) -> list[Finding]:
    """A red line for each column that has a value which does not belong there, or a green one for all.

    Reads each table that has such columns once: a second or so with a million people. Raises DatabaseError.
    """
    with desk.reading() as session:
        damaged = [
            _file(session),
            *(line for table in SQLModel.metadata.sorted_tables for line in _rows(session, table)),
        ]
    said = [line for line in damaged if line]
    return [red(LOOKED_AT, line, _TODO) for line in said] or [green(LOOKED_AT, "All of them can be read.")]


def _file(session: Session) -> str:
    """What SQLite itself says of its file; empty where it is sound, and on a server, which looks after its own."""
    if session.get_bind().dialect.name != "sqlite":
        return ""
    said = session.execute(text("pragma quick_check(1)")).scalar_one()
    return "" if said == "ok" else f"SQLite says: {said}."


def _rows(session: Session, table: Table) -> Iterator[str]:
    on_sqlite = session.get_bind().dialect.name == "sqlite"
    wrong = {one: found for one in table.c if (found := _wrong(one, on_sqlite=on_sqlite)) is not None}
    if not wrong:
        return
    key = next(iter(table.primary_key))
    counts = (case((found, type_coerce(key, String))) for found in wrong.values())
    asked = [part for one in counts for part in (func.count(one), func.min(one))]
    values = session.execute(select(*asked).select_from(table)).one()
    for column, number, first in zip(wrong, values[::2], values[1::2], strict=True):
        if number:
            where = f"{table.name}.{column.name}"
            held = f"what was never written there, in {counted(number, 'row')}"
            yield f"{where} holds {held} (first: {key.name} {first})."


def _wrong(column: Column[Any], *, on_sqlite: bool) -> Any:
    """The condition under which a value does not belong into this column; None where any does."""
    kind = column.type
    plain = type_coerce(column, String)
    if isinstance(kind, Enum):
        return plain.not_in(kind.enums)
    is_time = isinstance(kind.impl_instance if isinstance(kind, TypeDecorator) else kind, DateTime)
    return func.datetime(plain).is_(None) & plain.is_not(None) if is_time and on_sqlite else None
