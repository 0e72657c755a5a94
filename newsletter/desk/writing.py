"""From the shelf to an approved issue: draft, edit, look, check, approve."""

from collections.abc import Callable
from contextlib import suppress

from sqlmodel import Session

from newsletter.delivery.ledger import begun, forget, open_batches
from newsletter.delivery.lock import only_dispatcher
from newsletter.desk import doubting
from newsletter.desk.desk import Desk
from newsletter.desk.editions import Edition, edition, made_of, rendered, words
from newsletter.errors import DeliveryError, IssueError, PreflightFailed
from newsletter.issues import approval, drafting
from newsletter.issues.edits import Edits
from newsletter.issues.issue import Command, Issue, IssueStatus, edits_of, step
from newsletter.issues.week import Week, week_of
from newsletter.issues.wording import opened
from newsletter.mail.rendered import Level, dump

__all__ = ["approve", "cancel", "draft", "edit", "rendered", "reopen", "rules", "this_week", "words"]


def this_week(desk: Desk) -> Week:
    """The ISO week that it is now, on the publication's clock."""
    return week_of(desk.clock(), desk.config.publication.tz)


def rules(desk: Desk) -> drafting.Rules:
    """The settings that issues are made by."""
    return drafting.Rules(desk.config.publication, desk.config.selection, desk.config.schedule.day)


def draft(desk: Desk, week: Week | None = None) -> drafting.Draft:
    """Select and compose the issue of a week (default: this one), or do it again; the editor's edits are kept."""
    with desk.transaction() as session:
        return drafting.draft(session, week or this_week(desk), rules(desk), desk.clock())


def edit(desk: Desk, which: str, change: Callable[[Session, Issue, Edits], Edits], *, by: str) -> tuple[Issue, str]:
    """Change the editor's edits and write the issue anew; also says whether an approval was lost."""
    with desk.transaction() as session:
        issue = desk.find(session, which)
        edits = change(session, issue, edits_of(issue))
        _, lost = drafting.revise(session, issue, edits, rules(desk), desk.clock(), by=by)
        return issue, lost


def approve(desk: Desk, which: str, *, by: str) -> tuple[Issue, Edition]:
    """Bind an approval to the exact bytes of the whole and of all its parts.

    Raises PreflightFailed where the check finds errors, IllegalStep, and IssueError where it was changed meanwhile.
    """
    with desk.reading() as session:
        issue = desk.find(session, which)
        if issue.status is not IssueStatus.DRAFT:
            step(session, issue, Command.APPROVE, desk.clock(), by=by)  # refuses, and says what is possible
        final = edition(desk, session, issue)
        errors = [finding for finding in final.findings if finding.level is Level.ERROR]
        if errors:
            sentences = "; ".join(finding.message for finding in errors)
            raise PreflightFailed(f"{opened(issue.name)} cannot be approved: {sentences}")
    with desk.transaction() as session:
        issue = desk.find(session, which)
        if made_of(desk, session, issue) != final.made_of:
            raise IssueError(
                f"{opened(issue.name)} was changed while it was rendered. Look at it, and approve it again."
            )
        approval.approve(
            session,
            issue,
            digest=final.digest,
            content=dump(final.whole),
            listed=final.manifest.text,
            parts=final.contents,
            by=by,
            now=desk.clock(),
        )
        return issue, final


def reopen(desk: Desk, which: str, *, by: str) -> Issue:
    """Make it a draft again: undo an approval, a schedule, or a cancellation of which nobody got anything."""
    with desk.transaction() as session:
        issue = desk.find(session, which)
        claimed = begun(session, issue)
        approval.reopen(session, issue, desk.clock(), by=by, claimed=claimed)
        if not claimed:
            forget(session, issue)
        return issue


def cancel(desk: Desk, which: str, *, by: str) -> Issue:
    """End the issue: nobody who was not claimed yet gets it. What is open of it is settled, where no run does that.

    Again for one that is cancelled: what a sender that died has left open. Raises IllegalStep if there is nothing.
    """
    with desk.transaction() as session:
        issue = desk.find(session, which)
        if not (issue.status is IssueStatus.CANCELLED and open_batches(session, issue.id or 0)):
            approval.cancel(session, issue, desk.clock(), by=by, claimed=begun(session, issue))
    with suppress(DeliveryError), only_dispatcher(desk.engine):  # a run that is under way settles its own
        doubting.settle_cancelled(desk, which)
    return issue
