"""The ticking: the only file that knows APScheduler.

APScheduler is trusted with nothing but a tick every half minute (its own weekday digits, one-second misfire grace and
restart behaviour lose or double slots: dispatch reference, section 4). What is due is decided by jobs.slots.
"""

from collections.abc import Callable
from datetime import UTC, datetime

from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.triggers.interval import IntervalTrigger

TICK_SECONDS = 30


def run_forever(*ticks: Callable[[], None], seconds: int = TICK_SECONDS) -> Callable[[], None]:
    """A function that calls each of `ticks` at once and then every `seconds`, until the process ends.

    Each runs beside the others, one call of its own at a time.
    """
    scheduler = BlockingScheduler(timezone=UTC)
    trigger = IntervalTrigger(seconds=seconds, timezone=UTC)
    for tick in ticks:
        scheduler.add_job(
            tick, trigger, next_run_time=datetime.now(UTC), coalesce=True, max_instances=1, misfire_grace_time=None
        )
    return scheduler.start  # type: ignore[no-any-return]
