"""What it costs to lay the waves of an issue where some of its readers chose what they get, and to send by them.

    python benchmarks/laying.py                      100,000 people
    python benchmarks/laying.py 1000000              a million: some minutes, and 1 GB of temporary folder
    python benchmarks/laying.py 1000000 --zones      the same by the readers' own time, in 100 time zones

Real SQLite in a temporary folder, the people by an import. One in ten chose: one of eight parts, or what the issue has
nothing of. *all alike* is the look at a list that nobody chose on; *lay* is done once, in one transaction, in which
nobody can leave; *send* is claims and receipts of 1,000 people each; *end* closes the ledger, and takes the places in
waves away that are needed no more. Nothing is posted. docs/scale.md has the numbers.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from loopback_provider import NOW
from scale import make, people_in
from sqlalchemy import Engine, false, text

from newsletter.database import engine_for, transaction
from newsletter.delivery import ledger, waves
from newsletter.delivery.batch import Sending
from newsletter.delivery.progress import finish, progress
from newsletter.delivery.wave_claims import claim_next
from newsletter.issues.issue import Issue, IssueStatus
from newsletter.migrations import upgrade
from newsletter.providers.base import Alike, Outcome
from subscribers.choice import Choice

CALL = 1_000
CHOOSE = """update subscriber set topics = 't' || (id / 10 % 9) where id % 10 = 0"""
ZONES = """update subscriber set zone = 'Zone/' || (id % 100)"""


def part(choice: Choice, _: bool) -> str | None:
    """The part of that name; nothing for the ninth."""
    return None if choice.text == "t8" else choice.text


@contextmanager
def told(what: str, people: int) -> Iterator[None]:
    """Say what this took."""
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    spent, used = time.perf_counter() - wall, time.process_time() - cpu
    print(
        f"{what:<12}{spent:>9.2f} s wall {used:>9.2f} s processor {1e6 * used / people:>9.2f} µs a person", flush=True
    )


def begun(engine: Engine) -> None:
    """An issue whose ledger is open."""
    common = {"newsletter": "weekly", "date": NOW.date(), "created_at": NOW, "updated_at": NOW}
    with transaction(engine) as session:
        session.add(Issue(id=1, number=1, week="2026-W47", status=IssueStatus.SENDING, digest="d", **common))
        session.flush()
        ledger.begin(session, 1, "d", NOW)


def sent(engine: Engine) -> None:
    """Everybody, by claims and receipts."""
    while True:
        with transaction(engine) as session:
            batch = claim_next(session, 1, lambda _: CALL, NOW, "fake")
            if batch is None:
                return
            ledger.record(session, batch, Alike([""] * batch.size, Outcome.ACCEPTED), NOW)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("people", type=int, nargs="?", default=100_000)
    parser.add_argument("--zones", action="store_true", help="by the readers' own time")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="laying-") as name:
        folder, engine = Path(name), engine_for(f"sqlite:///{name}/newsletter.db")
        upgrade(engine)
        make(folder / "people.csv", options.people)
        people_in(engine, folder / "people.csv")
        begun(engine)
        with told("all alike", options.people), transaction(engine) as session:
            assert len(waves.choices(session, options.people, false())) == 1
        with transaction(engine) as session:
            session.execute(text(CHOOSE))
            session.execute(text(ZONES if options.zones else "select 1"))
        with told("lay", options.people), transaction(engine) as session:
            waves.lay(session, session.get_one(Sending, 1), waves.Places(lambda _: (NOW, 0), part), NOW)
        with told("send", options.people):
            sent(engine)
        with told("end", options.people), transaction(engine) as session:
            finish(session, 1, NOW)
        with transaction(engine) as session:
            state, laid = progress(session, 1), len(waves.waves_of(session, 1))
        assert state is not None
        print(f"{laid} waves; accepted {state.accepted:,}, unchosen {state.skipped['unchosen']:,}, {state.adds_up=}")


if __name__ == "__main__":
    main()
