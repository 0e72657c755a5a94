"""Signals: what shows that somebody is still there, so that silence can be told from it.

A signal is an act of the person that no machine does for them: they confirmed, came back, took a break, chose what
they get, gave another address, said again that they want it; or they pressed a button of ours that says so here
(`seen`): a vote, a bookmark, a time zone.
Mail that was delivered, opens and followed links are none: machines open mail and follow links (product reference 4.5).

With whom an operator put on the list the clock begins on that day: nothing older is known of them here.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, delete, exists, func, literal_column, or_, update
from sqlmodel import Field, Session, SQLModel, col, select

from subscribers.consent import ConsentEvent, Kind
from subscribers.subscriber import Subscriber
from subscribers.upsert import insert_into

#: What is a signal whoever wrote it down: it is a beginning, or a yes.
BEGINNINGS = (Kind.CONFIRMED, Kind.IMPORTED, Kind.RENEWED)
#: What is one only by the person's own hand.
OWN_ACTS = (Kind.PAUSED, Kind.RESUMED, Kind.CHOSE, Kind.READDRESSED)


class Sighting(SQLModel, table=True):
    """The newest thing that somebody did which leaves no consent event."""

    subscriber_id: int = Field(primary_key=True, foreign_key="subscriber.id")
    at: datetime


def seen(session: Session, subscriber_id: int, now: datetime) -> None:
    """They did something by a button of ours (`now` is aware). For whoever lets readers vote, choose, or the like.

    Not for what a machine does too: a page that was shown, mail that was opened.
    """
    row = {"subscriber_id": subscriber_id, "at": now}
    new = insert_into(session, "sighting").values(row).on_conflict_do_nothing()
    if not cast("CursorResult[Any]", session.execute(new)).rowcount:
        mine = (col(Sighting.subscriber_id) == subscriber_id, col(Sighting.at) < now)
        session.execute(update(Sighting).where(*mine).values(at=now))


def last_signal(session: Session, subscriber_id: int) -> datetime | None:
    """When they last gave one; None for who never did."""
    event = select(func.max(ConsentEvent.at)).where(ConsentEvent.subscriber_id == subscriber_id, _is_signal())
    sighting = session.get(Sighting, subscriber_id, populate_existing=True)
    moments = [session.exec(event).one(), sighting.at if sighting else None]
    return max((moment for moment in moments if moment), default=None)


def silent_since(before: datetime) -> ColumnElement[bool]:
    """Of a subscriber: that they gave no signal at or after this moment (aware)."""
    one: ColumnElement[int] = literal_column("1")
    whose = col(Subscriber.id)
    event = exists(one).where(col(ConsentEvent.subscriber_id) == whose, col(ConsentEvent.at) >= before, _is_signal())
    sighting = exists(one).where(col(Sighting.subscriber_id) == whose, col(Sighting.at) >= before)
    return ~or_(event, sighting)


def forget_sightings(session: Session, subscriber_ids: Sequence[int]) -> None:
    """Those of these subscribers, who are being forgotten themselves."""
    session.execute(delete(Sighting).where(col(Sighting.subscriber_id).in_(subscriber_ids)))


def _is_signal() -> ColumnElement[bool]:
    kind = col(ConsentEvent.kind)
    return or_(kind.in_(BEGINNINGS), kind.in_(OWN_ACTS) & (col(ConsentEvent.by) == ""))
