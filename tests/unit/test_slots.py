"""When the weekly job is due: named days, wall time, zones, and clocks that change."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from jobs.slots import DAYS, name_of, newest_due, next_due, planned
from newsletter.config import Schedule

BERLIN = ZoneInfo("Europe/Berlin")
THURSDAY = ("thursday", "08:00")


def at(text: str) -> datetime:
    """An instant in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_on_the_day_the_slot_is_due_from_its_minute_on() -> None:
    """A minute before eight the newest slot is last week's."""
    assert name_of(newest_due(*THURSDAY, BERLIN, at("2026-11-19T06:59"))) == "2026-11-12T08:00"
    assert name_of(newest_due(*THURSDAY, BERLIN, at("2026-11-19T07:00"))) == "2026-11-19T08:00"


def test_eight_in_the_morning_stays_eight_when_the_clocks_change() -> None:
    """UTC moves, the reader's breakfast does not."""
    summer = newest_due(*THURSDAY, BERLIN, at("2026-07-09T12:00"))
    winter = newest_due(*THURSDAY, BERLIN, at("2026-12-10T12:00"))

    assert (summer.astimezone(UTC).hour, winter.astimezone(UTC).hour) == (6, 7)


def test_an_hour_that_comes_twice_is_one_slot() -> None:
    """Half past two on the autumn night happens twice; its name does not."""
    night = ("sunday", "02:30")
    instants = [at("2026-10-25T00:30") + timedelta(minutes=minute) for minute in range(0, 180, 10)]

    assert {name_of(newest_due(*night, BERLIN, instant)) for instant in instants} == {"2026-10-25T02:30"}


def test_an_hour_that_is_skipped_is_due_once_after_it() -> None:
    """Half past two on the spring night does not exist: the slot is half past three, by the same instant."""
    night = ("sunday", "02:30")

    assert name_of(newest_due(*night, BERLIN, at("2026-03-29T01:30"))) == "2026-03-29T03:30"
    assert name_of(newest_due(*night, BERLIN, at("2026-03-29T01:29"))) == "2026-03-22T02:30"


@given(
    st.sampled_from(DAYS),
    st.integers(0, 23),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Pacific/Apia", "Australia/Lord_Howe"]),
    st.datetimes(datetime(2011, 1, 1), datetime(2035, 1, 1)),
)
def test_a_slot_is_never_in_the_future_and_never_older_than_a_week(
    day: str, hour: int, zone: str, now: datetime
) -> None:
    """Whatever the zone does; Apia once had no 30 December at all, so a day of tolerance."""
    moment = now.replace(tzinfo=UTC)
    slot = newest_due(day, f"{hour:02}:00", ZoneInfo(zone), moment)

    assert slot <= moment < slot + timedelta(days=8)


def test_a_year_has_52_slots_and_each_comes_once() -> None:
    """Looked at every hour of 52 weeks, with both changes of the clock."""
    start = at("2026-01-01T07:00")
    seen = {name_of(newest_due(*THURSDAY, BERLIN, start + timedelta(hours=hour))) for hour in range(52 * 7 * 24)}

    assert len(seen) == 52


@given(
    st.sampled_from(DAYS),
    st.integers(0, 23),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]),
    st.datetimes(datetime(2011, 1, 1), datetime(2035, 1, 1)),
)
def test_the_next_slot_is_never_past_and_never_further_than_a_week(
    day: str, hour: int, zone: str, now: datetime
) -> None:
    """An hour of tolerance for a change of the clock on the way."""
    moment = now.replace(tzinfo=UTC)
    slot = next_due(day, f"{hour:02}:00", ZoneInfo(zone), moment)

    assert moment <= slot <= moment + timedelta(days=7, hours=1)


def test_an_issue_leaves_at_the_first_such_time_from_its_slot_on() -> None:
    """Drafted on Thursday at eight: at two the same day, or on the Friday that follows."""
    slot = newest_due(*THURSDAY, BERLIN, at("2026-11-19T12:00"))
    same = planned(Schedule(send_time="14:00"), BERLIN, slot)
    next_day = planned(Schedule(send_time="07:00", send_day="friday"), BERLIN, slot)

    assert (same, next_day) == (slot + timedelta(hours=6), slot + timedelta(hours=23))


def test_without_a_time_nothing_is_planned() -> None:
    """Somebody schedules it by hand."""
    assert planned(Schedule(), BERLIN, at("2026-11-19T07:00")) is None
