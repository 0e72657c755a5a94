"""A reader's change of address: asked for by them, confirmed from the new mailbox, undone from the old one for a week.

    asked ──▶ changed ──▶ undone          the row of an undoing is a change of its own, back again
      └─────▶ replaced | refused          by a newer wish of the same reader; by whoever has the new mailbox

Two readers are never made one: where the new address has an entry of its own, or is suppressed, nothing changes. Of the
way back an entry that nobody ever confirmed is no hindrance: else whoever took an address types it into the form, and
has closed it. readdressing.py carries out and undoes. What
was mailed to a former address is judged by that address (`print_at`), however late a provider speaks of it; so these
rows stay, as keyed hashes, when the addresses in them are forgotten.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import func, update
from sqlmodel import Field, Session, SQLModel, col, select

from subscribers.address import Address, fingerprint
from subscribers.columns import word
from subscribers.consent import ON_THE_LIST
from subscribers.subscriber import Subscriber, find, has_only_asked, new_ref
from subscribers.suppression import is_suppressed

OPEN_FOR = timedelta(days=7)  #: how long the new mailbox may confirm
UNDO_FOR = timedelta(days=7)  #: how long the old one may undo it


class Stage(StrEnum):
    """Where a change of address is."""

    ASKED = "asked"
    CHANGED = "changed"
    UNDONE = "undone"
    REPLACED = "replaced"  #: the same reader asked for another address since
    REFUSED = "refused"  #: by whoever has the new mailbox


class AddressChange(SQLModel, table=True):
    """One wish to get the newsletter at another address, and what became of it."""

    __tablename__ = "address_change"

    id: int | None = Field(default=None, primary_key=True)
    ref: str = Field(unique=True)  #: random, for the links of its mails
    subscriber_id: int = Field(foreign_key="subscriber.id", index=True)
    address: str | None  #: the new one; forgotten as the next
    fingerprint: str
    old_address: str | None = None  #: from the change on, for as long as it can be undone
    old_fingerprint: str = Field(default="", index=True)  #: from the change on: an import must not bring it back
    stage: Stage = Field(default=Stage.ASKED, sa_type=word(Stage))
    made_at: datetime
    changed_at: datetime | None = None


def ask(session: Session, subscriber: Subscriber, address: Address, *, secret: bytes, now: datetime) -> AddressChange:
    """Write down what a reader wants; it takes the place of what they wanted before."""
    replace_open(session, subscriber)
    change = AddressChange(
        ref=new_ref(),
        subscriber_id=subscriber.id or 0,
        address=address.display,
        fingerprint=fingerprint(address.key, secret),
        made_at=now,
    )
    session.add(change)
    session.flush()
    return change


def replace_open(session: Session, subscriber: Subscriber) -> None:
    """What this reader asked for and nobody has confirmed is not to be any more."""
    for one in all_changes(session, subscriber.id or 0):
        if one.stage is Stage.ASKED:
            one.stage = Stage.REPLACED
            session.add(one)


def change_named(session: Session, ref: str, *, to_write: bool = False) -> AddressChange | None:
    """The change that a link names, with `to_write` locked where the database locks rows."""
    query = select(AddressChange).where(AddressChange.ref == ref)
    return session.exec(query.with_for_update() if to_write else query).one_or_none()


def can_change(session: Session, change: AddressChange, now: datetime) -> bool:
    """Whether it is asked for still, and nothing is in its way."""
    whom = session.get_one(Subscriber, change.subscriber_id)
    asked = change.stage is Stage.ASKED and change.made_at >= now - OPEN_FOR
    return asked and whom.status in ON_THE_LIST and _is_free(session, change.address, change.fingerprint)


def refuse(session: Session, change: AddressChange) -> bool:
    """Whoever has the new mailbox does not want it. False where it was not asked for any more."""
    if change.stage is not Stage.ASKED:
        return False
    change.stage = Stage.REFUSED
    session.add(change)
    session.flush()
    return True


def can_undo(session: Session, change: AddressChange, now: datetime) -> bool:
    """Whether it is a change of this week, and its old address is still to be had.

    Also where the address has been changed again since, or its reader has left: whoever took a reader's link away must
    not close their way back with that. Who was erased has no old address any more.
    """
    lately = change.stage is Stage.CHANGED and change.changed_at is not None and change.changed_at >= now - UNDO_FOR
    if not lately or not _may_be_had(session, change.old_address, change.old_fingerprint):
        return False
    other = find(session, change.old_address or "")
    return other is None or has_only_asked(session, other)


def changes(session: Session, subscriber_ids: Collection[int]) -> Sequence[AddressChange]:
    """The changes of these subscribers that were carried out, oldest first."""
    done = (col(AddressChange.subscriber_id).in_(subscriber_ids), col(AddressChange.changed_at).is_not(None))
    return session.exec(select(AddressChange).where(*done).order_by(col(AddressChange.changed_at))).all()


def all_changes(session: Session, subscriber_id: int) -> Sequence[AddressChange]:
    """Everything that one subscriber ever asked for, oldest first."""
    query = select(AddressChange).where(AddressChange.subscriber_id == subscriber_id)
    return session.exec(query.order_by(col(AddressChange.id))).all()


def print_at(changed: Sequence[AddressChange], moment: datetime) -> str | None:
    """The fingerprint of the address that somebody had at this moment (aware), where it was a former one.

    `changed`: their changes that were carried out, oldest first.
    """
    return next((one.old_fingerprint for one in changed if one.changed_at and one.changed_at > moment), None)


def forget_addresses(session: Session, before: datetime | None = None, subscriber_id: int = 0) -> int:
    """Empty the addresses of changes from before this moment (aware), or of one subscriber; of how many."""
    table = AddressChange.metadata.tables["address_change"]
    last = func.coalesce(table.c.changed_at, table.c.made_at)
    which = last < before if before else table.c.subscriber_id == subscriber_id
    known = table.c.address.is_not(None) | table.c.old_address.is_not(None)
    emptied = update(table).where(which, known).values(address=None, old_address=None)
    return session.connection().execute(emptied).rowcount


def _is_free(session: Session, address: str | None, print_: str) -> bool:
    """Whether this address is nobody's and may be mailed."""
    return _may_be_had(session, address, print_) and find(session, address or "") is None


def _may_be_had(session: Session, address: str | None, print_: str) -> bool:
    return bool(address) and not is_suppressed(session, print_)
