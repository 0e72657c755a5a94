"""Former addresses: what was mailed before a reader changed theirs says nothing of the new one.

A bounce or a complaint that comes after a change is about the address that the delivery was claimed for, and is judged
by it. Who was claimed before the change and handed over after it has got the new address already, in the seconds that
lie between; their bounce counts for the old one too: better one suppression too late than a reader who is lost.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import select
from sqlmodel import Session, col

from newsletter.delivery.batch import Batch, Delivery
from newsletter.delivery.evidence import pieces
from subscribers.address_change import AddressChange, changes, print_at

Whose = tuple[int, int]  #: the ids of an issue and of a subscriber


def former_prints(session: Session, whose: Iterable[Whose]) -> dict[Whose, str]:
    """The fingerprints of the addresses that these deliveries were claimed for, where they were former ones."""
    issues: dict[int, list[int]] = defaultdict(list)
    for issue_id, who in whose:
        issues[who].append(issue_id)
    known = _changes(session, issues)
    found: dict[Whose, str] = {}
    for who, changed in known.items():
        for issue_id, claimed_at in _claims(session, who, issues[who]):
            if print_ := print_at(changed, claimed_at):
                found[issue_id, who] = print_
    return found


def changed_at(session: Session, ids: Collection[int]) -> dict[int, datetime]:
    """When these subscribers (by id) last changed their address; who never did is not in it."""
    known = _changes(session, ids)
    return {who: moment for who, changed in known.items() if (moment := changed[-1].changed_at)}


def _changes(session: Session, ids: Iterable[int]) -> dict[int, list[AddressChange]]:
    found: dict[int, list[AddressChange]] = defaultdict(list)
    for some in pieces(sorted(ids)):
        for one in changes(session, some):
            found[one.subscriber_id].append(one)
    return found


def _claims(session: Session, who: int, issue_ids: Collection[int]) -> list[tuple[int, datetime]]:
    """When the deliveries of these issues to one subscriber were claimed."""
    mine = (col(Delivery.subscriber_id) == who, col(Delivery.issue_id).in_(issue_ids))
    query = select(col(Delivery.issue_id), col(Batch.claimed_at)).join(Batch, col(Batch.id) == col(Delivery.batch_id))
    return [(issue_id, at) for issue_id, at in session.execute(query.where(*mine))]
