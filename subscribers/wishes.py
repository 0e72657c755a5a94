"""Wishes: somebody typed an address into a form.

Taking one writes a row and looks at nothing else of the address, so that every address gets the same answer in the same
time; what follows from it is decided afterwards (`grant`), where nobody waits. Limits are counted here in the rows of
the last hour: of the same network, for the same domain, and in all (security reference, S-49). A wish over a limit is
not written down. The address is forgotten when the wish is dealt with, the rest after a month; networks and domains
are kept as keyed hashes (S-61).
"""

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, delete, func, update
from sqlmodel import Field, Session, SQLModel, col, select

from subscribers.address import Address, fingerprint, parse
from subscribers.address_change import ask as ask_to_change
from subscribers.address_change import changes
from subscribers.columns import word
from subscribers.consent import ON_THE_LIST, Evidence
from subscribers.letters import DAY, HOUR, About, Letter, Post, may_ask, owe
from subscribers.subscriber import Subscriber, add, find
from subscribers.suppression import is_suppressed

CHANGES_A_DAY = 3  #: wishes of one reader for another address


class Fate(StrEnum):
    """What became of a wish."""

    WAITING = "waiting"
    ASKED = "asked"  #: they get a letter with a link to confirm
    ALREADY = "already"  #: they are on the list, and get a letter that says so
    ENOUGH = "enough"  #: there were letters enough to this address
    SUPPRESSED = "suppressed"  #: it must not be mailed, whoever asks
    OVER = "over"  #: the reader who wanted another address has left meanwhile, or had theirs changed


class Wish(SQLModel, table=True):
    """One form that somebody sent."""

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(index=True)
    address: str | None  #: until it is dealt with
    fingerprint: str = Field(index=True)
    network: str = Field(index=True)  #: keyed hash; empty where it is not known
    domain: str = Field(index=True)  #: keyed hash
    source: str
    wording: str
    became: Fate = Field(default=Fate.WAITING, sa_type=word(Fate), index=True)
    mover: int | None = Field(default=None, index=True)  #: id of the reader who wants this address in place of theirs


@dataclass(frozen=True, slots=True)
class Limits:
    """How many wishes an hour are taken."""

    per_network: int
    per_domain: int
    in_all: int


@dataclass(slots=True)
class Asking:
    """A wish on its way in, and whether it was too many."""

    address: Address
    network: str  #: as text, "192.0.2.0/24"; empty where it is not known
    evidence: Evidence
    mover: int | None = None  #: id of the reader who wants this address in place of theirs
    too_many: bool = False


def take(session: Session, asking: Iterable[Asking], limits: Limits, *, secret: bytes, now: datetime) -> None:
    """Write these wishes down, each unless a limit is reached; then it is marked and nothing else happens."""
    in_all = _lately(session, now)  # counted once: of a flood almost nothing is written down
    for one in asking:
        network = _mark("network", one.network, secret) if one.network else ""
        domain = _mark("domain", one.address.key.rpartition("@")[2], secret)
        one.too_many = in_all >= limits.in_all or _reached(session, network, domain, limits, now)
        one.too_many = one.too_many or _moves_too_often(session, one.mover, now)
        if one.too_many:
            continue
        in_all += 1
        wish = Wish(
            at=now,
            address=one.address.display,
            fingerprint=fingerprint(one.address.key, secret),
            network=network,
            domain=domain,
            source=one.evidence.source,
            wording=one.evidence.wording,
            mover=one.mover,
        )
        session.add(wish)
        session.flush()


def grant(session: Session, *, secret: bytes, now: datetime, most: int = 100) -> int:
    """Decide what follows from the oldest wishes that wait; how many there were."""
    waits = select(Wish).where(Wish.became == Fate.WAITING).order_by(col(Wish.id)).limit(most)
    wishes = session.exec(waits).all()
    for wish in wishes:
        wish.became = _fate(session, wish, secret, now)
        wish.address = None
        session.add(wish)
        session.flush()
    return len(wishes)


def any_wish(session: Session) -> bool:
    """Whether a wish waits."""
    return session.exec(select(Wish.id).where(Wish.became == Fate.WAITING).limit(1)).first() is not None


def forget_wishes(session: Session, before: datetime | None = None, print_: str = "", mover: int = 0) -> int:
    """Those from before this moment (aware), or of the address with this fingerprint, or of this reader; how many."""
    of_one = col(Wish.mover) == mover if mover else col(Wish.fingerprint) == print_
    which = col(Wish.at) < before if before else of_one
    return session.connection().execute(delete(Wish).where(which)).rowcount


def stop_waiting(session: Session) -> None:
    """Drop wishes and letters that wait: nobody knows what became of them. Whoever misses theirs signs up again."""
    session.execute(delete(Wish).where(col(Wish.became) == Fate.WAITING))
    session.execute(update(Letter).where(col(Letter.post) == Post.WAITING).values(post=Post.DROPPED))


def _fate(session: Session, wish: Wish, secret: bytes, now: datetime) -> Fate:
    if is_suppressed(session, wish.fingerprint):
        return Fate.SUPPRESSED
    if not may_ask(session, wish.fingerprint, now):
        return Fate.ENOUGH
    address = parse(wish.address or "")
    known = find(session, address)
    if wish.mover is not None and known is None:
        return _changing(session, wish.mover, address, wish.at, secret, now)
    if known is not None and known.status in ON_THE_LIST:
        owe(session, About.ALREADY, known, now)
        return Fate.ALREADY
    asked = add(session, address, Evidence(wish.source, wish.wording), secret=secret, now=wish.at)
    owe(session, About.CONFIRM, asked, now)
    return Fate.ASKED


def _changing(session: Session, mover: int, address: Address, at: datetime, secret: bytes, now: datetime) -> Fate:
    """A reader wants this address, which is nobody's: its mailbox is asked.

    One that has an entry of its own fares as if it were typed into the form: two readers are never made one. What was
    asked by a link that has ended since is over: else an undoing would not end what it undoes.
    """
    reader = session.get(Subscriber, mover)
    by_an_old_link = any(one.changed_at and one.changed_at > at for one in changes(session, [mover]))
    if reader is None or reader.status not in ON_THE_LIST or by_an_old_link:
        return Fate.OVER
    change = ask_to_change(session, reader, address, secret=secret, now=now)
    owe(session, About.NEW_ADDRESS, reader, now, change=change)
    return Fate.ASKED


def _moves_too_often(session: Session, mover: int | None, now: datetime) -> bool:
    """Whether this reader has wanted another address often enough today; asked of every wish of theirs alike."""
    if mover is None:
        return False
    count = select(func.count()).select_from(Wish).where(col(Wish.mover) == mover, col(Wish.at) > now - DAY)
    return session.exec(count).one() >= CHANGES_A_DAY


def _reached(session: Session, network: str, domain: str, limits: Limits, now: datetime) -> bool:
    if _lately(session, now, col(Wish.domain) == domain) >= limits.per_domain:
        return True
    return bool(network) and _lately(session, now, col(Wish.network) == network) >= limits.per_network


def _lately(session: Session, now: datetime, *which: ColumnElement[bool]) -> int:
    """How many such wishes of the last hour there are."""
    count = select(func.count()).select_from(Wish).where(col(Wish.at) > now - HOUR, *which)
    return session.exec(count).one()


def _mark(kind: str, text: str, secret: bytes) -> str:
    return hmac.digest(secret, f"{kind} v1\0{text}".encode(), "sha256").hex()[:32]
