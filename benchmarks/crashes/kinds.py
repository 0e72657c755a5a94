"""The kinds of fault. Each takes a campaign and yields one verdict per fault, for as long as it is asked."""

import os
import random
import resource
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

from sqlalchemy import event

from crashes import powercuts, tracing
from crashes.adapter import CAPABILITIES, LONGEST, Loopback
from crashes.checker import Verdict
from crashes.real import ADAPTERS
from crashes.trial import DONE, Trial, code_of
from newsletter.desk.desk import Desk

MakeTrial = Callable[..., Trial]
Faults = Iterator[tuple[int, Verdict]]  #: faults done, and what became of everybody

CALLS = ("fdatasync", "pwrite64", "sendto", "recvfrom", "connect")
OUTBOX_CALLS = ("fdatasync", "pwrite64", "rename", "fsync")
FULL_FOR, LONG = "{}..{}", 12  #: strace's words for the n-th to the m-th time
STATEMENTS, OCCURRENCES = 240, 20  #: a death falls before the so many-th statement, or occurrence of a system call
UNDISTURBED = 12  #: tries
MOST_STATEMENTS = 600  #: with commits: more than a small send has
SQL_EVENTS = ("before_cursor_execute", "after_cursor_execute", "commit")


@dataclass(frozen=True)
class Kind:
    """One row of the table."""

    name: str
    capabilities: tuple[str, ...]
    faults: Callable[[MakeTrial, str, random.Random], Faults]
    needs_strace: bool = False
    share: int = 1  #: of all faults


def at_any_instant(make: MakeTrial, capability: str, luck: random.Random) -> Faults:
    """SIGKILL at a random instant of a send to hundreds, and again at random instants of the restarts."""
    whole = _undisturbed(lambda: make(capability, size="crowd"))
    while True:
        trial, kills = make(capability, size="crowd"), 0
        for _ in range(luck.choice((1, 1, 2, 3))):
            pid = trial.start()
            time.sleep(luck.uniform(0, whole))
            os.kill(pid, signal.SIGKILL)
            kills += code_of(pid) == -signal.SIGKILL
        yield kills, trial.verdict()


def _undisturbed(make: Callable[[], Trial]) -> float:
    """How many seconds a send takes that nobody disturbs; it has to be clean, and to mail everybody.

    On a crowded machine somebody may be held without any fault: then it is tried once more.
    """
    for _ in range(UNDISTURBED):
        trial, began = make(), time.monotonic()
        verdict, mailed = trial.verdict(), trial.mailed().total()
        if verdict.clean and not verdict.held and mailed == trial.scene.people:
            return time.monotonic() - began
    raise AssertionError(f"an undisturbed send is not clean: {verdict}, {mailed} mailed, {trial.folder}")


def at_a_system_call(make: MakeTrial, capability: str, luck: random.Random) -> Faults:
    """SIGKILL at the n-th occurrence of a system call: the last thing that the process does."""
    calls = OUTBOX_CALLS if capability == "outbox" else CALLS
    yield from _injections(make, capability, luck, dict.fromkeys(calls, ("signal=SIGKILL", "{}")))


def lost_answers(make: MakeTrial, capability: str, luck: random.Random) -> Faults:
    """The connection is reset while the answer is read, or while the request is written."""
    what = {"recvfrom": ("error=ECONNRESET", "{}"), "sendto": ("error=ECONNRESET", "{}")}
    yield from _injections(make, capability, luck, what)


def full_disk(make: MakeTrial, capability: str, luck: random.Random) -> Faults:
    """From the n-th write on the disk is full, for a while; or it fails once to sync."""
    what = {"pwrite64": ("error=ENOSPC", FULL_FOR), "fdatasync": ("error=EIO", "{}")}
    yield from _injections(make, capability, luck, what)


def _injections(make: MakeTrial, capability: str, luck: random.Random, what: dict[str, tuple[str, str]]) -> Faults:
    """Every occurrence of every call in random order; then again."""
    count = tracing.counted(make(capability), list(what))
    points = [(call, n) for call in what for n in range(1, count[call] + 1)]
    while points:
        luck.shuffle(points)
        for call, n in points:
            trial = make(capability)
            fault, when = what[call]
            tracing.injected(trial, call, fault, when.format(n, n + LONG))
            yield 1, trial.verdict()


def at_a_statement(make: MakeTrial, capability: str, luck: random.Random) -> Faults:
    """The process dies by itself before or after the n-th SQL statement, or before the n-th commit."""
    total = MOST_STATEMENTS  # until a send that is through before its death has shown that there are fewer
    while True:
        for n in (one for one in luck.sample(range(1, total + 1), total) if one <= total):
            trial = make(capability)
            if code_of(trial.start(lambda desk, n=n: dies_at(desk, n))) == DONE:
                total = max(n - 1, 1)
                continue
            yield 1, trial.verdict()


def dies_at(desk: Desk, last: int) -> None:
    """Make the sender's process end at its n-th event."""
    seen = [0]

    def tick(*_: object) -> None:
        seen[0] += 1
        if seen[0] == last:
            os._exit(137)

    for name in SQL_EVENTS:
        event.listen(desk.engine, name, tick)


def bad_days(make: MakeTrial, capability: str, luck: random.Random) -> Faults:
    """Half of all calls meet a trouble at the provider, some people are refused, and the process is killed as well."""
    while True:
        trial = make(capability, size="crowd" if luck.random() < 0.3 else "few", dial=f"bad-{luck.randrange(10**9)}")
        _killed_soon(trial, luck)
        yield 1, trial.verdict()


def days_of(family: str) -> Callable[[MakeTrial, str, random.Random], Faults]:
    """Days of this family (days.py), on which the process is killed as well, once or twice, anywhere."""

    def faults(make: MakeTrial, capability: str, luck: random.Random) -> Faults:
        while True:
            trial = make(capability, size="some", dial=f"{family}-{luck.randrange(10**9)}")
            for _ in range(luck.choice((1, 1, 2))):
                luck.choice(DEATHS)(trial, luck)
            yield 1, trial.verdict()

    return faults


def _killed_soon(trial: Trial, luck: random.Random) -> None:
    """SIGKILL within half a second."""
    pid = trial.start()
    time.sleep(luck.uniform(0, 0.5))
    os.kill(pid, signal.SIGKILL)
    code_of(pid)


def _killed_at_a_statement(trial: Trial, luck: random.Random) -> None:
    last = luck.randrange(1, STATEMENTS)
    code_of(trial.start(lambda desk: dies_at(desk, last)))


def _killed_at_a_call(trial: Trial, luck: random.Random) -> None:
    """Between two pieces of a batch there is no statement, but there is the next request and its answer."""
    if not tracing.available():
        _killed_soon(trial, luck)
        return
    tracing.injected(trial, luck.choice(CALLS), "signal=SIGKILL", str(luck.randrange(1, OCCURRENCES)))


def file_limit(make: MakeTrial, capability: str, luck: random.Random) -> Faults:
    """No file may grow beyond a limit (RLIMIT_FSIZE): the disk is full, and needs no privileges."""
    largest = _largest_log(make(capability))
    while True:
        trial = make(capability)
        limit = luck.randrange(1, largest)
        pid = trial.start(lambda _, limit=limit: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
        yield int(code_of(pid) != DONE), trial.verdict()


def _largest_log(trial: Trial) -> int:
    """How large the write-ahead log of an undisturbed sender becomes: nobody is there to empty it after `_exit`."""
    code_of(trial.start())
    return trial.database.with_name("newsletter.db-wal").stat().st_size


def power_cuts(make: MakeTrial, capability: str, luck: random.Random) -> Faults:
    """A send is recorded once, and cut at random instants."""
    recorded = make(capability)
    done = powercuts.record(recorded)
    while True:
        trial = make(capability)
        files, posted = powercuts.cut(done, trial.scene.template, luck)
        powercuts.restore(trial, files)
        for body in posted:
            _post(trial, body)
        yield 1, trial.verdict()


def frozen(make: MakeTrial, capability: str, luck: random.Random) -> Faults:
    """SIGSTOP for longer than any request may take, as when a laptop sleeps or a machine is moved; then it wakes up."""
    whole = _undisturbed(lambda: make(capability, size="crowd"))
    while True:
        trial = make(capability, size="crowd", longest=LONGEST)
        pid = trial.start()
        time.sleep(luck.uniform(0, whole))
        os.kill(pid, signal.SIGSTOP)
        second = code_of(trial.start())  # somebody sees that nothing moves, and starts another
        time.sleep(2.5 * LONGEST.total_seconds())
        os.kill(pid, signal.SIGCONT)
        ended = code_of(pid)
        assert second != DONE or ended == DONE, "two senders at once"
        yield 1, trial.verdict()


def backups_put_back(make: MakeTrial, capability: str, luck: random.Random) -> Faults:
    """A copy of the database, taken in the middle of a send, is put back some time later."""
    whole = _undisturbed(lambda: make(capability, size="crowd"))
    while True:
        trial = make(capability, size="crowd")
        pid, first = trial.start(), luck.uniform(0, whole)
        time.sleep(first)
        copy = trial.backup()
        time.sleep(luck.uniform(0, whole - first))
        os.kill(pid, signal.SIGKILL)
        code_of(pid)
        powercuts.restore(trial, {"newsletter.db": copy, **trial.mark()})
        trial.database.chmod(0o600)
        code_of(trial.start())
        yield 1, trial.untouched() if trial.asks else trial.verdict()


def _post(trial: Trial, body: bytes) -> None:
    """The provider took this request before the power went."""
    assert isinstance(trial.provider, Loopback)
    connection = HTTPConnection("127.0.0.1", trial.provider.port)
    connection.request("POST", f"/{trial.provider.run}/{trial.provider.capability}/plain/send", body)
    connection.getresponse().read()
    connection.close()


DEATHS = (_killed_soon, _killed_at_a_statement, _killed_at_a_call)
EVERY = (*CAPABILITIES, *ADAPTERS)
ALL_OR_NONE = ("sendgrid", "mailgun", "brevo")  #: they take a call or do not
BY_PERSON = tuple(name for name in EVERY if name not in ALL_OR_NONE)
BY_CALL = tuple(name for name in EVERY if name != "smtp")  #: over SMTP a call is a message

KINDS = (
    Kind("killed at any instant", EVERY, at_any_instant, share=3),
    Kind("killed at a system call", (*EVERY, "outbox"), at_a_system_call, needs_strace=True, share=3),
    Kind("killed at a statement", EVERY, at_a_statement, share=3),
    Kind("lost answers", EVERY, lost_answers, needs_strace=True),
    Kind("bad days, and killed", EVERY, bad_days, share=2),
    Kind("in pieces, and killed", BY_CALL, days_of("pieces"), share=2),
    Kind("partial, and killed", BY_PERSON, days_of("partial"), share=2),
    Kind("throttled, and killed", EVERY, days_of("throttled")),
    Kind("disk full", CAPABILITIES, full_disk, needs_strace=True),
    Kind("files may not grow", CAPABILITIES, file_limit),
    Kind("frozen, and woken", EVERY, frozen),
    Kind("backup put back", CAPABILITIES, backups_put_back),
    Kind("power cut", CAPABILITIES, power_cuts, needs_strace=True, share=3),
)


def named(words: str) -> tuple[Kind, ...]:
    """The kinds whose names hold one of these words (comma between them); all for none."""
    found = tuple(kind for kind in KINDS if any(word.strip() in kind.name for word in words.split(",")))
    if not found:
        raise SystemExit(f"No kind is called like {words!r}. There are: {'; '.join(kind.name for kind in KINDS)}.")
    return found


def possible(kinds: tuple[Kind, ...], say: Callable[[str], None]) -> tuple[Kind, ...]:
    """Those that can be tried here."""
    if tracing.available():
        return kinds
    say("strace is not installed (apt-get install strace): " + "; ".join(k.name for k in kinds if k.needs_strace))
    return tuple(kind for kind in kinds if not kind.needs_strace)


def server_log(folder: Path, run: str) -> Path:
    """Where the provider writes down whom it mailed in this run."""
    return folder / f"{run}.log"
