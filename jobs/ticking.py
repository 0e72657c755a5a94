"""What one tick does: claim the slot that is due, and bring every run that is not over as far as it goes.

Safe to call at any time and from any process: a slot is claimed once, a run is worked on by one at a time, and what a
process that died has left is taken up by the next (slots.py).
"""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from jobs.running import BY, BY_STATUS, RETRY, Step, Turn, after_failure, slot_of, turn
from jobs.slots import Run, RunStatus, name_of, newest_due, newest_run, open_runs, seize, take, write
from newsletter.desk import sending
from newsletter.desk.desk import Desk
from newsletter.errors import IllegalStep, NewsletterError, SomebodySends
from newsletter.issues.issue import Issue, of_week

JOB = "weekly"


def tick(desk: Desk) -> list[str]:
    """Do what is due now; returns what happened, in sentences."""
    with desk.transaction() as session:
        _claim(desk, session)
        now = desk.clock()
        mine = [run for run in open_runs(session, JOB) if _is_its_time(run, now)]
    return [line for run in mine for line in _advance(desk, run)]


def _is_its_time(run: Run, now: datetime) -> bool:
    """A step is never put off for longer than RETRY: where it seems to be, the clock was set back."""
    return run.again_at is None or not now < run.again_at <= now + RETRY


def _claim(desk: Desk, session: Session) -> None:
    """Claim the newest slot if it is due and free; what an older one still waits for is over then."""
    schedule, zone, now = desk.config.schedule, desk.config.publication.tz, desk.clock()
    slot = newest_due(schedule.day, schedule.time, zone, now)
    known = newest_run(session, JOB, zone, now)
    # The first start of all waits for the next slot instead of running a past one.
    is_next = known.slot < name_of(slot) if known else now - slot < timedelta(hours=1)
    if is_next and take(session, JOB, slot, Step.COLLECT, now):
        for run in open_runs(session, JOB):
            if run.slot < name_of(slot):
                _leave(desk, session, run)


def _leave(desk: Desk, session: Session, run: Run) -> None:
    """Close a run whose week is over, unless its issue is on its way or has a time."""
    issue = of_week(session, desk.config.publication.slug, slot_of(desk, run).week)
    step = BY_STATUS[issue.status] if issue else Step(run.step)
    if step in (Step.COLLECT, Step.DRAFT, Step.CHECK, Step.APPROVE) and seize(session, run, desk.clock()):
        said = _told(run, "Nobody took it further before the next slot came; nothing of it is sent by itself.")
        write(session, run, desk.clock(), status=RunStatus.FAILED, report=said, ended_at=desk.clock())


def _advance(desk: Desk, run: Run) -> list[str]:
    """Bring one run as far as it goes now; the sentences that are news."""
    said: list[str] = []
    while True:
        taken = desk.clock()
        with desk.transaction() as session:
            if not seize(session, run, taken):
                return said
        came = _turn(desk, run)
        report = _told(run, came.said)
        said += [f"{run.step}: {came.said}"] if report != run.report else []
        with desk.transaction() as session:
            if not write(session, run, taken, **_after(desk, came, report)):
                return said
            stays, run = came.next == run.step, session.get_one(Run, (run.job, run.slot), populate_existing=True)
        if run.status is not RunStatus.RUNNING or run.again_at or stays:
            return said


def _turn(desk: Desk, run: Run) -> Turn:
    try:
        return turn(desk, run)
    except IllegalStep:  # a person was quicker: look again where the issue is
        return Turn("", Step(run.step), again=desk.clock())
    except NewsletterError as error:
        return after_failure(desk, run, str(error))


def _after(desk: Desk, came: Turn, report: str) -> dict[str, Any]:
    over = came.status in (RunStatus.DONE, RunStatus.FAILED)
    ended = desk.clock() if over else None
    return {"status": came.status, "step": came.next, "again_at": came.again, "report": report, "ended_at": ended}


def _told(run: Run, said: str) -> str:
    """The report with this sentence; what the same step said last is replaced: a step may be tried for hours."""
    if not said:
        return run.report
    lines = run.report.splitlines()
    if lines and lines[-1].startswith(f"{run.step}: "):
        lines.pop()
    return "\n".join([*lines, f"{run.step}: {' '.join(said.split())}"])


def send_due(
    desk: Desk,
    *,
    stop: Callable[[], bool] = lambda: False,
    pause: Callable[[float], object] = time.sleep,
    on_end: Callable[[sending.Sent], None] = lambda _: None,
) -> list[Issue]:
    """Send every issue whose time has come, and go on with what an earlier process left.

    `stop` ends it after the calls under way, `pause` waits so many seconds (sending.py).
    """
    done = []
    for number in sending.due(desk):
        try:
            ended = sending.send(desk, number, by=BY, stop=stop, pause=pause)
        except (IllegalStep, SomebodySends):
            continue  # somebody paused, cancelled or reopened it since the look; or another scheduler is at it
        on_end(ended)
        done.append(ended.issue)
    return done
