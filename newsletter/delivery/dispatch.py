"""The dispatcher: claim, commit, hand over, commit, until nobody is left.

It may be killed at any instant. What it had claimed and not recorded is taken up by the next run: under the same key
where the provider honours it, and otherwise held as unknown, never sent again on a guess (DESIGN, invariants 5 to 7).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Engine
from sqlmodel import Session

from newsletter.database import transaction
from newsletter.delivery import ledger
from newsletter.delivery.addressing import Addressing
from newsletter.delivery.batch import Batch, BatchStatus
from newsletter.delivery.progress import Progress, finish, progress
from newsletter.errors import DeliveryError
from newsletter.issues.issue import Issue, IssueStatus
from newsletter.mail.message import MessageBuilder, Recipient
from newsletter.providers.base import Outcome, OutgoingBatch, Provider, Receipt

#: How often in one run a batch that was certainly not taken is tried before the run gives up and says so.
TRIES = 3


class Ending(StrEnum):
    """Why a run of the dispatcher ended."""

    DONE = "done"  #: nothing is left to do
    STOPPED = "stopped"  #: it was asked to stop; the next run goes on
    PAUSED = "paused"  #: the issue is not `sending` any more
    REFUSING = "refusing"  #: the provider takes nothing; the next run goes on


@dataclass(frozen=True, slots=True)
class Dispatcher:
    """Sends one issue. Everything it needs is given; it builds nothing."""

    engine: Engine
    provider: Provider
    builder: MessageBuilder
    addressing: Addressing
    batch_size: int
    clock: Callable[[], datetime]

    def run(
        self,
        issue_id: int,
        *,
        on_progress: Callable[[Progress], None] = lambda _: None,
        stop: Callable[[], bool] = lambda: False,
    ) -> Ending:
        """Send until nobody is left, the issue is paused, or `stop` says so (looked at between batches)."""
        if (ending := self._close_open(issue_id)) is not Ending.DONE:
            return ending
        while not stop():
            batch, recipients, state = self._claim(issue_id)
            if state is not IssueStatus.SENDING:
                return Ending.PAUSED
            if batch is None:
                return Ending.DONE
            if not self._send(batch, recipients):
                return Ending.REFUSING
            on_progress(self._progress(issue_id))
        return Ending.STOPPED

    def _progress(self, issue_id: int) -> Progress:
        """Read first, told after: nobody else waits for the lock while a bar is drawn."""
        with transaction(self.engine) as session:
            state = progress(session, issue_id)
        if state is None:
            raise DeliveryError(f"The ledger of issue {issue_id} is gone. Nothing more is sent.")
        return state

    def finish(self, session: Session, issue_id: int) -> bool | None:
        """Close the ledger if nothing is left: see `progress.finish`."""
        return finish(session, issue_id, self.clock())

    def _close_open(self, issue_id: int) -> Ending:
        """Take up what an earlier run left: send again what is safe to repeat, hold the rest as unknown."""
        with transaction(self.engine) as session:
            found = ledger.open_batches(session, issue_id)
        for batch in found:
            safe = batch.status is BatchStatus.CLAIMED or self.provider.capabilities.remembers_keys_for
            if not safe:
                with transaction(self.engine) as session:
                    ledger.doubt(session, batch)
            elif not self._send_again(batch):
                return Ending.REFUSING
        return Ending.DONE

    def _send_again(self, batch: Batch) -> bool:
        with transaction(self.engine) as session:
            taken = ledger.take_again(session, batch, self.clock())
            recipients = self._recipients(session, taken) if taken else []
        return taken is None or self._send(taken, recipients)

    def _claim(self, issue_id: int) -> tuple[Batch | None, Sequence[Recipient], IssueStatus]:
        capabilities = self.provider.capabilities
        size = min(self.batch_size, capabilities.batch_size)
        with transaction(self.engine) as session:
            issue = session.get_one(Issue, issue_id)
            if issue.status is not IssueStatus.SENDING:
                return None, [], issue.status
            batch = ledger.claim(session, issue_id, size, self.clock(), capabilities.name)
            return batch, self._recipients(session, batch) if batch else [], issue.status

    def _recipients(self, session: Session, batch: Batch) -> list[Recipient]:
        return [self.addressing.recipient(subscriber) for subscriber in ledger.members(session, batch)]

    def _send(self, batch: Batch, recipients: Sequence[Recipient]) -> bool:
        """Hand over and record; False if the provider still takes nothing after some tries."""
        for tries_left in reversed(range(TRIES)):
            receipts = self._hand_over(batch, recipients)
            with transaction(self.engine) as session:
                ledger.record(session, batch, receipts, self.clock())
                after = session.get_one(Batch, batch.id, populate_existing=True)
                if after.status is not BatchStatus.CLAIMED:
                    return True
                again = ledger.take_again(session, after, self.clock()) if tries_left else None
            if again is None:
                return False
            batch = again
        return False

    def _hand_over(self, batch: Batch, recipients: Sequence[Recipient]) -> list[Receipt]:
        """One receipt per recipient, whatever the provider answered; nobody without an address is handed over."""
        reachable = [recipient for recipient in recipients if recipient.address]
        answer = self.provider.send(OutgoingBatch(batch.key, batch.attempt, self.builder, reachable))
        by_key = {receipt.key: receipt for receipt in answer.receipts}
        return [by_key.get(recipient.key) or _no_answer(batch, recipient) for recipient in recipients]


def _no_answer(batch: Batch, recipient: Recipient) -> Receipt:
    """The receipt of somebody whom the answer does not mention, or who could not be handed over."""
    if recipient.address:
        return Receipt(recipient.key, Outcome.UNKNOWN, reason="The provider's answer did not mention this delivery.")
    # An earlier attempt, made before the erasure, may have reached them: then nobody knows.
    outcome = Outcome.UNKNOWN if batch.doubtful else Outcome.REFUSED
    return Receipt(recipient.key, outcome, reason="The subscriber was erased before the message could be made.")
