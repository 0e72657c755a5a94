"""Doubts of issues that are over, settled every night as far as evidence goes.

An issue that is on its way settles its own doubts. Of one that ended partly sent, or was cancelled, nobody runs the
dispatcher any more: so here its doubts are held against the events that were kept, and providers that answer look-ups
are asked once more. Only "the provider has this one" is written down. That it certainly does not have another is told,
and a person decides: what was not sent to somebody weeks ago must not leave by itself (invariant 7, and more).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import update
from sqlmodel import Session, col, select

from newsletter.delivery import doubts, evidence
from newsletter.delivery.batch import Batch, BatchStatus
from newsletter.delivery.doubts import Doubted
from newsletter.delivery.events import settle_from_events
from newsletter.delivery.ledger import in_doubt
from newsletter.delivery.lock import dispatching
from newsletter.desk.desk import Desk
from newsletter.desk.doubting import known_providers, settle_all_cancelled
from newsletter.errors import NewsletterError, SomebodySends
from newsletter.issues.issue import Issue, IssueStatus
from newsletter.issues.wording import numbered
from newsletter.providers.base import Capabilities, Outcome, Provider, Receipt

#: Issues that nobody goes on with.
ENDED = (IssueStatus.PARTIAL, IssueStatus.CANCELLED)
#: How long a provider is asked about a call; what it does not tell by then it has forgotten.
ASK_FOR = timedelta(days=30)
#: Calls that are asked about in a night at most; so what waits behind so many others is asked about a night later.
MOST = 100
_UNDER_WAY = BatchStatus.SENDING


@dataclass
class _Night:
    """What the look-ups of one night came to."""

    denied: dict[str, int] = field(default_factory=dict)  #: people whom a provider certainly does not have
    trouble: dict[str, str] = field(default_factory=dict)  #: why a provider could not be asked


def settle_doubts(desk: Desk) -> str:
    """Settle what can be; how many people are no longer in doubt, in a sentence. Nothing where nobody is."""
    _close_cancelled(desk)
    before = _people_in_doubt(desk)
    if not before:
        return ""
    for issue_id in _issues(desk):
        with desk.transaction() as session:
            settle_from_events(session, issue_id, desk.clock())
    night = _ask_all(desk)
    left = _people_in_doubt(desk)
    said = [f"{numbered(before - left, 'delivery', 'deliveries')} no longer in doubt, {left:,} still."] * (
        left < before
    )
    said += [
        f"{name} certainly does not have {number:,}: 'newsletter unknown list'."
        for name, number in night.denied.items()
    ]
    said += [f"{name} could not be asked: {why}" for name, why in night.trouble.items()]
    return " ".join(said)


def _close_cancelled(desk: Desk) -> None:
    """What a sender that died left open of a cancelled issue; not while anybody sends, who does it then."""
    try:
        with dispatching(desk.engine, desk.clock()) as (_, crew):
            settle_all_cancelled(desk, crew)
    except SomebodySends:
        return


def _of_ended(desk: Desk, session: Session) -> list[Batch]:
    """The batches of issues that are over with anybody in doubt, oldest first."""
    mine = (Issue.newsletter == desk.config.publication.slug, col(Issue.status).in_(ENDED))
    over = set(session.exec(select(Issue.id).where(*mine)))
    return [one for one in in_doubt(session) if one.issue_id in over and one.status is not _UNDER_WAY]


def _people_in_doubt(desk: Desk) -> int:
    with desk.reading() as session:
        return sum(one.in_doubt for one in _of_ended(desk, session))


def _issues(desk: Desk) -> list[int]:
    with desk.reading() as session:
        return sorted({one.issue_id for one in _of_ended(desk, session)})


def _ask_all(desk: Desk) -> _Night:
    night = _Night()
    for batch, people, issue in _turn(desk):
        theirs = [one for one in people if one.provider == batch.provider]
        if batch.provider not in night.trouble:
            _ask(desk, issue, batch, theirs, night)
    return night


def _turn(desk: Desk) -> list[tuple[Batch, list[Doubted], Issue]]:
    """Whose turn it is tonight: what has waited longest, since its call or since it was asked about.

    The turn counts as had, whatever comes of it: one provider that is away must not hold up what another one knows.
    """
    known, now = known_providers(desk), desk.clock()
    with desk.transaction() as session:
        found = [one for one in _of_ended(desk, session) if _can_be_asked(known.get(one.provider), one, now)]
        turn = sorted(found, key=lambda one: one.asked_at or one.attempted_at)[:MOST]
        told = [(one, doubts.people(session, one), session.get_one(Issue, one.issue_id)) for one in turn]
        session.execute(update(Batch).where(col(Batch.id).in_([one.id for one in turn])).values(asked_at=now))
    return told


def _can_be_asked(can: Capabilities | None, batch: Batch, now: datetime) -> bool:
    """Whether its provider answers look-ups, no call can still be under way, and it is not too long ago."""
    if can is None or not can.answers_look_ups:
        return False
    return batch.attempted_at + 2 * can.longest_request < now < batch.attempted_at + ASK_FOR


def _ask(desk: Desk, issue: Issue, batch: Batch, people: Sequence[Doubted], night: _Night) -> None:
    """Ask about these people, and write down whom the provider has; nothing where anything was said meanwhile."""
    key = desk.addressing(issue, desk.config.publication.base_url).key  # only keys are used
    try:
        found = _provider(desk, batch.provider).look_up(batch.call_key, [key(one.ref) for one in people])
    except (NewsletterError, OSError) as error:
        night.trouble[batch.provider] = str(error)
        return
    if len(found) != len(people):
        return
    denied = _whose(people, found, Outcome.RETRY)
    if denied:
        night.denied[batch.provider] = night.denied.get(batch.provider, 0) + len(denied)
    with desk.transaction() as session:
        now = session.get_one(Batch, batch.id, populate_existing=True)
        if (now.attempt, now.status, now.generation) == (batch.attempt, batch.status, batch.generation):
            there = _whose(people, found, Outcome.ACCEPTED)
            evidence.prove_ids(session, batch.issue_id, there, desk.clock(), by="look-up")


def _whose(people: Sequence[Doubted], found: Sequence[Receipt], outcome: Outcome) -> list[int]:
    return [one.id for one, receipt in zip(people, found, strict=True) if receipt.outcome is outcome]


def _provider(desk: Desk, name: str) -> Provider:
    """The one with this name, which is among those that can be asked."""
    is_first = desk.fallback is None or desk.provider.capabilities.name == name
    return desk.provider if is_first else desk.fallback or desk.provider
