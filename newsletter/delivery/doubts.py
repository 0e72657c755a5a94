"""Doubt about single people, and a person's word on it: who has it, and who certainly was not sent it.

Somebody is in doubt as their batch is, or for themselves. Either ends by evidence only. "They have it" makes each of
them accepted. "They certainly were not sent it" makes them, and nobody else, what the batch hands over next: everybody
else in it is set apart, and the call gets a new key; unless it is the call as it was, where the old key is one guard
more.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import and_, case, delete, insert, update
from sqlalchemy import select as sql_select
from sqlmodel import Session, col, select

from newsletter.delivery import evidence, ledger
from newsletter.delivery.batch import Batch, BatchStatus, Delivery, DeliveryException, Resolution
from newsletter.delivery.claims import member_ids
from newsletter.delivery.progress import complete
from newsletter.providers.base import Outcome
from subscribers.subscriber import Subscriber


class Doubted(NamedTuple):
    """Somebody of whom nobody knows whether they were sent the issue."""

    id: int
    ref: str
    address: str | None  #: None once erased
    reason: str  #: what was heard, if anything
    provider: str  #: who may have sent it


def people(session: Session, batch: Batch, most: int | None = None) -> list[Doubted]:
    """Everybody in this batch who is in doubt, in the order of ids; at most so many."""
    row, outcome = DeliveryException, col(DeliveryException.outcome)
    same = and_(col(row.issue_id) == col(Delivery.issue_id), col(row.subscriber_id) == col(Delivery.subscriber_id))
    open_too = batch.status is BatchStatus.UNKNOWN
    doubted = case((outcome.is_(None), open_too), else_=outcome == Outcome.UNKNOWN)
    who = col(Delivery.subscriber_id)
    query = (
        sql_select(who, col(Subscriber.ref), col(Subscriber.address), col(row.reason), col(row.provider))
        .join(Subscriber, col(Subscriber.id) == who)
        .outerjoin(row, same)
        .where(col(Delivery.issue_id) == batch.issue_id, col(Delivery.batch_id) == batch.id)
        .where(who > batch.after, who <= batch.upto, doubted)
        .order_by(who)
        .limit(most)
    )
    return [
        Doubted(
            number or 0,
            ref,
            address,
            batch.reason if reason is None else reason,
            provider or batch.provider,
        )
        for number, ref, address, reason, provider in session.execute(query)
    ]


def accept(session: Session, batch: Batch, ids: Collection[int], now: datetime, *, by: str, note: str) -> None:
    """These have it: the doubt about them is over, and about the batch with the last of them. Kept as evidence."""
    before = batch.in_doubt
    evidence.prove_ids(session, batch.issue_id, ids, now, by=by)
    session.refresh(batch)
    _keep(session, batch, BatchStatus.ACCEPTED, ids, before, now, by=by, note=note)
    complete(session, batch.issue_id, now, by=by)


def send_again(session: Session, batch: Batch, ids: Collection[int], now: datetime, *, by: str, note: str) -> None:
    """These certainly were not sent it: they are what this batch hands over next. Not while it is being sent."""
    before = batch.in_doubt
    if batch.status is BatchStatus.UNKNOWN and sorted(ids) == member_ids(session, batch):  # as it was, under its key
        ledger.resolve(session, batch, BatchStatus.CLAIMED, now, by=by, note=note)
        return
    _set_apart_all_but(session, batch, ids)
    values = {"status": BatchStatus.CLAIMED, "doubtful": False, "closed_at": None, "pieces": 0}
    mine = and_(col(Batch.id) == batch.id, col(Batch.attempt) == batch.attempt)
    session.execute(update(Batch).where(mine).values(**values, generation=Batch.generation + 1))
    session.refresh(batch)
    ledger.recount(session, batch)
    _keep(session, batch, BatchStatus.CLAIMED, ids, before, now, by=by, note=note)


#: What becomes of those without a row of their own, where others are taken out of their batch.
_AS_THE_BATCH = {
    BatchStatus.ACCEPTED: Outcome.ACCEPTED,
    BatchStatus.REFUSED: Outcome.REFUSED,
    BatchStatus.UNKNOWN: Outcome.UNKNOWN,
}


def _set_apart_all_but(session: Session, batch: Batch, ids: Collection[int]) -> None:
    """A row, set apart, for everybody else; none for these. Who waits for the next attempt anyway goes on waiting."""
    mine = (col(DeliveryException.issue_id) == batch.issue_id, col(DeliveryException.batch_id) == batch.id)
    session.execute(update(DeliveryException).where(*mine).values(set_apart=True))
    for some in evidence.pieces(list(ids)):
        session.execute(delete(DeliveryException).where(*mine, col(DeliveryException.subscriber_id).in_(some)))
    if batch.status not in _AS_THE_BATCH:
        return
    have = set(session.exec(select(DeliveryException.subscriber_id).where(*mine))) | set(ids)
    who = col(Delivery.subscriber_id)
    everybody = select(who).where(
        Delivery.issue_id == batch.issue_id, Delivery.batch_id == batch.id, who > batch.after, who <= batch.upto
    )
    common = {"issue_id": batch.issue_id, "batch_id": batch.id, "set_apart": True, "provider": batch.provider}
    outcome = _AS_THE_BATCH[batch.status]
    reason = "" if outcome is Outcome.ACCEPTED else batch.reason
    rows = [
        {**common, "subscriber_id": one, "outcome": outcome, "reason": reason}
        for one in session.exec(everybody)
        if one not in have
    ]
    if rows:
        session.execute(insert(DeliveryException), rows)


def _keep(
    session: Session,
    batch: Batch,
    status: BatchStatus,
    ids: Collection[int],
    before: int,
    now: datetime,
    *,
    by: str,
    note: str,
) -> None:
    """The word is evidence: whose it was, of how many of those in doubt, and what they saw."""
    some = f"{note} ({len(ids)} of {before} people in doubt)" if len(ids) < before else note
    session.add(Resolution(batch_id=batch.id or 0, status=status, at=now, by=by, note=some))
    session.flush()


def chosen(found: Sequence[Doubted], named: Sequence[str], keys: Sequence[str]) -> tuple[list[Doubted], list[int]]:
    """Who of these is meant by addresses, refs or keys (those stand beside `found`); the places of other names."""
    names: dict[str, Doubted] = {}
    for one, key in zip(found, keys, strict=True):
        names |= dict.fromkeys((one.ref, key, (one.address or one.ref).casefold()), one)
    wanted = [names.get(name.strip()) or names.get(name.strip().casefold()) for name in named]
    nobody = [place for place, one in enumerate(wanted, start=1) if one is None]
    return list(dict.fromkeys(one for one in wanted if one)), nobody
