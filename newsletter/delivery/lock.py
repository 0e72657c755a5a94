"""Who may send from a database: a lock that is free when its process dies, however it dies.

For a SQLite file the kernel keeps it, on a file beside it; for PostgreSQL the server (session_lock.py).
"""

import fcntl
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine
from sqlmodel import Session

from newsletter.database import transaction
from newsletter.delivery import session_lock
from newsletter.delivery.crew import Crew, Worker
from newsletter.errors import SomebodySends

#: Whoever only looks has the lock for a moment: it is tried so often, so many seconds apart.
LOOKS, LOOK_APART = 25, 0.02


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that sends now, as it wrote itself down; 0 where it could not, on a full disk."""

    pid: int
    since: datetime  #: aware, UTC
    host: str = ""  #: where that may be another machine

    def __str__(self) -> str:
        """Like "process 4711, since 2026-11-22 09:01:07 UTC"."""
        who = f"process {self.pid}{self._there}" if self.pid else "a process"
        return f"{who}, since {self.since:%Y-%m-%d %H:%M:%S} UTC"

    @property
    def _there(self) -> str:
        return f" on {self.host}" if self.host else ""

    def refusal(self) -> SomebodySends:
        """What a second dispatcher is told."""
        stop = f"stop it: kill {self.pid}{self._there}" if self.pid else "stop it"
        return SomebodySends(
            f"Another process is sending from this database ({self}). Wait for it, or {stop} (what is under way "
            "is finished first)."
        )


@contextmanager
def only_dispatcher(engine: Engine) -> Iterator[session_lock.Alone]:
    """Hold the lock of this database: what tells, in a session, whether it is still held.

    Raises SomebodySends if another process has it. Without it a second dispatcher would take the batches in flight for
    batches in doubt (dispatch reference, rule 7).
    """
    if engine.dialect.name == "postgresql":
        with session_lock.held(engine, LOOKS, LOOK_APART) as alone:
            if alone is None:
                raise (holder(engine) or Holder(0, datetime.now(UTC))).refusal()
            yield alone
        return
    path = _path(engine)
    if path is None:
        yield _always
        return
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if not _taken(handle):
            raise _written(handle).refusal()
        with suppress(OSError):  # a full disk: the lock is held all the same
            os.pwrite(handle, f"{os.getpid():019}\n".encode("ascii"), 0)  # as long as before: nothing stays of it
        yield _always
    finally:
        os.close(handle)


@contextmanager
def dispatching(
    engine: Engine, now: datetime, per_second: float = 0.0
) -> Iterator[tuple[session_lock.Alone, Crew | None]]:
    """Hold what a dispatcher needs: alone on a SQLite file, beside others on a PostgreSQL server (crew.py).

    `now` is written down with the number that it gets there; `per_second` is what all of them together may hand over.
    Raises SomebodySends where somebody is to be alone.
    """
    if engine.dialect.name != "postgresql":
        with only_dispatcher(engine) as alone:
            yield alone, None
        return
    with transaction(engine) as session:
        worker = Worker(name=f"{os.getpid()}@{socket.gethostname()}", began_at=now)
        session.add(worker)
        session.flush()
        number = worker.number or 0
    with session_lock.held(engine, LOOKS, LOOK_APART, number) as alone:
        if alone is None:
            raise (holder(engine) or Holder(0, datetime.now(UTC))).refusal()
        yield alone, Crew(number, lambda session: session_lock.living(session) - {number}, per_second)


def holder(engine: Engine) -> Holder | None:
    """Who sends from this database now, None if nobody does. In memory: None, it is not known."""
    if engine.dialect.name == "postgresql":
        found = session_lock.holder(engine)
        return Holder(found[0], found[2], found[1]) if found else None
    path = _path(engine)
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC) if path else -1
    except FileNotFoundError:
        return None
    if handle < 0:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared: two who look do not see each other
    except BlockingIOError:
        return _written(handle)
    finally:
        os.close(handle)
    return None


def _always(_: Session) -> bool:
    return True


def _path(engine: Engine) -> Path | None:
    """The lock of a database file: one for one file, by whatever name it is reached."""
    name = engine.url.database
    if engine.url.get_backend_name() != "sqlite" or not name or name == ":memory:":
        return None
    path = Path(name).resolve()
    return path.with_name(f"{path.name}.lock")


def _taken(handle: int) -> bool:
    """Whether the lock is ours now."""
    for look in range(LOOKS):
        if look:
            time.sleep(LOOK_APART)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        return True
    return False


def _written(handle: int) -> Holder:
    """What the holder wrote, and when it did."""
    text = os.pread(handle, 100, 0).strip()
    return Holder(int(text) if text.isdigit() else 0, datetime.fromtimestamp(os.fstat(handle).st_mtime, UTC))
