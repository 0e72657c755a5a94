"""Engines and transactions, on SQLite and on PostgreSQL (postgresql.py).

SQLite is the embedded default: WAL, `synchronous=FULL` (a claim that a power cut takes back is a second mail: security
reference 3.3), and every transaction begins IMMEDIATE, so that a read that turns into a write waits for the lock
instead of failing at once (3.8). What only reads says so (`reading`): it sees one moment, and holds nobody up however
long it takes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from traceback import extract_tb
from typing import Any

from sqlalchemy import Connection, Engine, Enum, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError
from sqlmodel import Session
from sqlmodel.sql.sqltypes import UTCDateTime

from newsletter import postgresql
from newsletter.errors import ConnectionLost, DatabaseBusy, DatabaseError
from newsletter.postgresql import READS

#: Every time in the database is UTC and aware. Named once, for the table modules.
UtcTime = UTCDateTime
#: How people write it; all of them are psycopg's.
POSTGRESQL = ("postgresql", "postgres", "postgresql+psycopg")


def word(kind: type[StrEnum]) -> Enum:
    """A column type for one of our words, kept as plain text: the same on every database, and readable in a shell."""
    return Enum(kind, native_enum=False, length=20, values_callable=lambda words: [str(item) for item in words])


def engine_for(url: str, password: str | None = None, *, busy_seconds: float = 5, make: bool = True) -> Engine:
    """An engine for this URL; a SQLite file's folder is made, the file is for its owner only. Raises DatabaseError.

    Without `make` no file is made here; the first connection makes one.

    `password` is for PostgreSQL: a URL that stands in a file has none. `busy_seconds`: how long a transaction waits
    until nobody else writes.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise DatabaseError(
            "database.url is no URL. Write sqlite:///data/newsletter.db, or postgresql://newsletter@localhost/newsletter."
        ) from None
    if parsed.drivername in POSTGRESQL:
        return postgresql.engine_for(parsed.set(password=password) if password else parsed, busy_seconds)
    if parsed.get_backend_name() != "sqlite":
        raise DatabaseError(f"{parsed.get_backend_name()} is not supported: SQLite and PostgreSQL are.")
    if make:
        _prepare_file(url)
    engine = create_engine(url, hide_parameters=True, connect_args={"timeout": busy_seconds})
    event.listen(engine, "connect", _tune)
    event.listen(engine, "begin", _begin)
    event.listen(engine, "checkin", _let_write)
    return engine


@contextmanager
def transaction(engine: Engine, *, only_reads: bool = False) -> Iterator[Session]:
    """One session and one transaction: committed at the end, rolled back on any exception. To read only: `reading`."""
    try:
        with Session(engine, expire_on_commit=False) as session, session.begin():
            if only_reads:
                session.connection(execution_options={READS: True})
            yield session
    except IntegrityError:
        raise
    except DBAPIError as error:
        raise _kind(error)(sentence(error, engine)) from error
    except (LookupError, ValueError) as error:
        if not _is_unreadable(error):
            raise
        where = engine.url.render_as_string(hide_password=True)
        raise DatabaseError(_UNREADABLE.format(where=where)) from error


def _is_unreadable(error: Exception) -> bool:
    """Whether a row holds a word or a time that is none: only where SQLAlchemy turns rows into objects."""
    frames = extract_tb(error.__traceback__)
    return bool(frames) and "sqlalchemy" in frames[-1].filename


def _kind(error: DBAPIError) -> type[DatabaseError]:
    if error.connection_invalidated:
        return ConnectionLost
    busy = postgresql.is_busy(error) or "database is locked" in str(error.orig)
    return DatabaseBusy if busy else DatabaseError


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """One session that sees the database as it is at the first look, holds up nobody who writes, and cannot write."""
    with transaction(engine, only_reads=True) as session:
        yield session


def utc(now: datetime) -> datetime:
    """The same instant, refused if it is naive: times in the database are aware (raises ValueError)."""
    if now.tzinfo is None:
        raise ValueError(f"{now!r} has no time zone")
    return now


def _prepare_file(url: str) -> None:
    name = url.removeprefix("sqlite:///")
    if name and not name.startswith(":") and name != url:
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)


def _tune(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we begin transactions ourselves, below
    for pragma in ("journal_mode=wal", "synchronous=full", "foreign_keys=on"):
        connection.execute(f"pragma {pragma}")


def _begin(connection: Connection) -> None:
    reads = bool(connection.get_execution_options().get(READS))
    if connection.info.get(READS, False) != reads:  # the pragma stays with the connection, as `info` does
        connection.exec_driver_sql(f"pragma query_only = {reads:d}")
        connection.info[READS] = reads
    connection.exec_driver_sql("begin" if reads else "begin immediate")


def _let_write(connection: Any, record: Any) -> None:
    """Whoever takes the connection next without a transaction of ours, for a pragma, may write."""
    if connection is not None and record.info.pop(READS, False):
        connection.execute("pragma query_only = 0")


def sentence(error: DBAPIError, engine: Engine) -> str:
    """What is wrong with the database, where, and what to do."""
    where = engine.url.render_as_string(hide_password=True)
    if engine.dialect.name == "postgresql":
        return postgresql.sentence(error, where)
    cause = str(error.orig)
    words = next((words for part, words in _SENTENCES.items() if part in cause), _ELSE)
    return words.format(where=where, cause=cause)


_NO_TABLES = "The database {where} has no tables yet, or older ones. Run 'newsletter db upgrade'."
_DAMAGED = "The file {where} is not a database, or a damaged one. Restore a backup, or name another in config.toml."
#: SQLite says "disk I/O error" also of a full disk, where a quota or a limit ends the file (security reference, 3.8).
_FULL = "The database {where} cannot be written: {cause}. Nothing was changed. Make room on its disk, then try again."
_UNREADABLE = "A row of the database {where} is damaged, or was changed by hand. 'newsletter doctor' names it."
_ELSE = "The database {where} does not answer: {cause}. Nothing was changed."
_SENTENCES = {
    "no such table": _NO_TABLES,
    "no such column": _NO_TABLES,
    "not a database": _DAMAGED,
    "malformed": _DAMAGED,
    "locked": "The database {where} is busy: another process is writing for longer than 5 s. Try again.",
    "disk I/O error": _FULL,
    "disk is full": _FULL,
    "readonly": "The database {where} may only be read by this user: see to the rights of the file and its folder.",
}
