"""Slots: the moments at which a scheduled job is due, each claimed once.

The scheduler only pokes; what is due is computed here from named weekday, wall time and zone, and claimed by a unique
row, so that restarts, two schedulers and daylight-saving changes give one run per slot. A slot is named by its local
wall time without offset: the hour that comes twice in autumn is one slot (dispatch reference, section 4).

A run is one slot's work. It goes step by step; who works on it has it for `LEASE` at most, so that another process
takes up what one that died has left. Doing a step twice does no harm: that is what the steps promise (weekly.py).
"""

from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any, cast
from zoneinfo import ZoneInfo

from sqlalchemy import CursorResult, and_, insert, or_, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, Session, SQLModel, col, select

from newsletter.config import Schedule
from newsletter.database import word

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
#: Whoever has worked on one step for longer than this is taken for dead.
LEASE = timedelta(minutes=5)


class RunStatus(StrEnum):
    """What became of the run of a slot."""

    RUNNING = "running"  #: it goes on by itself
    WAITING = "waiting"  #: a person has to decide; it goes on by itself when they have
    DONE = "done"
    FAILED = "failed"


OPEN = (RunStatus.RUNNING, RunStatus.WAITING)


class Run(SQLModel, table=True):
    """One execution of a scheduled job."""

    job: str = Field(primary_key=True)
    slot: str = Field(primary_key=True)  #: local wall time, "2026-11-19T08:00"
    status: RunStatus = Field(default=RunStatus.RUNNING, sa_type=word(RunStatus))
    step: str = ""  #: where it is
    due_at: datetime | None = None  #: the slot as an instant
    started_at: datetime
    taken_at: datetime | None = None  #: when somebody began to work on it; None: nobody does
    again_at: datetime | None = None  #: not to be looked at before
    ended_at: datetime | None = None
    report: str = ""  #: what happened, a line "step: sentence" each


def newest_due(day: str, wall: str, zone: ZoneInfo, now: datetime) -> datetime:
    """The latest moment of this weekday and wall time at or before `now`, as an aware time in this zone.

    A wall time that a spring change skips is due at the same instant of the clock before the change; one that an
    autumn change repeats is due the first time.
    """
    local = now.astimezone(zone)
    back = (local.weekday() - DAYS.index(day)) % 7
    slot = _on(local.date() - timedelta(days=back), wall, zone)
    return slot if slot <= now else _on(local.date() - timedelta(days=back + 7), wall, zone)


def next_due(day: str, wall: str, zone: ZoneInfo, now: datetime) -> datetime:
    """The first such moment at or after `now`."""
    local = now.astimezone(zone)
    ahead = (DAYS.index(day) - local.weekday()) % 7
    slot = _on(local.date() + timedelta(days=ahead), wall, zone)
    return slot if slot >= now else _on(local.date() + timedelta(days=ahead + 7), wall, zone)


def planned(schedule: Schedule, zone: ZoneInfo, slot: datetime) -> datetime | None:
    """When the issue of this slot is to leave: the first `send_day` and `send_time` from the slot on; None: no plan."""
    if schedule.send_time is None:
        return None
    return next_due(schedule.send_day or schedule.day, schedule.send_time, zone, slot)


def name_of(slot: datetime) -> str:
    """The slot's name: its wall time, without offset."""
    return slot.replace(tzinfo=None).isoformat(timespec="minutes")


def take(session: Session, job: str, slot: datetime, step: str, now: datetime) -> bool:
    """Claim this slot. False if anybody has claimed it before, in whatever process."""
    row = {"job": job, "slot": name_of(slot), "status": RunStatus.RUNNING, "step": step, "due_at": slot.astimezone(UTC)}
    try:
        with session.begin_nested():
            session.execute(insert(Run).values(**row, started_at=now, report=""))
    except IntegrityError:
        return False
    return True


def seize(session: Session, run: Run, now: datetime) -> bool:
    """Begin to work on a run that nobody works on, or that somebody has left. False if another is at it."""
    left = or_(col(Run.taken_at) < now - LEASE, col(Run.taken_at) > now + LEASE)  # the latter: the clock was set back
    free = or_(col(Run.taken_at).is_(None), left)
    same = and_(col(Run.status) == run.status, col(Run.step) == run.step)
    return _change(session, run, and_(free, same), taken_at=now)


def write(session: Session, run: Run, taken: datetime, **values: Any) -> bool:
    """Write down how far a run is, and leave it. False if it was taken for dead meanwhile: another has it then."""
    return _change(session, run, col(Run.taken_at) == taken, **{"taken_at": None, **values})


def runs(session: Session, job: str | None = None, most: int = 20) -> list[Run]:
    """The newest runs (of a job), newest first."""
    query = select(Run).order_by(col(Run.slot).desc(), col(Run.job)).limit(most)
    return list(session.exec(query if job is None else query.where(Run.job == job)))


def newest_run(session: Session, job: str, zone: ZoneInfo, now: datetime) -> Run | None:
    """The run of the newest slot that has come: a clock that was ahead for a moment may have claimed later ones."""
    come = col(Run.slot) <= name_of(now.astimezone(zone))
    query = select(Run).where(Run.job == job, come).order_by(col(Run.slot).desc())
    return session.exec(query.limit(1)).first()


def open_runs(session: Session, job: str) -> list[Run]:
    """The runs of a job that are not over, oldest first."""
    return list(session.exec(select(Run).where(Run.job == job, col(Run.status).in_(OPEN)).order_by(col(Run.slot))))


def _change(session: Session, run: Run, where: Any, **values: Any) -> bool:
    mine = and_(col(Run.job) == run.job, col(Run.slot) == run.slot, where)
    return bool(cast("CursorResult[Any]", session.execute(update(Run).where(mine).values(**values))).rowcount)


def _on(day: date, wall: str, zone: ZoneInfo) -> datetime:
    """The slot of this day. A round trip through UTC moves a wall time that does not exist to one that does."""
    slot = datetime.combine(day, time.fromisoformat(wall), tzinfo=zone)
    return slot.astimezone(UTC).astimezone(zone)
