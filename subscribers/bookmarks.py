"""Bookmarks: tools that a reader keeps, with the verdict as it was when they did.

So their page can tell what has changed since, and an issue can go to who wants to know (`savers_of`). Keeping and
removing are signs that somebody is still there (signals.py). No address stands here; a bookmark goes with the person
when they are erased.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from sqlalchemy import delete, func
from sqlmodel import Field, Session, SQLModel, UniqueConstraint, col, select
from sqlmodel.sql.expression import SelectOfScalar

from subscribers.signals import seen
from subscribers.upsert import insert_into

MOST = 200  #: for each reader: a list that a page can show


class Bookmark(SQLModel, table=True):
    """One reader keeps one tool."""

    __table_args__ = (UniqueConstraint("subscriber_id", "tool"),)

    id: int | None = Field(default=None, primary_key=True)
    subscriber_id: int = Field(foreign_key="subscriber.id")
    tool: str = Field(index=True)  #: its slug
    verdict: str  #: of the panel, when it was kept: "ship", "mixed", "skip"
    percent: int  #: likewise
    at: datetime


def save(session: Session, subscriber_id: int, tool: str, verdict: str, percent: int, now: datetime) -> bool:
    """Keep a tool; one that is kept stays as it was kept. False where they have MOST already."""
    held = select(func.count()).select_from(Bookmark).where(Bookmark.subscriber_id == subscriber_id)
    seen(session, subscriber_id, now)
    if session.exec(held).one() >= MOST:
        return tool in [kept.tool for kept in bookmarks_of(session, subscriber_id)]
    row = {"subscriber_id": subscriber_id, "tool": tool, "verdict": verdict, "percent": percent, "at": now}
    insert = insert_into(session, "bookmark").values(row)
    session.connection().execute(insert.on_conflict_do_nothing(index_elements=["subscriber_id", "tool"]))
    return True


def remove(session: Session, subscriber_id: int, tool: str, now: datetime) -> None:
    """Keep it no longer. One that is not kept is no error."""
    seen(session, subscriber_id, now)
    session.execute(delete(Bookmark).where(col(Bookmark.subscriber_id) == subscriber_id, col(Bookmark.tool) == tool))


def bookmarks_of(session: Session, subscriber_id: int) -> Sequence[Bookmark]:
    """What they keep, newest first."""
    mine = select(Bookmark).where(Bookmark.subscriber_id == subscriber_id)
    return session.exec(mine.order_by(col(Bookmark.at).desc(), col(Bookmark.id).desc())).all()


def savers_of(tools: Collection[str]) -> SelectOfScalar[int]:
    """The question who keeps any of these tools, as ids of subscribers: to be asked, or to stand inside another."""
    return select(Bookmark.subscriber_id).where(col(Bookmark.tool).in_(tools)).distinct()


def keepers(session: Session) -> dict[str, int]:
    """How many readers keep each tool that somebody keeps."""
    return dict(session.exec(select(Bookmark.tool, func.count()).group_by(col(Bookmark.tool))).all())


def forget_bookmarks(session: Session, subscriber_ids: Iterable[int]) -> None:
    """Those of these subscribers, who are being forgotten themselves."""
    session.execute(delete(Bookmark).where(col(Bookmark.subscriber_id).in_(list(subscriber_ids))))
