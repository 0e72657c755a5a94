"""The weekly job: collect, draft, check, then wait for a person or send.

Every step can be repeated: importing again changes nothing, drafting again keeps the editor's changes, sending again
reaches nobody twice. So a run that died is simply run again. A source that fails stops the week: a half-read source
never looks like a quiet one (DESIGN, invariant 3).
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from newsletter.delivery.flight import Ending
from newsletter.delivery.progress import Progress
from newsletter.desk import sending, writing
from newsletter.desk.collecting import collect_all
from newsletter.desk.desk import Desk
from newsletter.errors import IllegalStep, PreflightFailed
from newsletter.issues.issue import Issue, IssueStatus, of_week
from newsletter.issues.week import Week
from newsletter.issues.wording import counted, opened
from newsletter.mail.rendered import Level

BY = "the weekly job"
READY = (IssueStatus.APPROVED, IssueStatus.SCHEDULED, IssueStatus.SENDING)


class Result(StrEnum):
    """How a run of the weekly job ended."""

    QUIET = "quiet"  #: certainly nothing to send: recorded, and said
    WAITING = "waiting"  #: the draft is ready; an editor approves it
    SCHEDULED = "scheduled"  #: approved; it starts after the hold
    SENT = "sent"
    STOPPED = "stopped"  #: sending was interrupted; the next run goes on
    FAILED = "failed"  #: a source was not read, or the preflight found errors


Told = tuple[str, str]  #: which step, and a sentence on what it did


@dataclass(frozen=True, slots=True)
class Weekly:
    """What the weekly job did, step by step."""

    result: Result
    issue: Issue | None
    story: tuple[Told, ...]


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
        prepared = _prepare(desk, week, at_once=at_once)
        if prepared.result is not Result.SCHEDULED or not at_once:
            return prepared
        return _send(desk, week, prepared.story, on_progress)
    if found.status in READY and at_once:
        return _send(desk, week, (), on_progress)
    done = found.status in (IssueStatus.SENT, IssueStatus.PARTIAL)
    sentence = f"{opened(found.name)} is {found.status} already; nothing was done."
    return Weekly(Result.SENT if done else Result.WAITING, found, (("look", sentence),))


def _prepare(desk: Desk, week: Week, *, at_once: bool) -> Weekly:
    """Collect and draft; approve and schedule where the settings say so."""
    came = collect_all(desk, desk.config.sources.collect)
    if came.failed:
        failures = tuple(("collect", failure) for failure in came.failures)
        return Weekly(Result.FAILED, None, (*failures, ("draft", "No issue is made from a half-read week.")))
    story: tuple[Told, ...] = (("collect", came.summary),)
    made = writing.draft(desk, week)
    if made.issue is None:
        return Weekly(Result.QUIET, None, (*story, ("draft", made.skipped)))
    left_out = sum(not decision.chosen for decision in made.selected.decisions)
    sentence = f"{opened(made.issue.name)}: {len(made.selected.items)} items in, {left_out} comparisons left out."
    story = (*story, ("draft", sentence))
    if desk.config.schedule.approve == "editor":
        waiting = ("wait", f"An editor approves it: newsletter issue approve {made.issue.number}")
        return Weekly(Result.WAITING, made.issue, (*story, waiting))
    return _approve(desk, made.issue, story, at_once=at_once)


def _approve(desk: Desk, issue: Issue, story: tuple[Told, ...], *, at_once: bool) -> Weekly:
    try:
        _, final = writing.approve(desk, str(issue.number), by=BY)
    except PreflightFailed as error:
        return Weekly(Result.FAILED, issue, (*story, ("check", str(error))))
    scheduled = sending.schedule(desk, str(issue.number), at=desk.clock() if at_once else None, by=BY)
    start = (scheduled.scheduled_at or desk.clock()).astimezone(desk.config.publication.tz)
    warnings = sum(finding.level is Level.WARNING for finding in final.findings)
    return Weekly(
        Result.SCHEDULED,
        scheduled,
        (
            *story,
            ("check", f"No errors, {counted(warnings, 'warning')}; {len(final.html.encode()) / 1024:.1f} KB of HTML."),
            ("approve", f"By {BY}, for the bytes with digest {final.digest[:12]}…; starts at {start:%H:%M %Z}."),
        ),
    )


def _send(desk: Desk, week: Week, story: tuple[Told, ...], on_progress: Callable[[Progress], None]) -> Weekly:
    done = sending.send(desk, str(week), by=BY, on_progress=on_progress)
    if done.ending is not Ending.DONE:
        sentence = f"It ended early ({done.ending}). {done.reason} The next run goes on, and nobody gets two."
        return Weekly(Result.STOPPED, done.issue, (*story, ("send", sentence)))
    state = done.progress
    counts = (
        f"{state.accepted} accepted, {state.refused} refused, {state.unknown} unknown, {state.skipped_in_all} skipped"
    )
    return Weekly(Result.SENT, done.issue, (*story, ("send", f"{counts}: {state.list_size} on the list.")))


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
