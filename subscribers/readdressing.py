"""To give a reader another address, and the old one back: what address_change.py says may be.

An entry that was only asked for at the old address, and that nobody ever confirmed, goes when that comes back.
"""

from datetime import datetime

from sqlmodel import Session

from subscribers.address import parse
from subscribers.address_change import AddressChange, Stage, can_change, can_undo, changes, replace_open
from subscribers.consent import Evidence, Kind, after, record
from subscribers.expiry import forget_requests
from subscribers.subscriber import Subscriber, find, new_ref


def carry_out(session: Session, change: AddressChange, evidence: Evidence, now: datetime) -> bool:
    """The reader has the new address from now on, and new links; all else of theirs stays. False where that cannot be.

    Raises IntegrityError where somebody else took the address in this moment.
    """
    whom = _locked(session, change)
    if not can_change(session, change, now):
        return False
    change.stage, change.changed_at = Stage.CHANGED, now
    change.old_address, change.old_fingerprint = whom.address, whom.fingerprint
    _readdress(session, whom, change.address or "", change.fingerprint, evidence, now)
    session.add(change)
    session.flush()
    return True


def undo(session: Session, change: AddressChange, evidence: Evidence, now: datetime) -> bool:
    """The reader has the old address again and new links, and what they were changed to after it is undone with it.

    It puts nobody on the list who has left. False where it cannot be. Raises IntegrityError as `carry_out`.
    """
    whom = _locked(session, change)
    if not can_undo(session, change, now):
        return False
    undone = [one for one in changes(session, [change.subscriber_id]) if (one.id or 0) >= (change.id or 0)]
    for one in undone:
        one.stage = Stage.UNDONE
    back = AddressChange(
        ref=new_ref(),
        subscriber_id=change.subscriber_id,
        address=None,
        fingerprint=change.old_fingerprint,
        old_fingerprint=whom.fingerprint,
        stage=Stage.CHANGED,
        made_at=now,
        changed_at=now,
    )
    replace_open(session, whom)
    _readdress(session, whom, change.old_address or "", change.old_fingerprint, evidence, now)
    session.add_all((*undone, back))
    session.flush()
    return True


def _locked(session: Session, change: AddressChange) -> Subscriber:
    """Whose address it is, as they stand now; nobody else changes them until the transaction ends."""
    return session.get_one(Subscriber, change.subscriber_id, with_for_update=True, populate_existing=True)


def _readdress(
    session: Session, whom: Subscriber, address: str, print_: str, evidence: Evidence, now: datetime
) -> None:
    if other := find(session, address):
        forget_requests(session, [other.id or 0])
        session.expunge(other)
    whom.address, whom.address_key, whom.fingerprint = address, parse(address).key, print_
    whom.link_set += 1  # the links in the mails to the address before are not theirs any more (links.py)
    status = after(whom.status, Kind.READDRESSED) or whom.status
    if status is not whom.status:
        whom.status, whom.status_since = status, now
    session.add(whom)
    session.flush()
    record(session, whom.id or 0, Kind.READDRESSED, status, evidence, now, print_=print_)
