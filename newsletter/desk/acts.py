"""Who did what: imports, exports, suppressions, words on doubts, and every step of an issue. Added, never changed.

The steps of issues are kept with them (issues/issue.py) and read together with the acts here. The database itself
refuses to change or delete an act (a trigger: security reference, S-67). No address is in one: what was done to whom
stands with the evidence of consent and with the suppression.
"""

from datetime import datetime

from sqlmodel import Field, Session, SQLModel, col, select

from newsletter.database import utc
from newsletter.issues.issue import Issue, IssueStep
from newsletter.providers.plain_words import without_addresses


class Act(SQLModel, table=True):
    """One thing that somebody did."""

    id: int | None = Field(default=None, primary_key=True)
    at: datetime
    by: str  #: a person as they named themselves, or the user of the machine
    what: str  #: "subscribers export"
    about: str = ""  #: how many, or which: a batch, a file's name


def note(session: Session, what: str, about: str, *, by: str, now: datetime) -> None:
    """Write down what was done (`now` is aware); addresses in its words are hidden."""
    session.add(Act(at=utc(now), by=by, what=what, about=without_addresses(about)))


def acts(session: Session, most: int = 50) -> list[Act]:
    """The newest acts and steps of issues together, newest first."""
    done = session.exec(select(Act).order_by(col(Act.at).desc(), col(Act.id).desc()).limit(most)).all()
    steps = select(IssueStep, Issue.number).join(Issue, col(Issue.id) == col(IssueStep.issue_id))
    newest = session.exec(steps.order_by(col(IssueStep.at).desc(), col(IssueStep.id).desc()).limit(most)).all()
    told = [
        Act(at=step.at, by=step.by, what=f"issue {step.command}", about=f"issue {number}") for step, number in newest
    ]
    return sorted([*done, *told], key=lambda one: one.at, reverse=True)[:most]
