"""An issue begins: everybody into the wave that is theirs, where not everybody gets the same at once.

What somebody gets is decided here, once, by what they had chosen when the issue began; what they choose later counts
from the next issue on. Leaving, a break and suppression count until the claim, as always.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from newsletter.delivery import waves
from newsletter.delivery.batch import Batch, Sending
from newsletter.desk.desk import Desk
from newsletter.desk.editions import manifest, rendered
from newsletter.desk.watching import keen
from newsletter.issues.issue import Issue
from newsletter.issues.manifest import Manifest
from newsletter.issues.parts import WHOLE
from newsletter.local_time import opening, zone_named
from newsletter.mail.message import MessageBuilder
from subscribers.choice import Choice


def lay(desk: Desk, session: Session, begun: Sending, issue: Issue, now: datetime) -> None:
    """Lay the waves of an issue that has just begun; none where everybody on the list gets the whole now.

    By local time it may take as long as ever, counted from the last of them.
    """
    listed, wanting = manifest(desk, session, issue), keen(session, issue)
    if issue.wall_time is None and _all_alike(session, begun, listed, wanting):
        return

    def part(choice: Choice, more: bool) -> str | None:
        return listed.part_for(choice, changes_too=more)

    waves.lay(session, begun, waves.Places(_opens(desk, issue, now), part, wanting), now)
    if issue.wall_time:
        last = max((one.opens_at for one in waves.waves_of(session, begun.issue_id)), default=now)
        begun.not_after = last + timedelta(hours=desk.config.sending.latest_hours)
    session.add(begun)
    session.flush()


def builders(desk: Desk, session: Session, issue: Issue, date: datetime) -> Mapping[str, MessageBuilder]:
    """What messages are made with, for each part that somebody gets of an issue which has begun; without the whole.

    Raises IssueError where the stored bytes are not the approved ones.
    """
    mine = issue.id or 0
    names = {wave.part for wave in waves.waves_of(session, mine)}
    names |= set(session.exec(select(col(Batch.part)).where(col(Batch.issue_id) == mine).distinct()))
    return {name: MessageBuilder(rendered(desk, session, issue, name), date=date) for name in names - {WHOLE}}


def _all_alike(session: Session, begun: Sending, listed: Manifest, wanting: ColumnElement[bool]) -> bool:
    found = waves.choices(session, begun.last, wanting)
    return all(listed.part_for(choice, changes_too=more) == WHOLE for choice, more in found)


def _opens(desk: Desk, issue: Issue, now: datetime) -> waves.Turn:
    if issue.wall_time is None:
        return lambda _: (now, 0)
    wall = datetime.fromisoformat(issue.wall_time)
    home, quiet = desk.config.publication.tz, desk.config.schedule.quiet_hours

    def opens(name: str) -> waves.Opening:
        zone = zone_named(name, home)
        at = opening(wall, zone, quiet, now)
        ahead = at.astimezone(zone).utcoffset() or timedelta()
        return at, int(ahead.total_seconds() // 60)

    return opens
