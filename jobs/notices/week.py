"""Rules on the week: a draft that waits, a time that is near, and an issue that should have left."""

from collections.abc import Iterator
from datetime import timedelta

from jobs.notices.facts import Facts, Slot, Watched
from jobs.notices.words import at, lasting
from jobs.running import Step
from jobs.slots import RunStatus
from newsletter.desk.notices import Holds, Kind, Severity
from newsletter.issues.issue import IssueStatus
from newsletter.issues.wording import opened

NEAR = timedelta(hours=4)  #: before its deadline, an unapproved draft is called urgent
GRACE = timedelta(hours=2)  #: after the planned time, an issue that has not begun is missed
SLOW_START = timedelta(minutes=15)  #: after its time, a scheduled issue that has not begun is stuck
SOURCE_PATIENCE = timedelta(minutes=30)  #: a source may fail for so long before anybody is told


def draft(facts: Facts) -> Iterator[Holds]:
    """A draft waits for an editor; and its time is near."""
    for issue in facts.issues:
        if issue.status is not IssueStatus.DRAFT:
            continue
        slot = facts.slot if facts.slot and facts.slot.week == issue.week else None
        planned = slot.planned if slot else None
        todo = f"Read it: newsletter issue show {issue.number}. Approve it: newsletter issue approve {issue.number}"
        ready = f"The draft of {issue.name} is ready"
        if planned is None:
            yield Holds(Kind.DRAFT_READY, str(issue.number), Severity.INFO, f"{ready} and waits for approval.", todo)
        elif planned > facts.now:
            left = f"deadline in {lasting(planned - facts.now)} ({at(facts, planned)}). {_unapproved(facts)}"
            near = planned - facts.now <= NEAR
            kind, severity = (Kind.DEADLINE, Severity.WARNING) if near else (Kind.DRAFT_READY, Severity.INFO)
            yield Holds(kind, str(issue.number), severity, f"{ready}, {left}", todo)


def _unapproved(facts: Facts) -> str:
    return {
        "wait": "Not approved by then, it waits.",
        "send": "Not approved by then, it is sent as it is if the preflight finds no error.",
        "skip": "Not approved by then, it is cancelled.",
    }[facts.schedule.unapproved]


def not_sent(facts: Facts) -> Iterator[Holds]:
    """The week's issue should have left, and did not."""
    slot = facts.slot
    if slot is None:
        return
    issue = next((one for one in facts.issues if one.week == slot.week), None)
    why = _why_not_sent(facts, slot, issue)
    if why:
        todo = f"newsletter jobs {slot.name} says where it stands; newsletter week --slot {slot.week} does it by hand."
        yield Holds(
            Kind.NOT_SENT, slot.name, Severity.URGENT, f"Nothing has been sent for week {slot.week}: {why}", todo
        )


def _why_not_sent(facts: Facts, slot: Slot, issue: Watched | None) -> str:
    """Empty where there is nothing to say."""
    if issue is None:
        return _why_no_issue(facts, slot)
    if issue.status is IssueStatus.SCHEDULED and issue.scheduled and facts.now > issue.scheduled + SLOW_START:
        return f"{issue.name} was to begin {at(facts, issue.scheduled)}, and has not."
    waits = issue.status in (IssueStatus.DRAFT, IssueStatus.APPROVED)
    if waits and slot.planned and facts.now > slot.planned + GRACE:
        state = "was not approved" if issue.status is IssueStatus.DRAFT else "is approved and has no time"
        return f"{issue.name} {state}; it was to leave {at(facts, slot.planned)}."
    return ""


def _why_no_issue(facts: Facts, slot: Slot) -> str:
    """A run that is done without an issue has found a quiet week, or one that the settings leave out."""
    if slot.status is None and facts.now > slot.due + GRACE:
        return "nobody has begun its run."
    if slot.status in (RunStatus.FAILED, RunStatus.WAITING):
        return slot.said or "its run waits for a person."
    if slot.status is RunStatus.RUNNING and facts.now > (slot.planned or slot.too_late) + GRACE:
        return f"its run is at the step {slot.step!r}. {slot.said}"
    return ""


def no_time(facts: Facts) -> Iterator[Holds]:
    """Approved, and nobody has said when it goes: the weekly job gives it its planned time within minutes."""
    for issue in facts.issues:
        if issue.status is IssueStatus.APPROVED and issue.step_at and facts.now > issue.step_at + SLOW_START:
            said = f"{opened(issue.name)} is approved, and has no time."
            todo = f"newsletter issue schedule {issue.number} --at TIME, or newsletter issue send {issue.number}"
            yield Holds(Kind.NO_TIME, f"{issue.number}:{issue.step}", Severity.WARNING, said, todo)


def source(facts: Facts) -> Iterator[Holds]:
    """The sources fail for longer than a hiccup; the step is tried every quarter of an hour."""
    slot = facts.slot
    if slot is None or slot.begun is None or slot.step != Step.COLLECT or slot.status is not RunStatus.RUNNING:
        return
    failing = facts.now - slot.begun
    if failing >= SOURCE_PATIENCE:
        said = f"The sources of week {slot.week} cannot be read for {lasting(failing)}: {slot.said}"
        todo = f"Mend the source or sources.collect before {at(facts, slot.too_late)}; it is tried again by itself."
        yield Holds(Kind.SOURCE, slot.name, Severity.WARNING, said, todo)
