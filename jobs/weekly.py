"""The weekly job: collect, draft, check, then wait for a person or send.

Every step can be repeated: importing again changes nothing, drafting again keeps the editor's changes, sending again
reaches nobody twice. So a run that died is simply run again. A source that fails stops the week: a half-read source
never looks like a quiet one (DESIGN, invariant 3).
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from newsletter.delivery.dispatch import Ending
from newsletter.delivery.progress import Progress
from newsletter.desk import sending, writing
from newsletter.desk.collecting import collect_all
from newsletter.desk.desk import Desk
from newsletter.errors import IllegalStep, PreflightFailed
from newsletter.issues.issue import Issue, IssueStatus, of_week
from newsletter.issues.week import Week

BY = "the weekly job"


class Result(StrEnum):
    """How a run of the weekly job ended."""

    QUIET = "quiet"  #: certainly nothing to send: recorded, and said
    WAITING = "waiting"  #: the draft is ready; an editor approves it
    SCHEDULED = "scheduled"  #: approved; it starts after the hold
    SENT = "sent"
    STOPPED = "stopped"  #: sending was interrupted; the next run goes on
    FAILED = "failed"  #: a source was not read, or the preflight found errors


@dataclass(frozen=True, slots=True)
class Weekly:
    """What the weekly job did, in sentences."""

    result: Result
    issue: Issue | None
    story: tuple[str, ...]


def run(
    desk: Desk,
    week: Week | None = None,
    *,
    at_once: bool = False,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> Weekly:
    """Do the week: by default this one. `at_once` sends an approved issue without the hold."""
    week = week or writing.this_week(desk)
    found = _issue(desk, week)
    if found is None or found.status is IssueStatus.DRAFT:
        prepared = _prepare(desk, week)
        if prepared.result is not Result.SCHEDULED or not at_once:
            return prepared
        return _send(desk, week, prepared.story, on_progress)
    if found.status in (IssueStatus.APPROVED, IssueStatus.SCHEDULED, IssueStatus.SENDING) and at_once:
        return _send(desk, week, (), on_progress)
    result = Result.SENT if found.status in (IssueStatus.SENT, IssueStatus.PARTIAL) else Result.WAITING
    return Weekly(result, found, (f"{found.name.capitalize()} is {found.status} already; nothing was done.",))


def _prepare(desk: Desk, week: Week) -> Weekly:
    """Collect and draft; approve and schedule where the settings say so."""
    came = collect_all(desk, desk.config.sources.collect)
    if came.failed:
        return Weekly(Result.FAILED, None, ("No issue is made from a half-read week.", *came.failures))
    counts = came.counts
    story: tuple[str, ...] = (", ".join(f"{number} {what}" for what, number in counts.items()) + ".",)
    made = writing.draft(desk, week)
    if made.issue is None:
        return Weekly(Result.QUIET, None, (*story, made.skipped))
    story = (*story, f"{made.issue.name.capitalize()} is drafted with {len(made.selected.items)} items.")
    if desk.config.schedule.approve == "editor":
        return Weekly(
            Result.WAITING, made.issue, (*story, f"An editor approves it: newsletter issue approve {made.issue.number}")
        )
    return _approve(desk, made.issue, story)


def _approve(desk: Desk, issue: Issue, story: tuple[str, ...]) -> Weekly:
    try:
        writing.approve(desk, str(issue.number), by=BY)
    except PreflightFailed as error:
        return Weekly(Result.FAILED, issue, (*story, str(error)))
    scheduled = sending.schedule(desk, str(issue.number), at=None, by=BY)
    return Weekly(
        Result.SCHEDULED, scheduled, (*story, f"Approved by {BY}; it starts at {scheduled.scheduled_at:%H:%M} UTC.")
    )


def _send(desk: Desk, week: Week, story: tuple[str, ...], on_progress: Callable[[Progress], None]) -> Weekly:
    done = sending.send(desk, str(week), by=BY, on_progress=on_progress)
    if done.ending is not Ending.DONE:
        return Weekly(
            Result.STOPPED, done.issue, (*story, f"The sending ended early: {done.ending}. The next run goes on.")
        )
    state = done.progress
    sentence = (
        f"{state.accepted} accepted, {state.skipped_in_all} skipped, {state.refused} refused, {state.unknown} unknown."
    )
    return Weekly(Result.SENT, done.issue, (*story, sentence))


def send_due(desk: Desk, stop: Callable[[], bool] = lambda: False) -> list[Issue]:
    """Send every issue whose time has come, and go on with what an earlier process left."""
    done = []
    for number in sending.due(desk):
        try:
            done.append(sending.send(desk, number, by=BY, stop=stop).issue)
        except IllegalStep:
            continue  # somebody paused, cancelled or reopened it between the look and the start
    return done


def _issue(desk: Desk, week: Week) -> Issue | None:
    with desk.transaction() as session:
        return of_week(session, desk.config.publication.slug, week)
