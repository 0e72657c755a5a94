"""Doubts, and an operator's word on them: the only way to close one that no provider and no event closes."""

from newsletter.delivery import ledger
from newsletter.delivery.batch import Batch, BatchStatus
from newsletter.desk.desk import Desk
from newsletter.errors import DeliveryError
from newsletter.issues.issue import Command, Issue, IssueStatus, step
from newsletter.issues.wording import opened


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
        issue = session.get_one(Issue, batch.issue_id)
        if status is BatchStatus.CLAIMED and issue.status in (IssueStatus.PARTIAL, IssueStatus.CANCELLED):
            if issue.status is IssueStatus.CANCELLED:
                raise DeliveryError(f"{opened(issue.name)} is cancelled: nothing of it is sent any more.")
            step(session, issue, Command.TAKE_UP, desk.clock(), by=by)
        ledger.resolve(session, batch, status, desk.clock(), by=by, note=note)
        return batch.size
