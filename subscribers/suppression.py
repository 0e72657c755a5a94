"""Suppression: addresses that must not be mailed, and why. It outlives the subscriber and knows them by a keyed hash.

Nothing lifts a suppression but `lift`, which an operator asks for by name and which is written down: no import, no
sign-up, no confirmation (invariant 8). One is a sum over a provider's words and falls with the sum: soft bounces that
were counted and turn out to be deliveries (newsletter/delivery/event_acts.py).
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum

from sqlalchemy import func
from sqlmodel import Field, Session, SQLModel, col, select

from subscribers.address import Address, fingerprint
from subscribers.columns import word


class Reason(StrEnum):
    """Why an address must not be mailed."""

    HARD_BOUNCE = "hard-bounce"  #: the mailbox does not exist
    COMPLAINT = "complaint"  #: the reader pressed "this is spam"
    SOFT_BOUNCES = "soft-bounces"  #: the mailbox would not take it, again and again
    UNSUBSCRIBED_BY_MAIL = "unsubscribed-by-mail"  #: asked by mail or by the provider's own link
    MANUAL = "manual"  #: an operator wrote it down
    ERASED = "erased"  #: asked to be forgotten


class Suppression(SQLModel, table=True):
    """An address that must not be mailed."""

    fingerprint: str = Field(primary_key=True)
    address: str | None = None  #: None once erased
    reason: Reason = Field(sa_type=word(Reason))
    at: datetime
    note: str = ""
    by: str = ""


class LiftedSuppression(SQLModel, table=True):
    """A suppression that an operator took away. Added, never changed."""

    __tablename__ = "lifted_suppression"

    id: int | None = Field(default=None, primary_key=True)
    fingerprint: str = Field(index=True)
    reason: Reason = Field(sa_type=word(Reason))
    since: datetime
    lifted_at: datetime
    by: str
    note: str = ""


def suppress(
    session: Session,
    print_: str,
    reason: Reason,
    now: datetime,
    *,
    address: str | None = None,
    note: str = "",
    by: str = "",
) -> bool:
    """Never mail the address with this fingerprint again. False if that was so already: the first reason stays."""
    if session.get(Suppression, print_):
        return False
    session.add(Suppression(fingerprint=print_, address=address, reason=reason, at=now, note=note, by=by))
    session.flush()
    return True


def suppress_all(
    session: Session, found: Iterable[tuple[Address, Reason]], now: datetime, *, secret: bytes, note: str, by: str = ""
) -> int:
    """Suppress many at once; how many were new."""
    return sum(
        suppress(session, fingerprint(address.key, secret), reason, now, address=address.display, note=note, by=by)
        for address, reason in found
    )


def lift(session: Session, print_: str, now: datetime, *, by: str, note: str = "") -> bool:
    """Let the address be mailed again, and write down who said so. False if it was not suppressed."""
    found = session.get(Suppression, print_)
    if found is None:
        return False
    once = LiftedSuppression(fingerprint=print_, reason=found.reason, since=found.at, lifted_at=now, by=by, note=note)
    session.add(once)
    session.delete(found)
    session.flush()
    return True


def is_suppressed(session: Session, print_: str) -> bool:
    """Whether the address with this fingerprint must not be mailed."""
    return session.get(Suppression, print_) is not None


def suppressions(session: Session, after: str = "", limit: int = 500) -> Sequence[Suppression]:
    """The next suppressions in the order of fingerprints: pass the last one's to go on."""
    query = select(Suppression).where(col(Suppression.fingerprint) > after)
    return session.exec(query.order_by(col(Suppression.fingerprint)).limit(limit)).all()


def suppressed_counts(session: Session) -> dict[Reason, int]:
    """How many there are for each reason, nought included."""
    query = select(Suppression.reason, func.count()).group_by(col(Suppression.reason))
    found = dict(session.exec(query).all())
    return {reason: found.get(reason, 0) for reason in Reason}


def lifted(session: Session, print_: str) -> Sequence[LiftedSuppression]:
    """What was once lifted for this fingerprint, oldest first."""
    query = select(LiftedSuppression).where(LiftedSuppression.fingerprint == print_)
    return session.exec(query.order_by(col(LiftedSuppression.id))).all()
