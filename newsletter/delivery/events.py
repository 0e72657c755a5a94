"""What happens with providers' events once an adapter has verified and read them (docs/events.md).

An event acts only through a delivery of ours, which its key names: it creates nobody, and mails nobody. All that
follows from it is a function of the set of events, so that it does not matter how often or in which order they come
(DESIGN, sections 5 and 6; security reference S-51, S-52).
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ClauseElement, Integer, and_, bindparam, func, or_
from sqlalchemy import select as sql_select
from sqlmodel import Session, col, select

from newsletter.database import utc
from newsletter.delivery import event_acts, event_rows, evidence
from newsletter.delivery.batch import Batch, BatchStatus, Delivery, Sending
from newsletter.delivery.event_tables import (
    FINAL,
    IS_UNKNOWN,
    STATES,
    DeliveryState,
    Facts,
    ProviderEvent,
    facts,
    fold,
    raise_states,
    said_before,
    store,
)
from newsletter.delivery.former import former_prints
from newsletter.providers.hooks import LONGEST_REASON, UNREADABLE, Event, Kind
from subscribers.subscriber import Subscriber

#: What shows that the provider had the message. An opened or clicked one is a reason for nothing: machines do that.
PROOF = frozenset({*STATES, Kind.BLOCKED, Kind.DROPPED, Kind.UNSUBSCRIBED})
#: The same in what is known of a delivery.
_PROVING = ("state", "blocked_at", "dropped_at", "unsubscribed_at")

_KEY = re.compile("([1-9][0-9]{0,9})-([a-z2-7]{24})")
_PLAIN_ID = re.compile("[!-~]{1,200}")
_ADDRESS = re.compile(r"[^\s<>()\[\],;:\"']*(?:@|%40|＠)[^\s<>()\[\],;:\"']*", re.IGNORECASE)
_NO_ADDRESS = re.compile("[^@%＠]*")  # most of what is said: looked at once, not word by word
_LONGEST_WORD = 60

Whose = tuple[int, int]  #: the ids of an issue and of a subscriber, who has a delivery of it


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of some events; `new` and `known` are all of them, the others are among the new ones."""

    new: int = 0
    known: int = 0  #: said before
    unknown: int = 0  #: of a kind that nobody here knows; kept
    nobodys: int = 0  #: with a key that names no delivery of ours; kept, without their reason


def take(session: Session, provider_name: str, events: Sequence[Event], now: datetime, *, left_by: str = "") -> Taken:
    """Keep these events, fold them, and do what follows from the new ones. The caller commits, then answers.

    `left_by`: where those who leave said so, for their evidence; else it was with the provider.
    Raises ValueError for a time without a zone: the adapter is wrong then, not the provider.
    """
    found = {_id(event): event for event in events}
    for name in said_before(session, provider_name, found):
        del found[name]
    whose = owners(session, {event.key for event in found.values()})
    rows = [_row(provider_name, name, event, whose.get(event.key), now) for name, event in found.items()]
    new = [found[name] for name in store(session, rows)]
    ours = [(whose[event.key], event) for event in new if event.key in whose]
    _raise(session, ours)
    _prove(session, ours, now)
    _act(session, provider_name, ours, now, left_by)
    unknown = sum(event.kind is Kind.UNKNOWN for event in new)
    return Taken(len(new), len(events) - len(new), unknown, len(new) - len(ours))


def unreadable(session: Session, since: datetime) -> dict[str, int]:
    """How many single events since this moment (aware) could not be read, by the names of their providers."""
    lately = (IS_UNKNOWN, col(ProviderEvent.received_at) >= since, col(ProviderEvent.word) == UNREADABLE)
    query = select(ProviderEvent.provider, func.count()).where(*lately).group_by(col(ProviderEvent.provider))
    return dict(session.exec(query).all())


def settle_from_events(session: Session, issue_id: int, now: datetime, *, only: int | None = None) -> int:
    """Prove what is in doubt of this issue by what was said before; of how many deliveries that was news.

    `only` the batch with this id: asked before anything of it is handed over again.

    Events come before the answer to the call as a rule, and are no evidence while an answer is awaited. So this is
    asked whenever a batch has become unknown, and before an issue is called partial.
    """
    doubts = (BatchStatus.UNKNOWN, BatchStatus.CLAIMED, BatchStatus.REFUSED)
    in_doubt = or_(col(Batch.status).in_(doubts), col(Batch.unknown) > 0, col(Batch.refused) > 0)
    told = or_(*(getattr(DeliveryState, name).is_not(None) for name in _PROVING))
    ids = col(DeliveryState.subscriber_id)
    members = and_(col(DeliveryState.issue_id) == col(Batch.issue_id), ids > col(Batch.after), ids <= col(Batch.upto))
    query = select(ids).join(Batch, members).where(col(Batch.issue_id) == issue_id, in_doubt, told)
    query = query if only is None else query.where(col(Batch.id) == only)
    return evidence.prove_ids(session, issue_id, session.exec(query).all(), now, by="event")


def counts(session: Session, issue_id: int) -> dict[str, int]:
    """How many deliveries of an issue are in which state, by the providers' words; and dropped or blocked ones."""
    mine = col(DeliveryState.issue_id) == issue_id
    state = col(DeliveryState.state)
    query = sql_select(state, func.count()).where(mine, state.is_not(None)).group_by(state)
    others = sql_select(func.count(col(DeliveryState.blocked_at)), func.count(col(DeliveryState.dropped_at)))
    blocked, dropped = session.execute(others.where(mine)).one()
    found = {str(kind): number for kind, number in session.execute(query)}
    found |= {"blocked": blocked, "dropped": dropped}
    return {name: found[name] for name in (*STATES, "blocked", "dropped") if found.get(name)}


def owners(session: Session, keys: Collection[str]) -> dict[str, Whose]:
    """The deliveries that these keys name: "12-mfrggzdf…", issue and subscriber. Anything else is nobody's."""
    refs: dict[int, list[str]] = defaultdict(list)
    for key in keys:
        if named := _KEY.fullmatch(key):
            refs[int(named[1])].append(named[2])
    begun = session.exec(select(Sending.issue_id)).all() if refs else []
    return {key: whose for issue_id in begun for key, whose in _owners(session, issue_id, refs.get(issue_id, ()))}


def _owners(session: Session, issue_id: int, refs: Sequence[str]) -> Iterator[tuple[str, Whose]]:
    """The deliveries of one issue to the people with these refs.

    People first, then their deliveries: asked for both at once, and for many, SQLite reads all deliveries of the issue
    instead. With a million people that made each event of hundreds cost a thousandth of a second.
    """
    people = {who: ref for ref, who in event_rows.look(session, _people, refs)}
    for (who,) in event_rows.look(session, _deliveries, people, issue=issue_id):
        yield f"{issue_id}-{people[who]}", (issue_id, who)


def _people(refs: list[Any]) -> ClauseElement:
    return select(Subscriber.ref, Subscriber.id).where(col(Subscriber.ref).in_(refs))


def _deliveries(ids: list[Any]) -> ClauseElement:
    mine = col(Delivery.issue_id) == bindparam("issue", type_=Integer)
    return select(Delivery.subscriber_id).where(mine, col(Delivery.subscriber_id).in_(ids))


def _row(provider: str, name: str, event: Event, whose: Whose | None, now: datetime) -> dict[str, object]:
    issue_id, subscriber_id = whose or (None, None)
    return {
        "provider": provider,
        "event_id": name,
        "kind": event.kind,
        "word": _clean(event.word, _LONGEST_WORD),
        "issue_id": issue_id,
        "subscriber_id": subscriber_id,
        "at": utc(event.at),
        "received_at": utc(now),
        "reason": _clean(event.reason, LONGEST_REASON) if whose else "",
    }


def _id(event: Event) -> str:
    """The id under which an event is kept: a digest where its own is missing, long, or not plain ASCII."""
    if _PLAIN_ID.fullmatch(event.event_id):
        return event.event_id
    parts = (event.event_id,) if event.event_id else (event.key, event.kind, event.at.isoformat(), event.word)
    return "sha256:" + hashlib.sha256("\n".join(parts).encode(errors="surrogatepass")).hexdigest()


def _clean(text: str, longest: int) -> str:
    """One line that can be shown, without addresses: the subscriber's own is in one place only."""
    if not text:
        return ""
    shown = text[: 4 * longest]
    if not shown.isprintable():
        shown = "".join(letter if letter.isprintable() else " " for letter in shown)
    found = shown if _NO_ADDRESS.fullmatch(shown) else _ADDRESS.sub("(address)", shown)
    words = found.split()
    if len(text) == LONGEST_REASON and words:
        words.pop()  # an adapter has cut it there: perhaps in the middle of an address
    return " ".join(words)[:longest]


def _raise(session: Session, ours: Iterable[tuple[Whose, Event]]) -> None:
    """One row for each delivery, with all that is new of it."""
    known: dict[Whose, Facts] = {}
    for whose, event in ours:
        if said := facts(event.kind, event.at):
            known[whose] = fold(known[whose], said) if whose in known else said
    raise_states(session, [{"issue_id": who[0], "subscriber_id": who[1], **said} for who, said in known.items()])


def _prove(session: Session, ours: Iterable[tuple[Whose, Event]], now: datetime) -> None:
    shown: dict[int, list[int]] = defaultdict(list)
    for (issue_id, subscriber_id), event in ours:
        if event.kind in PROOF:
            shown[issue_id].append(subscriber_id)
    for issue_id, ids in shown.items():
        evidence.prove_ids(session, issue_id, ids, now, by="event")


def _act(session: Session, provider: str, ours: Sequence[tuple[Whose, Event]], now: datetime, left_by: str) -> None:
    """Suppress whom hard bounces and complaints name, let go who unsubscribed, and count soft bounces again."""
    by = f"provider:{provider}"
    former = former_prints(session, (whose for whose, event in ours if event.kind in event_acts.REASONS))
    event_acts.suppress_prints(session, ((former[w], event.kind) for w, event in ours if w in former), now, by=by)
    present = ((whose[1], event.kind) for whose, event in ours if whose not in former)
    event_acts.suppress_people(session, present, now, by=by)
    left = [(who, event.at) for (_, who), event in ours if event.kind is Kind.UNSUBSCRIBED]
    event_acts.withdraw(session, left, now, source=left_by or by)
    ended = {who for (_, who), event in ours if event.kind in FINAL}
    event_acts.weigh_soft_bounces(session, ended, now, by=by)
