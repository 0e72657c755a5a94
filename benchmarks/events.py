"""How many of a provider's events a second are taken, and that their order and number do not matter.

    python benchmarks/events.py             100,000 events of 50,000 people, in requests of 1000
    python benchmarks/events.py --size 1    in requests of one, as most providers send them

Real SQLite with FULL durability in a temporary folder; one transaction for each request. Beside it, in the same run:
the same rows written by one plain insert for each request, which is what nobody can do without. Everything is then
taken again, doubled and shuffled, on another database, and both must hold the same.
"""

import argparse
import random
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from loopback_provider import NOW, database
from sqlalchemy import Engine

from newsletter.database import engine_for, transaction
from newsletter.delivery import claims, ledger
from newsletter.delivery.events import take
from newsletter.providers.base import Alike, Outcome
from newsletter.providers.hooks import Event, Kind

#: What comes after an issue, in a hundred: everybody is accepted, and then …
THEN = (
    [Kind.DELIVERED] * 93
    + [Kind.HARD_BOUNCED] * 2
    + [Kind.SOFT_BOUNCED, Kind.COMPLAINED, Kind.UNSUBSCRIBED, Kind.DROPPED, Kind.UNKNOWN]
)
COLUMNS = ("provider", "event_id", "kind", "word", "issue_id", "subscriber_id", "at", "received_at", "reason")
INSERT = f"insert into provider_event ({', '.join(COLUMNS)}) values ({', '.join('?' * len(COLUMNS))})"  # noqa: S608
TABLES = {
    "provider_event": "provider, event_id, kind, word, issue_id, subscriber_id, at, received_at, reason",
    "delivery_state": "*",
    "suppression": "*",
    "consent_event": "subscriber_id, kind, status, at, source",
    "subscriber": "*",
    "delivery_exception": "*",
    "batch": "*",
}


def accepted(folder: Path, people: int, *, doubted: bool) -> tuple[Engine, list[str]]:
    """A database whose issue 1 everybody was sent, or may have been; and the refs of its people."""
    engine = database(folder, people)
    with transaction(engine) as session:
        while batch := claims.claim(session, 1, 1000, NOW, "fake"):
            keys = [""] * batch.size
            ledger.record(session, batch, Alike(keys, Outcome.UNKNOWN if doubted else Outcome.ACCEPTED), NOW)
    with sqlite3.connect(folder / "newsletter.db") as connection:
        refs = [ref for (ref,) in connection.execute("select ref from subscriber order by id")]
    return engine, refs


def story(refs: Sequence[str], luck: random.Random) -> list[Event]:
    """Two events for each: accepted, and how it ended."""
    ended = [luck.choice(THEN) for _ in refs]
    both = [(Kind.ACCEPTED, ref) for ref in refs] + list(zip(ended, refs, strict=True))
    return [
        Event(kind, f"1-{ref}", f"event-{number:024}", NOW + timedelta(seconds=number // 900), kind, "250 OK queued")
        for number, (kind, ref) in enumerate(both)
    ]


def requests(events: Sequence[Event], size: int) -> Iterable[Sequence[Event]]:
    """As they come in."""
    return (events[at : at + size] for at in range(0, len(events), size))


@dataclass
class Spent:
    """Seconds on the clock and of the processor: the second does not mind who else is at work."""

    wall: float = field(default_factory=time.perf_counter)
    cpu: float = field(default_factory=time.process_time)

    def since(self) -> "Spent":
        """What it took from then to now."""
        return Spent(time.perf_counter() - self.wall, time.process_time() - self.cpu)

    def line(self, name: str, events: int, plain: float) -> str:
        """As it is printed."""
        rates = f"{events / self.wall:10,.0f} events/s {1e6 * self.cpu / events:8,.0f} µs of processor for each"
        return f"  {name:20}{rates} {self.cpu / events / plain:6.1f} × plain"


def taking(engine: Engine, events: Sequence[Event], size: int) -> Spent:
    """All of them, one transaction for each request."""
    began = Spent()
    for some in requests(events, size):
        with transaction(engine) as session:
            take(session, "fake", some, NOW)
    return began.since()


def inserting(folder: Path, events: Sequence[Event], size: int) -> Spent:
    """The same rows, and nothing else, as fast as the standard library writes them."""
    connection = sqlite3.connect(folder / "newsletter.db", isolation_level=None)
    connection.execute("pragma synchronous = full")
    began = Spent()
    for some in requests(events, size):
        connection.execute("begin immediate")
        rows = [
            ("fake", e.event_id, e.kind.value, e.word, 1, number, e.at.isoformat(" "), NOW.isoformat(" "), e.reason)
            for number, e in enumerate(some)
        ]
        connection.executemany(INSERT, rows)
        connection.execute("commit")
    took = began.since()
    connection.close()
    return took


def everything(folder: Path) -> dict[str, list[tuple[object, ...]]]:
    """What a database holds, without the numbers that rows were given as they came."""
    with sqlite3.connect(folder / "newsletter.db") as connection:
        return {
            name: sorted(connection.execute(f"select {columns} from {name}"), key=repr)  # noqa: S608
            for name, columns in TABLES.items()
        }


def copy_of(folder: Path, into: Path) -> Engine:
    """The same database once more."""
    into.mkdir()
    with sqlite3.connect(folder / "newsletter.db") as here, sqlite3.connect(into / "newsletter.db") as there:
        here.backup(there)
    return engine_for(f"sqlite:///{into}/newsletter.db")


def measure(people: int, size: int, *, doubted: bool) -> None:
    """Plain, then taken, then doubled and shuffled; the last two must end alike."""
    luck = random.Random(12)
    with tempfile.TemporaryDirectory() as name:
        first, plain, again = Path(name) / "first", Path(name) / "plain", Path(name) / "again"
        first.mkdir()
        engine, refs = accepted(first, people, doubted=doubted)
        events = story(refs, luck)
        copy_of(first, plain).dispose()
        other = copy_of(first, again)
        floor = inserting(plain, events, size)
        took = taking(engine, events, size)
        doubled = [*events, *events]
        luck.shuffle(doubled)
        twice = taking(other, doubled, size)
        engine.dispose()
        other.dispose()
        one, two = everything(first), everything(again)
        assert one == two, "the order of events changed what is known"
        said = Counter(row[2] for row in one["delivery_state"])
    what = "of a batch in doubt" if doubted else "of accepted batches"
    number = len(events)
    print(f"{number:,} events {what}, {size:,} in a request:")
    print(floor.line("plain insert", number, floor.cpu / number))
    print(took.line("taken", number, floor.cpu / number))
    print(twice.line("doubled, shuffled", 2 * number, floor.cpu / number))
    print(f"  {dict(said)}, {len(one['suppression'])} suppressed")


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--people", type=int, default=50_000)
    options.add_argument("--size", type=int, default=1000)
    given = options.parse_args()
    for in_doubt in (False, True):
        measure(given.people, given.size, doubted=in_doubt)
