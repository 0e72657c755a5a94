"""What follows for a subscriber from what providers say: suppression, and leaving.

Whatever a person or an operator wrote down is left as it is. What a provider's word brought about is marked with
"provider:<name>", and follows the set of all its words: the strongest reason stands, whichever came first.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ClauseElement, Integer, String, bindparam, cast, literal_column
from sqlmodel import Session, col, func, select

from newsletter.delivery import event_rows
from newsletter.delivery.batch import Sending
from newsletter.delivery.event_tables import FINAL, IS_SOFT, DeliveryState
from newsletter.delivery.evidence import pieces
from newsletter.delivery.former import changed_at
from newsletter.providers.hooks import Kind
from subscribers.consent import Evidence, Status
from subscribers.subscriber import Subscriber, unsubscribe
from subscribers.suppression import Reason, Suppression, lifted, suppress

#: So many soft bounces among so many of a subscriber's last deliveries that ended.
SOFT_BOUNCES, AMONG = 3, 5

_BY = "provider:"
#: What is reason enough to mail an address never again.
REASONS = {Kind.HARD_BOUNCED: Reason.HARD_BOUNCE, Kind.COMPLAINED: Reason.COMPLAINT}
_HERE = {"reason": str(Reason.SOFT_BOUNCES), "by": f"{_BY}%"}  #: what `_suppressed_here` asks for
_RISING = (Reason.SOFT_BOUNCES, Reason.HARD_BOUNCE, Reason.COMPLAINT)


def suppress_people(session: Session, said: Iterable[tuple[int, Kind]], now: datetime, *, by: str) -> None:
    """Suppress the subscribers with these ids of whom a hard bounce or a complaint was said."""
    why: dict[int, Reason] = {}
    for who, kind in said:
        if kind in REASONS:
            why[who] = max(REASONS[kind], why.get(who, REASONS[kind]), key=_RISING.index)
    for people in _people(session, why):
        _suppress(session, people, why, now, by)


def suppress_prints(session: Session, said: Iterable[tuple[str, Kind]], now: datetime, *, by: str) -> None:
    """The same for former addresses, by their fingerprints: whose they were is mailed elsewhere, and goes on being."""
    for print_, kind in said:
        if kind in REASONS:
            suppress(session, print_, REASONS[kind], now, by=by)


def withdraw(session: Session, said: Iterable[tuple[int, datetime]], now: datetime, *, source: str) -> None:
    """Let these subscribers go who left by the provider's link, unless they came back after that moment."""
    last: dict[int, datetime] = {}
    for who, at in said:
        last[who] = max(at, last.get(who, at))
    for people in _people(session, last):
        for person in people:
            if last[person.id or 0] >= newest_yes(person):
                unsubscribe(session, person, Evidence(source), now)


def weigh_soft_bounces(session: Session, touched: Collection[int], now: datetime, *, by: str) -> None:
    """Suppress whoever of these (ids) bounced softly too often of late, and nobody any more who did not.

    The one suppression that is taken back without an operator: it is a sum over facts, and a late "delivered" changes
    the sum. Only one that was made here is.
    """
    suppressed = {who for (who,) in event_rows.look(session, _suppressed_here, touched, **_HERE)}
    too_many = {who for (who,) in event_rows.look(session, _often, touched)}
    for people in _people(session, too_many | suppressed):
        often = {person.id or 0 for person in people if _soft_bounces(session, person) >= SOFT_BOUNCES}
        bounced = [person for person in people if person.id in often]
        _suppress(session, bounced, dict.fromkeys(often, Reason.SOFT_BOUNCES), now, by)
        for person in people:
            if person.id in suppressed - often:
                session.delete(session.get_one(Suppression, person.fingerprint))
    session.flush()


def _people(session: Session, ids: Iterable[int]) -> Iterable[Sequence[Subscriber]]:
    """The subscribers with these ids, some hundreds at a time."""
    for some in pieces(sorted(ids)):
        yield session.exec(select(Subscriber).where(col(Subscriber.id).in_(some))).all()


def _suppress(
    session: Session, people: Sequence[Subscriber], why: Mapping[int, Reason], now: datetime, by: str
) -> None:
    """Suppress them, or give a suppression that was made here the stronger reason: `suppress`, for many at once."""
    prints = [person.fingerprint for person in people]
    known = session.exec(select(Suppression).where(col(Suppression.fingerprint).in_(prints))).all()
    there = {one.fingerprint: one for one in known}
    for person in people:
        found, reason = there.get(person.fingerprint), why[person.id or 0]
        if found is None:
            session.add(
                Suppression(fingerprint=person.fingerprint, address=person.address, reason=reason, at=now, by=by)
            )
        elif _made_here(found) and _RISING.index(reason) > _RISING.index(found.reason):
            found.reason, found.by = reason, by
            session.add(found)
    session.flush()


def _made_here(found: Suppression) -> bool:
    return found.by.startswith(_BY) and found.reason in _RISING


def newest_yes(person: Subscriber) -> datetime:
    """When they last asked for it: to be paused is no new yes."""
    if person.status is Status.PAUSED:
        return person.confirmed_at or person.signed_up_at
    return max(person.status_since, person.confirmed_at or person.status_since)  # renewed: a yes while active


def _often(ids: list[Any]) -> ClauseElement:
    """Who of them has enough soft bounces at all: a handful, found by an index that holds nothing else."""
    who, enough = col(DeliveryState.subscriber_id), literal_column(str(SOFT_BOUNCES), Integer)
    return select(who).where(IS_SOFT, who.in_(ids)).group_by(who).having(func.count() >= enough)


def _suppressed_here(ids: list[Any]) -> ClauseElement:
    """Whom of them this module has suppressed for soft bounces."""
    same = col(Suppression.fingerprint) == col(Subscriber.fingerprint)
    reason, by = bindparam("reason", type_=String), bindparam("by", type_=String)
    made_here = (cast(Suppression.reason, String) == reason, col(Suppression.by).like(by))
    return select(col(Subscriber.id)).join(Suppression, same).where(col(Subscriber.id).in_(ids), *made_here)


def _soft_bounces(session: Session, person: Subscriber) -> int:
    """How many of their last deliveries that ended did so softly.

    Of those since an operator last let them back in, and of issues that began after they last changed their address.
    """
    since = max((once.lifted_at for once in lifted(session, person.fingerprint)), default=None)
    ended = (col(DeliveryState.subscriber_id) == person.id, col(DeliveryState.state).in_(FINAL))
    later = [col(DeliveryState.state_at) > since] if since else []
    if moment := changed_at(session, [person.id or 0]).get(person.id or 0):
        later.append(col(Sending.started_at) > moment)
    issues = col(DeliveryState.issue_id)
    query = select(DeliveryState.state).join(Sending, col(Sending.issue_id) == issues).where(*ended, *later)
    return session.exec(query.order_by(issues.desc()).limit(AMONG)).all().count(Kind.SOFT_BOUNCED)
