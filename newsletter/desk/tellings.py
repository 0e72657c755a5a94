"""What was told to whom by which way, and when it is to be tried again: a telling that failed blocks nothing.

A row is one thing by one way ("mail:…", "webhook"). Whoever tells it claims it first, for `CLAIM`, so that two
processes do not tell it both; one that dies in between leaves it to the next, and then it may be told twice: a notice
that comes twice does less harm than one that never comes.
"""

from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, delete, or_, update
from sqlmodel import Field, Session, SQLModel, col, select

from newsletter.desk.notices import PAST, Notice
from subscribers.upsert import insert_into

#: After so many tries in a row that failed it is tried again in so much time; the last one holds for all further ones.
BACK_OFF = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 300, 600))
CLAIM = timedelta(minutes=5)
#: So many tries in a row that failed are trouble with the way, and no hiccup.
LASTING = 3
#: What holds is told again after this.
REMIND = timedelta(days=1)
#: What comes and goes is told at most so often to a machine that is told of both; to people as often as a reminder.
CAME_BACK = timedelta(hours=1)


class Telling(SQLModel, table=True):
    """One thing by one way."""

    about: str = Field(primary_key=True)  #: a notice's key
    way: str = Field(primary_key=True)
    told_at: datetime | None = None  #: when it was last told that it holds
    over_told_at: datetime | None = None  #: when it was last told that it is over
    tries: int = 0  #: that failed since it was last told
    again_at: datetime | None = None  #: not before; also: somebody is at it
    trouble: str = ""  #: why the newest try failed


def due(notice: Notice, told: Telling | None, now: datetime, *, also_over: bool) -> str:
    """What is to be told of this notice by one way now: "opened", "reminder", "resolved"; empty for nothing."""
    at = told.told_at if told else None
    if notice.resolved_at is not None:
        over = told.over_told_at if told else None
        return "resolved" if also_over and at and not (over and over >= at) else ""
    if at is None:
        return "opened"
    if notice.first_seen > at:  # it went, and came back
        return "opened" if now >= at + (CAME_BACK if also_over else REMIND) else ""
    return "reminder" if notice.kind not in PAST and now >= at + REMIND else ""


def told_of(session: Session, way: str) -> dict[str, Telling]:
    """What was told by this way, by what it is about."""
    return {one.about: one for one in session.exec(select(Telling).where(Telling.way == way))}


def in_trouble(session: Session) -> list[Telling]:
    """What could not be told in several tries: one for each way."""
    found = session.exec(select(Telling).where(col(Telling.tries) >= LASTING).order_by(col(Telling.about)))
    return list({one.way: one for one in found}.values())


def claim(session: Session, about: str, way: str, now: datetime) -> Telling | None:
    """Begin to tell it: the row as it is, or None where it is not yet time, or somebody else is at it."""
    row = {"about": about, "way": way, "tries": 0, "trouble": ""}
    session.connection().execute(insert_into(session, "telling").values(row).on_conflict_do_nothing())
    free = or_(col(Telling.again_at).is_(None), col(Telling.again_at) <= now)
    mine = (col(Telling.about) == about, col(Telling.way) == way, free)
    taken = session.execute(update(Telling).where(*mine).values(again_at=now + CLAIM))
    if not cast("CursorResult[Any]", taken).rowcount:
        return None
    return session.get_one(Telling, (about, way), populate_existing=True)


def done(session: Session, told: Telling, now: datetime, *, over: bool) -> None:
    """It was told."""
    what = {"over_told_at": now} if over else {"told_at": now}
    _change(session, told, **what, tries=0, again_at=None, trouble="")


def failed(session: Session, told: Telling, now: datetime, why: str) -> None:
    """It was not: again later."""
    again = now + BACK_OFF[min(told.tries, len(BACK_OFF) - 1)]
    _change(session, told, tries=told.tries + 1, again_at=again, trouble=why)


def forget(session: Session, before: datetime) -> int:
    """Forget notices that were over before this moment (aware), and their tellings; how many."""
    old = col(Notice.resolved_at) < before
    session.execute(delete(Telling).where(col(Telling.about).in_(select(Notice.key).where(old))))
    return cast("CursorResult[Any]", session.execute(delete(Notice).where(old))).rowcount


def _change(session: Session, told: Telling, **values: Any) -> None:
    mine = (col(Telling.about) == told.about, col(Telling.way) == told.way)
    session.execute(update(Telling).where(*mine).values(**values))
