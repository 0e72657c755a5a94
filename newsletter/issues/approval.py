"""Approval binds to exact bytes: what was approved is frozen, and what is frozen is what is sent.

Approving stores the rendered issue under its digest and reserves its comparisons, so that no other live issue can hold
them (the database keeps that, not a look before). Reopening drops the frozen render and releases them; an edit of an
approved issue reopens it. Sending consumes them: they stay reserved for ever. Cancelling releases them, unless some
delivery was claimed, for then some readers have them.

This module knows no mail: the content is a text that somebody rendered, the digest is what they say of it. Beside the
whole issue stand its parts, each a content of its own, and a manifest that names them all (manifest.py).
"""

from collections.abc import Callable, Mapping
from datetime import datetime

from sqlalchemy import delete, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, Session, SQLModel, col, select

from newsletter.database import utc
from newsletter.errors import IllegalStep, IssueError
from newsletter.issues import manifest
from newsletter.issues.composition import ItemKind
from newsletter.issues.edits import Edits
from newsletter.issues.issue import Command, Issue, IssueItem, IssueStatus, edits_of, items_of, stays_cancelled, step
from newsletter.issues.wording import opened


class FrozenIssue(SQLModel, table=True):
    """The rendered issue as it was approved. One per issue; dropped when the issue is reopened."""

    __tablename__ = "frozen_issue"

    issue_id: int = Field(primary_key=True, foreign_key="issue.id")
    digest: str = Field(unique=True)
    content: str  #: the rendered issue as JSON
    frozen_at: datetime
    manifest: str = ""  #: its parts, and who gets which; empty: everybody gets the whole


class FrozenPart(SQLModel, table=True):
    """A part of the issue as it was approved. Its digest stands in the manifest."""

    __tablename__ = "frozen_part"

    issue_id: int = Field(primary_key=True, foreign_key="issue.id")
    name: str = Field(primary_key=True)
    content: str  #: the rendered part as JSON


def approve(
    session: Session,
    issue: Issue,
    *,
    digest: str,
    content: str,
    by: str,
    now: datetime,
    listed: str = "",
    parts: Mapping[str, str] | None = None,
) -> None:
    """Freeze this content and reserve the items. `digest` is over everything in it that reaches a reader.

    `parts`: content by name; `listed`: the manifest's text, which has the digest of each.

    Raises IllegalStep where the issue is no draft, IssueError where it is empty or another live issue has an item.
    """
    if not items_of(session, issue):
        raise IssueError(f"There is nothing in {issue.name} to approve. Draft it first.")
    try:
        with session.begin_nested():
            step(session, issue, Command.APPROVE, now, by=by)
            _reserve(session, issue)
            frozen_at, mine = utc(now), issue.id or 0
            session.add(
                FrozenIssue(issue_id=mine, digest=digest, content=content, frozen_at=frozen_at, manifest=listed)
            )
            session.add_all(FrozenPart(issue_id=mine, name=name, content=part) for name, part in (parts or {}).items())
            issue.digest, issue.approved_by, issue.approved_at = digest, by, now
            session.add(issue)
    except IntegrityError:
        session.refresh(issue)
        raise IssueError(_conflict(session, issue)) from None


def frozen(session: Session, issue: Issue, digest_of: Callable[[str], str]) -> str:
    """The content that was approved; `digest_of` computes the digest of a content, and is asked again here.

    Raises IssueError where the issue is not approved, or its stored bytes are not the approved ones any more.
    """
    row, listed = _stored(session, issue)
    if not listed.is_approved_by(issue.digest or "", digest_of(row.content)):
        raise _damaged(issue)
    return row.content


def frozen_part(session: Session, issue: Issue, name: str, digest_of: Callable[[str], str]) -> str:
    """The same for the part of this name."""
    known = approved_parts(session, issue, digest_of).parts.get(name)
    part = session.get(FrozenPart, (issue.id, name), populate_existing=True)
    if known is None or part is None or digest_of(part.content) != known:
        raise _damaged(issue)
    return part.content


def approved_parts(session: Session, issue: Issue, digest_of: Callable[[str], str]) -> manifest.Manifest:
    """The manifest that was approved, all of whose parts are there. Raises IssueError as `frozen` does."""
    row, found = _stored(session, issue)
    if found.digest != issue.digest and not found.is_approved_by(issue.digest or "", digest_of(row.content)):
        raise _damaged(issue)
    there = set(session.exec(select(FrozenPart.name).where(FrozenPart.issue_id == issue.id)))
    if lacking := sorted(set(found.parts) - there):
        raise _damaged(issue, f" lacks {len(lacking)} of its parts, as '{lacking[0]}'")
    return found


def _stored(session: Session, issue: Issue) -> tuple[FrozenIssue, manifest.Manifest]:
    row = session.get(FrozenIssue, issue.id, populate_existing=True)
    if row is None or issue.digest is None:
        raise IssueError(f"There is no approved render of {issue.name}: it is {issue.state}. Approve it first.")
    try:
        listed = manifest.load(row.manifest)
    except ValueError:
        raise _damaged(issue) from None
    if row.digest != issue.digest:
        raise _damaged(issue)
    return row, listed


def _damaged(issue: Issue, how: str = " is not what was approved") -> IssueError:
    return IssueError(
        f"The stored render of {issue.name}{how} (digest {(issue.digest or '')[:12]}…). "
        "Nothing is sent. Reopen the issue and approve it again."
    )


def schedule(
    session: Session, issue: Issue, at: datetime, now: datetime, *, by: str = "", wall: datetime | None = None
) -> None:
    """Let the issue start at this instant (aware); it may be now, not before. Raises IllegalStep or IssueError.

    `wall` (naive): everybody gets it when their own clock shows that.
    """
    if utc(at) < utc(now):
        raise IssueError(
            f"{at:%Y-%m-%d %H:%M %Z} is past. Choose a time to come: approving late never means sending at once."
        )
    step(session, issue, Command.SCHEDULE, now, by=by)
    issue.scheduled_at, issue.wall_time = at, f"{wall:%Y-%m-%dT%H:%M}" if wall else None
    session.add(issue)
    session.flush()


def reopen(session: Session, issue: Issue, now: datetime, *, by: str = "", claimed: bool = False) -> None:
    """Make it a draft again: the frozen render is dropped, the items are released. Raises IllegalStep.

    `claimed`: some delivery of it was ever claimed; a cancelled issue then stays cancelled.
    """
    step(session, issue, Command.REOPEN, now, by=by, claimed=claimed)
    _release(session, issue)


def cancel(session: Session, issue: Issue, now: datetime, *, by: str = "", claimed: bool = False) -> None:
    """End the issue before it is sent. Raises IllegalStep.

    `claimed`: some delivery of it was claimed, so some readers may have it: its comparisons stay told, its render kept.
    """
    step(session, issue, Command.CANCEL, now, by=by, claimed=claimed)
    if not claimed:
        _release(session, issue)


def edit(session: Session, issue: Issue, edits: Edits, now: datetime, *, by: str = "") -> str:
    """Keep the editor's changes. An approval that there was is void: the sentence says so, else it is empty.

    Raises IllegalStep once the issue is on its way. The words follow with the next `drafting.redraft`.
    """
    if edits == edits_of(issue):
        return ""
    if issue.status not in (IssueStatus.DRAFT, IssueStatus.APPROVED, IssueStatus.SCHEDULED):
        if issue.stays_cancelled:
            raise IllegalStep(stays_cancelled(issue))
        raise IllegalStep(f"{opened(issue.name)} is {issue.state}: it cannot be edited. Nothing was changed.")
    void = issue.status is not IssueStatus.DRAFT
    if void:
        lost = f"The approval{f' by {issue.approved_by}' if issue.approved_by else ''} of {issue.name} is void"
        reopen(session, issue, now, by=by)
    issue.edits, issue.updated_at = edits.model_dump_json(exclude_defaults=True), utc(now)
    session.add(issue)
    session.flush()
    return f"{lost}: it is a draft again, and nothing is sent until it is approved." if void else ""


def reservation(item: IssueItem) -> str:
    """What a live issue holds: a comparison, or one change of its verdict."""
    return f"{item.key}#{item.row_id}" if item.kind is ItemKind.CHANGE else item.key


def _reserve(session: Session, issue: Issue) -> None:
    for item in items_of(session, issue):
        item.reserved = reservation(item)
        session.add(item)


def _conflict(session: Session, issue: Issue) -> str:
    """Which item another live issue holds."""
    wanted = [reservation(item) for item in items_of(session, issue)]
    question = select(IssueItem.key, Issue).join(Issue).where(col(IssueItem.reserved).in_(wanted))
    for key, other in session.exec(question.where(col(Issue.id) != issue.id)):
        return f"{key} is in {other.name} already, which is {other.state}. Draft {issue.name} again to replace it."
    return f"The render of {issue.name} is frozen for another issue already. Render it again."


def _release(session: Session, issue: Issue) -> None:
    session.execute(update(IssueItem).where(col(IssueItem.issue_id) == issue.id).values(reserved=None))
    session.execute(delete(FrozenPart).where(col(FrozenPart.issue_id) == issue.id))
    session.execute(delete(FrozenIssue).where(col(FrozenIssue.issue_id) == issue.id))
    issue.digest = issue.approved_by = issue.approved_at = issue.scheduled_at = issue.wall_time = None
    session.add(issue)
    session.flush()
