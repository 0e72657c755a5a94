"""A subscriber: somebody who asked for the newsletter, and every step of theirs as a function.

Each step writes its consent event in the same transaction; the caller commits. Times are aware; `source` says where the
person said it (a page, a file, "command line"), `wording` which version of the words they saw.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Index, and_, exists, func, or_
from sqlmodel import Field, Session, SQLModel, col, select
from sqlmodel.sql.expression import SelectOfScalar

from subscribers.address import Address, fingerprint, parse
from subscribers.choice import Frequency
from subscribers.columns import word
from subscribers.consent import ConsentEvent, Evidence, Kind, Status, after, record
from subscribers.errors import BadAddress, UnknownSubscriber
from subscribers.names import clean_name

__all__ = [
    "Evidence",
    "Status",
    "Subscriber",
    "add",
    "beginning",
    "by_ref",
    "clean_name",
    "confirm",
    "counts",
    "find",
    "has_only_asked",
    "lapse",
    "new_ref",
    "new_refs",
    "only_asked",
    "page",
    "pause",
    "renew",
    "require",
    "resume",
    "unsubscribe",
]

LAST = "\U0010ffff"  #: behind every letter
_REF = 24
_LETTERS = b"abcdefghijklmnopqrstuvwxyz234567" * 8  # each byte gives five random bits


class Subscriber(SQLModel, table=True):
    """A person on the list. The row stays when they leave, and also, emptied, when they are erased."""

    __table_args__ = (  # what is unique is an index as well, so that an import can build it behind the rows (bulk.py)
        Index("subscriber_ref", "ref", unique=True),
        Index("subscriber_key", "address_key", unique=True),
        Index("subscriber_fingerprint", "fingerprint", unique=True),
        Index("subscriber_claims", "status", "id"),
        Index("subscriber_name", "name"),
    )

    id: int | None = Field(default=None, primary_key=True)
    ref: str  #: random, for links and keys: says nothing and cannot be guessed
    address: str | None = None  #: what is mailed; None once erased
    address_key: str | None = None  #: for look-ups; None once erased
    fingerprint: str  #: the keyed hash of the key: what a suppression knows
    name: str = ""
    status: Status = Field(sa_type=word(Status))
    signed_up_at: datetime
    confirmed_at: datetime | None = None  #: the newest yes
    status_since: datetime
    paused_until: datetime | None = None  #: only while paused; None means until they come back
    source: str = ""  #: where they first came from
    zone: str = ""  #: their IANA time zone; empty: not known, the publication's counts
    topics: str = ""  #: what they want to read of, as "models,tools"; empty: everything (choice.py)
    frequency: Frequency = Field(default=Frequency.WEEKLY, sa_type=word(Frequency))  #: and how often
    #: which set of links is theirs, by its number: one more with each change of address (links.py)
    link_set: int = Field(default=0, sa_column_kwargs={"server_default": "0"})


def new_ref() -> str:
    """A new random ref: 120 bits as 24 characters a-z and 2-7."""
    return new_refs(1)[0]


def new_refs(number: int) -> list[str]:
    """Many new refs from one call to the system, which costs more than all the rest."""
    letters = secrets.token_bytes(_REF * number).translate(_LETTERS).decode()
    return [letters[at : at + _REF] for at in range(0, len(letters), _REF)]


def add(
    session: Session,
    address: Address,
    evidence: Evidence,
    *,
    secret: bytes,
    now: datetime,
    name: str = "",
    confirmed: bool = False,
) -> Subscriber:
    """Put somebody on the list, or take them up again: pending, or active where their yes is `confirmed` already.

    Who is on the list keeps their name and history. Suppression is not looked at here: a claim looks at it, and so must
    whoever sends a confirmation.
    """
    subscriber = find(session, address) or Subscriber(
        ref=new_ref(),
        address=address.display,
        address_key=address.key,
        fingerprint=fingerprint(address.key, secret),
        name=clean_name(name),
        status=Status.PENDING,
        signed_up_at=now,
        status_since=now,
        source=evidence.source,
    )
    _step(session, subscriber, Kind.CONFIRMED if confirmed else Kind.REQUESTED, evidence, now)
    return subscriber


def confirm(session: Session, subscriber: Subscriber, evidence: Evidence, now: datetime) -> bool:
    """Their yes. False if nothing changed: they are active or paused already."""
    return _step(session, subscriber, Kind.CONFIRMED, evidence, now)


def pause(
    session: Session, subscriber: Subscriber, evidence: Evidence, now: datetime, until: datetime | None = None
) -> bool:
    """A rest until a date, or until they come back. Raises IllegalChange unless they are active or paused."""
    changed = _step(session, subscriber, Kind.PAUSED, evidence, now)
    subscriber.paused_until = until
    session.flush()
    return changed


def resume(session: Session, subscriber: Subscriber, evidence: Evidence, now: datetime) -> bool:
    """The end of a pause. False if they are active already. Raises IllegalChange for who never confirmed or left."""
    return _step(session, subscriber, Kind.RESUMED, evidence, now)


def unsubscribe(session: Session, subscriber: Subscriber, evidence: Evidence, now: datetime) -> bool:
    """Their no, at once. False if they had left already: that is a success too."""
    return _step(session, subscriber, Kind.WITHDRAWN, evidence, now)


def renew(session: Session, subscriber: Subscriber, evidence: Evidence, now: datetime) -> bool:
    """Their yes to the question whether they still want it; a break goes on. Raises IllegalChange."""
    return _step(session, subscriber, Kind.RENEWED, evidence, now)


def lapse(session: Session, subscriber: Subscriber, evidence: Evidence, now: datetime) -> bool:
    """They did not answer that question, and are not mailed any more. Raises IllegalChange."""
    return _step(session, subscriber, Kind.LAPSED, evidence, now)


def only_asked(*late: ColumnElement[bool]) -> SelectOfScalar[int | None]:
    """The ids of those who are pending and were never anything else, and have no consent event that is `late`."""
    theirs = col(ConsentEvent.subscriber_id) == col(Subscriber.id)
    more = or_(col(ConsentEvent.status) != Status.PENDING, *late)
    waits = col(Subscriber.status) == Status.PENDING
    return select(col(Subscriber.id)).where(waits, exists().where(theirs), ~exists().where(theirs, more))


def has_only_asked(session: Session, subscriber: Subscriber) -> bool:
    """Whether somebody asked for the newsletter at this address, and nobody ever confirmed it."""
    return session.exec(only_asked().where(col(Subscriber.id) == subscriber.id)).first() is not None


def find(session: Session, address: Address | str) -> Subscriber | None:
    """The subscriber with this address, in whatever case it is written; None also for what is no address."""
    try:
        key = (address if isinstance(address, Address) else parse(address)).key
    except BadAddress:
        return None
    return session.exec(select(Subscriber).where(Subscriber.address_key == key)).one_or_none()


def require(session: Session, address: Address | str) -> Subscriber:
    """The subscriber with this address. Raises UnknownSubscriber, whose message does not repeat it."""
    if found := find(session, address):
        return found
    raise UnknownSubscriber("Nobody with that address is on the list. 'newsletter subscribers list' shows who is.")


def by_ref(session: Session, ref: str) -> Subscriber | None:
    """The subscriber with this ref; None once erased. What a link names is looked up by links.py."""
    return session.exec(select(Subscriber).where(Subscriber.ref == ref)).one_or_none()


def beginning(session: Session, text: str, limit: int = 50) -> Sequence[Subscriber]:
    """Whose address begins with this text, in the order of addresses: as quick among millions as among a hundred."""
    key, text = col(Subscriber.address_key), text.strip().casefold()
    plain = session.get_bind().dialect.name == "sqlite"  # elsewhere the order of letters may be another than of codes
    so = and_(key >= text, key < text + LAST) if plain else key.startswith(text, autoescape=True)
    return session.exec(select(Subscriber).where(so).order_by(key).limit(limit)).all()


def counts(session: Session) -> dict[Status, int]:
    """How many there are of each status, nought included."""
    each = [select(func.count()).where(Subscriber.status == status).scalar_subquery() for status in Status]
    return dict(zip(Status, session.execute(select(*each)).one(), strict=True))  # half of what it costs to group them


def page(session: Session, after_id: int = 0, limit: int = 500, status: Status | None = None) -> Sequence[Subscriber]:
    """The next subscribers in the order of ids: pass the last one's id to go on. Who was erased is not shown."""
    query = select(Subscriber).where(col(Subscriber.id) > after_id, col(Subscriber.address).is_not(None))
    if status is not None:
        query = query.where(Subscriber.status == status)
    return session.exec(query.order_by(col(Subscriber.id)).limit(limit)).all()


def _step(session: Session, subscriber: Subscriber, kind: Kind, evidence: Evidence, now: datetime) -> bool:
    """Take one step of the life-cycle and write its evidence. False where nothing changed."""
    status = after(subscriber.status if subscriber.id else None, kind)
    if status is None:
        return False
    if status is not subscriber.status:
        subscriber.status, subscriber.status_since = status, now
    if status is not Status.PAUSED:
        subscriber.paused_until = None
    if kind in (Kind.CONFIRMED, Kind.RENEWED):
        subscriber.confirmed_at = now
    session.add(subscriber)
    session.flush()
    record(session, subscriber.id or 0, kind, status, evidence, now, print_=subscriber.fingerprint)
    return True
