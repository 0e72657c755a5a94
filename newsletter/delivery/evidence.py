"""What the provider says later of single deliveries: an event, or a look-up that found a part of a batch.

Evidence only ever says "the provider has this one"; that it does not have another follows from nothing here. It closes
what is in doubt (DESIGN, section 5), person by person, and the batch when everybody in it is accounted for. Where it
contradicts the ledger, the ledger was wrong, and what would be sent again is held.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple, TypeVar

from sqlalchemy import and_, case, insert, update
from sqlmodel import Session, col, select

from newsletter.delivery import claims, ledger
from newsletter.delivery.batch import Batch, BatchStatus, Delivery, DeliveryException
from newsletter.delivery.progress import complete
from newsletter.providers.base import Outcome, Receipt
from subscribers.subscriber import Subscriber

T = TypeVar("T")


class News(NamedTuple):
    """A delivery that is not known to be accepted, and was."""

    who: int  #: the subscriber's id
    batch_id: int
    outcome: Outcome | None  #: of its own row, if it has one
    set_apart: bool


_IN_ONE = 500
_CLOSED_WELL, _UNDER_WAY = BatchStatus.ACCEPTED, BatchStatus.SENDING


def prove(session: Session, issue_id: int, refs: Iterable[str], now: datetime, *, by: str) -> int:
    """Note that the provider has the deliveries of this issue to these subscribers; how many that was news for.

    `by` says whose word it is ("event", "look-up"). Names that mean nobody, and deliveries that are under way or known
    to be accepted, are no news. The caller commits.
    """
    ref = col(Subscriber.ref)
    found = [session.exec(select(Subscriber.id).where(ref.in_(some))).all() for some in pieces(list(refs))]
    return prove_ids(session, issue_id, [who or 0 for some in found for who in some], now, by=by)


def prove_some(session: Session, batch: Batch, found: Sequence[Receipt], now: datetime, *, by: str) -> int:
    """The same for whom a look-up found accepted, in the order of the members; nobody where it speaks of others."""
    ids = claims.member_ids(session, batch)
    if len(ids) != len(found):
        return 0
    there = [one for one, receipt in zip(ids, found, strict=True) if receipt.outcome is Outcome.ACCEPTED]
    return prove_ids(session, batch.issue_id, there, now, by=by)


def prove_ids(session: Session, issue_id: int, ids: Iterable[int], now: datetime, *, by: str) -> int:
    """The same for subscribers by their ids: one look for hundreds, and nothing else where it is no news."""
    news = [row for some in pieces(sorted(set(ids))) for row in _news(session, issue_id, some)]
    _write(session, issue_id, news)
    for number in sorted({one.batch_id for one in news}):
        shown = any(one.batch_id == number and not one.set_apart for one in news)
        _close(session, session.get_one(Batch, number, populate_existing=True), now, by, handed_over=shown)
    if news:
        complete(session, issue_id, now, by=by)
    return len(news)


def pieces(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """The same in lists short enough for one statement: a database takes only so many variables."""
    return (values[at : at + _IN_ONE] for at in range(0, len(values), _IN_ONE))


def _news(session: Session, issue_id: int, ids: Sequence[int]) -> list[News]:
    """The deliveries that are not known to be accepted.

    While a call is under way nothing is news: an answer is on its way, and says the same of everybody.
    """
    same = and_(
        col(DeliveryException.issue_id) == col(Delivery.issue_id),
        col(DeliveryException.subscriber_id) == col(Delivery.subscriber_id),
    )
    status, outcome = col(Batch.status), col(DeliveryException.outcome)
    open_ = case((outcome.is_(None), status != _CLOSED_WELL), else_=outcome != Outcome.ACCEPTED)
    query = (
        select(Delivery.subscriber_id, Delivery.batch_id, outcome, DeliveryException.set_apart)
        .join(Batch, col(Batch.id) == col(Delivery.batch_id))
        .outerjoin(DeliveryException, same)
        .where(col(Delivery.issue_id) == issue_id, col(Delivery.subscriber_id).in_(ids))
        .where(status != _UNDER_WAY, open_)
    )
    return [News(who, batch_id, outcome, bool(apart)) for who, batch_id, outcome, apart in session.exec(query)]


def _write(session: Session, issue_id: int, news: Sequence[News]) -> None:
    """Each of them is accepted, as an exception in a batch that is not, or not yet."""
    mended = [one.who for one in news if one.outcome]
    for some in pieces(mended):
        mine = (col(DeliveryException.issue_id) == issue_id, col(DeliveryException.subscriber_id).in_(some))
        session.execute(update(DeliveryException).where(*mine).values(outcome=Outcome.ACCEPTED, reason=""))
    rows = [
        {
            "issue_id": issue_id,
            "subscriber_id": one.who,
            "batch_id": one.batch_id,
            "outcome": Outcome.ACCEPTED,
            "reason": "",
        }
        for one in news
        if one.outcome is None
    ]
    if rows:
        session.execute(insert(DeliveryException), rows)


def _close(session: Session, batch: Batch, now: datetime, by: str, *, handed_over: bool) -> None:
    """Count again; close the batch where nobody is left to doubt.

    Hold it where somebody was shown who was still to be `handed_over`: it certainly was not taken, and was. Of somebody
    set apart it says nothing about the rest.
    """
    ledger.recount(session, batch)
    if batch.status is _CLOSED_WELL:
        return
    if handed_over:
        batch.status, batch.doubtful, batch.closed_at = BatchStatus.UNKNOWN, True, None
        session.flush()
    if batch.status is BatchStatus.UNKNOWN and not batch.still_open:
        ledger.resolve(session, batch, _CLOSED_WELL, now, by=by, note=f"{batch.proved} deliveries, one by one")
