"""strace: kill, or fail a system call, at its n-th occurrence. Own children may be traced by anybody: no privileges."""

import os
import re
import shutil
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from crashes.trial import LONGEST_RUN, Prepare, Trial, as_it_is, code_of

#: Seconds for a sender under strace: its own alarm comes first, so whoever takes longer hangs.
PATIENCE = 2.0 * LONGEST_RUN
CALL = re.compile(r"^\d+ +(\w+)\(")


def available() -> bool:
    """Whether strace is here and may trace."""
    return shutil.which("strace") is not None


def traced(
    trial: Trial,
    options: Sequence[str],
    *,
    out: str = "/dev/null",
    prepare: Prepare = as_it_is,
    patience: float = PATIENCE,
) -> int:
    """Run a sender under strace with these options, from its first act on; how it ended.

    Raises TimeoutError when that takes longer than `patience` (seconds); both are stopped then.
    """
    read, write = os.pipe()
    pid = trial.start(prepare, wait_for=read)
    command = ["strace", "-f", "-p", str(pid), "-o", out, *options]
    with (
        subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as strace,  # noqa: S603
        _ended_after(patience, strace.pid, pid),
    ):
        assert strace.stderr is not None
        said = strace.stderr.readline()
        os.write(write, b"!")
        os.close(write)
        os.close(read)
        code = code_of(pid)
        said += strace.stderr.read()
    if "attached" not in said:
        raise OSError(f"strace cannot trace a child here: {said.strip()}")
    return code


@contextmanager
def _ended_after(patience: float, *pids: int) -> Iterator[None]:
    """Kill these processes of ours, and say so, when the block takes longer than that many seconds."""
    late = threading.Event()

    def end() -> None:
        late.set()
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    timer = threading.Timer(patience, end)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()  # whoever forks next is alone
    if late.is_set():
        raise TimeoutError(
            f"A sender under strace did not end in {patience:g} seconds; both were stopped. Look whether this machine "
            "lets a child be traced (strace -f -p), or is too busy."
        )


def injected(trial: Trial, call: str, what: str, when: str) -> int:
    """Run with `what` (`signal=SIGKILL`, `error=ENOSPC`) done at the `when`-th occurrence of this call."""
    return traced(trial, ["-e", f"trace={call}", "-e", f"inject={call}:{what}:when={when}"])


def counted(trial: Trial, calls: Sequence[str]) -> Counter[str]:
    """How often an undisturbed sender makes each of these calls."""
    out = trial.folder / "calls.txt"
    traced(trial, ["-e", f"trace={','.join(calls)}"], out=str(out))
    return Counter(found[1] for line in out.read_text(errors="replace").splitlines() if (found := CALL.match(line)))


def lines_of(trial: Trial, calls: Sequence[str], prepare: Prepare) -> list[str]:
    """Every such call of an undisturbed sender, with all its bytes."""
    out = Path(trial.folder / "trace.txt")
    code = traced(trial, ["-y", "-xx", "-s", "200000", "-e", f"trace={','.join(calls)}"], out=str(out), prepare=prepare)
    assert code == 0, "the sender to be recorded did not come to its end"
    return out.read_text().splitlines()
