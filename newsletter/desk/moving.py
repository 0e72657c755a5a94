"""From the SQLite file to an empty PostgreSQL database, all of it or nothing, with a proof.

Everything is one transaction over there: tables, rows, sequences, proof. Whatever interrupts it, the target is as it
was. Nobody writes here meanwhile, and nobody sends. The proof is a count and a digest of each table: of the rows as
they were read here, and of those that were read back over there, in the order of their keys.

Two ledgers of one list would mail everybody twice. So the mark beside the file stands one call further before the other
side commits (delivery/mark.py): from then on nothing is sent from the file before an operator says so. Its rows are not
touched. Where the other side certainly did not commit, the mark goes back; where nobody knows, it stays.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Boolean, Connection, Date, Engine, String, Table, func, inspect, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, SQLModel, col
from sqlmodel.sql.sqltypes import UTCDateTime

from newsletter.database import sentence, transaction
from newsletter.delivery.batch import Batch, Sending
from newsletter.delivery.lineage import lineage_now
from newsletter.delivery.lock import only_dispatcher
from newsletter.delivery.mark import PostMark
from newsletter.errors import ConnectionLost, DatabaseError

AT_ONCE = 5_000  #: rows between two looks at how far it is
VERSION = "alembic_version"

UNHEARD = (
    "The connection was lost at the very end, and nobody knows whether everything is over there. Ask with psql: select "
    "count(*) from subscriber. If it is there, write the URL into config.toml. If not, 'newsletter issue send N "
    "--after-restore' lets the file send again, and the move can be tried anew."
)

Row = Sequence[Any]
Told = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Moved:
    """One table, proved: its name, how many rows, and the digest that both sides have."""

    table: str
    rows: int
    digest: str


_BYTES = ' collate "C"'
#: How a value is asked for over there, so that it comes as SQLite gives it.
_AS_SQLITE: dict[type, str] = {
    UTCDateTime: "to_char({} at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')",
    Date: "to_char({}, 'YYYY-MM-DD')",
    Boolean: "{}::int",
}


def move(
    source: Engine,
    target: Engine,
    upgrade: Callable[[Connection], object],
    on_progress: Told = lambda _done, _all: None,
) -> list[Moved]:
    """Copy every row of a SQLite database into an empty PostgreSQL database, and prove it.

    `upgrade` makes the tables in the connection that it is given. Raises DatabaseError where the target is not empty,
    the proof fails, or somebody else works there; SomebodySends where somebody sends; and nothing was moved. But
    ConnectionLost at the very end means that nobody knows: its sentence says how to find out.
    """
    if (source.dialect.name, target.dialect.name) != ("sqlite", "postgresql"):
        raise DatabaseError("A move goes from SQLite to PostgreSQL: the file that config.toml names, and a URL.")
    mark = PostMark(source)
    with only_dispatcher(source), transaction(source) as here, _in_words(source):  # nobody writes from here on
        _require_whole(here, mark)
        with _held_unless_it_fails(mark, here), transaction(target) as there, _in_words(target):
            moved = _moved(here.connection(), there.connection(), upgrade, on_progress)
            _take_over(there)
            mark.hold(here)
    return moved


@contextmanager
def _in_words(engine: Engine) -> Iterator[None]:
    """What the driver says where it is used without SQLAlchemy, as a sentence."""
    try:
        yield
    except _error_of(engine) as error:
        raise DatabaseError(sentence(DBAPIError("", None, error), engine)) from error


def _error_of(engine: Engine) -> type[Exception]:
    found: type[Exception] = engine.dialect.loaded_dbapi.Error
    return found


@contextmanager
def _held_unless_it_fails(mark: PostMark, here: Session) -> Iterator[None]:
    """The file is held while the other side commits; it is let go where that certainly did not happen."""
    before = mark.read()
    try:
        yield
    except ConnectionLost:
        if mark.read() == before:
            raise
        raise ConnectionLost(UNHEARD) from None
    except BaseException:
        if mark.read() != before:
            mark.accept(here)
        raise


def _require_whole(session: Session, mark: PostMark) -> None:
    """The ledger must not be older than its mark: over there nobody would know."""
    posted = mark.read()
    known = session.execute(select(func.coalesce(func.sum(Batch.attempt), 0))).scalar_one()
    if (posted is None and mark.unfinished(session)) or known < (posted or 0):
        raise DatabaseError(
            f"This ledger is older than the last post: it knows of {known} calls, and {posted or 'more'} were made. "
            "Was it restored, or moved before? Say first what happened since: newsletter issue send N --after-restore, "
            "or cancel. Nothing was moved."
        )


def _moved(here: Connection, there: Connection, upgrade: Callable[[Connection], object], told: Told) -> list[Moved]:
    tables = _tables(here)
    _require_empty(there)
    upgrade(there)
    rows = sum(here.execute(select(func.count()).select_from(table)).scalar_one() for table in tables)
    count = _Counting(told, 2 * rows)
    written = [_copied(here, there, table, count) for table in tables]
    proved = [_read_back(there, table, count) for table in tables]
    if wrong := [one.table for one, other in zip(written, proved, strict=True) if one != other]:
        raise DatabaseError(f"What was written is not what was read, in {', '.join(wrong)}. Nothing was moved.")
    for table in tables:  # else the server plans for empty tables until its own look, and a claim reads the whole list
        there.exec_driver_sql(f'analyze "{table.name}"')
    return proved


@dataclass
class _Counting:
    """Tells how far it is: every row is written, and read back."""

    told: Told
    total: int
    done: int = 0

    def __call__(self, rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            self.done += 1
            if self.done % AT_ONCE == 0 or self.done == self.total:
                self.told(self.done, self.total)
            yield row


def _tables(here: Connection) -> list[Table]:
    """Every table, those that others point to first."""
    known = SQLModel.metadata.sorted_tables
    if strange := {*inspect(here).get_table_names()} - {table.name for table in known} - {VERSION}:
        raise DatabaseError(f"The file has tables that are not ours: {', '.join(sorted(strange))}. Nothing was moved.")
    return known


def _require_empty(there: Connection) -> None:
    """No table has a row; there may be tables. Raises DatabaseError."""
    for name in inspect(there).get_table_names():
        if name != VERSION and there.execute(select(1).select_from(text(f'"{name}"')).limit(1)).first():
            raise DatabaseError(f"The database over there is not empty: {name} has rows. Nothing was moved.")


def _copied(here: Connection, there: Connection, table: Table, count: _Counting) -> Moved:
    """Stream one table over, and set its sequence."""
    seen, number = hashlib.sha256(), 0
    names = ", ".join(f'"{column.name}"' for column in table.c)
    read = _driver(here).cursor().execute(f'select {names} from "{table.name}" order by {_key(table)}')  # noqa: S608
    with _driver(there).cursor() as cursor, cursor.copy(f'copy "{table.name}" ({names}) from stdin') as out:
        for row in count(read):
            out.write_row(row)
            seen.update(repr(row).encode())
            number += 1
    _set_sequence(there, table)
    return Moved(table.name, number, seen.hexdigest())


def _read_back(there: Connection, table: Table, count: _Counting) -> Moved:
    """The same of what stands over there, as SQLite would have given it."""
    seen, number = hashlib.sha256(), 0
    columns = ", ".join(_AS_SQLITE.get(type(column.type), "{}").format(f'"{column.name}"') for column in table.c)
    with _driver(there).cursor(name="read_back") as cursor:
        cursor.itersize = AT_ONCE
        cursor.execute(f'select {columns} from "{table.name}" order by {_key(table, _BYTES)}')  # noqa: S608
        for row in count(cursor):
            seen.update(repr(row).encode())
            number += 1
    return Moved(table.name, number, seen.hexdigest())


def _key(table: Table, collation: str = "") -> str:
    """The primary key; words in the order of their bytes, as SQLite has them."""
    words = {column.name: collation if isinstance(column.type, String) else "" for column in table.primary_key}
    return ", ".join(f'"{name}"{order}' for name, order in words.items())


def _set_sequence(there: Connection, table: Table) -> None:
    """The next row gets the next number."""
    column = table.autoincrement_column
    if column is not None:
        name = there.execute(select(func.pg_get_serial_sequence(table.name, column.name))).scalar_one()
        newest = there.execute(select(func.max(column))).scalar_one()
        if name and newest:
            there.execute(select(func.setval(name, newest)))


def _driver(connection: Connection) -> Any:
    """The driver's own connection: SQLAlchemy's would turn every value into an object and back."""
    return connection.connection.driver_connection


def _take_over(there: Session) -> None:
    """What is on its way goes on over there: it is the same ledger, as a whole."""
    values = {"lineage": lineage_now(there)}
    there.execute(update(Sending).where(col(Sending.finished_at).is_(None)).values(values))
