"""What a reader gets who wants one mail a month.

Their mail is the first issue of each month, by the date on its masthead: the day of its ISO week on which it is due.
Not the last of a month: whether one is that is not known before the next week has turned out not to be quiet. It holds
that issue, and what the issues since their last mail had: each comparison once, in the version that was told last.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, select

from newsletter.issues.candidates import Chosen
from newsletter.issues.drafting import chosen_of
from newsletter.issues.issue import OUT, Issue


@dataclass(frozen=True, slots=True)
class Month:
    """What the monthly mail has besides its own issue, newest first."""

    issues: tuple[Issue, ...]
    items: tuple[Chosen, ...]


def month_of(session: Session, issue: Issue) -> Month | None:
    """What the mail of the month has of earlier issues, if this issue is it; else None."""
    before = _before(session, issue)
    if not is_first(issue, before):
        return None
    last = max((at for at, one in enumerate(before) if is_first(one, before[:at])), default=-1)
    since = tuple(reversed(before[last + 1 :]))
    items: dict[str, Chosen] = {}
    for one in since:
        for chosen in chosen_of(session, one):
            items.setdefault(chosen.key, chosen)
    return Month(since, tuple(items.values()))


def is_first(issue: Issue, before: Sequence[Issue]) -> bool:
    """Whether none of those before it has a date in the same month."""
    return all((one.date.year, one.date.month) != (issue.date.year, issue.date.month) for one in before)


def _before(session: Session, issue: Issue) -> Sequence[Issue]:
    """The issues that went out before this one, oldest first."""
    mine = (Issue.newsletter == issue.newsletter, col(Issue.date) < issue.date, col(Issue.status).in_(OUT))
    return session.exec(select(Issue).where(*mine).order_by(col(Issue.date))).all()
