"""Doubts, and an operator's word on them: the only way to close one that no provider and no event closes."""

from collections.abc import Sequence

from newsletter.delivery import claims, ledger, recovery
from newsletter.delivery.addressing import Member
from newsletter.delivery.batch import Batch, BatchStatus
from newsletter.desk.desk import Desk
from newsletter.errors import DeliveryError
from newsletter.issues.issue import Command, Issue, IssueStatus, step
from newsletter.issues.wording import opened
from newsletter.providers.base import Alike, Outcome, Receipt


def in_doubt(desk: Desk) -> list[tuple[Issue, Batch]]:
    """Every batch of which nobody knows, oldest first, with its issue."""
    with desk.transaction() as session:
        return [(session.get_one(Issue, batch.issue_id), batch) for batch in ledger.in_doubt(session)]


def decide(desk: Desk, number: int, status: BatchStatus, *, by: str, note: str) -> int:
    """Close the doubt of one batch; how many deliveries it concerns. Raises DeliveryError.

    "Certainly not sent" makes a batch that waits for its next attempt; an issue that had ended partial is paused then,
    so that a person resumes it.
    """
    if not note.strip():
        raise DeliveryError("Say with --note what you saw and where: it is the evidence that closes the doubt.")
    with desk.transaction() as session:
        batch = session.get(Batch, number)
        if batch is None or batch.status is not BatchStatus.UNKNOWN:
            raise DeliveryError(f"Batch {number} is not in doubt. 'newsletter unknown list' shows what is.")
        if status is BatchStatus.CLAIMED and batch.proved:
            raise DeliveryError(
                f"{batch.proved} of the {batch.size} in batch {number} are with the provider: it says so itself. The "
                "batch is not sent again; 'newsletter unknown accepted' closes it."
            )
        issue = session.get_one(Issue, batch.issue_id)
        if status is BatchStatus.CLAIMED and issue.status in (IssueStatus.PARTIAL, IssueStatus.CANCELLED):
            if issue.status is IssueStatus.CANCELLED:
                raise DeliveryError(f"{opened(issue.name)} is cancelled: nothing of it is sent any more.")
            step(session, issue, Command.TAKE_UP, desk.clock(), by=by)
        ledger.resolve(session, batch, status, desk.clock(), by=by, note=note)
        return batch.size


def settle_cancelled(desk: Desk, which: str) -> None:
    """Close what is open of a cancelled issue: what was certainly not taken is refused, the rest is asked about.

    Called only by who holds the dispatcher's lock. An issue that is not cancelled is left alone.
    """
    with desk.transaction() as session:
        issue = desk.find(session, which)
        cancelled = issue.status is IssueStatus.CANCELLED
        found = ledger.open_batches(session, issue.id or 0) if cancelled else []
        members = {batch.key: claims.members(session, batch) for batch in found}
    for batch in found:
        receipts = _asked(desk, issue, batch, members[batch.key])
        with desk.transaction() as session:
            status = recovery.settle(session, batch, receipts, desk.clock())
            again = session.get_one(Batch, batch.id, populate_existing=True)
            if status is BatchStatus.CLAIMED:
                ledger.call_off(session, again, desk.clock())


def _asked(desk: Desk, issue: Issue, batch: Batch, members: Sequence[Member]) -> Sequence[Receipt]:
    """What is known of an open batch: parked ones were certainly not taken, others only the provider can tell."""
    addressing = desk.addressing(issue, desk.config.publication.base_url)  # only keys are used
    keys = [addressing.key(member.ref) for member in members]
    if batch.status is BatchStatus.CLAIMED:
        return Alike(keys, Outcome.RETRY)
    can = desk.provider.capabilities
    if (
        can.name != batch.provider
        or not can.answers_look_ups
        or desk.clock() < batch.attempted_at + 2 * can.longest_request
    ):
        return []
    return desk.provider.look_up(batch.key, keys)
