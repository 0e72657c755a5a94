"""What a commit did whose answer was lost: it is read back, and not guessed.

A connection may break between the commit and its answer. What such a turn claimed is in the ledger or it is not; if it
is, it was certainly never posted, because posts come after the answer. While the dispatcher's lock is still ours nobody
else claims, so every batch that is being sent, and is not in hand, is from that turn.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from newsletter.delivery import claims, ledger
from newsletter.delivery.addressing import Member
from newsletter.delivery.batch import Batch, BatchStatus
from newsletter.delivery.flight import Flight
from newsletter.providers.base import Alike, Outcome


def read_back(
    session: Session, issue_id: int, flight: Flight, back: Iterable[Batch], now: datetime, worker: int | None = None
) -> list[tuple[Batch, Sequence[Member]]]:
    """What a turn claimed whose answer was lost: to be posted now, or let go where nothing is posted any more.

    `back` are the batches that have just come back; where several share the ledger, only those of this `worker` count.
    """
    found = [batch for batch in _unheard(session, issue_id, flight, back) if worker in (None, batch.worker)]
    if flight.ending is None:
        return [(batch, claims.members(session, batch)) for batch in found]
    for batch in found:
        ledger.record(session, batch, Alike([""] * ledger.handed_over(session, batch), Outcome.RETRY), now)
    return []


def _unheard(session: Session, issue_id: int, flight: Flight, back: Iterable[Batch]) -> list[Batch]:
    """The batches, or further attempts, of such a turn; they are not waiting any more."""
    waiting = [*flight.parked, *flight.asked]
    in_hand = {batch.id: batch.attempt for batch in (*back, *flight.calls.values(), *(one for _, one in waiting))}
    mine = (Batch.issue_id == issue_id, Batch.status == BatchStatus.SENDING)
    query = select(Batch).where(*mine).order_by(col(Batch.number)).execution_options(populate_existing=True)
    found = [one for one in session.exec(query).all() if one.attempt > in_hand.get(one.id, 0)]
    ids = {one.id for one in found}
    flight.parked = [(when, one) for when, one in flight.parked if one.id not in ids]
    return found
