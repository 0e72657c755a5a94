"""Being asked to stop: the first signal ends what runs at the next safe place, a second one at once."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def stoppable(said: str = "Stopping after the calls under way … (again: at once)") -> Iterator[threading.Event]:
    """Yields an event that SIGINT or SIGTERM sets; a second signal ends the process at once, which is safe too."""
    asked = threading.Event()

    def ask(_number: int, _frame: Any) -> None:
        if asked.is_set():
            os._exit(130)  # as safe as a power cut: what was claimed is taken up by the next run
        asked.set()
        sys.stderr.write(f"{said}\n")

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
