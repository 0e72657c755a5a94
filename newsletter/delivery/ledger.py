"""The ledger: claims before the act, receipts after it (theory and tables: batch.py).

Everybody on the list is walked once, in the order of ids, up to the newest subscriber at the start (`last`); the cursor
moves in the claiming transaction, where consent and suppression are checked (DESIGN, invariants 5 to 8):

    list = accepted + refused + unknown + under way + skipped + still to claim            at every commit
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, cast

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    String,
    and_,
    case,
    exists,
    false,
    func,
    insert,
    literal,
    not_,
    true,
    update,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy import select as sql_select
from sqlmodel import Session, col, select

from newsletter.delivery.batch import OPEN, Batch, BatchStatus, Delivery, DeliveryException, Resolution, Sending
from newsletter.errors import DeliveryError
from newsletter.issues.issue import Issue
from newsletter.providers.base import Outcome, Receipt
from subscribers.subscriber import Status, Subscriber
from subscribers.suppression import Suppression


def eligible(now: datetime) -> ColumnElement[bool]:
    """Consent and suppression, in the words of the claim. A pause ends when its date has come.

    A CASE and no OR, so that the walk over the list goes by ids: given an OR, SQLite looks both statuses up in their
    index and sorts everybody at every claim (70 µs a recipient instead of 1).
    """
    status = col(Subscriber.status)
    rested = case((status == Status.PAUSED, col(Subscriber.paused_until) <= now), else_=false())
    return and_(case((status == Status.ACTIVE, true()), else_=rested), not_(_suppressed()))


def _suppressed() -> ColumnElement[bool]:
    return exists().where(col(Suppression.fingerprint) == col(Subscriber.fingerprint))


def begin(session: Session, issue_id: int, digest: str, now: datetime, *, not_after: datetime | None = None) -> Sending:
    """Open the ledger of this issue, or find it open. Raises DeliveryError if it was opened for other bytes.

    `not_after`: past this nothing more is sent before a person says so; default: two days from now.
    """
    if found := session.get(Sending, issue_id):
        if found.digest != digest:
            raise DeliveryError(f"Issue {issue_id} began with other content than is approved now. Nothing is sent.")
        return found
    ids = col(Subscriber.id)
    size, last = session.exec(select(func.count(), func.coalesce(func.max(ids), 0)).select_from(Subscriber)).one()
    late = not_after or now + timedelta(days=2)
    sending = Sending(issue_id=issue_id, digest=digest, list_size=size, last=last or 0, started_at=now, not_after=late)
    session.add(sending)
    session.flush()
    return sending


def begun(session: Session, issue: Issue) -> bool:
    """Whether any delivery of this issue was ever claimed: then some readers may have it."""
    return session.exec(select(Batch.id).where(Batch.issue_id == issue.id).limit(1)).first() is not None


def claim(session: Session, issue_id: int, size: int, now: datetime, provider: str = "") -> Batch | None:
    """Fix the next batch of at most `size` subscribers, and move the cursor past everybody looked at.

    None when nobody is left. The caller commits before the first byte leaves.
    """
    sending = session.get(Sending, issue_id, populate_existing=True)
    if sending is None or sending.cursor >= sending.last:
        return None
    ids, after = col(Subscriber.id), sending.cursor
    ahead = and_(ids > after, ids <= sending.last, eligible(now))
    next_ids = select(ids).where(ahead).order_by(ids).limit(size).subquery()
    found = session.exec(select(func.max(next_ids.c.id))).one()
    upto = found or sending.last
    looked_at = and_(ids > after, ids <= upto)
    _count_skipped(session, sending, looked_at, now)
    sending.cursor = upto
    session.flush()
    if found is None:
        return None
    number = 1 + session.exec(select(func.coalesce(func.max(Batch.number), 0)).where(Batch.issue_id == issue_id)).one()
    batch = Batch(
        issue_id=issue_id,
        number=number,
        key=f"issue:{issue_id}:batch:{number}",
        claimed_at=now,
        attempted_at=now,
        provider=provider,
        after=after,
        upto=upto,
    )
    return _with_members(session, batch, and_(looked_at, eligible(now)))


def _with_members(session: Session, batch: Batch, who: ColumnElement[bool]) -> Batch:
    """Store the batch and its deliveries: one insert for all of them; a second delivery to anybody is an error."""
    session.add(batch)
    session.flush()
    ids = col(Subscriber.id)
    rows = select(literal(batch.issue_id), ids, literal(batch.id)).where(who).order_by(ids)
    insert_them = insert(Delivery).from_select(["issue_id", "subscriber_id", "batch_id"], rows)
    batch.size = cast("CursorResult[Any]", session.execute(insert_them)).rowcount
    session.flush()
    return batch


def _count_skipped(session: Session, sending: Sending, looked_at: ColumnElement[bool], now: datetime) -> None:
    for reason, number in not_eligible(session, now, looked_at).items():
        setattr(sending, reason, getattr(sending, reason) + number)


def not_eligible(session: Session, now: datetime, among: ColumnElement[bool] | None = None) -> dict[str, int]:
    """How many may not be mailed now, by reason: suppressed, pending, paused, unsubscribed."""
    why = case((_suppressed(), "suppressed"), else_=sql_cast(col(Subscriber.status), String))
    query = select(why, func.count()).select_from(Subscriber).where(not_(eligible(now))).group_by(why)
    found = session.exec(query if among is None else query.where(among))
    return {str(reason): number for reason, number in found}


class Member(NamedTuple):
    """What a message needs to know of a subscriber."""

    id: int
    ref: str
    address: str | None
    name: str
    signed_up_at: datetime
    confirmed_at: datetime | None


def members(session: Session, batch: Batch) -> list[Member]:
    """Who is handed over with a batch, in the order of ids; whoever was set apart before an attempt is not.

    The same at every attempt that may have reached the provider. Rows and no objects: five times as fast.
    """
    columns = (getattr(Subscriber, name) for name in Member._fields)
    query = (
        sql_select(*columns)
        .join(Delivery, col(Delivery.subscriber_id) == col(Subscriber.id))
        .where(col(Delivery.issue_id) == batch.issue_id, col(Delivery.batch_id) == batch.id)
        .where(col(Delivery.subscriber_id) > batch.after, col(Delivery.subscriber_id) <= batch.upto)
        .where(not_(_set_apart()))
        .order_by(col(Subscriber.id))
    )
    return [Member._make(row) for row in session.execute(query)]


def _set_apart() -> ColumnElement[bool]:
    same = and_(
        col(DeliveryException.issue_id) == col(Delivery.issue_id),
        col(DeliveryException.subscriber_id) == col(Delivery.subscriber_id),
    )
    return exists().where(same)


def set_apart(session: Session, batch: Batch, now: datetime) -> None:
    """Before a batch is tried again: whoever left, paused or was suppressed meanwhile is not in it any more.

    Only for a batch that was certainly not taken: one in doubt has to be repeated as it was, or not at all.
    """
    ids = col(Subscriber.id)
    allowed = set(session.exec(select(ids).where(ids > batch.after, ids <= batch.upto, eligible(now))))
    gone = [member.id for member in members(session, batch) if member.id not in allowed]
    why = "Left, paused or was suppressed before it could be sent."
    where = {"issue_id": batch.issue_id, "batch_id": batch.id or 0}
    session.add_all(DeliveryException(subscriber_id=one, outcome=Outcome.REFUSED, reason=why, **where) for one in gone)
    batch.refused += len(gone)
    session.add(batch)
    session.flush()


def record(session: Session, batch: Batch, receipts: Sequence[Receipt], now: datetime) -> bool:
    """Write down what the provider answered to this attempt. False if the batch is closed or a newer attempt runs.

    Receipts stand in the order of `members`. Once an attempt ended in doubt, a refusal or "not taken" proves nothing
    about the earlier one, and the batch stays unknown (security reference 3.1, rule 1).
    """
    outcomes = [receipt.outcome for receipt in receipts]
    if len(outcomes) != batch.size - batch.refused:
        outcomes = [Outcome.UNKNOWN]
    status = _status_of(outcomes, doubtful=batch.doubtful)
    exceptions = [
        (position, receipt)
        for position, receipt in enumerate(receipts)
        if status is BatchStatus.ACCEPTED and receipt.outcome is not Outcome.ACCEPTED
    ]
    values = {
        "status": status,
        "doubtful": batch.doubtful or status is BatchStatus.UNKNOWN,
        "refused": batch.refused + sum(receipt.outcome is Outcome.REFUSED for _, receipt in exceptions),
        "unknown": sum(receipt.outcome is not Outcome.REFUSED for _, receipt in exceptions),
        "closed_at": now if status in (BatchStatus.ACCEPTED, BatchStatus.REFUSED) else None,
        "reason": next((receipt.reason for receipt in receipts if receipt.reason), ""),
        "provider_ids": "\n".join(receipt.provider_id for receipt in receipts).encode(),
    }
    mine = and_(col(Batch.id) == batch.id, col(Batch.attempt) == batch.attempt, col(Batch.status).in_(OPEN))
    if not cast("CursorResult[Any]", session.execute(update(Batch).where(mine).values(values))).rowcount:
        return False
    session.add_all(_exceptions(session, batch, exceptions))
    session.flush()
    return True


def _status_of(outcomes: Sequence[Outcome], *, doubtful: bool) -> BatchStatus:
    """One status for the batch; recipients that differ from an accepted batch become exceptions."""
    kinds = set(outcomes)
    if Outcome.ACCEPTED in kinds:
        return BatchStatus.ACCEPTED
    if Outcome.UNKNOWN in kinds or doubtful:
        return BatchStatus.UNKNOWN
    return BatchStatus.CLAIMED if Outcome.RETRY in kinds else BatchStatus.REFUSED


def _exceptions(session: Session, batch: Batch, found: list[tuple[int, Receipt]]) -> list[DeliveryException]:
    """One row per recipient who fared otherwise. "Not taken" inside an accepted call is doubt: nobody asks again."""
    who = members(session, batch) if found else []
    return [
        DeliveryException(
            issue_id=batch.issue_id,
            subscriber_id=who[position].id or 0,
            batch_id=batch.id or 0,
            outcome=Outcome.REFUSED if receipt.outcome is Outcome.REFUSED else Outcome.UNKNOWN,
            reason=receipt.reason,
        )
        for position, receipt in found
    ]


def take_again(session: Session, batch: Batch, now: datetime) -> Batch | None:
    """Begin a further attempt of a batch that is parked or in doubt. None if somebody else has it.

    Only for a batch that was certainly not taken, or whose provider honours its key (invariant 7).
    """
    if batch.status is BatchStatus.CLAIMED and not batch.doubtful:
        batch = session.merge(batch)
        set_apart(session, batch, now)
    again = (BatchStatus.CLAIMED, *OPEN)
    mine = and_(col(Batch.id) == batch.id, col(Batch.attempt) == batch.attempt, col(Batch.status).in_(again))
    doubt = batch.doubtful or batch.status in OPEN
    values = {"status": BatchStatus.SENDING, "attempt": batch.attempt + 1, "attempted_at": now, "doubtful": doubt}
    if not cast("CursorResult[Any]", session.execute(update(Batch).where(mine).values(values))).rowcount:
        return None
    return session.get(Batch, batch.id, populate_existing=True)


def doubt(session: Session, batch: Batch) -> None:
    """Mark a batch that was being sent and whose answer nobody has."""
    mine = and_(
        col(Batch.id) == batch.id, col(Batch.attempt) == batch.attempt, col(Batch.status) == BatchStatus.SENDING
    )
    session.execute(update(Batch).where(mine).values(status=BatchStatus.UNKNOWN, doubtful=True))


def resolve(session: Session, batch: Batch, status: BatchStatus, now: datetime, *, by: str, note: str = "") -> bool:
    """Close a doubt on evidence: a look-up's, an event's, or an operator's word. False if it is no doubt any more.

    `claimed` means: certainly not sent, so it may be tried again; the doubt is over.
    """
    mine = and_(col(Batch.id) == batch.id, col(Batch.attempt) == batch.attempt, col(Batch.status).in_(OPEN))
    closed = now if status in (BatchStatus.ACCEPTED, BatchStatus.REFUSED) else None
    values = {"status": status, "doubtful": status is BatchStatus.UNKNOWN, "closed_at": closed}
    if not cast("CursorResult[Any]", session.execute(update(Batch).where(mine).values(values))).rowcount:
        return False
    session.add(Resolution(batch_id=batch.id or 0, status=status, at=now, by=by, note=note))
    session.flush()
    return True


def call_off(session: Session, batch: Batch, now: datetime) -> None:
    """Close a parked batch of a cancelled issue: it was certainly not taken, and will not be tried again."""
    mine = and_(col(Batch.id) == batch.id, col(Batch.status) == BatchStatus.CLAIMED)
    values = {"status": BatchStatus.REFUSED, "closed_at": now, "reason": "The issue was cancelled before it was sent."}
    session.execute(update(Batch).where(mine).values(values))


def forget(session: Session, issue: Issue) -> None:
    """Close the ledger of an issue of which nothing was ever claimed: its next start begins anew."""
    if (sending := session.get(Sending, issue.id)) and not begun(session, issue):
        session.delete(sending)
        session.flush()


def in_doubt(session: Session, issue_id: int | None = None) -> list[Batch]:
    """Batches of which nobody knows, oldest first; of one issue, or of all."""
    query = select(Batch).where(col(Batch.status) == BatchStatus.UNKNOWN).order_by(col(Batch.id))
    return list(session.exec(query if issue_id is None else query.where(Batch.issue_id == issue_id)))


def open_batches(session: Session, issue_id: int) -> list[Batch]:
    """Batches that are not closed, oldest first."""
    still = (BatchStatus.CLAIMED, *OPEN)
    query = select(Batch).where(Batch.issue_id == issue_id, col(Batch.status).in_(still)).order_by(col(Batch.number))
    return list(session.exec(query))
