"""Did she get it, and why not? One subscriber's history with every issue, in sentences.

First what our ledger says, then the provider's later word. Times in sentences are UTC, as all times of a listing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from newsletter.delivery import waves
from newsletter.delivery.batch import Batch, BatchStatus, Delivery, DeliveryException, Sending
from newsletter.delivery.event_tables import DeliveryState, ProviderEvent
from newsletter.delivery.waves import Wave
from newsletter.issues.issue import Issue, IssueStatus
from newsletter.providers.hooks import Kind
from subscribers.consent import ConsentEvent, Status, events, status_at
from subscribers.consent import Kind as ConsentKind
from subscribers.subscriber import Subscriber
from subscribers.suppression import Suppression

SENTENCES = {
    BatchStatus.CLAIMED: "is about to be handed to {provider}",
    BatchStatus.SENDING: "is being handed to {provider}",
    BatchStatus.ACCEPTED: "accepted by {provider}",
    BatchStatus.REFUSED: "refused by {provider}: {reason}",
    BatchStatus.UNKNOWN: "unknown: {provider} did not say whether it took the message; it is not sent again on a guess",
}
UNCHOSEN = "nothing of what they chose was in it"
SKIPPED = "had left, taken a break or been suppressed before it could be sent"
TAKEN_UP = "was certainly not taken by {provider} yet, and is sent again: {reason}"

WHY_NOT = {
    None: "was not on the list yet",
    Status.PENDING: "had not confirmed the sign-up",
    Status.PAUSED: "was taking a break",
    Status.UNSUBSCRIBED: "had left",
    Status.ACTIVE: "was suppressed at that moment",
}

LAPSED = "had been taken off the list: silent, asked whether they still want it, and no answer"

#: The provider's later word, and whether they have it then; None: it is not decided.
LATER: dict[Kind, tuple[bool | None, str]] = {
    Kind.DEFERRED: (None, "deferred {at}: {reason}; the provider goes on trying"),
    Kind.BLOCKED: (False, "blocked {at}: {reason}"),
    Kind.DROPPED: (False, "dropped {at} without a try, for the address is on the provider's own list: {reason}"),
    Kind.SOFT_BOUNCED: (False, "bounced {at}, perhaps only for now: {reason}"),
    Kind.DELIVERED: (True, "delivered {at}"),
    Kind.HARD_BOUNCED: (False, "bounced {at}: {reason}"),
    Kind.COMPLAINED: (True, "delivered, and reported as spam by its reader {at}"),
}
_NO_REASON = "no reason given"


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of one issue for one subscriber."""

    issue: int  #: its number
    week: str
    got_it: bool | None  #: None: unknown, or not decided yet
    when: datetime | None
    why: str


def fates(session: Session, subscriber: Subscriber) -> list[Fate]:
    """Every issue that has begun to be sent, newest first."""
    query = select(Sending, Issue).join(Issue, col(Issue.id) == col(Sending.issue_id)).order_by(col(Issue.id).desc())
    return [_fate(session, sending, issue, subscriber) for sending, issue in session.exec(query)]


def _fate(session: Session, sending: Sending, issue: Issue, subscriber: Subscriber) -> Fate:
    delivery = session.get(Delivery, (sending.issue_id, subscriber.id))
    if delivery is None:
        return _not_claimed(session, sending, issue, subscriber)
    batch = session.get_one(Batch, delivery.batch_id)
    exception = session.get(DeliveryException, (sending.issue_id, subscriber.id))
    status = BatchStatus(exception.outcome) if exception else batch.status
    got_it = {BatchStatus.ACCEPTED: True, BatchStatus.REFUSED: False}.get(status)
    why = _sentence(batch, exception, status) + (f"; the part of their choice: {batch.part}" if batch.part else "")
    when = batch.closed_at or batch.claimed_at
    if (said := _later(session, delivery)) is not None:
        kind, at, reason = said
        got_it, words = LATER[kind]
        why += "; " + words.format(at=_moment(at, when), reason=reason or _NO_REASON)
    return Fate(issue.number, issue.week, got_it, when, why)


def _sentence(batch: Batch, exception: DeliveryException | None, status: BatchStatus) -> str:
    """What our ledger says of somebody in this batch."""
    reason = (exception.reason if exception else batch.reason) or _NO_REASON
    provider = (exception.provider if exception else "") or batch.provider
    if exception and exception.skipped and status is BatchStatus.REFUSED:
        return SKIPPED
    again = status is BatchStatus.CLAIMED and batch.reason
    said = (TAKEN_UP if again else SENTENCES[status]).format(provider=provider, reason=reason)
    heard = f" (what was heard: {reason})" if status is BatchStatus.UNKNOWN and reason != _NO_REASON else ""
    return said + heard


def _later(session: Session, delivery: Delivery) -> tuple[Kind, datetime, str] | None:
    """What the provider said last in weight, when, and the other side's reason; None where that is nothing new."""
    key = (delivery.issue_id, delivery.subscriber_id)
    known = session.get(DeliveryState, key, populate_existing=True)
    if known is None:
        return None
    open_ = known.state in (None, Kind.ACCEPTED, Kind.DEFERRED)
    instead = ((Kind.DROPPED, known.dropped_at), (Kind.BLOCKED, known.blocked_at)) if open_ else ()
    kind, at = next(((kind, at) for kind, at in (*instead, (known.state, known.state_at)) if at), (None, None))
    if kind not in LATER or at is None:
        return None
    mine = (ProviderEvent.issue_id == key[0], ProviderEvent.subscriber_id == key[1], ProviderEvent.kind == kind)
    query = select(ProviderEvent.reason).where(*mine, ProviderEvent.reason != "")
    order = (col(ProviderEvent.at), col(ProviderEvent.reason))
    return kind, at, session.exec(query.order_by(*order).limit(1)).first() or ""


def _moment(at: datetime, beside: datetime) -> str:
    """Like "09:03", or "15 Nov 09:03" on another day than what it stands beside."""
    return f"{at:%H:%M}" if at.date() == beside.date() else f"{at.day} {at:%b %H:%M}"


def _not_claimed(session: Session, sending: Sending, issue: Issue, subscriber: Subscriber) -> Fate:
    number = subscriber.id or 0
    wave = waves.wave_of(session, sending.issue_id, number)
    if sending.cursor < number <= sending.last or (wave and not wave.walked and wave.cursor < number):
        if issue.status is IssueStatus.CANCELLED:
            return Fate(issue.number, issue.week, got_it=False, when=None, why="was cancelled before it was their turn")
        off = subscriber.status in (Status.PENDING, Status.UNSUBSCRIBED)
        gone = f"{_why_not(subscriber.status, events(session, number))}; " if off else ""
        return Fate(issue.number, issue.week, got_it=None, when=None, why=gone + _to_come(wave, sending, gone))
    if number > sending.last:
        return Fate(issue.number, issue.week, got_it=False, when=None, why="joined after this issue had begun")
    in_waves = wave is None and bool(waves.waves_of(session, sending.issue_id))
    looked_at = sending.started_at if in_waves else _looked_at(session, sending, wave, number)
    why = _why_skipped(session, subscriber, looked_at, chose_otherwise=in_waves)
    return Fate(issue.number, issue.week, got_it=False, when=looked_at, why=why)


def _to_come(wave: Wave | None, sending: Sending, gone: str) -> str:
    to_come = "their turn, to be passed over, is still to come" if gone else "is still to come"
    if wave is None or wave.opens_at <= sending.started_at:
        return to_come
    return f"{to_come}, in the wave of {wave.opens_at:%d %b %H:%M}"


def _why_skipped(session: Session, subscriber: Subscriber, looked_at: datetime, *, chose_otherwise: bool) -> str:
    """`chose_otherwise`: they were in no wave, so that there was nothing for them in it, whatever else is so."""
    suppression = session.get(Suppression, subscriber.fingerprint)
    if suppression and suppression.at <= looked_at:
        return f"was suppressed ({suppression.reason})"
    story = [event for event in events(session, subscriber.id or 0) if event.at <= looked_at]
    status = status_at(story, looked_at)
    back = subscriber.paused_until is not None and subscriber.paused_until <= looked_at
    awake = status is Status.ACTIVE or (status is Status.PAUSED and back)
    return UNCHOSEN if chose_otherwise and awake else _why_not(status, story)


def _why_not(status: Status | None, story: Iterable[ConsentEvent]) -> str:
    """`story`: their evidence until then. Who lapsed is off the list as whoever left is, and did not say so."""
    steps = [event.kind for event in story if event.kind is not ConsentKind.READDRESSED]
    lapsed = status is Status.UNSUBSCRIBED and steps[-1:] == [ConsentKind.LAPSED]
    return LAPSED if lapsed else WHY_NOT[status]


def _looked_at(session: Session, sending: Sending, wave: Wave | None, number: int) -> datetime:
    """When the cursor passed this subscriber: at the claim of the first batch that reached further, or at the end.

    In a wave of one instant among others it is that instant: its batches are not told from theirs.
    """
    if wave is not None and wave.opens_at > sending.started_at:
        return wave.opens_at
    query = select(Batch.claimed_at).where(Batch.issue_id == sending.issue_id, col(Batch.upto) >= number)
    query = query.where(Batch.part == (wave.part if wave else ""))
    claimed = session.exec(query.order_by(col(Batch.number)).limit(1)).first()
    return claimed or sending.finished_at or sending.started_at
