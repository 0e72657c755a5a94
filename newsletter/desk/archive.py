"""The archive: what went out, for everybody to read. It looks at the database and at nothing else.

An issue is in it from its first message on: readers who have it follow its "View in browser". A cancelled one is not,
whoever has it: that is what cancelling is for.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlmodel import Session, col, select

from newsletter.delivery.addressing import page_of
from newsletter.delivery.batch import Sending
from newsletter.desk.desk import Desk
from newsletter.desk.editions import manifest, rendered
from newsletter.issues.issue import OUT, Issue
from newsletter.issues.parts import WHOLE
from newsletter.mail.merging import Merged
from newsletter.mail.public import public_copy


@dataclass(frozen=True, slots=True)
class Entry:
    """One issue, as a list shows it."""

    number: int
    week: str
    date: date
    subject: str
    preheader: str
    out_at: datetime  #: when its sending began


@dataclass(frozen=True, slots=True)
class Page:
    """One issue to read, and its neighbours."""

    entry: Entry
    copy: Merged
    older: Entry | None
    newer: Entry | None


def entries(desk: Desk, session: Session) -> Sequence[Entry]:
    """All issues that went out, newest first."""
    mine = (Issue.newsletter == desk.config.publication.slug, col(Issue.status).in_(OUT))
    found = select(Issue, Sending.started_at).join(Sending, col(Sending.issue_id) == col(Issue.id)).where(*mine)
    return [_entry(issue, at) for issue, at in session.exec(found.order_by(col(Issue.number).desc()))]


def newest(desk: Desk, session: Session) -> Entry | None:
    """The last issue that went out; None where none did."""
    mine = (Issue.newsletter == desk.config.publication.slug, col(Issue.status).in_(OUT))
    found = select(Issue, Sending.started_at).join(Sending, col(Sending.issue_id) == col(Issue.id)).where(*mine)
    last = session.exec(found.order_by(col(Issue.number).desc()).limit(1)).first()
    return _entry(*last) if last else None


def page(desk: Desk, session: Session, week: str, part: str = WHOLE) -> Page | None:
    """The issue of this week, or a part of it; None where none went out.

    Raises IssueError where its bytes are not the approved ones.
    """
    listed = entries(desk, session)
    at = next((at for at, entry in enumerate(listed) if entry.week == week), None)
    if at is None:
        return None
    older, newer = listed[at + 1] if at + 1 < len(listed) else None, listed[at - 1] if at else None
    entry = listed[at]
    if part != WHOLE:
        issue = desk.find(session, str(entry.number))
        if part not in manifest(desk, session, issue).parts:
            return None
        final = rendered(desk, session, issue, part)
        entry = replace(entry, subject=final.subject, preheader=final.preheader)
    return Page(entry, copy_of(desk, session, entry, part), older, newer)


def copy_of(desk: Desk, session: Session, entry: Entry, part: str = WHOLE) -> Merged:
    """What everybody may read of it."""
    final = rendered(desk, session, desk.find(session, str(entry.number)), part)
    return public_copy(final, page_of(desk.config.publication.base_url, entry.week, part))


def address_of(desk: Desk, entry: Entry) -> str:
    """Where the whole of it stands: search engines are led there from its parts as well."""
    return page_of(desk.config.publication.base_url, entry.week)


def _entry(issue: Issue, at: datetime) -> Entry:
    return Entry(issue.number, issue.week, issue.date, issue.subject, issue.preheader, at)
