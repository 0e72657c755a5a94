"""One dispatcher per SQLite file: a lock that the kernel frees when its process dies, however it dies."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine

from newsletter.errors import SomebodySends

#: Whoever only looks has the lock for a moment: it is tried so often, so many seconds apart.
LOOKS, LOOK_APART = 25, 0.02


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that sends now, as it wrote itself down; 0 where it could not, on a full disk."""

    pid: int
    since: datetime  #: aware, UTC

    def __str__(self) -> str:
        """Like "process 4711, since 2026-11-22 09:01:07 UTC"."""
        return f"{f'process {self.pid}' if self.pid else 'a process'}, since {self.since:%Y-%m-%d %H:%M:%S} UTC"


@contextmanager
def only_dispatcher(engine: Engine) -> Iterator[None]:
    """Hold the lock beside the database file. Raises SomebodySends if another process has it; elsewhere does nothing.

    Without it a second dispatcher would take the batches in flight for batches in doubt (dispatch reference, rule 7).
    """
    path = _path(engine)
    if path is None:
        yield
        return
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if not _taken(handle):
            found = _written(handle)
            stop = f"stop it: kill {found.pid}" if found.pid else "stop it"
            raise SomebodySends(
                f"Another process is sending from this database ({found}). Wait for it, or {stop} (what is under way "
                "is finished first)."
            )
        with suppress(OSError):  # a full disk: the lock is held all the same
            os.pwrite(handle, f"{os.getpid():019}\n".encode("ascii"), 0)  # as long as before: nothing stays of it
        yield
    finally:
        os.close(handle)


def holder(engine: Engine) -> Holder | None:
    """Who sends from this database now, None if nobody does. Elsewhere than in a file: None, it is not known."""
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
