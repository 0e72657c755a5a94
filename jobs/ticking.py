"""What one tick does: run the weekly job if its slot is due and free, then send what has come due."""

from datetime import datetime, timedelta

from jobs.slots import Run, RunStatus, close, name_of, newest_due, runs, take
from jobs.weekly import Result, run, send_due
from newsletter.desk.desk import Desk
from newsletter.issues.week import week_of
from newsletter.issues.wording import opened

JOB = "weekly"
ENDED = {Result.FAILED: RunStatus.FAILED, Result.WAITING: RunStatus.WAITING}


def tick(desk: Desk) -> list[str]:
    """Do what is due now; returns what happened, in sentences. Safe to call at any time, from any process."""
    said = []
    slot = newest_due(desk.config.schedule, desk.config.publication.tz, desk.clock())
    with desk.transaction() as session:
        known: list[Run] = runs(session, JOB, most=1)
        mine = _is_next(known, slot, desk) and take(session, JOB, name_of(slot), desk.clock())
    if mine:
        said += _run_slot(desk, slot)
    said += [f"{opened(issue.name)} is {issue.status}." for issue in send_due(desk)]
    return said


def _is_next(known: list[Run], slot: datetime, desk: Desk) -> bool:
    """Whether this slot is to be run: the first start of all waits for the next slot instead of running a past one."""
    if known:
        return known[0].slot < name_of(slot)
    return desk.clock() - slot < timedelta(hours=1)


def _run_slot(desk: Desk, slot: datetime) -> list[str]:
    """Run the job for this slot, unless it is too late for doing so without a person; write down how it ended."""
    name = name_of(slot)
    try:
        status, story = _week_of(desk, slot)
    except Exception as error:
        _close(desk, name, RunStatus.FAILED, f"The weekly job failed: {error}")
        raise
    _close(desk, name, status, "\n".join(story))
    return story


def _week_of(desk: Desk, slot: datetime) -> tuple[RunStatus, list[str]]:
    if desk.clock() - slot > timedelta(hours=desk.config.schedule.latest_hours):
        return RunStatus.WAITING, [f"The slot {name_of(slot)} was missed. Run it by hand: newsletter week"]
    done = run(desk, week_of(slot, desk.config.publication.tz))
    return ENDED.get(done.result, RunStatus.DONE), [f"{step}: {sentence}" for step, sentence in done.story]


def _close(desk: Desk, name: str, status: RunStatus, report: str) -> None:
    with desk.transaction() as session:
        close(session, JOB, name, status, report, desk.clock())
