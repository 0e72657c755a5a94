"""From an approved issue to everybody's mailbox: test, schedule, send, pause, resume, and how it stands."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import case, false, func
from sqlalchemy import select as sql_select
from sqlmodel import Session, col, select

from newsletter.delivery import claims, ledger, waves
from newsletter.delivery.addressing import page_of
from newsletter.delivery.batch import Sending
from newsletter.delivery.dispatch import Dispatcher
from newsletter.delivery.events import settle_from_events
from newsletter.delivery.flight import Ending
from newsletter.delivery.lineage import mark_of
from newsletter.delivery.lock import dispatching
from newsletter.delivery.progress import Progress, finish, progress
from newsletter.delivery.throttle import Throttle
from newsletter.delivery.waits import Wait
from newsletter.desk import doubting, laying
from newsletter.desk.desk import Desk
from newsletter.desk.editions import manifest, rendered
from newsletter.desk.looking import chosen
from newsletter.desk.watching import keen
from newsletter.errors import DeliveryError, IllegalStep
from newsletter.issues import approval
from newsletter.issues.issue import Command, Issue, IssueStatus, step
from newsletter.issues.manifest import Manifest
from newsletter.issues.wording import opened
from newsletter.local_time import first_opening
from newsletter.mail.message import MessageBuilder, Recipient
from newsletter.mail.public import previewed
from newsletter.providers.base import Outcome, OutgoingBatch
from subscribers.address import parse
from subscribers.choice import EVERYTHING, Choice
from subscribers.consent import Status
from subscribers.subscriber import Subscriber, new_ref


@dataclass(frozen=True, slots=True)
class Audience:
    """Who would be mailed if the issue began now, and who would not."""

    eligible: int
    excluded: dict[str, int]


@dataclass(frozen=True, slots=True)
class Sent:
    """How a run of the dispatcher ended, and where the issue stands."""

    issue: Issue
    ending: Ending
    progress: Progress
    reason: str = ""  #: why a person has to look, where one has


OVER = (IssueStatus.SENT, IssueStatus.PARTIAL)
#: Endings after which the issue is paused until a person has looked.
HELD = (Ending.HALTED, Ending.BREAKER, Ending.STALE)


def audience(desk: Desk, session: Session, issue: Issue | None = None) -> Audience:
    """How many would be mailed this issue (default: any) now, and how many not, by reason."""
    now, listed = desk.clock(), manifest(desk, session, issue) if issue else Manifest()
    more = case((keen(session, issue) if issue else false(), 1), else_=0).label("more")
    wanted = (*waves.CHOSEN, more)
    query = sql_select(*wanted, func.count()).where(claims.eligible(now)).group_by(*wanted)
    eligible, excluded = 0, claims.not_eligible(session, now)
    for topics, often, wanting, number in session.execute(query):
        if listed.part_for(Choice.stored(topics, often), changes_too=bool(wanting)) is None:
            excluded["unchosen"] = excluded.get("unchosen", 0) + number
        else:
            eligible += number
    return Audience(eligible, excluded)


def schedule(desk: Desk, which: str, *, at: datetime | None, by: str, everywhere: bool = False) -> Issue:
    """Let an approved issue start at `at` (aware), by default after the hold. Undo is `reopen`, until it starts.

    `everywhere`: everybody gets it when their own clock shows what the publication's shows at `at`. It starts where
    that is first, fourteen hours ahead of UTC, but not before the hold is over. Raises IssueError, DeliveryError.
    """
    with desk.transaction() as session:
        issue = desk.find(session, which)
        now = desk.clock()
        held = now + timedelta(minutes=desk.config.sending.hold_minutes)
        wall = _wall(desk, at, now) if everywhere else None
        starts = max(first_opening(wall), held) if wall else at or held
        approval.schedule(session, issue, starts, now, by=by, wall=wall)
        return issue


def _wall(desk: Desk, at: datetime | None, now: datetime) -> datetime:
    """The wall time that is to be everybody's, naive."""
    if at is None or at < now:
        raise DeliveryError("By the readers' own time needs a time to come: --at 2026-11-19T08:00.")
    wall = at.astimezone(desk.config.publication.tz).replace(tzinfo=None)
    if desk.config.schedule.quiet_hours.holds(wall.time()):
        quiet = " to ".join(desk.config.schedule.quiet)
        raise DeliveryError(f"{wall:%H:%M} lies in the quiet hours, {quiet} (schedule.quiet). Nothing was changed.")
    return wall


def start(desk: Desk, which: str, *, by: str) -> Issue:
    """Open the ledger of an approved or scheduled issue, now; one that is on its way is left as it is.

    Before anything is opened the approved bytes are checked, and one message is made of them, and of each part that
    somebody gets: what cannot be mailed to anybody must not begin. Raises IssueError, MailError, IllegalStep.
    """
    with desk.transaction() as session:
        issue, now = desk.find(session, which), desk.clock()
        claims.require_known_statuses(session)
        if issue.digest is not None:
            _sample(desk, issue, MessageBuilder(rendered(desk, session, issue), date=now), now)
        if issue.status is IssueStatus.APPROVED:
            approval.schedule(session, issue, now, now, by=by)
        if issue.status is not IssueStatus.SENDING:
            step(session, issue, Command.START, now, by=by)
        is_new = session.get(Sending, issue.id) is None
        late = (issue.scheduled_at or now) + timedelta(hours=desk.config.sending.latest_hours)
        begun = ledger.begin(session, issue.id or 0, issue.digest or "", now, not_after=max(late, now))
        if is_new:
            laying.lay(desk, session, begun, issue, now)
            for name, builder in laying.builders(desk, session, issue, now).items():
                _sample(desk, issue, builder, now, name)
        if issue.wall_time:
            waves.let_sleep(session, begun.issue_id, desk.config.schedule.quiet_hours, now)
        return issue


def _sample(desk: Desk, issue: Issue, builder: MessageBuilder, now: datetime, part: str = "") -> None:
    """Make the message of somebody who does not exist, as everybody's is made."""
    nobody = Subscriber(
        ref=new_ref(),
        address="nobody@example.org",
        fingerprint="",
        status=Status.ACTIVE,
        signed_up_at=now,
        status_since=now,
    )
    builder.mime(desk.addressing(issue, builder.sender.base_url).recipient(nobody, part))


def send(
    desk: Desk,
    which: str,
    *,
    by: str,
    after_restore: bool = False,
    on_progress: Callable[[Progress], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
    pause: Callable[[float], object] = time.sleep,
    on_wait: Callable[[Wait | None], None] = lambda _: None,
) -> Sent:
    """Send an issue to everybody who is to get it, or go on where an earlier run stopped.

    One run at a time on a SQLite file; on a PostgreSQL server any number of them share an issue (delivery/crew.py).

    `after_restore` is an operator's word that this ledger, though older than the last post, is the truth.
    """
    with dispatching(desk.engine, desk.clock(), desk.config.sending.per_second) as (alone, crew):
        _ = desk.provider.capabilities  # one that cannot be made, for want of a key, is said before anything begins
        doubting.settle_all_cancelled(desk, crew)
        if not after_restore:
            _require_not_behind(desk, which)  # before it is begun: what is refused changes nothing
        issue = start(desk, which, by=by)
        if after_restore:  # not before `start`: a word for an issue that cannot go on must not be kept
            with desk.transaction() as session:
                mark_of(desk.engine).accept(session)
        dispatcher = replace(dispatcher_for(desk, issue, pause, on_wait), alone=alone, crew=crew)
        if crew:  # they keep the rate together
            dispatcher = replace(dispatcher, throttle=Throttle())
        _hear(desk, issue)
        ending, reason = dispatcher.run(issue.id or 0, on_progress=on_progress, stop=stop)
        if ending is Ending.DONE and (opens := _next_wave(desk, issue)):
            ending, reason = Ending.LATER, f"It is the next readers' turn at {opens:%Y-%m-%d %H:%M} UTC."
        if ending is Ending.STOPPED and (file := stopped_by(desk)):
            reason = f"{file} exists, which stops all sending: remove it first."
        _hear(desk, issue)
        _close(desk, which, ending, reason, by=by)
        doubting.settle_cancelled(desk, which, crew)
        return _stand(desk, which, ending, reason)


def _require_not_behind(desk: Desk, which: str) -> None:
    with desk.transaction() as session:
        issue = desk.find(session, which)
        mark_of(desk.engine).require_not_behind(session, issue.id or 0)


def _next_wave(desk: Desk, issue: Issue) -> datetime | None:
    with desk.transaction() as session:
        return waves.next_opening(session, issue.id or 0)


def stopped_by(desk: Desk) -> Path | None:
    """The file that stops all sending, if it is there now: its whole path."""
    file = desk.config.sending.stop_file
    return file.absolute() if file.exists() else None


def _hear(desk: Desk, issue: Issue) -> None:
    """Let events that came before a batch was in doubt close the doubt."""
    with desk.transaction() as session:
        settle_from_events(session, issue.id or 0, desk.clock())


def dispatcher_for(
    desk: Desk,
    issue: Issue,
    pause: Callable[[float], object] = time.sleep,
    on_wait: Callable[[Wait | None], None] = lambda _: None,
) -> Dispatcher:
    """A dispatcher over the approved bytes of this issue. Raises IssueError where they are not what was approved."""
    with desk.transaction() as session:
        final = rendered(desk, session, issue)
        sending = session.get_one(Sending, issue.id)
        if issue.digest != sending.digest:
            raise DeliveryError(f"{opened(issue.name)} began with other content than is approved. Nothing is sent.")
        parts = laying.builders(desk, session, issue, sending.started_at)
    settings = desk.config.sending
    return Dispatcher(
        engine=desk.engine,
        provider=desk.provider,
        fallback=desk.fallback,
        builder=MessageBuilder(final, date=sending.started_at),
        addressing=desk.addressing(issue, final.sender.base_url),
        batch_size=settings.batch,
        clock=desk.clock,
        in_flight=settings.in_flight,
        warm_up=settings.warm_up,
        watch_refusals=not desk.config.provider.only_to,
        throttle=Throttle(settings.per_second),
        pause=pause,
        on_wait=on_wait,
        halted=settings.stop_file.exists,
        parts=parts,
    )


def _close(desk: Desk, which: str, ending: Ending, reason: str, *, by: str) -> None:
    """Finish the issue if nobody is left (`partial` if somebody was refused or is unknown); hold it if it must be."""
    with desk.transaction() as session:
        issue = desk.find(session, which)
        if ending in HELD and issue.status is IssueStatus.SENDING:
            step(session, issue, Command.PAUSE, desk.clock(), by=f"the dispatcher: {reason}")
        if ending is not Ending.DONE or issue.status in OVER:
            return  # where others send too, one of them may have closed it
        whole = finish(session, issue.id or 0, desk.clock())
        if whole is not None:
            step(session, issue, Command.FINISH if whole else Command.FINISH_PARTLY, desk.clock(), by=by)


def _stand(desk: Desk, which: str, ending: Ending, reason: str) -> Sent:
    with desk.transaction() as session:
        issue = desk.find(session, which)
        state = progress(session, issue.id or 0)
        if state is None:
            raise DeliveryError(f"{opened(issue.name)} has not begun.")
        if ending is Ending.PAUSED and issue.status in OVER:  # others sent the rest
            ending, reason = Ending.DONE, ""
        return Sent(issue, ending, state, reason)


def send_test(desk: Desk, which: str, addresses: Sequence[str], choice: Choice = EVERYTHING) -> str:
    """Send a marked copy to each of these addresses, through the provider; the ledger is not touched.

    It is of what this choice gets, whose name is returned. The copy carries links that lead nowhere: a test must not
    hold anybody's token. Raises DeliveryError; IssueError where nothing is for that choice.
    """
    people = [parse(address) for address in addresses]
    with desk.reading() as session:
        issue = desk.find(session, which)
        part, final = chosen(desk, session, issue, choice)
    now = desk.clock()
    builder = MessageBuilder(final, date=now, marked=True)
    stem = f"test-{issue.id}-{now:%Y%m%d%H%M%S%f}"
    links = previewed(final.sender.base_url, page_of(final.sender.base_url, issue.week, part), issue.date)
    copies = [Recipient(person.display, f"{stem}-{number}", links) for number, person in enumerate(people)]
    for receipt in desk.provider.send(OutgoingBatch(stem, 1, builder, copies)).receipts:
        if receipt.outcome is not Outcome.ACCEPTED:
            raise DeliveryError(f"A test copy was not accepted: {receipt.reason or receipt.outcome}")
    return part


def pause(desk: Desk, which: str, *, by: str) -> Issue:
    """Stop a sending after the batch under way."""
    return _command(desk, which, Command.PAUSE, by=by)


def resume(desk: Desk, which: str, *, by: str) -> Issue:
    """Let a paused sending go on: with the next `send`, or by the running scheduler. Its time begins anew."""
    issue = _command(desk, which, Command.RESUME, by=by)
    with desk.transaction() as session:
        sending = session.get_one(Sending, issue.id)
        last = max((one.opens_at for one in waves.waves_of(session, sending.issue_id)), default=desk.clock())
        sending.not_after = max(last, desk.clock()) + timedelta(hours=desk.config.sending.latest_hours)
        session.add(sending)
    return issue


def due(desk: Desk) -> list[str]:
    """The numbers of issues whose time has come, and of those that an earlier run left on their way."""
    with desk.transaction() as session:
        mine = Issue.newsletter == desk.config.publication.slug
        on_their_way = col(Issue.status) == IssueStatus.SENDING
        scheduled = (col(Issue.status) == IssueStatus.SCHEDULED) & (col(Issue.scheduled_at) <= desk.clock())
        found = session.exec(select(Issue).where(mine, on_their_way | scheduled).order_by(col(Issue.number)))
        return [str(issue.number) for issue in found if not _rests(desk, session, issue)]


def _rests(desk: Desk, session: Session, issue: Issue) -> bool:
    """Whether nothing is under way, and it is not yet the hour of those who are left."""
    opens = waves.next_opening(session, issue.id or 0)
    return opens is not None and opens > desk.clock() and not ledger.open_batches(session, issue.id or 0)


def _command(desk: Desk, which: str, command: Command, *, by: str) -> Issue:
    with desk.transaction() as session:
        issue = desk.find(session, which)
        if command is Command.RESUME and issue.status is not IssueStatus.PAUSED:
            raise IllegalStep(f"{opened(issue.name)} is {issue.state}, not paused. Nothing was changed.")
        step(session, issue, command, desk.clock(), by=by)
        return issue
