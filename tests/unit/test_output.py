"""What the commands print where there is no terminal."""

import pytest
from delivery_samples import Ticks

from newsletter.cli.output import LINE_EVERY, progress


def test_without_a_terminal_it_says_now_and_then_how_far_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """At the beginning, and every ten seconds."""
    ticks = Ticks()
    with progress("Sending", ticks) as tell:
        for done in (0, 500, 1_000):
            tell(done, 20_000)
            ticks.forward(LINE_EVERY / 2)

    assert capsys.readouterr().err.splitlines() == ["Sending: 0 of 20,000", "Sending: 1,000 of 20,000"]
