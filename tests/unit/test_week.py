"""ISO weeks and their windows."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.errors import IssueError
from newsletter.issues.week import Week, parse, week_of, window

BERLIN = ZoneInfo("Europe/Berlin")
INSTANTS = st.datetimes(datetime(2020, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC))


def test_a_week_is_written_as_iso_8601_writes_it() -> None:
    """What is parsed is written again."""
    assert str(parse(" 2026-W05 ")) == "2026-W05"


@pytest.mark.parametrize("text", ["2026-47", "2026-W7", "W47", "", "2026-W٤٧", "9999-W01", "0001-W01", "x" * 500])
def test_what_is_not_a_week_is_refused_in_one_sentence(text: str) -> None:
    """The message shows the right form and does not repeat a novel."""
    with pytest.raises(IssueError, match=r"is not an ISO week; write it like 2026-W47\.$") as refusal:
        parse(text)

    assert len(str(refusal.value)) < 100


def test_a_year_without_week_53_says_with_which_week_it_ends() -> None:
    """2025 has 52 weeks."""
    with pytest.raises(IssueError, match=r"no week 2025-W53: 2025 ends with 2025-W52"):
        parse("2025-W53")


def test_week_zero_does_not_exist() -> None:
    """Weeks count from one."""
    with pytest.raises(IssueError, match="no week 2026-W00"):
        parse("2026-W00")


def test_2026_has_a_week_53_and_its_neighbours_are_right() -> None:
    """The first of January 2026 is a Thursday, so the year is long."""
    long = parse("2026-W53")

    assert (str(long.plus(-1)), str(long.plus(1))) == ("2026-W52", "2027-W01")
    assert long.plus(1).since(long) == 1


def test_new_year_can_be_in_the_last_week_of_the_old_year() -> None:
    """The first of January 2027 is in 2026-W53."""
    assert week_of(datetime(2027, 1, 1, tzinfo=UTC), ZoneInfo("UTC")) == Week(2026, 53)


def test_a_week_begins_on_the_clock_of_the_zone() -> None:
    """Sunday 23:30 in London is Monday in Berlin."""
    instant = datetime(2026, 11, 15, 23, 30, tzinfo=UTC)

    assert str(week_of(instant, ZoneInfo("Europe/London"))) == "2026-W46"
    assert str(week_of(instant, BERLIN)) == "2026-W47"


def test_a_naive_time_has_no_week() -> None:
    """It is not known where it is that time."""
    with pytest.raises(ValueError, match="no time zone"):
        week_of(datetime(2026, 11, 15), ZoneInfo("UTC"))


@pytest.mark.parametrize(("week", "hours"), [("2026-W12", 168), ("2026-W13", 167), ("2026-W43", 169)])
def test_the_week_in_which_the_clocks_change_is_an_hour_shorter_or_longer(week: str, hours: int) -> None:
    """Berlin springs forward on 29 March and back on 25 October 2026."""
    start, end = window(parse(week), BERLIN)

    assert (end - start) == timedelta(hours=hours)
    assert start.tzinfo is UTC


def test_a_weekday_has_its_date() -> None:
    """By name, never by digit."""
    assert Week(2026, 47).day("thursday") == date(2026, 11, 19)


@given(instant=INSTANTS, zone=st.timezones())
def test_every_instant_is_in_the_window_of_its_week_and_of_no_other(instant: datetime, zone: ZoneInfo) -> None:
    """Half-open windows: no instant is lost at midnight and none counts twice, in any zone."""
    week = week_of(instant, zone)
    start, end = window(week, zone)

    assert start <= instant < end
    assert window(week.plus(1), zone)[0] == end
