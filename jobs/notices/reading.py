"""Reading what the rules of telling look at, from the database and the disk.

Everything is read in sessions of its own that hold nobody up: the numbers of a large list take a second.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from sqlalchemy import exists, func
from sqlmodel import Session, col, select

from jobs.housekeeping import JOB as NIGHTLY
from jobs.notices.facts import Certificate, Facts, Post, Rates, Slot, Watched
from jobs.notices.sending import BOUNCES, LEAST, LEFT
from jobs.running import slot_of
from jobs.slots import Run, RunStatus, name_of, newest_due, newest_run, runs
from jobs.ticking import JOB as WEEKLY
from newsletter.config import Config, ProviderChoice
from newsletter.delivery.batch import Batch, Sending
from newsletter.delivery.event_tables import ProviderEvent
from newsletter.delivery.events import counts, unreadable
from newsletter.delivery.ledger import in_doubt
from newsletter.delivery.poll_table import LastPoll
from newsletter.delivery.progress import progress
from newsletter.delivery.waits import ProviderWait
from newsletter.delivery.waves import next_opening
from newsletter.desk.backup import NAME
from newsletter.desk.desk import Desk
from newsletter.desk.tellings import in_trouble
from newsletter.issues.issue import Issue, steps_of
from newsletter.providers.hooks import Kind
from subscribers.consent import ConsentEvent
from subscribers.consent import Kind as Consent
from subscribers.subscriber import Status, Subscriber
from subscribers.subscriber import counts as people_counts

#: Issues whose numbers are looked at: those that began so long ago at most, and the ones before, to compare with.
WATCHED, COMPARED = timedelta(days=10), 5
#: Two deliveries of one message that are further apart are two messages; the same one is reported within seconds.
APART = timedelta(minutes=1)


def facts(desk: Desk, certificate: Certificate | None = None) -> Facts:
    """Look at everything. `certificate` is that of our own pages, where somebody has asked for it (certificates.py)."""
    config, now = desk.config, desk.clock()
    with desk.reading() as session:
        slot, night = _slot(desk, session), _night(session)
        kept_since = session.exec(select(func.min(Run.started_at)).where(Run.job == NIGHTLY)).one()
        waits = session.exec(select(func.max(ProviderWait.until))).one()
        polls = tuple((one.provider, one.last_success, one.last_error) for one in _troubled(session))
        people = tuple((str(status), count) for status, count in people_counts(session).items())
        unread = tuple(sorted(unreadable(session, now - timedelta(days=1)).items()))
        untold = tuple((one.way, one.trouble) for one in in_trouble(session))
    found, database = _issues(desk), _file(desk)
    watched = tuple(_watched(desk, issue) for issue in found if _is_watched(desk, issue, now))
    before = [issue for issue in found if not _is_watched(desk, issue, now)][:COMPARED]
    return Facts(
        now=now,
        config=config,
        slot=slot,
        issues=watched,
        usual=_usual(desk, before) if any(one.post and _is_much(one.post.rates) for one in watched) else None,
        waits_until=waits,
        polls=polls,
        kept_since=kept_since,
        night=night,
        free=shutil.disk_usage(database.parent if database else Path.cwd()).free,
        size=sum(file.stat().st_size for file in database.parent.glob(f"{database.name}*")) if database else 0,
        newest_copy=_newest_copy(config),
        unreadable=tuple(str(file) for file in _key_files(config) if not os.access(file, os.R_OK)),
        stopped_since=_changed(config.sending.stop_file),
        certificate=certificate,
        subscribers=people,
        unread=unread,
        untold=untold,
    )


def _slot(desk: Desk, session: Session) -> Slot | None:
    """None before the first slot of all."""
    schedule, zone = desk.config.schedule, desk.config.publication.tz
    known = newest_run(session, WEEKLY, zone, desk.clock())
    if known is None:
        return None
    due = newest_due(schedule.day, schedule.time, zone, desk.clock())
    run = session.get(Run, (WEEKLY, name_of(due)))
    is_newer = run is None and known.slot < name_of(due)
    kept = None if is_newer else run or known
    its = slot_of(desk, kept or Run(job=WEEKLY, slot="", due_at=due.astimezone(UTC), started_at=due))
    last = kept.report.splitlines()[-1:] if kept else []
    return Slot(
        name=kept.slot if kept else name_of(due),
        week=str(its.week),
        due=its.due,
        planned=its.planned,
        too_late=its.too_late,
        begun=kept.started_at if kept else None,
        status=kept.status if kept else None,
        step=kept.step if kept else "",
        said="".join(last).partition(": ")[2],
    )


def _night(session: Session) -> str:
    newest = runs(session, NIGHTLY, most=1)
    if not newest or newest[0].status is not RunStatus.FAILED:
        return ""
    return " ".join(line for line in newest[0].report.splitlines() if ": failed: " in line)


def _troubled(session: Session) -> list[LastPoll]:
    return list(session.exec(select(LastPoll).where(LastPoll.last_error != "").order_by(col(LastPoll.provider))))


def _issues(desk: Desk) -> list[Issue]:
    """The newest ones, newest first."""
    with desk.reading() as session:
        mine = select(Issue).where(Issue.newsletter == desk.config.publication.slug)
        return list(session.exec(mine.order_by(col(Issue.number).desc()).limit(COMPARED + 5)))


def _is_watched(desk: Desk, issue: Issue, now: datetime) -> bool:
    with desk.reading() as session:
        sending = session.get(Sending, issue.id)
        began = sending.started_at if sending else issue.created_at
    return began > now - WATCHED or (sending is not None and sending.finished_at is None)


def _watched(desk: Desk, issue: Issue) -> Watched:
    with desk.reading() as session:
        steps = steps_of(session, issue)
    last = steps[-1] if steps else None
    return Watched(
        number=issue.number,
        name=issue.name,
        week=issue.week,
        status=issue.status,
        scheduled=issue.starts_at,
        step=(last.id or 0) if last else 0,
        step_at=last.at if last else None,
        step_by=last.by if last else "",
        post=_post(desk, issue.id or 0),
    )


def _post(desk: Desk, issue_id: int) -> Post | None:
    with desk.reading() as session:
        sending = session.get(Sending, issue_id)
        state = progress(session, issue_id, counted=False)
        if sending is None or state is None:
            return None
        doubts, opening = in_doubt(session, issue_id), next_opening(session, issue_id)
        last_call = session.exec(select(func.max(Batch.attempted_at)).where(Batch.issue_id == issue_id)).one()
    return Post(
        started=sending.started_at,
        finished=sending.finished_at,
        progress=state,
        last_call=last_call,
        doubtful=state.unknown,
        doubtful_since=min((one.attempted_at for one in doubts), default=None),
        doubled=_doubled(desk, issue_id),
        rates=_rates(desk, issue_id, state.accepted, sending.started_at),
        next_wave=opening,
    )


def _doubled(desk: Desk, issue_id: int) -> int:
    """Deliveries that were reported as delivered twice, so far apart that it is not one report by two ways."""
    theirs, at = col(ProviderEvent.subscriber_id), col(ProviderEvent.at)
    mine = (ProviderEvent.issue_id == issue_id, ProviderEvent.kind == Kind.DELIVERED)
    query = select(func.min(at), func.max(at)).where(*mine).group_by(theirs).having(func.count() > 1)
    with desk.reading() as session:
        return sum(last - first > APART for first, last in session.exec(query))


def _rates(desk: Desk, issue_id: int, accepted: int, started: datetime) -> Rates:
    with desk.reading() as session:
        said = counts(session, issue_id)
    with desk.reading() as session:
        lapsed = exists().where(
            col(ConsentEvent.subscriber_id) == col(Subscriber.id),
            col(ConsentEvent.kind) == Consent.LAPSED,  # our doing, not theirs
            col(ConsentEvent.at) == col(Subscriber.status_since),
        )
        gone = (Subscriber.status == Status.UNSUBSCRIBED, col(Subscriber.status_since) >= started, ~lapsed)
        until = started + timedelta(days=7)
        left = session.exec(
            select(func.count()).select_from(Subscriber).where(*gone, col(Subscriber.status_since) < until)
        ).one()
    return Rates(accepted, said.get(Kind.COMPLAINED, 0), said.get(Kind.HARD_BOUNCED, 0), left)


def _is_much(rates: Rates) -> bool:
    """Whether a plain limit is reached: only then what is usual decides, and is worth a walk through old issues."""
    limits = ((rates.bounced, BOUNCES), (rates.unsubscribed, LEFT))
    return any(number >= LEAST and 100_000 * number >= limit * rates.accepted for number, limit in limits)


def _rates_of(desk: Desk, issue_id: int) -> Rates | None:
    with desk.reading() as session:
        sending, state = session.get(Sending, issue_id), progress(session, issue_id, counted=False)
    return _rates(desk, issue_id, state.accepted, sending.started_at) if sending and state else None


def _usual(desk: Desk, before: list[Issue]) -> Rates | None:
    """What is usual for this list: the middle of the last issues, per 100,000."""
    found = [rates for issue in before if (rates := _rates_of(desk, issue.id or 0)) and rates.accepted]
    if len(found) < 3:  # noqa: PLR2004 - a median of fewer is no custom
        return None
    middle = {
        name: int(median(100_000 * getattr(one, name) / one.accepted for one in found))
        for name in ("complained", "bounced", "unsubscribed")
    }
    return Rates(100_000, **middle)


def _file(desk: Desk) -> Path | None:
    """The database's file, where it is one."""
    name = desk.engine.url.database
    return Path(name).resolve() if desk.engine.url.get_backend_name() == "sqlite" and name else None


def _newest_copy(config: Config) -> datetime | None:
    found = []
    for file in config.backup.folder.glob("newsletter-*T*Z.db") if config.backup.folder else ():
        with suppress(ValueError):
            found.append(datetime.strptime(file.name, NAME).replace(tzinfo=UTC))
    return max(found, default=None)


def _key_files(config: Config) -> Iterator[Path]:
    """Every file with a key that the settings name."""
    if config.telling.webhook_key_file:
        yield config.telling.webhook_key_file
    for choice in (config.provider, config.fallback):
        yield from _files_of(choice) if choice else ()
    if config.bounces.key_file:
        yield config.bounces.key_file


def _files_of(choice: ProviderChoice) -> Iterator[Path]:
    if choice.key_file:
        yield choice.key_file
    yield from (Path(str(value)) for name, value in choice.options.items() if name.endswith("key_file") and value)


def _changed(file: Path) -> datetime | None:
    with suppress(OSError):
        return datetime.fromtimestamp(file.stat().st_mtime, UTC)
    return None
