"""Votes: what a reader says of a tool in a comparison, ship or skip.

One for each reader, comparison and tool; it can be changed and taken back. A tool stands in many comparisons, so a
count takes each reader once, with their newest word on the tool; no votes are no percentage. Only who is on the list
counts: whoever leaves or is suppressed takes their votes out of the count, and who comes back brings them along.
Giving and taking back are signs that somebody is still there (signals.py). No address stands here, and a vote goes with
the person when they are erased.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, and_, case, delete, exists, func
from sqlmodel import Field, Session, SQLModel, UniqueConstraint, col, select

from subscribers.columns import word
from subscribers.consent import ON_THE_LIST
from subscribers.signals import seen
from subscribers.subscriber import Subscriber
from subscribers.suppression import Suppression, is_suppressed
from subscribers.upsert import insert_into


class Choice(StrEnum):
    """What can be said of a tool."""

    SHIP = "ship"
    SKIP = "skip"


class Vote(SQLModel, table=True):
    """One reader on one tool in one comparison: their newest word."""

    __table_args__ = (UniqueConstraint("subscriber_id", "comparison", "tool"),)

    id: int | None = Field(default=None, primary_key=True)
    subscriber_id: int = Field(foreign_key="subscriber.id")
    comparison: str  #: its key, both slugs in order
    tool: str = Field(index=True)  #: its slug
    choice: Choice = Field(sa_type=word(Choice))
    at: datetime


@dataclass(frozen=True, slots=True)
class Count:
    """How readers voted on a tool; there is none of a tool without votes."""

    ship: int
    skip: int

    @property
    def total(self) -> int:
        """How many readers."""
        return self.ship + self.skip

    @property
    def percent(self) -> int:
        """Of them, how many say ship; a half is rounded up."""
        return (200 * self.ship + self.total) // (2 * self.total)


def may_vote(session: Session, subscriber: Subscriber) -> bool:
    """Whether they are on the list and may be mailed: only then their votes count."""
    return subscriber.status in ON_THE_LIST and not is_suppressed(session, subscriber.fingerprint)


def cast(session: Session, subscriber_id: int, comparison: str, tool: str, choice: Choice, now: datetime) -> None:
    """Their vote, in place of the one that they gave before; two at once are one."""
    row = {"subscriber_id": subscriber_id, "comparison": comparison, "tool": tool, "choice": choice, "at": now}
    insert = insert_into(session, "vote").values(row)
    key = ["subscriber_id", "comparison", "tool"]
    session.connection().execute(insert.on_conflict_do_update(index_elements=key, set_={"choice": choice, "at": now}))
    seen(session, subscriber_id, now)


def take_back(session: Session, subscriber_id: int, comparison: str, tool: str, now: datetime) -> None:
    """As if they had not voted. Nothing to take back is no error."""
    mine = (col(Vote.subscriber_id) == subscriber_id, col(Vote.comparison) == comparison, col(Vote.tool) == tool)
    session.execute(delete(Vote).where(*mine))
    seen(session, subscriber_id, now)


def votes_of(session: Session, subscriber_id: int, comparison: str = "") -> Sequence[Vote]:
    """Their votes, oldest first; if wanted only those in one comparison."""
    mine = select(Vote).where(Vote.subscriber_id == subscriber_id)
    if comparison:
        mine = mine.where(Vote.comparison == comparison)
    return session.exec(mine.order_by(col(Vote.at), col(Vote.id))).all()


def counts(session: Session, tools: Collection[str] | None = None) -> dict[str, Count]:
    """How readers voted on these tools, or on all; a tool without votes is not in it."""
    newest = _newest(() if tools is None else (col(Vote.tool).in_(tools),)).subquery()
    ships = func.sum(case((newest.c.choice == Choice.SHIP, 1), else_=0))
    sums = select(newest.c.tool, ships, func.count()).where(newest.c.turn == 1).group_by(newest.c.tool)
    return {tool: Count(ship, total - ship) for tool, ship, total in session.execute(sums)}


def forget_votes(session: Session, subscriber_ids: Iterable[int]) -> None:
    """Those of these subscribers, who are being forgotten themselves."""
    session.execute(delete(Vote).where(col(Vote.subscriber_id).in_(list(subscriber_ids))))


def _newest(which: tuple[ColumnElement[bool], ...]) -> Any:
    """Each reader's votes on each tool, the newest with turn 1; of those who are on the list."""
    theirs = and_(col(Subscriber.id) == col(Vote.subscriber_id), col(Subscriber.status).in_(ON_THE_LIST))
    stopped = exists().where(col(Suppression.fingerprint) == col(Subscriber.fingerprint))
    turn = func.row_number().over(
        partition_by=(col(Vote.subscriber_id), col(Vote.tool)), order_by=(col(Vote.at).desc(), col(Vote.id).desc())
    )
    return select(Vote.tool, Vote.choice, turn.label("turn")).join(Subscriber, theirs).where(~stopped, *which)
