"""A new account earns its reputation slowly."""

from dataclasses import replace
from datetime import timedelta

import pytest
from delivery_samples import NOW, dispatcher_for_ten, state_of
from sqlalchemy import Engine

from newsletter.delivery.flight import Ending
from newsletter.delivery.warmup import cap_on

PLAN = (3, 5)


def test_each_day_has_its_share_and_then_there_is_no_cap(engine: Engine) -> None:
    """Three on the first day, five on the second, the rest on the third; nobody twice."""
    dispatcher = replace(dispatcher_for_ten(engine), warm_up=PLAN)
    endings, accepted = [], []
    for day in range(3):
        on_that_day = replace(dispatcher, clock=lambda day=day: NOW + timedelta(hours=20 * day))
        endings.append(on_that_day.run(1)[0])
        accepted.append(state_of(dispatcher).accepted)

    assert (endings, accepted) == ([Ending.CAPPED, Ending.CAPPED, Ending.DONE], [3, 8, 10])
    assert max(dispatcher.provider.log.values()) == 1


def test_a_second_run_on_the_same_day_sends_nothing_more(engine: Engine) -> None:
    """The share is the day's, not the run's; and it says when it goes on."""
    dispatcher = replace(dispatcher_for_ten(engine), warm_up=PLAN)
    dispatcher.run(1)
    ending, why = dispatcher.run(1)

    assert (ending, state_of(dispatcher).accepted) == (Ending.CAPPED, 3)
    assert "tomorrow" in why


@pytest.mark.parametrize(("day", "cap"), [(0, 3), (1, 5), (2, None), (400, None), (-1, 3)])
def test_the_plan_is_read_by_days(day: int, cap: int | None) -> None:
    """A clock that goes back does not open it."""
    assert cap_on(PLAN, day) == cap
