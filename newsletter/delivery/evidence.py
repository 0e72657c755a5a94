"""What the provider says later of single deliveries: an event, or a look-up that found a part of a batch.

Evidence only ever says "the provider has this one"; that it does not have another follows from nothing here. It closes
what is in doubt (DESIGN, section 5), person by person, and the batch when everybody in it is accounted for. Where it
contradicts the ledger, the ledger was wrong, and what would be sent again is held.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col, func, select

from newsletter.delivery import claims, ledger
from newsletter.delivery.batch import Batch, BatchStatus, Delivery, DeliveryException
from newsletter.providers.base import Outcome, Receipt
from subscribers.subscriber import Subscriber

_CLOSED_WELL, _UNDER_WAY = BatchStatus.ACCEPTED, BatchStatus.SENDING


def prove(session: Session, issue_id: int, refs: Iterable[str], now: datetime, *, by: str) -> int:
    """Note that the provider has the deliveries of this issue to these subscribers; how many that was news for.

    `by` says whose word it is ("event", "look-up"). Names that mean nobody, and deliveries that are under way or known
    to be accepted, are no news. The caller commits.
    """
    query = (
        select(Delivery)
        .join(Subscriber, col(Subscriber.id) == col(Delivery.subscriber_id))
        .where(col(Delivery.issue_id) == issue_id, col(Subscriber.ref).in_(list(refs)))
    )
    return _prove(session, session.exec(query).all(), now, by)


def prove_some(session: Session, batch: Batch, found: Sequence[Receipt], now: datetime, *, by: str) -> int:
    """The same for whom a look-up found accepted, in the order of the members; nobody where it speaks of others."""
    ids = claims.member_ids(session, batch)
    if len(ids) != len(found):
        return 0
    there = [one for one, receipt in zip(ids, found, strict=True) if receipt.outcome is Outcome.ACCEPTED]
    mine = (col(Delivery.issue_id) == batch.issue_id, col(Delivery.subscriber_id).in_(there))
    return _prove(session, session.exec(select(Delivery).where(*mine)).all(), now, by)


def _prove(session: Session, deliveries: Sequence[Delivery], now: datetime, by: str) -> int:
    news = [delivery for delivery in deliveries if _is_news(session, delivery)]
    for number in sorted({delivery.batch_id for delivery in news}):
        _close(session, session.get_one(Batch, number, populate_existing=True), now, by)
    return len(news)


def _is_news(session: Session, delivery: Delivery) -> bool:
    """Write it down where it changes something."""
    exception = session.get(DeliveryException, (delivery.issue_id, delivery.subscriber_id))
    status = session.get_one(Batch, delivery.batch_id).status
    known = status is _CLOSED_WELL if exception is None else exception.outcome is Outcome.ACCEPTED
    if known or status is _UNDER_WAY:  # an answer is on its way, and says the same of everybody
        return False
    session.add(
        exception
        or DeliveryException(
            issue_id=delivery.issue_id,
            subscriber_id=delivery.subscriber_id,
            batch_id=delivery.batch_id,
            outcome=Outcome.ACCEPTED,
        )
    )
    if exception:
        exception.outcome, exception.reason = Outcome.ACCEPTED, ""
    session.flush()
    return True


def _close(session: Session, batch: Batch, now: datetime, by: str) -> None:
    """Count again; close the batch where nobody is left to doubt, hold it where it was to be sent again."""
    counts = _counts(session, batch)
    batch.refused, batch.unknown, batch.proved = (
        counts.get(outcome, 0) for outcome in (Outcome.REFUSED, Outcome.UNKNOWN, Outcome.ACCEPTED)
    )
    if batch.status is _CLOSED_WELL:
        session.flush()
        return
    mine = col(Batch.id) == batch.id
    session.execute(update(Batch).where(mine).values(status=BatchStatus.UNKNOWN, doubtful=True, closed_at=None))
    if batch.proved + batch.refused >= batch.size:
        ledger.resolve(session, batch, _CLOSED_WELL, now, by=by, note=f"{batch.proved} deliveries, one by one")


def _counts(session: Session, batch: Batch) -> dict[Outcome, int]:
    outcome = col(DeliveryException.outcome)
    query = select(outcome, func.count()).where(DeliveryException.batch_id == batch.id).group_by(outcome)
    return dict(session.exec(query).all())
