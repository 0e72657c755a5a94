"""Leaving for good, by a reader's own hand: why, if they say so, and for how long it can be undone.

Undoing is for a wrong tap, not a way around the sign-up: it works for an hour after the leaving, and brings nobody back
who left long ago, whoever holds an old link.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import func
from sqlmodel import Field, Session, SQLModel, col, select

from subscribers.columns import word
from subscribers.consent import Evidence, Status
from subscribers.links import by_any_link, by_link
from subscribers.subscriber import Subscriber, confirm, unsubscribe
from subscribers.suppression import is_suppressed

UNDO_FOR = timedelta(hours=1)


class Why(StrEnum):
    """The reasons that can be chosen."""

    TOO_MUCH = "too-much"
    NOT_USEFUL = "not-useful"
    NOT_ASKED = "not-asked"
    ELSEWHERE = "elsewhere"
    OTHER = "other"


class Farewell(SQLModel, table=True):
    """Why somebody left: their newest word on it."""

    subscriber_id: int = Field(primary_key=True, foreign_key="subscriber.id")
    why: Why = Field(sa_type=word(Why))
    at: datetime


def leave(session: Session, names: Iterable[tuple[str, str]], now: datetime) -> None:
    """Each of these leaves; with each link's name comes where they said so. Also by links that have ended.

    Who has left already or is erased is no error.
    """
    for name, source in names:
        if subscriber := by_any_link(session, name):
            unsubscribe(session, subscriber, Evidence(source), now)


def can_undo(session: Session, subscriber: Subscriber, now: datetime) -> bool:
    """Whether they left so lately that a tap brings them back, and nothing else forbids to mail them."""
    lately = subscriber.status is Status.UNSUBSCRIBED and subscriber.status_since >= now - UNDO_FOR
    known = subscriber.address is not None and subscriber.confirmed_at is not None
    return lately and known and not is_suppressed(session, subscriber.fingerprint)


def undo(session: Session, name: str, evidence: Evidence, now: datetime) -> bool:
    """Bring back whom a link names, if they left just now; what they say is a yes of its own. False if it is too late.

    Raises FormerLink: nobody is brought back by the mailbox that they had before.
    """
    subscriber = by_link(session, name)
    if subscriber is None:
        return False
    if subscriber.status is Status.ACTIVE:
        return True
    return can_undo(session, subscriber, now) and confirm(session, subscriber, evidence, now)


def tell(session: Session, name: str, why: Why, now: datetime) -> bool:
    """Write down why they left, in place of what they said before. False for who has not left."""
    subscriber = by_any_link(session, name)
    if subscriber is None or subscriber.status is not Status.UNSUBSCRIBED:
        return False
    said = session.get(Farewell, subscriber.id) or Farewell(subscriber_id=subscriber.id or 0, why=why, at=now)
    said.why, said.at = why, now
    session.add(said)
    session.flush()
    return True


def reasons(session: Session) -> dict[Why, int]:
    """How often each reason was given, nought included."""
    found = dict(session.exec(select(Farewell.why, func.count()).group_by(col(Farewell.why))).all())
    return {why: found.get(why, 0) for why in Why}
