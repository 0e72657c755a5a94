"""A year of weeks in minutes: `make year`, or `python benchmarks/year.py [--weeks 52] [--kills 200] [--seed S]`.

Everything is real but the clock and the provider: SQLite on disk, two schedulers as two processes at every tick, an
editor who is on time, late or absent, a source and a provider that are away for hours, both changes of the clock, and
processes that die by SIGKILL in the middle of a step, before or after any statement. Then the provider's own log is
compared with the ledger. Ends with 1 unless every week has one issue and nobody got one twice or not at all.
"""

import argparse
import fcntl
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import event
from sqlmodel import select

from jobs.slots import Run, newest_due
from jobs.ticking import send_due, tick
from newsletter.config import Config, Publication, Schedule, Selection, Sending, Sources, templates_folder
from newsletter.database import engine_for, transaction
from newsletter.delivery.batch import Batch, Delivery
from newsletter.desk import sending, writing
from newsletter.desk.desk import Desk
from newsletter.errors import NewsletterError
from newsletter.issues.issue import Issue, IssueStatus
from newsletter.mail.message import MessageBuilder
from newsletter.migrations import upgrade
from newsletter.providers.base import Answer, Capabilities, Outcome, OutgoingBatch, Receipt, all_alike
from subscribers.address import parse
from subscribers.consent import Evidence
from subscribers.subscriber import Subscriber, add, unsubscribe
from subscribers.tokens import Keys

SECRET = b"a secret for a simulated year, 32 b"
FIRST = datetime(2027, 1, 1, tzinfo=UTC)
PEOPLE, IN_ONE = 40, 10
SCHEDULE = Schedule(day="sunday", time="02:30", send_time="14:00", unapproved="send", missed="run")
ZONE = "Europe/Berlin"


@dataclass
class Year:
    """Where it takes place, and what has happened."""

    folder: Path
    luck: random.Random
    kills_left: int
    weeks_left: int
    now: datetime = FIRST
    counts: Counter[str] = field(default_factory=Counter)

    def desk(self) -> Desk:
        """A desk as a new process builds it."""
        publication = Publication(base_url="https://news.example.org", postal_address="1 Sample Street", zone=ZONE)
        config = Config(
            publication=publication,
            schedule=SCHEDULE,
            sources=Sources(collect=(str(self.folder / "feed.json"),)),
            selection=Selection(tool_rest_weeks=0),
            sending=Sending(batch=IN_ONE, in_flight=2, stop_file=self.folder / "stop"),
        )
        engine = engine_for(f"sqlite:///{self.folder / 'year.db'}")
        provider = Logged(self.folder / "mailed", self.folder / "provider-away")
        return Desk(config, engine, SECRET, Keys(SECRET), provider, templates_folder(), lambda: self.now)


@dataclass(frozen=True)
class Logged:
    """A provider that honours keys; its log on disk is the truth. While a file exists it is away."""

    log: Path
    away: Path

    @property
    def capabilities(self) -> Capabilities:
        """As an adapter says it."""
        return Capabilities("logged", batch_size=IN_ONE, remembers_keys_for=timedelta(days=30))

    def fits(self, _builder: MessageBuilder) -> int:
        """As many as it says."""
        return IN_ONE

    def send(self, batch: OutgoingBatch) -> Answer:
        """Mails what it has not mailed under this key."""
        if self.away.exists():
            return Answer(all_alike(batch, Outcome.RETRY, "no connection"))
        with self.log.open("a+") as log:
            fcntl.flock(log, fcntl.LOCK_EX)
            log.seek(0)
            if batch.key not in {line.split()[0] for line in log}:
                log.write(" ".join((batch.key, *(one.key for one in batch.recipients))) + "\n")
        return Answer(all_alike(batch, Outcome.ACCEPTED))

    def look_up(self, _batch_key: str, _delivery_keys: Sequence[str]) -> Sequence[Receipt]:
        """It answers none."""
        return ()


def in_a_process(year: Year, work: Callable[[Desk], object], *, dies_at: int | None = None) -> int:
    """Do this in a process of its own, which kills itself at this statement or call; its number."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        desk = year.desk()
        if dies_at is not None:
            _die(desk, dies_at, year.luck)
        work(desk)
        code = 0
    except NewsletterError as error:
        sys.stderr.write(f"{year.now:%Y-%m-%d %H:%M} {error}\n")
        code = 3
    finally:
        os._exit(code)


def _die(desk: Desk, at: int, luck: random.Random) -> None:
    """SIGKILL at the so-maniest statement or commit of this process, before it or after it."""
    left, after = [at], luck.random() < 0.5

    def count(*_: object) -> None:
        left[0] -= 1
        if left[0] <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(desk.engine, "after_cursor_execute" if after else "before_cursor_execute", count)
    event.listen(desk.engine, "commit", count)


def both(year: Year) -> None:
    """One tick of two schedulers at the same moment; some of them die on the way."""
    children, share = [], year.kills_left / (6 * year.weeks_left)
    for _ in range(2):
        dies = year.kills_left > 0 and year.luck.random() < share
        children.append(in_a_process(year, _work, dies_at=year.luck.randint(1, 120) if dies else None))
    for child in children:
        _, status = os.waitpid(child, 0)
        year.counts["ticks"] += 1
        if os.WIFSIGNALED(status):
            year.counts["killed"] += 1
            year.kills_left -= 1
        elif os.waitstatus_to_exitcode(status) == 1:
            year.counts["crashed"] += 1


def _work(desk: Desk) -> None:
    tick(desk)
    waits: list[float] = []  # one ends this process's sending: the next tick goes on
    send_due(desk, stop=lambda: bool(waits), pause=waits.append)


def week(year: Year, number: int) -> None:
    """From before the slot until its issue is over, in steps of some minutes; people come, go, decide and fail."""
    zone = year.desk().config.publication.tz
    slot = newest_due(SCHEDULE.day, SCHEDULE.time, zone, FIRST + timedelta(days=10 + 7 * number))
    year.now = slot.astimezone(UTC) - timedelta(minutes=year.luck.randint(1, 40))
    _publish(year, number)
    _come_and_go(year, number)
    if number == 0:
        both(year)  # the first start of all
    trouble = year.luck.choice(["none", "none", "source", "provider", "down", "down for long"])
    editor = year.luck.choice(["in time", "in time", "absent", "late"])
    year.counts[f"trouble: {trouble}"] += 1
    year.counts[f"editor {editor}"] += 1
    if trouble.startswith("down"):
        year.now += timedelta(hours=year.luck.randint(2, 9) if trouble == "down" else year.luck.randint(13, 40))
    feed, away = year.folder / "feed.json", year.folder / "provider-away"
    hidden = feed.with_suffix(".away")
    if trouble == "source":
        feed.rename(hidden)
    for moment in range(400):
        if trouble == "source" and moment == 6:
            hidden.rename(feed)
        if trouble == "provider":
            away.touch() if moment < 20 else away.unlink(missing_ok=True)
        both(year)
        _edit(year, editor, moment)
        if _over(year, number):
            return
        year.now += timedelta(minutes=year.luck.randint(5, 25) if moment < 6 else year.luck.randint(20, 70))
    year.counts["weeks that did not end"] += 1


def _publish(year: Year, number: int) -> None:
    """Four new comparisons a week."""
    tool = {"category": "Models", "tagline": "Does it", "panel": {"ship": 3, "skip": 1}}
    entries = [
        {
            "published": (year.now - timedelta(days=1)).isoformat(),
            "tools": [{"slug": f"w{number}-{n}{side}", "name": f"Tool {number} {n}{side}", **tool} for side in "ab"],
        }
        for n in range(4)
    ]
    (year.folder / "feed.json").write_text(json.dumps({"format": "weekly-verdicts-feed/1", "comparisons": entries}))


def _come_and_go(year: Year, number: int) -> None:
    desk = year.desk()
    with desk.transaction() as session:
        for n in range(PEOPLE if number == 0 else 2):
            address = parse(f"w{number}-{n}@example.org")
            add(session, address, Evidence("/subscribe", "1"), secret=SECRET, now=year.now, confirmed=True)
        if number:
            active = session.exec(select(Subscriber).where(Subscriber.status == "active")).all()
            unsubscribe(session, year.luck.choice(active), Evidence("/u"), year.now)
    desk.engine.dispose()


def _edit(year: Year, editor: str, moment: int) -> None:
    """An editor who comes some ticks after the draft; the late one comes after its time, and then names another.

    The absent one comes a day late, for what the settings leave to a person.
    """
    if moment < (40 if editor == "absent" else 3):
        return
    desk = year.desk()
    with desk.transaction() as session:
        found = session.exec(select(Issue).where(Issue.status.in_(("draft", "approved")))).all()  # type: ignore[attr-defined]
    for issue in found:
        late = year.now.astimezone(desk.config.publication.tz).hour >= 14
        if issue.status is IssueStatus.DRAFT and (editor != "late" or late):
            writing.approve(desk, str(issue.number), by="the editor")
        elif issue.status is IssueStatus.APPROVED and (late or moment > 40):
            sending.schedule(desk, str(issue.number), at=year.now + timedelta(hours=1), by="the editor")
    desk.engine.dispose()


def _over(year: Year, number: int) -> bool:
    desk = year.desk()
    with desk.transaction() as session:
        done = session.exec(select(Issue.status)).all()
    desk.engine.dispose()
    return len(done) == number + 1 and all(status in ("sent", "partial", "cancelled") for status in done)


def judge(year: Year, weeks: int) -> list[str]:
    """What the log says against the ledger: sentences on what is wrong."""
    mailed = Counter(key for line in (year.folder / "mailed").read_text().splitlines() for key in line.split()[1:])
    with transaction(year.desk().engine) as session:
        issues = session.exec(select(Issue)).all()
        claimed = len(session.exec(select(Delivery)).all())
        batches = session.exec(select(Batch)).all()
        slots = [run.slot for run in session.exec(select(Run)).all()]
    accepted = sum(batch.size - batch.refused - batch.unknown - batch.left for batch in batches)
    sent = [issue for issue in issues if issue.status is IssueStatus.SENT]
    year.counts |= Counter(mails=sum(mailed.values()), deliveries=claimed, slots=len(slots), issues=len(sent))
    wrong = {
        "weeks without a sent issue": weeks - len({issue.week for issue in sent}),
        "weeks with two": len(sent) - len({issue.week for issue in sent}),
        "slots missing": weeks - len(set(slots)),
        "mails twice": sum(number - 1 for number in mailed.values()),
        "people lost": claimed - len(mailed),
        "accepted and not mailed": accepted - len(mailed),
        "weeks that did not end": year.counts["weeks that did not end"],
        "processes that failed by an error of ours": year.counts["crashed"],
    }
    return [f"{what}: {number}" for what, number in wrong.items() if number]


def main() -> int:
    """Simulate, judge, print."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--weeks", type=int, default=52)
    options.add_argument("--kills", type=int, default=200)
    options.add_argument("--seed", type=int, default=int(time.time()))
    told = options.parse_args()
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        year = Year(Path(folder), random.Random(told.seed), told.kills, told.weeks)
        engine = year.desk().engine
        upgrade(engine)
        engine.dispose()
        print(f"seed {told.seed}")
        for number in range(told.weeks):
            week(year, number)
            year.weeks_left = max(1, year.weeks_left - 1)
            print(f"\r{number + 1} of {told.weeks} weeks, {year.counts['killed']} killed", end="", flush=True)
        wrong = judge(year, told.weeks)
    counts = ", ".join(f"{number} {what}" for what, number in sorted(year.counts.items()))
    print(f"\n{counts}; {time.perf_counter() - began:.0f} s")
    print(
        "\n".join(wrong)
        or f"{told.weeks} slots, {told.weeks} issues, none twice, none missing; nobody twice, nobody lost."
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
