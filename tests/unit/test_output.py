"""What the commands print where there is no terminal."""

import json
from datetime import timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from delivery_samples import NOW, Ticks

from newsletter.cli.issue_print import parts
from newsletter.cli.output import LINE_EVERY, Told, progress, rows
from newsletter.cli.waiting import counting, waiting
from newsletter.delivery.progress import Progress
from newsletter.delivery.waits import Wait


def test_without_a_terminal_it_says_now_and_then_how_far_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """At the beginning, and every ten seconds."""
    ticks = Ticks()
    with progress("Sending", ticks) as tell:
        for done in (0, 500, 1_000):
            tell(done, 20_000)
            ticks.forward(LINE_EVERY / 2)

    assert capsys.readouterr().err.splitlines() == ["Sending: 0 of 20,000", "Sending: 1,000 of 20,000"]


def test_a_wait_is_said_when_it_begins_and_then_every_minute(capsys: pytest.CaptureFixture[str]) -> None:
    """A log of five minutes is not three hundred lines; the next wait is said at once."""
    ticks = Ticks()
    with progress("Sending", ticks) as tell:
        for second in range(90):
            tell.waits(f"Waiting, {second}")
            ticks.forward(1)
        tell.waits("")
        tell.waits("Waiting again")

    assert capsys.readouterr().err.splitlines() == ["Waiting, 0", "Waiting, 60", "Waiting again"]


def test_a_wait_is_told_with_its_end_and_its_length(capsys: pytest.CaptureFixture[str]) -> None:
    """In the publication's zone; one of a moment is not worth a line."""
    with progress("Sending", Ticks()) as bar:
        tell = waiting(bar, ZoneInfo("Europe/Berlin"))
        tell(Wait(NOW, 1.0, "a moment"))
        tell(None)
        tell(Wait(NOW + timedelta(seconds=277), 277.0, "the provider asked for it"))

    assert capsys.readouterr().err == "Waiting until 10:04:37 CET (4:37): the provider asked for it\n"


def test_a_listing_is_words_for_people_and_values_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    """Times, yes and no, numbers, and what people read otherwise."""
    found = [{"at": NOW, "in": True, "out": False, "people": 1_200, "left": Told("ship 75%", {"percent": 75})}]
    rows(found, json_wanted=False, nothing="")
    words = capsys.readouterr().out.splitlines()[1].split()
    rows(found, json_wanted=True, nothing="")

    assert words == ["2026-11-12", "09:00:00", "yes", "1,200", "ship", "75%"]
    assert json.loads(capsys.readouterr().out) == [
        {"at": "2026-11-12T09:00:00+00:00", "in": True, "out": False, "people": 1_200, "left": {"percent": 75}}
    ]


def test_the_refused_are_not_told_as_sent(capsys: pytest.CaptureFixture[str]) -> None:
    """Twenty of twenty dealt with, and nobody has it."""
    with progress("Sending", Ticks()) as bar:
        counting(bar)(Progress(20, 0, 18, 0, 2, {}, 0))

    assert capsys.readouterr().err == "Sending: 0 accepted, 18 refused, 2 to go\n"


def test_who_will_be_skipped_is_not_to_go(capsys: pytest.CaptureFixture[str]) -> None:
    """Seven of twenty may not be mailed; the cursor has passed two of them."""
    with progress("Sending", Ticks()) as bar:
        counting(bar, 7)(Progress(20, 8, 0, 0, 0, {"paused": 2}, 10))

    assert capsys.readouterr().err == "Sending: 8 accepted, 5 to go\n"


@pytest.mark.parametrize(
    ("number", "shown"),
    [(2, "2 parts for readers' choices: p0 (0.0 KB) and p1 (0.0 KB)."), (15, "15 parts for readers' choices, of 0.0")],
)
def test_a_hundred_parts_are_not_all_named_in_a_sentence(number: int, shown: str) -> None:
    """A program gets their names."""
    small = SimpleNamespace(html="x")

    [said] = parts(SimpleNamespace(parts={f"p{at}": small for at in range(number)}))
    assert shown in said
