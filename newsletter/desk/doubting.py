"""Doubts, and an operator's word on them: the only way to close one that no provider and no event closes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, select

from newsletter.delivery import claims, doubts, ledger, recovery
from newsletter.delivery.addressing import Addressing, Member
from newsletter.delivery.batch import Batch, BatchStatus
from newsletter.delivery.crew import Crew
from newsletter.delivery.doubts import Doubted
from newsletter.delivery.recovery import Outlook
from newsletter.desk.desk import Desk
from newsletter.errors import DeliveryError, NewsletterError
from newsletter.issues.issue import Command, Issue, IssueStatus, step
from newsletter.providers.base import Capabilities, Receipt

#: So many people of a batch are shown by themselves; more are a listing of their own.
FEW = 3
#: While an issue is here, its next run settles by itself what can be.
_GOES_ON = (IssueStatus.SENDING, IssueStatus.PAUSED)


@dataclass(frozen=True, slots=True)
class Doubt:
    """People in one batch of whom nobody knows whether they were sent it."""

    issue: Issue
    batch: Batch
    people: int
    some: Sequence[Doubted]  #: the first few
    outlook: Outlook | None  #: that the next run settles it by itself


@dataclass(frozen=True, slots=True)
class Decided:
    """A doubt that a person has closed."""

    people: int
    issue: Issue  #: as it is now


def in_doubt(desk: Desk) -> list[Doubt]:
    """Every batch with anybody in doubt, oldest first."""
    with desk.transaction() as session:
        return [_doubt(desk, session, batch) for batch in ledger.in_doubt(session)]


def _doubt(desk: Desk, session: Session, batch: Batch) -> Doubt:
    issue = session.get_one(Issue, batch.issue_id)
    goes_on = issue.status in _GOES_ON
    can = goes_on and batch.status is BatchStatus.UNKNOWN
    known = recovery.outlook(known_providers(desk), batch, desk.clock()) if can else None
    return Doubt(issue, batch, batch.in_doubt, doubts.people(session, batch, FEW), known)


def settles_itself(desk: Desk, session: Session, issue: Issue) -> tuple[int, Outlook | None]:
    """How many people's doubt of this issue the next run settles by itself, and from when on at the latest."""
    if issue.status not in _GOES_ON:
        return 0, None
    known, now = known_providers(desk), desk.clock()
    found = [(one.still_open, recovery.outlook(known, one, now)) for one in ledger.in_doubt(session, issue.id)]
    sure = [(number, look) for number, look in found if look and number]
    return sum(number for number, _ in sure), max((look for _, look in sure), key=lambda look: look.when, default=None)


def known_providers(desk: Desk) -> Mapping[str, Capabilities]:
    """Who can be asked, by name: what was set up; nobody where a provider cannot be made, for want of a key."""
    found = {}
    for provider in (desk.provider, desk.fallback):
        try:
            can = provider.capabilities if provider else None
        except NewsletterError:
            continue
        if can:
            found[can.name] = can
    return found


def people(desk: Desk, number: int) -> tuple[Doubt, list[tuple[Doubted, str]]]:
    """Everybody in doubt in one batch, each with the key of their delivery. Raises DeliveryError."""
    with desk.transaction() as session:
        batch = _doubtful(session, number)
        doubt = _doubt(desk, session, batch)
        key = _addressing(desk, doubt.issue).key
        return doubt, [(one, key(one.ref)) for one in doubts.people(session, batch)]


def decide(desk: Desk, number: int, status: BatchStatus, *, by: str, note: str, only: Sequence[str] = ()) -> Decided:
    """Close the doubt about everybody in one batch, or `only` some. Raises DeliveryError.

    `only` names people by address, ref, or the key of their delivery. "Certainly not sent" makes them what the batch
    hands over next; an issue that had ended partial is paused then, so that a person resumes it. Of a cancelled issue
    nothing is handed over any more: they stand as not sent.
    """
    if not note.strip():
        raise DeliveryError("Say with --note what you saw and where: it is the evidence that closes the doubt.")
    with desk.transaction() as session:
        batch, now = _doubtful(session, number), desk.clock()
        issue = session.get_one(Issue, batch.issue_id)
        found = doubts.people(session, batch)
        chosen = _named(desk, issue, batch, found, only) if only else found
        ids = [one.id for one in chosen]
        if status is BatchStatus.ACCEPTED:
            doubts.accept(session, batch, ids, now, by=by, note=note)
            return Decided(len(ids), issue)
        if issue.status is IssueStatus.PARTIAL:
            step(session, issue, Command.TAKE_UP, now, by=by)
        doubts.send_again(session, batch, ids, now, by=by, note=note)
        if issue.status is IssueStatus.CANCELLED:  # nobody sends it again: the doubt is over all the same
            ledger.call_off(session, batch, now, "It was certainly not sent when the issue was cancelled.")
        return Decided(len(ids), issue)


def _doubtful(session: Session, number: int) -> Batch:
    batch = session.get(Batch, number)
    if batch is None or not batch.in_doubt:
        raise DeliveryError(f"Nobody in batch {number} is in doubt. 'newsletter unknown list' shows where somebody is.")
    if batch.status is BatchStatus.SENDING:
        raise DeliveryError(f"Others in batch {number} are being sent right now. Try again when that call is over.")
    return batch


def _named(desk: Desk, issue: Issue, batch: Batch, found: Sequence[Doubted], only: Sequence[str]) -> list[Doubted]:
    key = _addressing(desk, issue).key
    chosen, nobody = doubts.chosen(found, only, [key(one.ref) for one in found])
    if nobody:
        which = ", ".join(map(str, nobody))
        raise DeliveryError(
            f"Not in doubt in batch {batch.id}: --person number {which} of those you named. Nothing was changed. "
            f"'newsletter unknown people {batch.id}' lists who is."
        )
    return chosen


def _addressing(desk: Desk, issue: Issue) -> Addressing:
    return desk.addressing(issue, desk.config.publication.base_url)  # only keys are used


def settle_cancelled(desk: Desk, which: str, crew: Crew | None = None) -> None:
    """Close what is open of a cancelled issue: what was certainly not taken is refused, the rest is asked about.

    Called only by who holds the dispatcher's lock: then whoever had made an open call is dead, or lives and is one of
    the `crew`, whose calls are left alone. What nobody can tell becomes unknown. An issue that is not cancelled is left
    alone.
    """
    with desk.transaction() as session:
        issue = desk.find(session, which)
        cancelled = issue.status is IssueStatus.CANCELLED
        others = crew.others(session) if crew else ()
        found = ledger.open_batches(session, issue.id or 0, but=others) if cancelled else []
        asked = [(batch, claims.members(session, batch)) for batch in found if batch.status is not BatchStatus.CLAIMED]
        for batch in found:
            ledger.call_off(session, batch, desk.clock())  # parked ones only: they were certainly not taken
    for batch, members in asked:
        receipts = _asked(desk, issue, batch, members)
        with desk.transaction() as session:
            if recovery.settle(session, batch, receipts, desk.clock()) is BatchStatus.CLAIMED:
                again = session.get_one(Batch, batch.id, populate_existing=True)
                ledger.call_off(session, again, desk.clock())


def settle_all_cancelled(desk: Desk, crew: Crew | None = None) -> None:
    """The same for every cancelled issue whose sender died with a call under way. For who holds the lock."""
    with desk.transaction() as session:
        left = (BatchStatus.SENDING, BatchStatus.CLAIMED)
        cancelled = (Issue.newsletter == desk.config.publication.slug, Issue.status == IssueStatus.CANCELLED)
        query = select(Issue.number).join(Batch, col(Batch.issue_id) == col(Issue.id)).where(*cancelled)
        numbers = session.exec(query.where(col(Batch.status).in_(left)).distinct()).all()
    for number in numbers:
        settle_cancelled(desk, str(number), crew)


def _asked(desk: Desk, issue: Issue, batch: Batch, members: Sequence[Member]) -> Sequence[Receipt]:
    """What the provider says of an open call, where it can be asked by now; nothing else is done about it."""
    can = known_providers(desk).get(batch.provider)
    if can is None or not can.answers_look_ups or desk.clock() < batch.attempted_at + 2 * can.longest_request:
        return []
    provider = desk.provider if desk.provider.capabilities.name == batch.provider else desk.fallback
    key = _addressing(desk, issue).key
    return provider.look_up(batch.call_key, [key(member.ref) for member in members]) if provider else []
