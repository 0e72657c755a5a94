"""One dispatcher per SQLite file: a lock that the kernel frees when its process dies, however it dies."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine

from newsletter.errors import DeliveryError


@contextmanager
def only_dispatcher(engine: Engine) -> Iterator[None]:
    """Hold the lock beside the database file. Raises DeliveryError if another process has it; elsewhere does nothing.

    Without it a second dispatcher would take the batches in flight for batches in doubt (dispatch reference, rule 7).
    """
    name = engine.url.database
    if engine.url.get_backend_name() != "sqlite" or not name or name == ":memory:":
        yield
        return
    path = Path(name).resolve()  # one lock for one file, by whatever name it is reached
    handle = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise DeliveryError("Another process is sending from this database. Wait for it, or stop it first.") from None
    else:
        yield
    finally:
        os.close(handle)
