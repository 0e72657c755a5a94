"""What a subscriber, a delivery and an event cost on disk, and what the database's own work costs, at several sizes.

    python benchmarks/scale.py                       10,000 and 100,000 people
    python benchmarks/scale.py --million             and a million: some minutes, and 1 GB of temporary folder
    python benchmarks/scale.py --json                the same numbers for a program
    python benchmarks/scale.py --issues 8            more issues at each size (default 4)

Real SQLite in a temporary folder, filled by our own code: the people by an import with evidence of consent, each issue
by claims and receipts with an id of 36 characters for everybody, the events of one issue as webhooks bring them,
two for each person. Nothing is posted: that is dispatch.py. Bytes are what the file grew by, with its log emptied, so
they hold indexes and half-empty pages as well. Each size has a process of its own; *peak* is the most memory it had.
docs/scale.md says what follows from the numbers.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from loopback_provider import NOW
from sqlalchemy import Engine

from newsletter.database import engine_for, transaction
from newsletter.delivery import claims, ledger
from newsletter.delivery.events import take
from newsletter.desk.backup import back_up
from newsletter.issues.issue import Issue, IssueStatus
from newsletter.migrations import upgrade
from newsletter.providers.base import Alike, Outcome
from newsletter.providers.hooks import Event, Kind
from subscribers.transfer import NO_LIMITS, Terms, import_csv

CALL = 1_000  #: recipients in a call, and events in a transaction
IDS = [f"{number:08x}-0000-4000-8000-000000000000" for number in range(CALL)]
EVENTFUL = 100_000  #: people at most whose events are taken: the bytes of one do not depend on how many there are
TERMS = Terms("benchmark", "none", by="benchmark", consented=True)


@dataclass
class Meter:
    """The file's size, the clock and the processor, from one mark to the next."""

    engine: Engine
    folder: Path
    figures: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._mark()

    def size(self) -> int:
        """Bytes of the database with its log emptied."""
        with self.engine.connect() as connection:
            driver = connection.connection.driver_connection
            assert driver is not None
            driver.execute("pragma wal_checkpoint(truncate)")
        return (self.folder / "newsletter.db").stat().st_size

    def log(self) -> int:
        """Bytes of the write-ahead log now."""
        log = self.folder / "newsletter.db-wal"
        return log.stat().st_size if log.exists() else 0

    def per(self, name: str, number: int) -> None:
        """Keep what one of so many cost since the last mark: bytes, µs of processor, seconds in all."""
        took, cpu = time.perf_counter() - self._wall, time.process_time() - self._cpu
        self.figures[f"{name} bytes"] = (self.size() - self._size) / number
        self.figures[f"{name} cpu µs"] = 1e6 * cpu / number
        self.figures[f"{name} seconds"] = took
        self._mark()

    def _mark(self) -> None:
        self._size, self._wall, self._cpu = self.size(), time.perf_counter(), time.process_time()


def make(path: Path, people: int) -> None:
    """A file of this many different people, in no order."""
    stride = 611_953  # a prime
    with path.open("w", encoding="utf-8") as file:
        file.write("email,name\n")
        file.writelines(f"reader.{n:x}@mail{n % 997}.example.org,Ada Njeri\n" for n in _shuffled(people, stride))


def _shuffled(people: int, stride: int) -> Iterator[int]:
    return (number * stride % people for number in range(people))


def people_in(engine: Engine, path: Path) -> None:
    """The import, as `newsletter subscribers import` makes it."""
    with transaction(engine) as session, path.open("rb") as file:
        import_csv(session, file, TERMS, secret=b"s" * 32, now=NOW, limits=NO_LIMITS, dry_run=False)


def issue_out(meter: Meter, number: int) -> float:
    """One issue to everybody, nothing posted; the longest that the write-ahead log was."""
    with transaction(meter.engine) as session:
        session.add(_issue(number))
        session.flush()
        ledger.begin(session, number, "d", NOW)
    longest = 0
    while True:
        with transaction(meter.engine) as session:
            batch = claims.claim(session, number, CALL, NOW, "fake")
        if batch is None:
            return longest
        with transaction(meter.engine) as session:
            ids = IDS[: batch.size]
            ledger.record(session, batch, Alike([""] * batch.size, Outcome.ACCEPTED, provider_ids=ids), NOW)
        longest = max(longest, meter.log())


def _issue(number: int) -> Issue:
    return Issue(
        id=number,
        number=number,
        week=f"2026-W{number:02}",
        status=IssueStatus.SENDING,
        digest="d",
        newsletter="weekly",
        date=NOW.date(),
        created_at=NOW,
        updated_at=NOW,
    )


def events_in(engine: Engine, refs: Sequence[str]) -> int:
    """Accepted and delivered for each of these, one transaction for each thousand; how many that were."""
    events = [
        Event(kind, f"1-{ref}", f"event-{kind}-{ref}", NOW + timedelta(seconds=number // 900), kind, "250 OK queued")
        for kind in (Kind.ACCEPTED, Kind.DELIVERED)
        for number, ref in enumerate(refs)
    ]
    for at in range(0, len(events), CALL):
        with transaction(engine) as session:
            take(session, "fake", events[at : at + CALL], NOW)
    return len(events)


def measure(people: int, issues: int, folder: Path) -> dict[str, float]:
    """All of it at one size, in this process."""
    engine = engine_for(f"sqlite:///{folder}/newsletter.db")
    upgrade(engine)
    make(folder / "people.csv", people)
    meter = Meter(engine, folder)
    people_in(engine, folder / "people.csv")
    meter.per("person", people)
    longest = max(issue_out(meter, number) for number in range(1, issues + 1))
    meter.per("delivery", people * issues)
    with engine.connect() as connection:
        refs = connection.exec_driver_sql("select ref from subscriber order by id limit ?", (EVENTFUL,)).scalars().all()
    meter.per("event", events_in(engine, refs))
    size = meter.size()
    began = time.perf_counter()
    copy = back_up(engine, folder / "copies", NOW)
    took = time.perf_counter() - began
    engine.dispose()
    return {
        "people": people,
        "issues": issues,
        **meter.figures,
        "log MB": longest / 1e6,
        "file MB": size / 1e6,
        "copy MB": copy.size / 1e6,
        "copy seconds": took,
        "peak MB": peak(),
        "load": os.getloadavg()[0],
    }


def peak() -> float:
    """The most memory that this process ever had, in MB."""
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024


def apart(people: int, issues: int) -> dict[str, float]:
    """The same in a process of its own."""
    command = [sys.executable, __file__, "--one", str(people), "--issues", str(issues)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - ourselves
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def table(found: Sequence[dict[str, Any]]) -> None:
    """One line for a figure, one column for a size."""
    for name in found[0]:
        print(f"{name:20}" + "".join(f"{one[name]:14,.1f}" for one in found))


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--million", action="store_true", help="a million people as well")
    asked.add_argument("--issues", type=int, default=4)
    asked.add_argument("--json", action="store_true")
    asked.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = asked.parse_args()
    if options.one:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(measure(options.one, options.issues, Path(folder))))
        return
    sizes = [10_000, 100_000] + ([1_000_000] if options.million else [])
    found = [apart(people, options.issues) for people in sizes]
    print(json.dumps(found, indent=1)) if options.json else table(found)


if __name__ == "__main__":
    main()
