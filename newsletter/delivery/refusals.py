"""Whom a provider refused, and in which words: a number alone helps nobody."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import and_, exists, not_
from sqlmodel import Session, col, select

from newsletter.delivery.batch import Batch, BatchStatus, Delivery, DeliveryException
from newsletter.providers.base import Outcome
from subscribers.subscriber import Subscriber

NO_REASON = "no reason given"


@dataclass(frozen=True, slots=True)
class Refused:
    """One delivery that the provider will not take."""

    address: str  #: empty once erased
    reason: str
    batch: int  #: its id, as 'newsletter unknown list' counts them
    provider: str
    at: datetime | None  #: when the provider said so (aware)


_WHO = col(Subscriber.id)


def refused(session: Session, issue_id: int) -> list[Refused]:
    """Everybody who was refused in this issue, in the order of batches and of people: as many as are counted."""
    found = [*_alone(session, issue_id), *_with_all(session, issue_id)]
    return [row for _, _, row in sorted(found, key=lambda one: one[:2])]


_Row = tuple[int, int, Refused]  #: batch, subscriber


def _alone(session: Session, issue_id: int) -> Iterator[_Row]:
    """Refused by themselves, in a call that was taken."""
    query = (
        select(DeliveryException, Batch, Subscriber.address)
        .join(Batch, col(Batch.id) == col(DeliveryException.batch_id))
        .join(Subscriber, col(DeliveryException.subscriber_id) == _WHO, isouter=True)
        .where(DeliveryException.issue_id == issue_id, DeliveryException.outcome == Outcome.REFUSED)
        .where(not_(col(DeliveryException.skipped)))
    )
    for one, batch, address in session.exec(query):
        told = _told(batch, address, one.reason or batch.reason)
        yield batch.id or 0, one.subscriber_id, replace(told, provider=one.provider or batch.provider)


def _with_all(session: Session, issue_id: int) -> Iterator[_Row]:
    """Refused with the whole call."""
    mine = and_(
        col(DeliveryException.issue_id) == col(Delivery.issue_id),
        col(DeliveryException.subscriber_id) == col(Delivery.subscriber_id),
    )
    query = (
        select(Delivery.subscriber_id, Batch, Subscriber.address)
        .join(Batch, col(Batch.id) == col(Delivery.batch_id))
        .join(Subscriber, col(Delivery.subscriber_id) == _WHO, isouter=True)
        .where(Delivery.issue_id == issue_id, Batch.status == BatchStatus.REFUSED, not_(exists().where(mine)))
    )
    for subscriber, batch, address in session.exec(query):
        yield batch.id or 0, subscriber, _told(batch, address, batch.reason)


def _told(batch: Batch, address: str | None, reason: str) -> Refused:
    return Refused(address or "", reason or NO_REASON, batch.id or 0, batch.provider, batch.closed_at)
