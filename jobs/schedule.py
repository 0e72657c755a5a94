"""The ticking: the only file that knows APScheduler.

APScheduler is trusted with nothing but a tick now and then (its own weekday digits, one-second misfire grace and
restart behaviour lose or double slots: dispatch reference, section 4). What is due is decided by whoever is called.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

TICK_SECONDS = 30


def run_until(stop: threading.Event, calls: Mapping[str, tuple[float, Callable[[], object]]]) -> None:
    """Call each of these at once and then every so many seconds, until `stop` is set; then wait for what is under way.

    Each has a thread of its own and is never called twice at once: one that takes hours holds up no other.
    """
    # That a call is not made while it still runs is no warning: sending takes hours, and it would say so each time.
    logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)
    scheduler = BackgroundScheduler(timezone=UTC, executors={"default": ThreadPoolExecutor(len(calls))})
    for name, (seconds, call) in calls.items():
        scheduler.add_job(
            call,
            IntervalTrigger(seconds=seconds, timezone=UTC),
            id=name,
            next_run_time=datetime.now(UTC),
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
        )
    scheduler.start()
    stop.wait()
    scheduler.shutdown(wait=True)
