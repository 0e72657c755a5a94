"""The ticking: calls beside each other, each again and again, until it is stopped."""

import threading

import pytest

from jobs.schedule import run_until


def test_a_call_that_takes_long_holds_up_no_other_and_warns_of_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """An issue goes out for hours, and the log has nothing to say of the looks that were left out."""
    stop, long, quick = threading.Event(), list[int](), list[int]()

    def slow() -> None:
        long.append(1)
        stop.wait(20)

    def other() -> None:
        quick.append(1)
        if len(quick) == 5:
            stop.set()

    run_until(stop, {"sending": (0.02, slow), "ticking": (0.05, other)})

    assert (len(long), len(quick) >= 5, caplog.messages) == (1, True, [])
