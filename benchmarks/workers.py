"""How much faster several workers send one issue on one PostgreSQL server, and what is left when some are killed.

    python benchmarks/workers.py                       20,000 people with 1, 2 and 4 workers
    python benchmarks/workers.py --people 1000000      as many as wanted
    python benchmarks/workers.py --kill 2              and then: two of four are killed in the middle

A real server on a socket (fsync on), the sink of sink.py, which takes 50 ms for a call and honours keys, and each
worker a process of its own: the dispatcher, its claims and its locks as `newsletter worker` uses them.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from loopback_provider import LoopbackProvider, addressing, database, issue_of
from postgres_server import Server, programs
from sink import Sink, sink
from sqlalchemy import Engine, text

from newsletter.database import engine_for
from newsletter.delivery.dispatch import Dispatcher
from newsletter.delivery.lock import dispatching
from newsletter.desk.moving import move
from newsletter.mail.message import MessageBuilder
from newsletter.migrations import upgrade_in
from newsletter.providers.base import Capabilities
from newsletter.providers.lean import LeanPoster
from newsletter.providers.poster import Limits

#: After this no call of the sink can be under way. A worker's death is waited for twice as long: recovery.py.
LONGEST = timedelta(seconds=4)
#: No disk of other sizes than the tests' server, but what it commits is kept.
SETTINGS = ("shared_buffers=256MB", "max_connections=40", "max_wal_size=2GB", "listen_addresses=")
AFRESH = """
    truncate batch, delivery, delivery_exception, resolution, worker, pace;
    update sending set cursor = 0, pending = 0, paused = 0, unsubscribed = 0, suppressed = 0, finished_at = null,
                       lineage = null, not_after = '2100-01-01';
    update issue set status = 'sending'
"""


@dataclass
class SlowProvider(LoopbackProvider):
    """The sink as a provider of which it is known how long a call may take."""

    @property
    def capabilities(self) -> Capabilities:
        """A call is over after four seconds."""
        return replace(super().capabilities, longest_request=LONGEST)


def work(url: str, where: str, batch: int, in_flight: int) -> None:
    """Be a worker: say "ready", wait for a line, share issue 1, say how it ended."""
    engine, builder = engine_for(url), MessageBuilder(issue_of(60), date=datetime.now(UTC))
    provider = SlowProvider(builder, "a", LeanPoster(Limits()), where)
    clock = lambda: datetime.now(UTC)  # noqa: E731
    whole = Dispatcher(engine, provider, builder, addressing(), batch, clock, in_flight=in_flight)
    with engine.connect():
        print("ready", flush=True)
    sys.stdin.readline()
    spent = time.process_time()
    with dispatching(engine, clock()) as (alone, crew):
        ending, why = replace(whole, alone=alone, crew=crew).run(1)
    engine.dispose()
    print(json.dumps({"ending": ending, "why": why, "cpu": time.process_time() - spent}), flush=True)


@dataclass
class Result:
    """What came of one run."""

    seconds: float  #: from the start to the end of the last worker
    cpu: float  #: of the workers that lived, in seconds
    after_kill: float  #: from the kill to the end of the last worker, in seconds; 0: nobody was killed


def workers(number: int, url: str, where: Sink, batch: int, in_flight: int) -> list[subprocess.Popen[str]]:
    """So many, ready to begin."""
    command = [sys.executable, __file__, "--work", url, where.url("/slow"), str(batch), str(in_flight)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    made = [subprocess.Popen(command, text=True, **pipes) for _ in range(number)]  # type: ignore[call-overload] # noqa: S603
    for one in made:
        assert one.stdout.readline() == "ready\n"
    return made


def run(
    number: int, engine: Engine, where: Sink, *, batch: int, in_flight: int, kill: int = 0, when: int = 0
) -> Result:
    """Send to everybody with so many workers; when the sink has `when` people, `kill` of the workers are killed."""
    where.reset()
    with engine.begin() as connection:
        connection.execute(text(AFRESH))
    url = engine.url.render_as_string(hide_password=False)
    engine.dispose()
    made = workers(number, url, where, batch, in_flight)
    began, killed_at = time.perf_counter(), 0.0
    for one in made:
        one.stdin.write("go\n")
        one.stdin.flush()
    if kill:
        while where.stats()["distinct"] < when:
            time.sleep(0.01)
        killed_at = time.perf_counter()
        for one in made[:kill]:
            os.kill(one.pid, signal.SIGKILL)
    said = [one.communicate()[0] for one in made][kill:]
    ended = time.perf_counter()
    found = [json.loads(line) for line in said]
    assert all(one["ending"] == "done" for one in found), found
    return Result(ended - began, sum(one["cpu"] for one in found), ended - killed_at if kill else 0.0)


def audit(engine: Engine, where: Sink, people: int) -> tuple[int, int, int]:
    """Lost, doubled, unknown: by the sink's own count, and by the ledger."""
    with engine.connect() as connection:
        query = "select coalesce(sum(size), 0) from batch where status = 'accepted'"
        accepted = connection.execute(text(query)).scalar_one()
        unknown = connection.execute(text("select count(*) from batch where status <> 'accepted'")).scalar_one()
    engine.dispose()
    stats = where.stats()
    assert accepted == people or unknown, f"the ledger says {accepted}"
    return people - stats["distinct"], stats["keys"] - stats["distinct"], unknown


@contextmanager
def filled(people: int) -> Iterator[Engine]:
    """A server with so many people on the list and issue 1 on its way; moved there from a SQLite file."""
    found = programs()
    if found is None:
        raise SystemExit("There is no PostgreSQL server here: apt-get install postgresql")
    server = Server(found, SETTINGS).start()
    engine = engine_for(server.url())
    try:
        with tempfile.TemporaryDirectory() as folder:
            source = database(Path(folder), people)
            began = time.perf_counter()
            moved = sum(one.rows for one in move(source, engine, upgrade_in))
            print(f"moved {moved:,} rows from SQLite, proved, in {time.perf_counter() - began:.1f} s", flush=True)
            source.dispose()
        yield engine
    finally:
        engine.dispose()
        server.remove()


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    asked.add_argument("--people", type=int, default=20_000)
    asked.add_argument("--workers", type=int, nargs="*", default=[1, 2, 4])
    asked.add_argument("--in-flight", type=int, default=1, help="calls at once, of each worker")
    asked.add_argument("--batch", type=int, default=1000)
    asked.add_argument("--kill", type=int, default=0, help="so many of four in the middle, as a last run")
    asked.add_argument("--json", action="store_true", help="one line of JSON for the last run")
    asked.add_argument("--work", nargs=4, help=argparse.SUPPRESS)
    options = asked.parse_args()
    if options.work:
        url, where, batch, in_flight = options.work
        work(url, where, int(batch), int(in_flight))
        return
    with sink() as where, filled(options.people) as engine:
        table(engine, where, options)


def table(engine: Engine, where: Sink, options: argparse.Namespace) -> None:
    """All of it."""
    each = {"batch": options.batch, "in_flight": options.in_flight}
    print(
        f"{options.people:,} people, {options.batch:,} in a call, {options.in_flight} calls at once of each worker, "
        f"50 ms a call; {len(os.sched_getaffinity(0))} cores for workers, server and sink; load "
        f"{os.getloadavg()[0]:.1f}\n"
    )
    print(f"{'workers':>8} {'seconds':>8} {'people/s':>9} {'CPU s':>7} {'ratio':>6} {'lost':>5} {'doubled':>8}")
    first = 0.0
    for number in options.workers:
        made = run(number, engine, where, **each)
        lost, doubled, _ = audit(engine, where, options.people)
        first = first or made.seconds
        rate = options.people / made.seconds
        print(
            f"{number:8} {made.seconds:8.1f} {rate:9,.0f} {made.cpu:7.1f} {first / made.seconds:6.2f} "
            f"{lost:5} {doubled:8}",
            flush=True,
        )
    if options.kill:
        made = run(4, engine, where, **each, kill=options.kill, when=options.people // 3)
        lost, doubled, unknown = audit(engine, where, options.people)
        print(
            f"\n{options.kill} of 4 killed at a third: done {made.after_kill:.1f} s after the kill, lost {lost}, "
            f"doubled {doubled}, unknown batches {unknown} "
            f"(a dead worker's calls are waited for {2 * LONGEST.seconds} s)"
        )
        if options.json:
            print(json.dumps({"lost": lost, "doubled": doubled, "unknown": unknown, "after_kill": made.after_kill}))


if __name__ == "__main__":
    main()
