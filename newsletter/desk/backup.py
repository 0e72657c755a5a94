"""A copy of the database that can be trusted, and the way back.

A copy is taken while everything runs (SQLite's own backup, from one snapshot), looked through before it gets its name,
and never overwrites anything. What it holds of people is as secret as the database; what signs links is not in it
(security reference, S-58, S-63).

The way back is a ledger that has forgotten calls. So whatever is put back, nothing is mailed from it before an operator
has said what happened since: sendings are paused, and the mark beside the database stands one call further than the
ledger knows (delivery/mark.py; security reference 3.5).
"""

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from newsletter.database import transaction
from newsletter.delivery.lock import only_dispatcher
from newsletter.delivery.mark import PostMark
from newsletter.desk.sealing import SEALED, seal
from newsletter.errors import DatabaseError
from newsletter.issues.issue import Command, Issue, IssueStatus, step
from subscribers.sunset import lay_aside
from subscribers.wishes import stop_waiting

PAGES = 2_000  #: copied between two looks at how far it is
COUNTED = ("subscriber", "suppression", "consent_event", "issue", "batch", "delivery", "provider_event")
NAME = "newsletter-%Y%m%dT%H%M%SZ.db"
PART = "newsletter-%Y%m%dT%H%M%SZ.part"

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy, and how many rows are in it by table."""

    file: Path
    size: int  #: bytes
    rows: dict[str, int]


def back_up(
    engine: Engine,
    folder: Path,
    now: datetime,
    on_progress: Progress = lambda _done, _all: None,
    *,
    recipients: Sequence[str] = (),
) -> Copy:
    """Copy the database into a new file in this folder, checked, for its owner only; sealed if there are recipients.

    Raises DatabaseError where it cannot be written, is damaged, or is no SQLite file.
    """
    source = _file_of(engine)
    file = folder / (now.strftime(NAME) + (SEALED if recipients else ""))
    # what is not sealed yet never lies where copies are taken to
    part = (source.parent if recipients else folder) / now.strftime(PART)
    sealed = folder / f"{now.strftime(PART)}{SEALED}"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_WRONLY, 0o600))
    except OSError as error:
        raise DatabaseError(f"{part} cannot be made: {error.strerror}. Nothing was copied.") from None
    try:
        rows = _copied(source, part, on_progress)
        _synced(part)
        if recipients:
            seal(part, sealed, recipients)
        os.link(sealed if recipients else part, file)  # fails where the name is taken
    except (OSError, sqlite3.Error) as error:
        raise DatabaseError(f"The copy {file} was not made: {error}. The database is as it was.") from None
    finally:
        part.unlink(missing_ok=True)
        if recipients:
            sealed.unlink(missing_ok=True)
    return Copy(file, file.stat().st_size, rows)


def restore(
    engine: Engine,
    copy: Path,
    now: datetime,
    upgrade: Callable[[Engine], object],
    *,
    by: str,
    on_progress: Progress = lambda _done, _all: None,
) -> tuple[Copy, list[Issue]]:
    """Put a copy back in the place of the database; also the issues that are held now.

    What was there before is kept as a copy beside it. Nothing is sent meanwhile, or before an operator says so.
    Raises DatabaseError, and changes nothing, where the copy cannot be used.
    """
    target = _file_of(engine)
    target.parent.mkdir(parents=True, exist_ok=True)
    with only_dispatcher(engine):
        rows = look_through(copy)
        if holds_something(engine):
            back_up(engine, target.parent / "before-restore", now)
        target.touch(mode=0o600)
        engine.dispose()
        with _opened(copy) as source, closing(sqlite3.connect(target)) as into:
            _pages(source, into, on_progress)
        upgrade(engine)
        with transaction(engine) as session:
            held = _hold(session, now, by)
            stop_waiting(session)  # what waits in a copy may have left long ago
            lay_aside(session)  # and who was asked may have answered
            PostMark(engine).hold(session)
    return Copy(copy, copy.stat().st_size, rows), held


def look_through(copy: Path) -> dict[str, int]:
    """Check a copy from end to end: how many rows it has, by table. Raises DatabaseError."""
    try:
        with _opened(copy) as found:
            return _checked(found)
    except (sqlite3.Error, OSError) as error:
        raise DatabaseError(f"{copy} cannot be used: {error}. Nothing was changed.") from None


def forget_old(folder: Path, keep: int) -> list[Path]:
    """Remove our own copies in this folder but the newest so many; the removed ones."""
    old = sorted(folder.glob("newsletter-*T*Z.db*"))[:-keep] if keep else []
    for file in old:
        file.unlink(missing_ok=True)
    return old


def holds_something(engine: Engine) -> bool:
    """Whether there is anything to keep: a file that is not there, or has no table, holds nothing.

    What is no database holds something: that is no reason to write over it. Raises DatabaseError.
    """
    file = _file_of(engine)
    if not file.exists() or not file.stat().st_size:
        return False
    try:
        with _opened(file) as found:
            return found.execute("select 1 from sqlite_master where type = 'table'").fetchone() is not None
    except sqlite3.Error:
        return True


def room_of(engine: Engine) -> Path:
    """The folder of the database. Raises DatabaseError where it is no SQLite file."""
    return _file_of(engine).parent


def _file_of(engine: Engine) -> Path:
    name = engine.url.database
    if engine.url.get_backend_name() != "sqlite" or not name or name == ":memory:":
        raise DatabaseError("This database is no SQLite file. Copy it with its own tools: docs/postgresql.md.")
    return Path(name).resolve()


@contextmanager
def _opened(file: Path) -> Iterator[sqlite3.Connection]:
    """A database file, to be read and nothing else."""
    if not file.is_file():
        raise DatabaseError(f"There is no file {file}. Nothing was changed.")
    with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        yield connection


def _copied(source: Path, part: Path, on_progress: Progress) -> dict[str, int]:
    """One snapshot, from the first page to the last, whatever is written meanwhile; the same rows must be in both."""
    with _opened(source) as here:
        here.isolation_level = None
        here.execute("begin")
        wanted = _counts(here)
        with closing(sqlite3.connect(part)) as there:
            _pages(here, there, on_progress)
            there.execute("pragma journal_mode=delete")  # one file, nothing beside it
            found = _checked(there)
    if found != wanted:
        raise sqlite3.DatabaseError("it does not hold the same rows")
    return found


def _pages(source: sqlite3.Connection, into: sqlite3.Connection, on_progress: Progress) -> None:
    source.backup(into, pages=PAGES, progress=lambda _status, left, total: on_progress(total - left, total))


def _checked(found: sqlite3.Connection) -> dict[str, int]:
    if (said := found.execute("pragma integrity_check(1)").fetchone()[0]) != "ok":
        raise sqlite3.DatabaseError(f"it is damaged ({said})")
    if found.execute("pragma foreign_key_check").fetchone():
        raise sqlite3.DatabaseError("rows in it refer to rows that are not there")
    tables = {name for (name,) in found.execute("select name from sqlite_master where type = 'table'")}
    if not {"alembic_version", "subscriber", "issue"} <= tables:
        raise sqlite3.DatabaseError("it is no copy of a newsletter's database")
    return _counts(found)


def _counts(found: sqlite3.Connection) -> dict[str, int]:
    tables = {name for (name,) in found.execute("select name from sqlite_master where type = 'table'")}
    return {
        name: found.execute(f'select count(*) from "{name}"').fetchone()[0]  # noqa: S608 - names of ours
        for name in COUNTED
        if name in tables
    }


def _synced(file: Path) -> None:
    handle = os.open(file, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _hold(session: Session, now: datetime, by: str) -> list[Issue]:
    """Pause what was on its way; what had a time keeps it, and is refused by the mark."""
    on_their_way = session.exec(select(Issue).where(col(Issue.status) == IssueStatus.SENDING)).all()
    for issue in on_their_way:
        step(session, issue, Command.PAUSE, now, by=f"{by}: restored from a copy")
    held = (IssueStatus.SCHEDULED, IssueStatus.PAUSED)
    return list(session.exec(select(Issue).where(col(Issue.status).in_(held)).order_by(col(Issue.number))))
