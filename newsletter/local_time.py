"""One wall time everywhere: when an issue that leaves "at eight" leaves where each reader is.

Pure. Wall times are naive, instants aware. The first place on Earth to see a wall time is fourteen hours ahead of UTC
(Kiritimati), the last is twelve behind: an issue by local time is on its way for 26 hours.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

FIRST_PLACE = timezone(timedelta(hours=14))


@dataclass(frozen=True, slots=True)
class Quiet:
    """Hours in which nobody is written to, by their own clock; the same time twice: there are none."""

    since: time
    until: time

    def holds(self, at: time) -> bool:
        """Whether this wall time lies in them. They may go past midnight."""
        if self.since <= self.until:
            return self.since <= at < self.until
        return at >= self.since or at < self.until


def first_opening(wall: datetime) -> datetime:
    """The first instant at which it is this wall time anywhere."""
    return wall.replace(tzinfo=FIRST_PLACE).astimezone(UTC)


def opening(wall: datetime, zone: ZoneInfo, quiet: Quiet, not_before: datetime) -> datetime:
    """When whoever lives in this zone is written to, aware UTC: at the wall time, or as soon as that is over.

    Who is late for it is not woken up: in their quiet hours they wait for the end of these. An hour that a spring night
    skips is the hour after it; of one that an autumn night repeats it is the first.
    """
    at = wall.replace(tzinfo=zone).astimezone(UTC)
    return at if at > not_before else awake(not_before, zone, quiet)


def awake(now: datetime, zone: tzinfo, quiet: Quiet) -> datetime:
    """Now, or the end of the quiet hours that it lies in there; aware UTC."""
    local = now.astimezone(zone)
    if not quiet.holds(local.time()):
        return now.astimezone(UTC)
    day = local.date() if local.time() < quiet.until else local.date() + timedelta(days=1)
    return datetime.combine(day, quiet.until, tzinfo=zone).astimezone(UTC)


def zone_named(name: str, home: ZoneInfo) -> ZoneInfo:
    """The reader's zone; the publication's where theirs is not known, or not any more."""
    try:
        return ZoneInfo(name) if name else home
    except (ZoneInfoNotFoundError, ValueError):
        return home
