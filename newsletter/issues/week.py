"""ISO weeks: the slots in which issues appear (ISO 8601: Monday is first, week 1 holds the year's first Thursday)."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Self
from zoneinfo import ZoneInfo

from newsletter.config import Weekday
from newsletter.errors import IssueError

_SHAPE = re.compile(r"(\d{4})-W(\d{2})", re.ASCII)
_DAYS: tuple[Weekday, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_YEARS = range(1970, 3000)


@dataclass(frozen=True, order=True, slots=True)
class Week:
    """One ISO week: `str(Week(2026, 47))` is "2026-W47", later is greater. Raises ValueError where there is no such."""

    year: int
    number: int

    def __post_init__(self) -> None:
        """Weeks 0, 54, and 53 of a short year do not exist."""
        date.fromisocalendar(self.year, self.number, 1)

    def __str__(self) -> str:
        return f"{self.year:04}-W{self.number:02}"

    @classmethod
    def holding(cls, day: date) -> Self:
        """The week that this calendar day is in; near New Year its year may be another than the day's."""
        year, number, _ = day.isocalendar()
        return cls(year, number)

    @property
    def monday(self) -> date:
        """Its first day."""
        return date.fromisocalendar(self.year, self.number, 1)

    def day(self, name: Weekday) -> date:
        """The date of this weekday in the week."""
        return self.monday + timedelta(days=_DAYS.index(name))

    def plus(self, weeks: int) -> "Week":
        """The week so many weeks later, or earlier where negative."""
        return Week.holding(self.monday + timedelta(weeks=weeks))

    def since(self, other: "Week") -> int:
        """How many weeks after `other` this one is; negative where it is before."""
        return (self.monday - other.monday).days // 7


def parse(text: str) -> Week:
    """The week written like "2026-W47". Raises IssueError with one sentence for anything else."""
    shape = _SHAPE.fullmatch(text.strip())
    if shape is None or int(shape[1]) not in _YEARS:
        raise IssueError(f"'{text[:40]}' is not an ISO week; write it like 2026-W47.")
    try:
        return Week(int(shape[1]), int(shape[2]))
    except ValueError:
        last = Week.holding(date(int(shape[1]), 12, 28))  # always in the year's last week
        raise IssueError(f"There is no week {text.strip()}: {shape[1]} ends with {last}.") from None


def week_of(instant: datetime, zone: ZoneInfo) -> Week:
    """The week that it is at this aware instant, on the calendar of the zone."""
    if instant.tzinfo is None:
        raise ValueError(f"{instant!r} has no time zone")
    return Week.holding(instant.astimezone(zone).date())


def window(week: Week, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """From Monday 00:00 to the next Monday 00:00 on the zone's clock, the end not included; as aware UTC.

    A week in which the clocks change is 167 or 169 hours long. A midnight that the clocks jump over counts as the
    instant of the jump (PEP 495, fold 0).
    """
    return _midnight(week.monday, zone), _midnight(week.plus(1).monday, zone)


def cutoff(week: Week, zone: ZoneInfo, now: datetime) -> datetime:
    """The first instant that is too late for this week's issue: the week's end, or right after `now`; aware UTC.

    What is seen in the very instant of drafting is in: a job collects and drafts by one clock.
    """
    return min(window(week, zone)[1], now.astimezone(UTC) + timedelta.resolution)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC)
