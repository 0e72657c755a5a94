"""The ledger: claims before the act, receipts after it (theory and tables: batch.py).

Everybody on the list is walked once, in the order of ids, up to the newest subscriber at the start (`last`); the cursor
moves in the claiming transaction, where consent and suppression are checked (claims.py; DESIGN, invariants 5 to 8):

    list = accepted + refused + unknown + under way + skipped + still to claim            at every commit
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, and_, bindparam, func, or_, update
from sqlmodel import Session, col, select

from newsletter.delivery import waves
from newsletter.delivery.answers import Before, Meaning, first_reason, kinds_of, meaning
from newsletter.delivery.batch import OPEN, Batch, BatchStatus, DeliveryException, Resolution, Sending
from newsletter.delivery.claims import is_thinned, member_ids, set_apart
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
_COLUMNS = ("status", "doubtful", "generation", "pieces", "closed_at", "reason", "provider_ids")
_RECORD = (
    update(Batch.metadata.tables["batch"]).where(_MINE).values({name: bindparam(f"new_{name}") for name in _COLUMNS})
)


def record(
    session: Session, batch: Batch, receipts: Sequence[Receipt], now: datetime, *, refused_whole: bool = False
) -> bool:
    """Write down what the provider answered to this attempt. False if the batch is closed or a newer attempt runs.

    Receipts stand in the order of `claims.members`; what they mean, and `refused_whole`: answers.py. Once an attempt
    ended in doubt, a refusal or "not taken" proves nothing about the earlier one (security reference 3.1, rule 1).
    """
    fits = len(receipts) == handed_over(session, batch) and not contradicts(session, batch, receipts)
    said = meaning(receipts if fits else [], _before(batch), refused_whole=refused_whole)
    return _write(session, batch, said, receipts, now)


def record_found(
    session: Session, batch: Batch, found: Sequence[Receipt], now: datetime, *, by: str, note: str
) -> bool:
    """The same for what a look-up found, which is evidence: the doubt is over, and that is written down."""
    evident = replace(_before(batch), doubtful=False)
    said = meaning(found, evident)
    if not _write(session, batch, said, found, now):
        return False
    session.add(Resolution(batch_id=batch.id or 0, status=said.status, at=now, by=by, note=note))
    session.flush()
    return True


def contradicts(session: Session, batch: Batch, receipts: Sequence[Receipt]) -> bool:
    """Whether somebody is said not to be with the provider, who by its own earlier word is: nobody can tell then."""
    if kinds_of(receipts) <= {Outcome.ACCEPTED}:
        return False
    shown = (DeliveryException.outcome == Outcome.ACCEPTED, col(DeliveryException.set_apart).is_(False))
    proved = set(
        session.exec(select(DeliveryException.subscriber_id).where(DeliveryException.batch_id == batch.id, *shown))
    )
    denied = (Outcome.RETRY, Outcome.REFUSED)
    who = member_ids(session, batch) if proved else []
    return any(one in proved and receipt.outcome in denied for one, receipt in zip(who, receipts, strict=False))


def _before(batch: Batch) -> Before:
    return Before(batch.doubtful, batch.pieces, accepted=bool(batch.proved))


def _write(session: Session, batch: Batch, said: Meaning, receipts: Sequence[Receipt], now: datetime) -> bool:
    """One batch row, fenced by the attempt, and the rows of whoever fares otherwise."""
    who = member_ids(session, batch) if said.apart else []
    apart = [(who[place], receipt) for place, receipt in said.apart]
    values = {
        "status": said.status,
        "doubtful": said.status is BatchStatus.UNKNOWN,
        "generation": batch.generation + said.part,
        "pieces": said.pieces,
        "closed_at": now if said.status in (BatchStatus.ACCEPTED, BatchStatus.REFUSED) else None,
        "reason": _clean(said.reason or first_reason(receipts)),
        "provider_ids": _ids(batch, receipts),
    }
    which = {"batch": batch.id, "fence": batch.attempt}
    new = {f"new_{name}": value for name, value in values.items()}
    recorded = session.connection().execute(_RECORD, {**which, **new}).rowcount
    if recorded and apart:
        _set_apart(session, batch, apart)
        recount(session, batch)
    if batch in session:
        session.refresh(batch)
    return bool(recorded)


def handed_over(session: Session, batch: Batch) -> int:
    """How many members a batch has: all but who was set apart."""
    return len(member_ids(session, batch)) if is_thinned(batch) else batch.size


def _clean(text: str) -> str:
    """One line that every database keeps: a provider may answer with half a character, or with lines."""
    return text if text.isprintable() else " ".join(text.encode("utf-8", "replace").decode().replace("\0", " ").split())


def _ids(batch: Batch, receipts: Sequence[Receipt]) -> bytes:
    """The provider's ids of this answer, below those of the calls before it that left a rest."""
    mine = receipts.provider_ids if isinstance(receipts, Alike) else [receipt.provider_id for receipt in receipts]
    ids = "\n".join(map(_clean, mine)).encode()
    return b"\n".join((batch.provider_ids, ids)) if batch.generation and batch.provider_ids else ids


def _set_apart(session: Session, batch: Batch, apart: Sequence[tuple[int, Receipt]]) -> None:
    """One row for each of these subscribers: not handed over again. An event's word that one is accepted stays."""
    mine = DeliveryException.batch_id == batch.id
    proved = select(DeliveryException).where(mine, DeliveryException.outcome == Outcome.ACCEPTED)
    known = {row.subscriber_id: row for row in session.exec(proved)} if batch.proved else {}
    for who, receipt in apart:
        row = known.get(who) or DeliveryException(
            issue_id=batch.issue_id,
            subscriber_id=who,
            batch_id=batch.id or 0,
            outcome=receipt.outcome,
            reason="" if receipt.outcome is Outcome.ACCEPTED else _clean(receipt.reason),
            provider=batch.provider,
        )
        row.set_apart = True
        session.add(row)
    session.flush()


def recount(session: Session, batch: Batch) -> None:
    """Set the numbers of a batch to what its exceptions say: its members are found by the primary key."""
    kind = (col(DeliveryException.outcome), col(DeliveryException.skipped))
    who = col(DeliveryException.subscriber_id)
    place = (DeliveryException.issue_id == batch.issue_id, who > batch.after, who <= batch.upto)
    mine = DeliveryException.batch_id == batch.id
    query = select(*kind, func.count()).where(*place, mine).group_by(*kind)
    count = {(outcome, skipped): number for outcome, skipped, number in session.exec(query)}
    proved = sum(number for (outcome, _), number in count.items() if outcome is Outcome.ACCEPTED)
    values = {
        "refused": count.get((Outcome.REFUSED, False), 0),
        "unknown": sum(number for (outcome, _), number in count.items() if outcome is Outcome.UNKNOWN),
        "proved": proved,
        "left": count.get((Outcome.REFUSED, True), 0),
    }
    session.execute(update(Batch).where(col(Batch.id) == batch.id).values(values))
    if batch in session:
        session.refresh(batch)


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
        if not batch.still_open:
            call_off(session, batch, now, "Everybody in it had left before it was sent.")
            return None
    again = (BatchStatus.CLAIMED, *OPEN)
    mine = and_(col(Batch.id) == batch.id, col(Batch.attempt) == batch.attempt, col(Batch.status).in_(again))
    doubt = batch.doubtful or batch.status in OPEN
    values = {"status": BatchStatus.SENDING, "attempt": batch.attempt + 1, "attempted_at": now, "doubtful": doubt}
    values |= {} if doubt else {"keyed_at": now}  # nothing was ever taken under it: its age does not count yet
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


def lose_age(session: Session, batch: Batch, since: datetime) -> None:
    """The clock was set back while this batch was in doubt: it stays so, and its key counts as being from `since`."""
    doubt(session, batch)
    why = "The clock of this machine was set back: nobody can tell whether the provider still honours the key."
    session.execute(update(Batch).where(col(Batch.id) == batch.id).values(keyed_at=since, reason=why))


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
    """Close a parked batch: what is left of it was certainly not taken, and will not be tried again."""
    mine = and_(col(Batch.id) == batch.id, col(Batch.status) == BatchStatus.CLAIMED)
    status = BatchStatus.ACCEPTED if batch.proved else BatchStatus.REFUSED
    values = {"status": status, "closed_at": now, "reason": why}
    if not cast("CursorResult[Any]", session.execute(update(Batch).where(mine).values(values))).rowcount:
        return
    if batch.proved and batch.still_open:  # the batch is accepted: whoever is not needs a row
        refusal = Receipt("", Outcome.REFUSED, reason=why)
        _set_apart(session, batch, [(who, refusal) for who in member_ids(session, batch)])
        recount(session, batch)


def forget(session: Session, issue: Issue) -> None:
    """Close the ledger of an issue of which nothing was ever claimed: its next start begins anew."""
    if (sending := session.get(Sending, issue.id)) and not begun(session, issue):
        waves.forget(session, sending.issue_id)
        session.delete(sending)
        session.flush()


def in_doubt(session: Session, issue_id: int | None = None) -> list[Batch]:
    """Batches with anybody of whom nobody knows, oldest first; of one issue, or of all."""
    doubtful = or_(col(Batch.status) == BatchStatus.UNKNOWN, col(Batch.unknown) > 0)
    query = select(Batch).where(doubtful).order_by(col(Batch.id))
    found = session.exec(query if issue_id is None else query.where(Batch.issue_id == issue_id))
    return [batch for batch in found if batch.in_doubt]


def open_batches(session: Session, issue_id: int, but: Collection[int] = ()) -> list[Batch]:
    """Batches that are not closed, oldest first; `but` those of these workers (crew.py)."""
    still = (BatchStatus.CLAIMED, *OPEN)
    query = select(Batch).where(Batch.issue_id == issue_id, col(Batch.status).in_(still)).order_by(col(Batch.number))
    return [batch for batch in session.exec(query) if batch.worker not in but]
