"""Many rows at once, past SQLAlchemy's work on each of them: its statements, run by the driver.

SQLAlchemy spells a statement once, for whatever database it is; filling in a row's values costs it more than the
database needs to store them (benchmarks/transfer.py). Values have to be what the driver takes: `processor` makes them.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from operator import itemgetter
from typing import Any, Self, cast

from sqlalchemy import ClauseElement, Column, Connection, Index, Table, bindparam, column, insert, select, table
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

MOST_VALUES = 1_000  #: in one statement; every database takes more
MANY = 20_000  #: rows from which to build an index anew is worth it
CACHE_KB = 80_000  #: of SQLite's pages; into an empty list 40 MB are as good, into a long one they are a fifth slower
SORTING_KB = 16_000  #: for building an index: SQLite sorts in as much memory as it has pages


def insert_columns(connection: Connection, into: Table, columns: Mapping[str, Sequence[Any]]) -> None:
    """Insert rows that are given column by column, all as long, their values as the driver takes them."""
    said = {name: column for name, column in columns.items() if any(value is not None for value in column)}
    if not said:
        return
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(_from_json(into, tuple(said), connection.dialect), _as_json(said))
        return
    ready = _inserting(into, tuple(said), connection.dialect)
    connection.exec_driver_sql(str(ready), list(zip(*(said[name] for name in ready.positiontup or ()), strict=True)))


def _as_json(columns: Mapping[str, Sequence[Any]]) -> dict[str, str]:
    return {name: json.dumps(column, ensure_ascii=False, default=str) for name, column in columns.items()}


def those_in(connection: Connection, known: Column[Any], values: Sequence[str]) -> set[str]:
    """Which of these values stand in this column of text."""
    found: set[str] = set()
    for at in range(0, len(values), MOST_VALUES):
        some = values[at : at + MOST_VALUES]
        ready = _looking(known, len(some), connection.dialect)
        row = {f"v{number}": value for number, value in enumerate(some)}
        found.update(connection.exec_driver_sql(str(ready), in_order(ready, [row])[0]).scalars())
    return found


def compiled(statement: ClauseElement, dialect: Dialect) -> SQLCompiler:
    """The statement as this database spells it."""
    return cast("SQLCompiler", statement.compile(dialect=dialect))


def in_order(ready: SQLCompiler, rows: Sequence[dict[str, Any]]) -> list[Any]:
    """The rows, of equal columns, as this driver wants its parameters: by place or by name."""
    if ready.positiontup is None:
        return list(rows)
    names = ready.positiontup
    if list(rows[0]) == names:
        return [tuple(row.values()) for row in rows]
    if len(names) == 1:  # itemgetter gives one thing, and not a tuple of one
        return [(row[names[0]],) for row in rows]
    return list(map(itemgetter(*names), rows))


def processor(connection: Connection, kind: TypeEngine[Any]) -> Callable[[Any], Any]:
    """What turns a value of this type into what the driver takes."""
    process: Callable[[Any], Any] | None = kind.dialect_impl(connection.dialect).bind_processor(connection.dialect)
    return process or (lambda value: value)


@contextmanager
def roomy(connection: Connection) -> Iterator[None]:
    """A larger page cache for SQLite: indexes in random order take three times as long with its own 2 MB."""
    with _cached(connection, CACHE_KB):
        yield


@contextmanager
def _cached(connection: Connection, size: int) -> Iterator[None]:
    if connection.dialect.name != "sqlite":
        yield
        return
    before = connection.exec_driver_sql("pragma cache_size").scalar_one()
    connection.exec_driver_sql(f"pragma cache_size = -{size}")
    try:
        yield
    finally:
        connection.exec_driver_sql(f"pragma cache_size = {before}")


class Marks:
    """Which fingerprints came before, in 16 MB however many there were: one of 16 million places for each.

    It says "perhaps" of some that did not come: of 1 in 17 among a million. It never says "no" of one that did.
    """

    def __init__(self) -> None:
        self._places = bytearray(16**6)

    def perhaps(self, prints: Sequence[str]) -> list[str]:
        """Those that may have come before; all of these have come from here on."""
        places, found = self._places, []
        for print_ in prints:
            if places[place := int(print_[:6], 16)]:
                found.append(print_)
            places[place] = 1
        return found


class Shelved:
    """Indexes that nothing looks at meanwhile, taken away while many rows come and built anew behind them; SQLite only.

    An index in random order costs 6 µs for each row that is put in, and 2 for each when it is built from all of them.
    What must be unique is found out when its index is built. What fails takes the removal back with everything else.
    Elsewhere it would lock out who reads.
    """

    def __init__(self, connection: Connection, indexes: Sequence[Index]) -> None:
        self._connection, self._indexes = connection, indexes
        self._gone, self._can = False, connection.dialect.name == "sqlite"

    def shelve(self, new: int, before: int) -> None:
        """Take them away once these are many new rows, and more than there were before."""
        if self._gone or not self._can or new < max(before, MANY):
            return
        self._gone = True
        for index in self._indexes:
            index.drop(self._connection)

    def __enter__(self) -> Self:
        """Nothing is taken away yet."""
        return self

    def __exit__(self, failed: object, *_: object) -> None:
        """Build them anew, unless all of it is taken back."""
        if failed is None and self._gone:
            with _cached(self._connection, SORTING_KB):
                for index in self._indexes:
                    index.create(self._connection)


@lru_cache(maxsize=64)
def _inserting(into: Table, names: tuple[str, ...], dialect: Dialect) -> SQLCompiler:
    bare = table(into.name, *(column(name) for name in names))
    return compiled(insert(bare).values({name: bindparam(name) for name in names}), dialect)


@lru_cache(maxsize=64)
def _from_json(into: Table, names: tuple[str, ...], dialect: Dialect) -> str:
    """One statement for all rows, and one text for each column: a statement for each row takes twice as long."""
    told = ", ".join(f"json_array_elements_text(%({name})s::json)" for name in names)
    cast_ = ", ".join(f"{name}::{into.c[name].type.compile(dialect)}" for name in names)
    columns = ", ".join(names)
    return f"insert into {into.name} ({columns}) select {cast_} from rows from ({told}) as told ({columns})"  # noqa: S608 -- our own names


@lru_cache(maxsize=64)
def _looking(known: Column[Any], number: int, dialect: Dialect) -> SQLCompiler:
    one_of = known.in_([bindparam(f"v{place}") for place in range(number)])
    return compiled(select(known).where(one_of), dialect)
