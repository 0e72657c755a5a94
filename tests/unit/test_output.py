"""What the commands print where there is no terminal."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from delivery_samples import NOW, Ticks

from newsletter.cli.output import LINE_EVERY, progress
from newsletter.cli.waiting import waiting
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
