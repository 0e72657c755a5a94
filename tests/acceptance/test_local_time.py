"""An issue by the readers' own time, through the command line."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from commands import Done

Run = Callable[..., Done]
IN_A_WEEK = f"{datetime.now(UTC) + timedelta(days=7):%Y-%m-%d}T08:00"


@pytest.fixture
def scheduled(house: Run, tmp_path: Path) -> Run:
    """Issue 1 is everybody's in a week at eight; one of the 49 lives where that is first."""
    people = tmp_path / "people.csv"
    people.write_text("email,time zone\nkiri@example.org,Pacific/Kiritimati\n")
    house("subscribers", "import", str(people), "--consent", "a form")
    house("issue", "draft")
    house("issue", "approve", "1")
    said = house("issue", "schedule", "1", "--at", IN_A_WEEK, "--everywhere").stdout
    assert "at 18:00 UTC, and reaches everybody at 08:00 by their own clock" in said
    return house


def test_a_scheduled_issue_says_whose_clock_counts(scheduled: Run) -> None:
    """And does not offer to send at once, which it would not."""
    said = scheduled("issue", "status", "1").stdout

    assert "reaches everybody at 08:00 by their own clock" in said
    assert "At once" not in said


def test_begun_by_hand_it_waits_for_everybodys_hour(scheduled: Run) -> None:
    """That is no failure; the status says who comes next, and when."""
    said = scheduled("issue", "send", "1", "--yes")
    status = scheduled("issue", "status", "1").stdout

    assert "It is the next readers' turn at" in said.stdout
    assert "0 waves of 2 done; 1 person on the list comes next, on" in status


def test_programs_get_the_waves(scheduled: Run) -> None:
    """Opening, people, and whether it is over."""
    scheduled("issue", "send", "1", "--yes")
    found = json.loads(scheduled("issue", "status", "1", "--json").stdout)["waves"]

    assert [(wave["people"], wave["walked"]) for wave in found] == [(1, False), (48, False)]


def test_an_export_gives_time_zones_back(scheduled: Run, tmp_path: Path) -> None:
    """As the import had them."""
    scheduled("subscribers", "export", str(tmp_path / "out.csv"))
    lines = (tmp_path / "out.csv").read_text().splitlines()

    assert ",zone," in lines[0]
    assert sum(",Pacific/Kiritimati," in line for line in lines) == 1
