"""Statements about hundreds of events at once, past SQLAlchemy's work on each value.

SQLAlchemy spells a statement once, for whatever database it is, and the driver runs it: filling in the values of a row
costs SQLAlchemy more than the database needs for it (benchmarks/events.py). Values have to be what the driver takes;
`Plain` makes them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, cast

from sqlalchemy import ClauseElement, Table, bindparam
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.compiler import SQLCompiler
from sqlmodel import Session

from newsletter.delivery.evidence import pieces
from subscribers.bulk import compiled, in_order

MOST = 500  #: values in one piece
#: For so many values a query is spelled; where there are fewer, the last one is asked for again.
SIZES = (1, 8, 60, MOST)

Spell = Callable[[list[Any]], ClauseElement]  #: a query for the values that these parameters will have


def look(session: Session, spell: Spell, values: Iterable[Any], **rest: Any) -> Iterator[Any]:
    """The rows of a query that looks for some hundred values at a time; `rest` are its other parameters, by name."""
    session.flush()
    connection = session.connection()
    for some in pieces(list(values)):
        number = next(size for size in SIZES if size >= len(some))
        ready = _looking(spell, number, connection.dialect)
        named = dict.fromkeys(_names(number), some[-1]) | dict(zip(_names(number), some, strict=False)) | rest
        yield from connection.exec_driver_sql(str(ready), in_order(ready, [named])[0]).all()


def run(session: Session, statement: ClauseElement, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Run an insert for each of these rows, which have all the same columns of this table."""
    if not rows:
        return
    session.flush()
    connection = session.connection()
    ready = _spelled(statement, tuple(rows[0]), connection.dialect)
    plain = Plain(table, connection.dialect)
    connection.exec_driver_sql(str(ready), in_order(ready, [plain.row(row) for row in rows]))


class Plain:
    """Turns the values of a table's columns into what the driver takes. Most times and words come again and again."""

    def __init__(self, table: Table, dialect: Dialect) -> None:
        self._processors = {
            column.name: process
            for column in table.c
            if (process := column.type.dialect_impl(dialect).bind_processor(dialect))
        }
        self._made: dict[str, dict[Any, Any]] = {name: {} for name in self._processors}

    def row(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The same row."""
        plain = dict(row)
        for name, made in self._made.items():
            value = plain.get(name)
            if value is None:
                continue
            if value not in made:
                made[value] = self._processors[name](value)
            plain[name] = made[value]
        return plain


@lru_cache(maxsize=128)
def _looking(spell: Spell, number: int, dialect: Dialect) -> SQLCompiler:
    return compiled(spell([bindparam(name) for name in _names(number)]), dialect)


@lru_cache
def _names(number: int) -> tuple[str, ...]:
    return tuple(f"value{place}" for place in range(number))


@lru_cache(maxsize=32)
def _spelled(statement: ClauseElement, names: tuple[str, ...], dialect: Dialect) -> SQLCompiler:
    return cast("SQLCompiler", statement.compile(dialect=dialect, column_keys=list(names)))
