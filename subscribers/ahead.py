"""Reading ahead: a large file is read and checked by a second process, while this one writes what is checked already.

Reading a million rows, checking their addresses and hashing them takes half as long as writing them, and the two need
nothing of each other. The other process gets the open file, and the same `Reading` that would be done here; it gives
back the same batches in the same order, one ahead of what is written. It touches no database and loads nothing for one.
A Ctrl-C does not reach it, and it ends when its pipe is closed: with the import, or with us. What is small, or no file
on disk, is read here.
"""

import gc
import io
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from stat import S_ISREG
from typing import IO, BinaryIO, cast

from subscribers.errors import BadFile
from subscribers.rows import Batch, Reading

LARGE = 4_000_000  #: bytes; what is smaller is read before another process has begun


@contextmanager
def batches(file: BinaryIO, how: Reading, *, large: int = LARGE) -> Iterator[Iterator[Batch]]:
    """The batches of this file, from wherever it is read. Raises BadFile, here or while they are taken."""
    if not _worth_it(file, large):
        yield how.batches(file)
        return
    with _reader(file) as (process, settings, pipe):
        try:
            with suppress(BrokenPipeError), settings:
                pickle.dump((file.fileno(), how), settings)
            yield _received(pipe)
        finally:
            process.kill()


@contextmanager
def _reader(file: BinaryIO) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes], IO[bytes]]]:
    """The other process, where it takes its settings, and where it gives its batches."""
    with subprocess.Popen(  # noqa: S603 -- our own interpreter and module
        (sys.executable, "-P", "-m", __spec__.name),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # what went wrong there might show a row
        pass_fds=[file.fileno()],
        process_group=0,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    ) as process:
        yield process, cast("IO[bytes]", process.stdin), cast("IO[bytes]", process.stdout)


def _worth_it(file: BinaryIO, large: int) -> bool:
    """Whether it is a large file on disk, still at its beginning, and there are two processors."""
    try:
        there = os.fstat(file.fileno())
    except (OSError, io.UnsupportedOperation):
        return False
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return S_ISREG(there.st_mode) and there.st_size >= large and file.tell() == 0 and processors > 1


def _received(pipe: IO[bytes]) -> Iterator[Batch]:
    while True:
        try:
            said = pickle.load(pipe)  # noqa: S301 -- from our own process
        except (EOFError, pickle.UnpicklingError):
            raise BadFile(
                "The process that reads the file has ended in the middle of it. Nothing was imported; try again, with "
                "more free memory if there is little."
            ) from None
        if said is None:
            return
        if isinstance(said, BadFile):
            raise said
        yield said


def read(settings: IO[bytes], pipe: IO[bytes]) -> None:
    """The other process: batches of the file that the settings name, then None; or the BadFile that it is."""
    number, how = pickle.load(settings)  # noqa: S301 -- from our own process
    gc.freeze()  # the modules: to look through them again and again finds nothing
    try:
        with os.fdopen(number, "rb") as file:
            for batch in how.batches(file):
                pickle.dump(batch, pipe, pickle.HIGHEST_PROTOCOL)
        pickle.dump(None, pipe)
    except BadFile as bad:
        pickle.dump(bad, pipe)


if __name__ == "__main__":
    read(sys.stdin.buffer, sys.stdout.buffer)
