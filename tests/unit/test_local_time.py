"""One wall time everywhere."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest

from newsletter.local_time import Quiet, awake, first_opening, opening, zone_named

NIGHT = Quiet(time(21), time(8))
EIGHT = datetime(2026, 11, 26, 8)
LONG_AGO = datetime(2026, 11, 1, tzinfo=UTC)
HOME = ZoneInfo("Europe/Berlin")


def opens(zone: str, wall: datetime = EIGHT, now: datetime = LONG_AGO, quiet: Quiet = NIGHT) -> str:
    """When, in UTC."""
    return f"{opening(wall, ZoneInfo(zone), quiet, now):%d %H:%M}"


@pytest.mark.parametrize(
    ("zone", "instant"),
    [
        ("Pacific/Kiritimati", "25 18:00"),
        ("Asia/Kathmandu", "26 02:15"),
        ("Europe/Berlin", "26 07:00"),
        ("America/New_York", "26 13:00"),
        ("Etc/GMT+12", "26 20:00"),
    ],
)
def test_it_is_eight_in_each_zone_at_its_own_instant(zone: str, instant: str) -> None:
    """From UTC+14 to UTC-12: 26 hours."""
    assert opens(zone) == instant


def test_the_first_place_on_earth_is_fourteen_hours_ahead() -> None:
    """Nobody's clock shows it before."""
    assert first_opening(EIGHT) == datetime(2026, 11, 25, 18, tzinfo=UTC)


def test_an_hour_that_a_spring_night_skips_is_the_hour_after_it() -> None:
    """Berlin, 28 March 2027: half past two is half past three."""
    assert opens("Europe/Berlin", datetime(2027, 3, 28, 2, 30), quiet=Quiet(time(0), time(0))) == "28 01:30"


def test_an_hour_that_an_autumn_night_repeats_is_its_first() -> None:
    """Berlin, 31 October 2027: the summer's half past two."""
    assert opens("Europe/Berlin", datetime(2027, 10, 31, 2, 30), quiet=Quiet(time(0), time(0))) == "31 00:30"


def test_whose_hour_is_over_gets_it_at_once_by_day() -> None:
    """Started at noon UTC: in Berlin it is one o'clock."""
    assert opens("Europe/Berlin", now=datetime(2026, 11, 26, 12, tzinfo=UTC)) == "26 12:00"


@pytest.mark.parametrize(("hour", "instant"), [(12, "26 18:00"), (17, "26 18:00"), (18, "26 18:00"), (19, "26 19:00")])
def test_whose_hour_is_over_is_not_woken_up(hour: int, instant: str) -> None:
    """In Kiritimati (UTC+14) it is two in the night at noon UTC; eight there is 18:00 UTC."""
    assert opens("Pacific/Kiritimati", now=datetime(2026, 11, 26, hour, tzinfo=UTC)) == instant


def test_the_end_of_a_night_may_be_tomorrow() -> None:
    """At 22:00 the quiet hours end on the next day."""
    assert awake(datetime(2026, 11, 26, 21, tzinfo=UTC), HOME, NIGHT) == datetime(2026, 11, 27, 7, tzinfo=UTC)


def test_quiet_hours_within_a_day_and_none() -> None:
    """From noon to two; and the same time twice is none."""
    noon, none = Quiet(time(12), time(14)), Quiet(time(8), time(8))

    assert [noon.holds(time(hour)) for hour in (11, 12, 13, 14)] == [False, True, True, False]
    assert not any(none.holds(time(hour)) for hour in range(24))


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../etc/passwd"])
def test_an_unknown_zone_is_the_publications(name: str) -> None:
    """Also one that was known when it was imported."""
    assert zone_named(name, HOME) is HOME
