"""The weekly job by hand: the same steps as a slot's run (running.py), at once, and told.

Every step can be repeated: importing again changes nothing, drafting again keeps the editor's changes, sending again
reaches nobody twice. So a run that died is simply run again. A source that fails stops the week: a half-read source
never looks like a quiet one (DESIGN, invariant 3).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from jobs.running import BY, STEPS, Slot, Step, Turn
from jobs.slots import RunStatus
from newsletter.delivery.flight import Ending
from newsletter.delivery.progress import Progress
from newsletter.desk import sending, writing
from newsletter.desk.desk import Desk
from newsletter.issues.issue import Issue, IssueStatus, of_week
from newsletter.issues.week import Week
from newsletter.issues.wording import opened

READY = (IssueStatus.APPROVED, IssueStatus.SCHEDULED, IssueStatus.SENDING)
#: By hand nothing is ever too late.
_NEVER = timedelta(days=36_500)


class Result(StrEnum):
    """How a run of the weekly job ended."""

    QUIET = "quiet"  #: certainly nothing to send: recorded, and said
    WAITING = "waiting"  #: the draft is ready; an editor approves it
    SCHEDULED = "scheduled"  #: approved; it starts after the hold
    SENT = "sent"
    STOPPED = "stopped"  #: sending was interrupted; the next run goes on
    FAILED = "failed"  #: a source was not read, or the preflight found errors where nobody was to look


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
    if found and found.status in READY and at_once:
        return _send(desk, week, (), on_progress)
    if found and found.status is not IssueStatus.DRAFT:
        done = found.status in (IssueStatus.SENT, IssueStatus.PARTIAL)
        sentence = f"{opened(found.name)} is {found.state} already; nothing was done."
        return Weekly(Result.SENT if done else Result.WAITING, found, (("look", sentence),))
    last, story = _prepare(desk, week, at_once=at_once)
    if last.next is Step.HOLD and at_once:
        return _send(desk, week, story, on_progress)
    return Weekly(_result(desk, last), _issue(desk, week), story)


def _prepare(desk: Desk, week: Week, *, at_once: bool) -> tuple[Turn, tuple[Told, ...]]:
    """Collect, draft, check, and approve where the settings say so; the last step's turn, and all that was said."""
    now = desk.clock()
    slot = Slot(now, week, None, now + _NEVER, at_once=at_once)
    step, story = Step.COLLECT, list[Told]()
    while True:
        turn = STEPS[step](desk, slot)
        story.append((step, turn.said))
        if turn.status is not RunStatus.RUNNING or turn.again or turn.next is Step.HOLD:
            return turn, tuple(story)
        step = turn.next


def _result(desk: Desk, last: Turn) -> Result:
    if last.next is Step.HOLD:
        return Result.SCHEDULED
    if last.next is Step.APPROVE:
        return Result.FAILED if desk.config.schedule.approve == "automatic" else Result.WAITING
    return Result.QUIET if last.next is Step.DRAFT else Result.FAILED


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


def _issue(desk: Desk, week: Week) -> Issue | None:
    with desk.transaction() as session:
        return of_week(session, desk.config.publication.slug, week)
