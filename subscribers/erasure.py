"""To forget somebody, and to tell all that is known of them (GDPR 15 and 17; security reference, S-62).

What stays after an erasure: the emptied row, so that the numbers of past issues still add up; bare consent evidence
(what, when, under which words, and a keyed hash of the address, without which it would prove nothing); the keyed hashes
of former addresses; and one in the suppression list, so that nobody mails them by accident.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, update
from sqlmodel import Session, col

from subscribers.address import Address, fingerprint
from subscribers.address_change import AddressChange, all_changes, forget_addresses
from subscribers.bookmarks import Bookmark, bookmarks_of, forget_bookmarks
from subscribers.consent import ConsentEvent, Evidence, Kind, Status, events, record
from subscribers.leaving import Farewell
from subscribers.letters import Letter, forget_letters, letters
from subscribers.preferences import forget_choice
from subscribers.signals import forget_sightings, last_signal
from subscribers.subscriber import Subscriber, find, new_ref
from subscribers.sunset import forget_question
from subscribers.suppression import LiftedSuppression, Reason, Suppression, lifted, suppress
from subscribers.votes import Vote, forget_votes, votes_of
from subscribers.wishes import forget_wishes


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that this room knows about one address."""

    subscriber: Subscriber | None
    events: tuple[ConsentEvent, ...]
    suppression: Suppression | None
    lifted: tuple[LiftedSuppression, ...]
    farewell: Farewell | None  #: why they left, if they said so
    letters: tuple[Letter, ...]  #: single mails of the last weeks
    votes: tuple[Vote, ...]
    bookmarks: tuple[Bookmark, ...]
    last_signal: datetime | None  #: when they last did something themselves (signals.py)
    changes: tuple[AddressChange, ...]  #: of address


def facts(session: Session, address: Address, secret: bytes) -> Facts:
    """What is known about this address, whether or not it is on the list."""
    subscriber, print_ = find(session, address), fingerprint(address.key, secret)
    return Facts(
        subscriber=subscriber,
        events=tuple(events(session, subscriber.id or 0)) if subscriber else (),
        suppression=session.get(Suppression, print_),
        lifted=tuple(lifted(session, print_)),
        farewell=session.get(Farewell, subscriber.id) if subscriber else None,
        letters=tuple(letters(session, subscriber.id or 0)) if subscriber else (),
        votes=tuple(votes_of(session, subscriber.id or 0)) if subscriber else (),
        bookmarks=tuple(bookmarks_of(session, subscriber.id or 0)) if subscriber else (),
        last_signal=last_signal(session, subscriber.id or 0) if subscriber else None,
        changes=tuple(all_changes(session, subscriber.id or 0)) if subscriber else (),
    )


def erase(session: Session, subscriber: Subscriber, source: str, now: datetime) -> None:
    """Empty the profile and make every link of theirs useless; the keyed hash stays suppressed."""
    if subscriber.address is None:
        return
    _forget_in_suppression(session, subscriber.fingerprint, now)
    # An operator's name or a note may name the person: the evidence stays bare.
    mine = col(ConsentEvent.subscriber_id) == subscriber.id
    session.execute(update(ConsentEvent).where(mine).values(by=""))
    session.execute(update(ConsentEvent).where(mine, col(ConsentEvent.kind) == Kind.CHOSE).values(wording=""))
    session.execute(delete(Farewell).where(col(Farewell.subscriber_id) == subscriber.id))
    forget_letters(session, [subscriber.id or 0])
    forget_votes(session, [subscriber.id or 0])
    forget_bookmarks(session, [subscriber.id or 0])
    forget_question(session, subscriber)
    forget_sightings(session, [subscriber.id or 0])
    forget_wishes(session, print_=subscriber.fingerprint)
    forget_wishes(session, mover=subscriber.id or 0)
    forget_addresses(session, subscriber_id=subscriber.id or 0)
    emptied, print_ = new_ref(), subscriber.fingerprint
    subscriber.ref, subscriber.fingerprint = emptied, f"erased-{emptied}"
    subscriber.zone, subscriber.link_set = "", 0
    forget_choice(subscriber)
    subscriber.address = subscriber.address_key = subscriber.paused_until = None
    subscriber.name = subscriber.source = ""
    subscriber.status, subscriber.status_since = Status.UNSUBSCRIBED, now
    session.add(subscriber)
    record(session, subscriber.id or 0, Kind.ERASED, Status.UNSUBSCRIBED, Evidence(source), now, print_=print_)


def _forget_in_suppression(session: Session, print_: str, now: datetime) -> None:
    suppress(session, print_, Reason.ERASED, now)
    kept = session.get_one(Suppression, print_)
    kept.address, kept.note, kept.by = None, "", ""
    for once in lifted(session, print_):
        once.note = ""
