"""Keeping the garbage collector out of long transactions: the dispatcher's, and an import's."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def settled_heap() -> Iterator[None]:
    """Take what is there now out of garbage collection for a while.

    A thousand recipients are some ten thousand new objects, and now and then that makes the collector look through all
    modules and tables as well: 45 ms in the middle of a transaction, while everybody who wants to leave waits. Only
    young garbage is collected before: to look through everything took 0.1 s of each sending, and can wait for its end.
    """
    gc.collect(1)
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
