"""Who wants the changed verdicts of an issue besides what they chose: whoever saved a tool whose verdict changed.

They get all changed verdicts of this issue, not their tool's alone: parts of an issue are few, and are frozen with it.
"""

from sqlalchemy import ColumnElement, false
from sqlmodel import Session, col

from newsletter.issues.drafting import chosen_of
from newsletter.issues.issue import Issue
from subscribers.bookmarks import savers_of
from subscribers.subscriber import Subscriber


def changed_tools(session: Session, issue: Issue) -> list[str]:
    """The slugs of the tools whose verdicts this issue says have changed."""
    return sorted({tool.slug for one in chosen_of(session, issue) for _, tool in one.changed})


def keen(session: Session, issue: Issue) -> ColumnElement[bool]:
    """Of a subscriber: whether they saved one of these tools. One look-up by an index, whoever asks for how many."""
    tools = changed_tools(session, issue)
    return col(Subscriber.id).in_(savers_of(tools)) if tools else false()


def is_keen(session: Session, issue: Issue, subscriber: Subscriber) -> bool:
    """The same of one."""
    return subscriber.id in session.exec(savers_of(changed_tools(session, issue))).all()
