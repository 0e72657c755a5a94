"""What pages, searches and counts of a long list cost: `python benchmarks/lists.py 1000000`.

Made-up people are imported into an empty SQLite database in a temporary folder, as benchmarks/transfer.py does; then
each query of a listing is asked as the commands ask it, in a transaction that only reads. The smallest of five, wall
time and this process's processor time: on a crowded machine only the second says much. `--check` fails where one takes
more than 100 ms of both (a search uses two processors).
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlmodel import Session
from transfer import NOW, TERMS, make

from newsletter.database import engine_for, reading, transaction
from newsletter.migrations import upgrade
from subscribers import subscriber as people
from subscribers.searching import search
from subscribers.subscriber import Status
from subscribers.suppression import suppressed_counts, suppressions
from subscribers.transfer import NO_LIMITS, import_csv

MOST = 0.1  #: seconds

Query = Callable[[Session, Session], Any]


def queries(number: int) -> dict[str, Query]:
    """Every query of a listing, by what is asked."""
    return {
        "the first page": lambda session, _: people.page(session, 0, 50),
        "a page in the middle": lambda session, _: people.page(session, number // 2, 50),
        "a page of one status": lambda session, _: people.page(session, 0, 50, Status.ACTIVE),
        "a page of a status of nobody": lambda session, _: people.page(session, 0, 50, Status.PAUSED),
        "how many of each status": lambda session, _: people.counts(session),
        "one address": lambda session, _: people.find(session, "reader.1@mail1.example.org"),
        "addresses that begin so": lambda session, _: people.beginning(session, "reader.1f"),
        "search: many have it": lambda session, beside: search(session, "reader", beside),
        "search: one address has it": lambda session, beside: search(session, "reader.1@", beside),
        "search: some names have it": lambda session, beside: search(session, "näme 1234", beside),
        "search: nobody has it": lambda session, beside: search(session, "nobody at all", beside),
        "a page of suppressions": lambda session, _: suppressions(session, limit=50),
        "how many are suppressed": lambda session, _: suppressed_counts(session),
    }


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("people", type=int, nargs="?", default=100_000)
    asked.add_argument("--check", action="store_true", help="exit code 1 where a query takes more than 100 ms")
    options = asked.parse_args()
    slow = []
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder) / "people.csv", options.people)
        engine = engine_for(f"sqlite:///{folder}/list.db")
        upgrade(engine)
        with transaction(engine) as session, (Path(folder) / "people.csv").open("rb") as file:
            import_csv(session, file, TERMS, secret=b"s" * 32, now=NOW, limits=NO_LIMITS)
        for name, query in queries(options.people).items():
            wall, spent = [], []
            for _ in range(5):
                with reading(engine) as session, reading(engine) as beside:
                    began, cpu = time.perf_counter(), time.process_time()
                    query(session, beside)
                    wall.append(time.perf_counter() - began)
                    spent.append(time.process_time() - cpu)
            print(f"{name:30} {1000 * min(wall):8.1f} ms, CPU {1000 * min(spent):8.1f} ms", flush=True)
            slow += [name] if min(*wall, *spent) > MOST else []
        engine.dispose()
    sys.exit(1 if slow and options.check else 0)


if __name__ == "__main__":
    main()
