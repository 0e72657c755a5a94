"""Slots: the moments at which a scheduled job is due, each claimed once.

The scheduler only pokes; what is due is computed here from named weekday, wall time and zone, and claimed by a unique
row, so that restarts, two schedulers and daylight-saving changes give one run per slot. A slot is named by its local
wall time without offset: the hour that comes twice in autumn is one slot (dispatch reference, section 4).
"""

from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from sqlalchemy import insert, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, Session, SQLModel, col, select

from newsletter.config import Schedule
from newsletter.database import word

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class RunStatus(StrEnum):
    """What became of the run of a slot."""

    RUNNING = "running"  #: taken; if its process died, it stays so and is shown
    DONE = "done"
    WAITING = "waiting"  #: a person has to decide
    FAILED = "failed"


class Run(SQLModel, table=True):
    """One execution of a scheduled job."""

    job: str = Field(primary_key=True)
    slot: str = Field(primary_key=True)  #: local wall time, "2026-11-19T08:00"
    status: RunStatus = Field(default=RunStatus.RUNNING, sa_type=word(RunStatus))
    started_at: datetime
    ended_at: datetime | None = None
    report: str = ""  #: what happened, in sentences


def newest_due(schedule: Schedule, zone: ZoneInfo, now: datetime) -> datetime:
    """The latest slot at or before `now`, as an aware time in this zone.

    A wall time that a spring change skips is due at the same instant of the clock before the change; one that an
    autumn change repeats is due the first time.
    """
    local = now.astimezone(zone)
    back = (local.weekday() - DAYS.index(schedule.day)) % 7
    slot = _on(local.date() - timedelta(days=back), schedule, zone)
    return slot if slot <= now else _on(local.date() - timedelta(days=back + 7), schedule, zone)


def name_of(slot: datetime) -> str:
    """The slot's name: its wall time, without offset."""
    return slot.replace(tzinfo=None).isoformat(timespec="minutes")


def take(session: Session, job: str, slot: str, now: datetime) -> bool:
    """Claim this slot. False if anybody has claimed it before, in whatever process."""
    try:
        with session.begin_nested():
            session.execute(insert(Run).values(job=job, slot=slot, status=RunStatus.RUNNING, started_at=now, report=""))
    except IntegrityError:
        return False
    return True


def close(session: Session, job: str, slot: str, status: RunStatus, report: str, now: datetime) -> None:
    """Write down how the run of this slot ended."""
    mine = (col(Run.job) == job, col(Run.slot) == slot)
    session.execute(update(Run).where(*mine).values(status=status, report=report, ended_at=now))


def runs(session: Session, job: str, most: int = 20) -> list[Run]:
    """The newest runs of a job, newest first."""
    return list(session.exec(select(Run).where(Run.job == job).order_by(col(Run.slot).desc()).limit(most)))


def _on(day: date, schedule: Schedule, zone: ZoneInfo) -> datetime:
    """The slot of this day. A round trip through UTC moves a wall time that does not exist to one that does."""
    wall = datetime.combine(day, time.fromisoformat(schedule.time), tzinfo=zone)
    return wall.astimezone(UTC).astimezone(zone)
