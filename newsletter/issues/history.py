"""What readers were told, and when: from the items that are reserved or consumed.

A draft tells nobody anything: its items count only from approval on.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from newsletter.comparisons.shelf import OnShelf, on_shelf, version_at
from newsletter.issues.candidates import Candidate, Shown, Told
from newsletter.issues.issue import Issue, IssueItem
from newsletter.issues.week import Week, parse


@dataclass(frozen=True, slots=True)
class Telling:
    """The version of a comparison in an issue that readers have, or will have."""

    row_id: int
    week: Week
    number: int


def told(session: Session, *, besides: int | None = None) -> dict[str, Telling]:
    """What readers last had of each comparison, by key; `besides`: leave this issue (its id) out of account."""
    return dict(_tellings(session, besides))


def shown_tools(session: Session, week: Week, weeks: int) -> list[Shown]:
    """The tools in the issues that are at most so many weeks from this one, its own left out."""
    near = [telling for _, telling in _tellings(session, None) if 0 < abs(week.since(telling.week)) <= weeks]
    return [
        Shown(tool.slug, telling.week, telling.number, tool.name)
        for telling in near
        for tool in version_at(session, telling.row_id).tools
    ]


def candidates(session: Session, *, before: datetime, besides: int | None = None) -> list[Candidate]:
    """Every comparison seen before this instant (aware), with what readers last had of it."""
    tellings = told(session, besides=besides)
    shelf = on_shelf(session, until=before - timedelta(microseconds=1))
    return [_candidate(session, row, tellings.get(row.comparison.key)) for row in list(shelf)]


def _candidate(session: Session, row: OnShelf, telling: Telling | None) -> Candidate:
    row_id = telling.row_id if telling else row.covered_row
    had = None
    if row_id is not None:
        comparison = row.comparison if row_id == row.row_id else version_at(session, row_id)
        week, number = (telling.week, telling.number) if telling else (None, None)
        had = Told(comparison, row_id, week, number)
    return Candidate(row.comparison, row.row_id, row.version, row.first_seen, row.changed_at, had)


def _tellings(session: Session, besides: int | None) -> Iterator[tuple[str, Telling]]:
    """Every comparison that an issue told, in the order of weeks."""
    question = (
        select(IssueItem.key, IssueItem.row_id, Issue.week, Issue.number)
        .join(Issue, col(Issue.id) == col(IssueItem.issue_id))
        .where(col(IssueItem.reserved).is_not(None), col(Issue.id) != (besides or 0))
        .order_by(col(Issue.week), col(Issue.number), col(IssueItem.position))
    )
    for key, row_id, week, number in session.exec(question):
        yield key, Telling(row_id, parse(week), number)
