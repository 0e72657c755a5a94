"""How long an import and an export of N people take, and how much memory: `python benchmarks/transfer.py 1000000`.

Made-up addresses in random order, with name and status, into an empty SQLite database in a temporary folder; then the
same file again, then an export. Memory is the growth of the process's peak. A large file is read by a second process
(subscribers/ahead.py): its processor time is told as well, and its peak.
"""

import os
import re
import resource
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from sqlmodel import SQLModel

from newsletter.database import engine_for, reading, transaction
from newsletter.delivery.heap import settled_heap
from subscribers.transfer import NO_LIMITS, Terms, export_csv, import_csv

STRIDE = 611_953  #: a prime: everybody once, in no order
NOW = datetime(2026, 11, 12, 8, tzinfo=UTC)
TERMS = Terms("benchmark", "none", by="benchmark", consented=True)


def make(path: Path, number: int) -> None:
    """A file of this many different people."""
    with path.open("w", encoding="utf-8") as file:
        file.write("email,name,status,confirmed_at\n")
        file.writelines(
            f"Reader.{n:x}@mail{n % 997}.example.org,Näme {n},active,2026-0{1 + n % 9}-11\n"
            for n in (i * STRIDE % number for i in range(number))
        )


def peak() -> float:
    """The most memory this process ever had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def elsewhere() -> float:
    """Seconds of processor of the processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Reader:
    """The most memory that the other process had, in MB, looked up while it runs (Linux).

    What the system says of a process that has ended counts the memory of the one that began it as well.
    """

    most = 0.0

    def __call__(self, _rows: int) -> None:
        """Look again, as an import tells that it goes on."""
        for child in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
            found = re.search(r"VmHWM:\s*(\d+)", Path(f"/proc/{child}/status").read_text())
            self.most = max(self.most, int(found[1]) / 1024) if found else self.most


def main(number: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "people.csv"
        make(path, number)
        print(f"{number:,} people, {path.stat().st_size / 1e6:.0f} MB")
        engine = engine_for(f"sqlite:///{folder}/list.db")
        SQLModel.metadata.create_all(engine)
        for what, dry_run in (("dry run", True), ("import", False), ("import again", False)):
            before, began, spent, read, reader = peak(), time.perf_counter(), time.process_time(), elsewhere(), Reader()
            with settled_heap(), transaction(engine) as session, path.open("rb") as file:
                report = import_csv(
                    session,
                    file,
                    TERMS,
                    secret=b"s" * 32,
                    now=NOW,
                    limits=NO_LIMITS,
                    dry_run=dry_run,
                    progress=reader,
                )
            counted = {str(outcome): count for outcome, count in report.counts.items() if count}
            took, cpu = time.perf_counter() - began, time.process_time() - spent
            print(
                f"{what}: {took:.1f} s, CPU {cpu:.1f} s, +{peak() - before:.0f} MB, {counted}; the other process: "
                f"CPU {elsewhere() - read:.1f} s, {reader.most:.0f} MB",
                flush=True,
            )
        out = Path(folder) / "export.csv"
        before, began, spent = peak(), time.perf_counter(), time.process_time()
        with reading(engine) as session, out.open("w", encoding="utf-8", newline="") as file:
            export_csv(session, file)
        took, cpu, size = time.perf_counter() - began, time.process_time() - spent, out.stat().st_size / 1e6
        print(f"export: {took:.1f} s, CPU {cpu:.1f} s, +{peak() - before:.0f} MB, {size:.0f} MB")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
