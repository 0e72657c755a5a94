"""The weekly run of one slot, step by step: what each step does, and what comes after it.

    collect ─▶ draft ─▶ check ─▶ approve ─▶ hold ─▶ send ─▶ report
       │         │                  ▲          │
       │         └─▶ quiet: over    └─reopened─┘
       └─ a source failed: again in a while, until it is too late

Theory. Up to the draft a run does the work itself. From then on the issue's own status says where it is (`BY_STATUS`),
whoever brought it there: an editor who approves, reopens, sends or cancels by hand is never worked against. So a step
can be done twice, or by another process after a crash, and a run that was left for days finds its way.

Nobody's approval means "now": what is approved after its planned time waits until somebody names a time (product
reference, 3.2 rule 12).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from jobs.slots import Run, RunStatus, planned
from newsletter.delivery.progress import progress
from newsletter.desk import sending, writing
from newsletter.desk.collecting import collect_all
from newsletter.desk.desk import Desk
from newsletter.desk.editions import Edition, edition
from newsletter.errors import PreflightFailed
from newsletter.issues.issue import Issue, IssueStatus, of_week
from newsletter.issues.week import Week, week_of
from newsletter.issues.wording import counted, opened
from newsletter.mail.rendered import Level

BY = "the weekly job"
#: How long after a failed source, or any other failure, the step is tried again.
RETRY = timedelta(minutes=15)


class Step(StrEnum):
    """Where a weekly run is."""

    COLLECT = "collect"  #: read the sources
    DRAFT = "draft"  #: select and write
    CHECK = "check"  #: the preflight, for the editor
    APPROVE = "approve"  #: wait for a person, or for what the deadline says
    HOLD = "hold"  #: it has a time, and can still be undone
    SEND = "send"  #: it is on its way
    REPORT = "report"  #: say how it went


#: Where a run is once there is an issue, by that issue's status.
BY_STATUS: dict[IssueStatus, Step] = {
    IssueStatus.DRAFT: Step.APPROVE,
    IssueStatus.APPROVED: Step.APPROVE,
    IssueStatus.SCHEDULED: Step.HOLD,
    IssueStatus.SENDING: Step.SEND,
    IssueStatus.PAUSED: Step.SEND,
    IssueStatus.SENT: Step.REPORT,
    IssueStatus.PARTIAL: Step.REPORT,
    IssueStatus.CANCELLED: Step.REPORT,
}


@dataclass(frozen=True, slots=True)
class Turn:
    """What a step came to."""

    said: str
    next: Step
    status: RunStatus = RunStatus.RUNNING
    again: datetime | None = None  #: not before (aware)


@dataclass(frozen=True, slots=True)
class Slot:
    """The slot that a run is for."""

    due: datetime  #: aware, in the publication's zone
    week: Week
    planned: datetime | None  #: when its issue is to leave
    too_late: datetime  #: past this nothing is begun without a person
    at_once: bool = False  #: whoever runs it sends the issue as soon as it is approved


def slot_of(desk: Desk, run: Run) -> Slot:
    """What the settings say of the slot of this run."""
    schedule, zone = desk.config.schedule, desk.config.publication.tz
    due = (run.due_at or run.started_at).astimezone(zone)
    late = timedelta(hours=schedule.latest_hours)
    return Slot(due, week_of(due, zone), planned(schedule, zone, due), due.astimezone(UTC) + late)


def turn(desk: Desk, run: Run) -> Turn:
    """Do the step that this run is at. Raises NewsletterError where that failed for now."""
    return STEPS[Step(run.step)](desk, slot_of(desk, run))


def after_failure(desk: Desk, run: Run, why: str) -> Turn:
    """The same step again in a while; too late for that, the run has failed."""
    step, again = Step(run.step), desk.clock() + RETRY
    if step in (Step.COLLECT, Step.DRAFT, Step.CHECK) and again > slot_of(desk, run).too_late:
        return Turn(f"{why} It is too late to try again by itself: newsletter week", step, RunStatus.FAILED)
    return Turn(f"{why} It is tried again.", step, again=again)


def _issue(desk: Desk, slot: Slot) -> Issue | None:
    with desk.transaction() as session:
        return of_week(session, desk.config.publication.slug, slot.week)


def _collect(desk: Desk, slot: Slot) -> Turn:
    found = _issue(desk, slot)
    if found and found.status is not IssueStatus.DRAFT:
        return Turn(f"{opened(found.name)} is {found.state} already.", BY_STATUS[found.status])
    if desk.clock() > slot.too_late and found is None and desk.config.schedule.missed != "run":
        return _missed(desk, slot)
    came = collect_all(desk, desk.config.sources.collect)
    if came.failed:
        failures = " ".join(came.failures)
        again = desk.clock() + RETRY
        if again > slot.too_late:
            return Turn(f"{failures} No issue is made from a half-read week.", Step.COLLECT, RunStatus.FAILED)
        return Turn(f"{failures} No issue is made from a half-read week; tried again.", Step.COLLECT, again=again)
    return Turn(came.summary, Step.DRAFT)


def _missed(desk: Desk, slot: Slot) -> Turn:
    said = f"The slot {slot.due:%a %d %b %H:%M} was missed."
    if desk.config.schedule.missed == "skip":
        return Turn(f"{said} It is left out, as schedule.missed says.", Step.COLLECT, RunStatus.DONE)
    return Turn(f"{said} Run it by hand: newsletter week --slot {slot.week}", Step.COLLECT, RunStatus.WAITING)


def _draft(desk: Desk, slot: Slot) -> Turn:
    made = writing.draft(desk, slot.week)
    if made.issue is None:
        return Turn(made.skipped, Step.DRAFT, RunStatus.DONE)
    out = sum(not decision.chosen for decision in made.selected.decisions)
    return Turn(f"{opened(made.issue.name)}: {len(made.selected.items)} items in, {out} left out.", Step.CHECK)


def _check(desk: Desk, slot: Slot) -> Turn:
    with desk.reading() as session:
        final = edition(desk, session, desk.find(session, str(slot.week)))
    errors = [finding.message for finding in final.findings if finding.level is Level.ERROR]
    warnings = counted(sum(finding.level is Level.WARNING for finding in final.findings), "warning")
    size = f"{len(final.whole.html.encode()) / 1024:.1f} KB of HTML"
    if errors:
        return Turn(f"{'; '.join(errors)} ({warnings}, {size}).", Step.APPROVE)
    return Turn(f"No errors, {warnings}; {size}{_parts(final)}.", Step.APPROVE)


def _parts(made: Edition) -> str:
    return f", and {counted(len(made.parts), 'part')} for readers' choices" if made.parts else ""


def _approve(desk: Desk, slot: Slot) -> Turn:
    issue = _issue(desk, slot)
    if issue is None:
        return Turn("There is no issue for this week any more.", Step.APPROVE, RunStatus.DONE)
    if issue.status is IssueStatus.APPROVED:
        return _give_time(desk, slot, issue)
    if issue.status is not IssueStatus.DRAFT:
        return Turn("", BY_STATUS[issue.status])
    schedule = desk.config.schedule
    over = slot.planned is not None and desk.clock() >= slot.planned
    if schedule.approve == "automatic" or (over and schedule.unapproved == "send"):
        return _approve_by_itself(desk, slot, issue)
    if over and schedule.unapproved == "skip":
        writing.cancel(desk, str(issue.number), by=BY)
        return Turn(
            f"Nobody approved {issue.name} by its time; it is cancelled, as schedule.unapproved says.", Step.REPORT
        )
    until = f" by {_when(desk, slot.planned)}" if slot.planned and not over else ""
    late = f" Its time, {_when(desk, slot.planned)}, is over." if slot.planned and over else ""
    said = f"An editor approves it{until}: newsletter issue approve {issue.number}.{late}"
    return Turn(said, Step.APPROVE, RunStatus.WAITING)


def _approve_by_itself(desk: Desk, slot: Slot, issue: Issue) -> Turn:
    if desk.clock() > max(slot.too_late, (slot.planned or slot.due) + (slot.too_late - slot.due)):
        said = f"It is too late to approve {issue.name} without a person: newsletter issue approve {issue.number}"
        return Turn(said, Step.APPROVE, RunStatus.WAITING)
    try:
        _, final = writing.approve(desk, str(issue.number), by=BY)
    except PreflightFailed as error:
        return Turn(f"{error} A person mends and approves it.", Step.APPROVE, RunStatus.WAITING)
    approved = f"By {BY}, for the bytes with digest {final.digest[:12]}…."
    given = _give_time(desk, slot, _issue(desk, slot) or issue)
    return replace(given, said=f"{approved} {given.said}")


def _give_time(desk: Desk, slot: Slot, issue: Issue) -> Turn:
    """Schedule what is approved for its planned time; what came too late for that waits for a person's time."""
    now, which = desk.clock(), str(issue.number)
    by_itself = issue.approved_by == BY
    if slot.planned is None and not by_itself:
        return Turn(
            f"It is approved. When does it go? newsletter issue schedule {which}", Step.APPROVE, RunStatus.WAITING
        )
    approved = issue.approved_at or now
    late = slot.planned is not None and not by_itself and approved.astimezone(UTC) > slot.planned.astimezone(UTC)
    missed = now > (slot.planned or slot.due).astimezone(UTC) + (slot.too_late - slot.due.astimezone(UTC))
    if late or missed:
        over = f"Its time, {_when(desk, slot.planned or slot.due)}, is over."
        said = f"{over} Name another: newsletter issue schedule {which} --at TIME"
        return Turn(said, Step.APPROVE, RunStatus.WAITING)
    hold = now + timedelta(minutes=desk.config.sending.hold_minutes)
    at = max(slot.planned or hold, hold)
    everywhere = desk.config.schedule.local_time and slot.planned is not None and slot.planned >= hold
    given = sending.schedule(desk, which, at=at, by=BY, everywhere=everywhere)
    if slot.at_once:
        return Turn("It goes at once.", Step.HOLD)
    own = f", and is everybody's at {at:%H:%M} by their own clock" if everywhere else ""
    return Turn(
        f"It starts {_when(desk, given.starts_at or at)}{own}. Until then: newsletter issue reopen {which}", Step.HOLD
    )


def _watch(desk: Desk, slot: Slot) -> Turn:
    """Nothing to do but to see how far it is: whoever sends has the dispatcher's lock."""
    issue = _issue(desk, slot)
    if issue is None:
        return Turn("There is no issue for this week any more.", Step.REPORT, RunStatus.DONE)
    if issue.status is IssueStatus.PAUSED:
        said = f"{opened(issue.name)} is paused: newsletter issue status {issue.number} says why."
        return Turn(said, Step.SEND, RunStatus.WAITING)
    return Turn("", BY_STATUS[issue.status])


def _report(desk: Desk, slot: Slot) -> Turn:
    issue = _issue(desk, slot)
    if issue is None or BY_STATUS[issue.status] is not Step.REPORT:
        return Turn("", BY_STATUS[issue.status] if issue else Step.REPORT, RunStatus.RUNNING)
    if issue.status is IssueStatus.CANCELLED:
        return Turn(f"{opened(issue.name)} is cancelled.", Step.REPORT, RunStatus.DONE)
    with desk.transaction() as session:
        state = progress(session, issue.id or 0)
    if state is None:
        return Turn(f"{opened(issue.name)} is {issue.state}.", Step.REPORT, RunStatus.DONE)
    counts = f"{state.accepted} accepted, {state.refused} refused, {state.unknown} unknown"
    said = f"{counts}, {state.skipped_in_all} skipped: {state.list_size} on the list."
    return Turn(said, Step.REPORT, RunStatus.DONE)


def _when(desk: Desk, at: datetime | None) -> str:
    local = (at or desk.clock()).astimezone(desk.config.publication.tz)
    return f"{local:%a %d %b %H:%M %Z}"


STEPS: dict[Step, Callable[[Desk, Slot], Turn]] = {
    Step.COLLECT: _collect,
    Step.DRAFT: _draft,
    Step.CHECK: _check,
    Step.APPROVE: _approve,
    Step.HOLD: _watch,
    Step.SEND: _watch,
    Step.REPORT: _report,
}
