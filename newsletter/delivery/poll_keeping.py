"""What a poll found becomes events: joined to our deliveries, and to nobody else.

An account may send other mail than ours, and its lists hold other people. What names none of our deliveries and nobody
whom we mailed is counted and not kept: it is not ours to keep. Only a kind that nobody here knows is kept whatever it
is about (DESIGN, invariant 11). By our key, or by the provider's id of the message, an event is what a hook's is. An
address alone says nothing of a delivery: a hard bounce or a complaint suppresses the subscriber whom we had mailed
before, and that is all.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, or_
from sqlmodel import Session, col, func, select

from newsletter.database import utc
from newsletter.delivery import claims, event_acts
from newsletter.delivery.batch import Batch, Delivery, Sending
from newsletter.delivery.event_tables import ProviderEvent, store
from newsletter.delivery.events import owners, take
from newsletter.delivery.evidence import pieces
from newsletter.delivery.former import changed_at
from newsletter.providers.hooks import Event, Kind
from newsletter.providers.polls import Found
from subscribers.address import parse
from subscribers.errors import BadAddress
from subscribers.subscriber import Subscriber
from subscribers.suppression import lifted

#: An id of a message is looked for in calls of so many days: the last events of a mail are complaints, weeks later.
DAYS = timedelta(days=35)
#: A hook's and a poll's words for one event differ by less.
SAME_MOMENT = timedelta(seconds=1)
#: Between our clock and the provider's.
CLOCKS = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of a page; the sum of new, known and others is all of it."""

    new: int = 0
    known: int = 0  #: heard before, by poll or hook
    unknown: int = 0  #: among the new and the others: of a kind that nobody here knows; these are kept
    others: int = 0  #: about mail or people that are not ours

    def __add__(self, other: "Kept") -> "Kept":
        return Kept(
            self.new + other.new,
            self.known + other.known,
            self.unknown + other.unknown,
            self.others + other.others,
        )


def keep(session: Session, provider: str, found: Sequence[Found], now: datetime) -> Kept:
    """Keep a page and do what follows from it, as `take` does. The caller commits."""
    named = _keyed(session, provider, found, now)
    events = [event for event, _ in named if event.key or event.kind is Kind.UNKNOWN]
    fresh = _unheard(session, provider, events)
    taken = take(session, provider, fresh, now)
    nameless = [one for event, one in named if not event.key and event.kind is not Kind.UNKNOWN]
    told = _suppressing(session, provider, [one for one in nameless if one.address], now)
    strangers = sum(not one.address for one in nameless)
    known = taken.known + len(events) - len(fresh)
    return Kept(taken.new - taken.nobodys, known, taken.unknown, strangers + taken.nobodys) + told


def _keyed(session: Session, provider: str, found: Sequence[Found], now: datetime) -> list[tuple[Event, Found]]:
    """Each event with our key, where the provider's id of the message leads to it; and where it came from."""
    wanted = {one.provider_id for one in found if one.provider_id and not one.event.key}
    keys = _keys_of(session, provider, wanted, now) if wanted else {}
    return [(replace(one.event, key=one.event.key or keys.get(one.provider_id, "")), one) for one in found]


def _keys_of(session: Session, provider: str, wanted: Collection[str], now: datetime) -> dict[str, str]:
    """Our keys of the deliveries whose messages have these ids at this provider."""
    found: dict[str, str] = {}
    lately = (col(Batch.attempted_at) >= now - DAYS, col(Batch.provider_ids).is_not(None), _by(provider))
    for batch in session.exec(select(Batch).where(*lately).execution_options(yield_per=50)):
        ids = (batch.provider_ids or b"").decode().split("\n")
        here = [(place, id_) for place, id_ in enumerate(ids) if id_ in wanted]
        members = claims.member_ids(session, batch) if here else []
        if len(members) != len(ids):  # then their order says nothing
            continue
        refs = _refs(session, [members[place] for place, _ in here])
        found |= {id_: f"{batch.issue_id}-{refs[members[place]]}" for place, id_ in here if members[place] in refs}
    return found


def _refs(session: Session, ids: Sequence[int]) -> dict[int, str]:
    rows = [
        row
        for some in pieces(ids)
        for row in session.exec(select(Subscriber.id, Subscriber.ref).where(col(Subscriber.id).in_(some)))
    ]
    return {who or 0: ref for who, ref in rows}


def _by(provider: str) -> ColumnElement[bool]:
    """Calls to this provider, whichever account it was."""
    return or_(col(Batch.provider) == provider, col(Batch.provider).startswith(f"{provider}:"))


def _unheard(session: Session, provider: str, events: Sequence[Event]) -> list[Event]:
    """Without those that the hook has told: the same kind of the same delivery at the same moment, under another id."""
    whose = owners(session, {event.key for event in events})
    heard = _heard(session, provider, set(whose.values()))

    def is_new(event: Event) -> bool:
        mine = heard.get((*whose.get(event.key, (0, 0)), event.kind), [])
        return not any(name != event.event_id and abs(at - event.at) < SAME_MOMENT for name, at in mine)

    return [event for event in events if is_new(event)]


def _heard(
    session: Session, provider: str, whose: Collection[tuple[int, int]]
) -> Mapping[tuple[int, int, Kind], list[tuple[str, datetime]]]:
    """Ids and moments of what was said of these deliveries."""
    people: dict[int, list[int]] = defaultdict(list)
    for issue_id, who in sorted(whose):
        people[issue_id].append(who)
    found: dict[tuple[int, int, Kind], list[tuple[str, datetime]]] = defaultdict(list)
    for issue_id, ids in people.items():
        for some in pieces(ids):
            mine = (ProviderEvent.issue_id == issue_id, col(ProviderEvent.subscriber_id).in_(some))
            for one in session.exec(select(ProviderEvent).where(*mine, ProviderEvent.provider == provider)):
                found[issue_id, one.subscriber_id or 0, one.kind].append((one.event_id, one.at))
    return found


def _suppressing(session: Session, provider: str, found: Sequence[Found], now: datetime) -> Kept:
    """By address alone: who of them is ours, and what follows. Kept under the reader's ref, never the address."""
    ours = [(person, one.event) for person, one in _people(session, found) if _is_about_us(session, person, one)]
    mailed = _mailed(session, provider, {person.id or 0 for person, _ in ours})
    ours = [(who, event) for who, event in ours if who.id in mailed and mailed[who.id] <= event.at + CLOCKS]
    said = {f"{event.event_id}:{person.ref}": (person.id or 0, event.kind) for person, event in ours}
    times = {f"{event.event_id}:{person.ref}": event for person, event in ours}
    new = store(session, [_row(provider, name, event, now) for name, event in times.items()])
    event_acts.suppress_people(session, (said[name] for name in sorted(new)), now, by=f"provider:{provider}")
    return Kept(len(new), len(ours) - len(new), 0, len(found) - len(ours))


def _people(session: Session, found: Sequence[Found]) -> Iterator[tuple[Subscriber, Found]]:
    keys: dict[str, list[Found]] = defaultdict(list)
    for one in found:
        try:
            keys[parse(one.address).key].append(one)
        except BadAddress:
            continue
    for some in pieces(sorted(keys)):
        for person in session.exec(select(Subscriber).where(col(Subscriber.address_key).in_(some))):
            yield from ((person, one) for one in keys[person.address_key or ""])


def _is_about_us(session: Session, person: Subscriber, one: Found) -> bool:
    """Not from before their newest yes or their present address, nor from before an operator let them back in."""
    since = [person.confirmed_at or person.signed_up_at]
    since += [once.lifted_at for once in lifted(session, person.fingerprint)]
    since += changed_at(session, [person.id or 0]).values()
    return one.event.at >= max(since)


def _mailed(session: Session, provider: str, ids: Collection[int]) -> dict[int, datetime]:
    """When these subscribers (by id) were first mailed through this provider."""
    first: dict[int, datetime] = {}
    if not ids:
        return first
    for issue_id in session.exec(select(Sending.issue_id)).all():
        for some in pieces(sorted(ids)):
            who = col(Delivery.subscriber_id)
            query = (
                select(who, func.min(col(Batch.claimed_at)))
                .join(Batch, col(Batch.id) == col(Delivery.batch_id))
                .where(col(Delivery.issue_id) == issue_id, who.in_(some), _by(provider))
                .group_by(who)
            )
            for one, at in session.exec(query):
                first[one] = min(at, first.get(one, at))
    return first


def _row(provider: str, name: str, event: Event, now: datetime) -> dict[str, object]:
    return {
        "provider": provider,
        "event_id": name,
        "kind": event.kind,
        "word": event.word,
        "issue_id": None,
        "subscriber_id": None,
        "at": utc(event.at),
        "received_at": utc(now),
        "reason": "",
    }
