"""Many rows at once, past SQLAlchemy's work on each of them: its statements, run by the driver.

SQLAlchemy spells a statement once, for whatever database it is; filling in a row's values costs it more than the
database needs to store them (benchmarks/transfer.py). Values have to be what the driver takes: `processor` makes them.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from operator import itemgetter
from typing import Any, cast

from sqlalchemy import ClauseElement, Column, Connection, Table, bindparam, column, insert, select, table
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

MOST_VALUES = 1_000  #: in one statement; every database takes more
CACHE_KB = 128_000  #: of SQLite's pages: the three unique indexes of a million people fit in


def insert_rows(connection: Connection, into: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows that have all the same columns, their values as the driver takes them."""
    if rows:
        compiled = _inserting(into, tuple(rows[0]), connection.dialect)
        connection.exec_driver_sql(str(compiled), _in_order(compiled, rows))


def those_in(connection: Connection, known: Column[Any], values: Sequence[str]) -> set[str]:
    """Which of these values stand in this column of text."""
    found: set[str] = set()
    for at in range(0, len(values), MOST_VALUES):
        some = values[at : at + MOST_VALUES]
        compiled = _looking(known, len(some), connection.dialect)
        row = {f"v{number}": value for number, value in enumerate(some)}
        found.update(connection.exec_driver_sql(str(compiled), _in_order(compiled, [row])[0]).scalars())
    return found


def processor(connection: Connection, kind: TypeEngine[Any]) -> Callable[[Any], Any]:
    """What turns a value of this type into what the driver takes."""
    process: Callable[[Any], Any] | None = kind.dialect_impl(connection.dialect).bind_processor(connection.dialect)
    return process or (lambda value: value)


@contextmanager
def roomy(connection: Connection) -> Iterator[None]:
    """A larger page cache for SQLite: three indexes in random order took 94 s a million with 2 MB, 30 s with 64 MB."""
    if connection.dialect.name != "sqlite":
        yield
        return
    before = connection.exec_driver_sql("pragma cache_size").scalar_one()
    connection.exec_driver_sql(f"pragma cache_size = -{CACHE_KB}")
    try:
        yield
    finally:
        connection.exec_driver_sql(f"pragma cache_size = {before}")


@lru_cache(maxsize=64)
def _inserting(into: Table, names: tuple[str, ...], dialect: Dialect) -> SQLCompiler:
    bare = table(into.name, *(column(name) for name in names))
    return _compiled(insert(bare).values({name: bindparam(name) for name in names}), dialect)


@lru_cache(maxsize=64)
def _looking(known: Column[Any], number: int, dialect: Dialect) -> SQLCompiler:
    one_of = known.in_([bindparam(f"v{place}") for place in range(number)])
    return _compiled(select(known).where(one_of), dialect)


def _compiled(statement: ClauseElement, dialect: Dialect) -> SQLCompiler:
    return cast("SQLCompiler", statement.compile(dialect=dialect))


def _in_order(compiled: SQLCompiler, rows: Sequence[dict[str, Any]]) -> list[Any]:
    """The rows as this driver wants its parameters: by place or by name."""
    if compiled.positiontup is None:
        return list(rows)
    names = compiled.positiontup
    return [tuple(row.values()) for row in rows] if list(rows[0]) == names else list(map(itemgetter(*names), rows))
