"""The ledger: claims before the act, receipts after it (theory and tables: batch.py).

Everybody on the list is walked once, in the order of ids, up to the newest subscriber at the start (`last`); the cursor
moves in the claiming transaction, where consent and suppression are checked (claims.py; DESIGN, invariants 5 to 8):

    list = accepted + refused + unknown + under way + skipped + still to claim            at every commit
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, and_, bindparam, func, or_, update
from sqlmodel import Session, col, select

from newsletter.delivery.batch import OPEN, Batch, BatchStatus, DeliveryException, Resolution, Sending
from newsletter.delivery.claims import member_ids, set_apart
from newsletter.errors import DeliveryError
from newsletter.issues.issue import Issue
from newsletter.providers.base import Alike, Outcome, Receipt
from subscribers.subscriber import Subscriber


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


_IS_OPEN = or_(*(col(Batch.status) == status for status in OPEN))  # no IN: SQLAlchemy spells that anew at every call
_MINE = and_(col(Batch.id) == bindparam("batch"), col(Batch.attempt) == bindparam("fence"), _IS_OPEN)
_COLUMNS = ("status", "doubtful", "refused", "unknown", "closed_at", "reason", "provider_ids")
_RECORD = (
    update(Batch.metadata.tables["batch"]).where(_MINE).values({name: bindparam(f"new_{name}") for name in _COLUMNS})
)


def record(session: Session, batch: Batch, receipts: Sequence[Receipt], now: datetime) -> bool:
    """Write down what the provider answered to this attempt. False if the batch is closed or a newer attempt runs.

    Receipts stand in the order of `claims.members`. Once an attempt ended in doubt, a refusal or "not taken" proves
    nothing about the earlier one, and the batch stays unknown (security reference 3.1, rule 1).
    """
    status = _status_of(_outcomes(session, batch, receipts), doubtful=batch.doubtful)
    exceptions = _exceptions(session, batch, receipts) if status is BatchStatus.ACCEPTED else []
    values = {
        "status": status,
        "doubtful": batch.doubtful or status is BatchStatus.UNKNOWN,
        "refused": batch.refused + sum(one.outcome is Outcome.REFUSED for one in exceptions),
        "unknown": sum(one.outcome is not Outcome.REFUSED for one in exceptions),
        "closed_at": now if status in (BatchStatus.ACCEPTED, BatchStatus.REFUSED) else None,
        "reason": _first_reason(receipts),
        "provider_ids": "\n".join(map(_clean, _provider_ids(receipts))).encode(),
    }
    which = {"batch": batch.id, "fence": batch.attempt}
    new = {f"new_{name}": value for name, value in values.items()}
    recorded = session.connection().execute(_RECORD, {**which, **new}).rowcount
    if batch in session:
        session.refresh(batch)
    if not recorded:
        return False
    session.add_all(exceptions)
    session.flush()
    return True


def record_found(
    session: Session, batch: Batch, found: Sequence[Receipt], now: datetime, *, by: str, note: str
) -> bool:
    """Close a doubt by evidence that accounts for everybody: as `record`, and `resolve`."""
    exceptions = _exceptions(session, batch, found)
    if not resolve(session, batch, BatchStatus.ACCEPTED, now, by=by, note=note):
        return False
    session.add_all(exceptions)
    session.execute(update(Batch).where(col(Batch.id) == batch.id).values(refused=Batch.refused + len(exceptions)))
    session.flush()
    return True


def _outcomes(session: Session, batch: Batch, receipts: Sequence[Receipt]) -> set[Outcome]:
    """What became of the members; nobody knows where there is not a receipt for each."""
    if len(receipts) != handed_over(session, batch):
        return {Outcome.UNKNOWN}
    return {receipts.outcome} if isinstance(receipts, Alike) else {receipt.outcome for receipt in receipts}


def handed_over(session: Session, batch: Batch) -> int:
    """How many members a batch has: all but who was set apart."""
    return len(member_ids(session, batch)) if batch.left or batch.proved else batch.size


def _differing(receipts: Sequence[Receipt]) -> list[tuple[int, Receipt]]:
    """The receipts of an accepted batch that are not "accepted", with their places."""
    if isinstance(receipts, Alike) and receipts.outcome is Outcome.ACCEPTED:
        return []
    return [(place, receipt) for place, receipt in enumerate(receipts) if receipt.outcome is not Outcome.ACCEPTED]


def _first_reason(receipts: Sequence[Receipt]) -> str:
    alike = receipts[:1] if isinstance(receipts, Alike) else receipts
    return _clean(next((receipt.reason for receipt in alike if receipt.reason), ""))


def _clean(text: str) -> str:
    """One line that every database keeps: a provider may answer with half a character, or with lines."""
    return text if text.isprintable() else " ".join(text.encode("utf-8", "replace").decode().split())


def _provider_ids(receipts: Sequence[Receipt]) -> Sequence[str]:
    return receipts.provider_ids if isinstance(receipts, Alike) else [receipt.provider_id for receipt in receipts]


def _status_of(kinds: set[Outcome], *, doubtful: bool) -> BatchStatus:
    """One status for the batch; recipients that differ from an accepted batch become exceptions."""
    if Outcome.ACCEPTED in kinds:
        return BatchStatus.ACCEPTED
    if Outcome.UNKNOWN in kinds or doubtful:
        return BatchStatus.UNKNOWN
    return BatchStatus.CLAIMED if Outcome.RETRY in kinds else BatchStatus.REFUSED


def _exceptions(session: Session, batch: Batch, receipts: Sequence[Receipt]) -> list[DeliveryException]:
    """One row per recipient who fared otherwise. "Not taken" inside an accepted call is doubt: nobody asks again.

    Whoever is known to be with the provider, by an event, is not doubted again.
    """
    found = _differing(receipts)
    who = member_ids(session, batch) if found else []
    proved = select(DeliveryException.subscriber_id).where(DeliveryException.batch_id == batch.id)
    known = set(session.exec(proved)) if batch.proved else set()
    return [
        DeliveryException(
            issue_id=batch.issue_id,
            subscriber_id=who[position],
            batch_id=batch.id or 0,
            outcome=Outcome.REFUSED if receipt.outcome is Outcome.REFUSED else Outcome.UNKNOWN,
            reason=_clean(receipt.reason),
        )
        for position, receipt in found
        if who[position] not in known
    ]


def split(session: Session, batch: Batch) -> None:
    """From its next attempt on the batch goes out in two halves: said before the first of them leaves."""
    mine = and_(col(Batch.id) == batch.id, col(Batch.status) == BatchStatus.CLAIMED)
    session.execute(update(Batch).where(mine).values(split=True))


def take_again(session: Session, batch: Batch, now: datetime, provider: str = "") -> Batch | None:
    """Begin a further attempt of a batch that is parked or in doubt. None if somebody else has it.

    Only for a batch that was certainly not taken, or whose provider honours its key (invariant 7). Another `provider`
    gets only what the first certainly did not take, and the ledger says so before anything leaves (else DeliveryError).
    """
    if provider not in ("", batch.provider) and (batch.doubtful or batch.status is not BatchStatus.CLAIMED):
        raise DeliveryError(f"Batch {batch.number} may be with {batch.provider}: no other provider gets it.")
    found = session.get(Batch, batch.id, populate_existing=True)
    if found is None or (found.attempt, found.status) != (batch.attempt, batch.status):
        return None  # an event or an operator has said something since
    batch = found
    if batch.status is BatchStatus.CLAIMED and not batch.doubtful:
        set_apart(session, batch, now)
        if batch.left >= batch.size:
            call_off(session, batch, now, "Everybody in it had left before it was sent.")
            return None
    again = (BatchStatus.CLAIMED, *OPEN)
    mine = and_(col(Batch.id) == batch.id, col(Batch.attempt) == batch.attempt, col(Batch.status).in_(again))
    doubt = batch.doubtful or batch.status in OPEN
    values = {"status": BatchStatus.SENDING, "attempt": batch.attempt + 1, "attempted_at": now, "doubtful": doubt}
    values |= {"provider": provider} if provider else {}
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


def call_off(
    session: Session, batch: Batch, now: datetime, why: str = "The issue was cancelled before it was sent."
) -> None:
    """Close a parked batch: it was certainly not taken, and will not be tried again."""
    mine = and_(col(Batch.id) == batch.id, col(Batch.status) == BatchStatus.CLAIMED)
    values = {"status": BatchStatus.REFUSED, "closed_at": now, "reason": why}
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
