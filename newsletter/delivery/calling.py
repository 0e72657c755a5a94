"""One provider call: the checks right before it, its answer made whole, its halves where it was refused as a whole.

Runs in a thread of its own and touches no database.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from newsletter.delivery.batch import Batch
from newsletter.errors import NewsletterError
from newsletter.mail.columns import Columns
from newsletter.mail.message import MessageBuilder, Recipient
from newsletter.providers.base import Alike, Answer, Directive, Outcome, OutgoingBatch, Provider, Receipt, all_alike

#: How often, and after how many seconds at least, those whom an accepted call left out for now are called again.
RESTS, REST_WAIT, LONGEST_REST_WAIT = 4, 1.0, 15.0
#: Between our clock and the provider's, when a key's age is judged.
CLOCK_TOLERANCE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Caller:
    """Calls a provider for one issue."""

    providers: Mapping[str, Provider]  #: by name: a batch says which of them it is for
    builder: MessageBuilder
    clock: Callable[[], datetime]
    pause: Callable[[float], object] = time.sleep
    enough: Callable[[], bool] = lambda: False  #: whether somebody has asked to stop

    def call(self, batch: Batch, recipients: Columns) -> Answer:
        """Hand over one batch; a receipt for every recipient, whatever the provider answered."""
        outgoing = OutgoingBatch(batch.key, batch.attempt, self.builder, recipients, batch.doubtful, self.enough)
        if not recipients:  # nothing is said to a provider about nobody
            return Answer(all_alike(outgoing, Outcome.REFUSED))
        if why := self._too_late(batch) or _changed(batch, recipients):
            return Answer(all_alike(outgoing, Outcome.UNKNOWN, why))
        if all(recipients.addresses):
            return self._with_rest(batch, outgoing, _whole(self._send(batch, outgoing), recipients))
        reachable = Columns.of([recipient for recipient in recipients if recipient.address])
        answer = self._send(batch, replace(outgoing, recipients=reachable)) if reachable else Answer([])
        return self._with_rest(batch, outgoing, _whole(answer, recipients))

    def _with_rest(self, batch: Batch, outgoing: OutgoingBatch, answer: Answer) -> Answer:
        """Whom an accepted call left out for now is called again, in calls of their own: the batch is one claim.

        Not in a batch in doubt: there "not now" says nothing about the earlier attempt. And not where keys are
        honoured: after a lost answer the whole would be repeated, under a key that was never used for the rest.
        """
        keyed = self.providers[batch.provider].capabilities.remembers_keys_for
        if isinstance(answer.receipts, Alike) or batch.doubtful or keyed:
            return answer
        if not any(receipt.outcome is Outcome.ACCEPTED for receipt in answer.receipts):
            return answer
        receipts = {receipt.key: receipt for receipt in answer.receipts}
        for number in range(1, RESTS + 1):
            rest = [one for one in outgoing.recipients if receipts[one.key].outcome is Outcome.RETRY]
            if not rest or answer.directive is Directive.HALT or answer.wait > LONGEST_REST_WAIT:
                break
            self.pause(max(REST_WAIT, answer.wait))
            if self.enough() or self._too_late(batch):
                break
            some = replace(outgoing, key=f"{outgoing.key}:rest:{number}", recipients=Columns.of(rest))
            answer = self._sent(batch, some)
            if answer.directive is Directive.SPLIT:  # somebody in it: who, nobody knows
                answer = replace(answer, directive=Directive.GO_ON)
                break
            receipts |= {receipt.key: receipt for receipt in answer.receipts}
        return replace(answer, receipts=[receipts[one.key] for one in outgoing.recipients])

    def _send(self, batch: Batch, outgoing: OutgoingBatch) -> Answer:
        """The call; or, once the ledger says that it is split, its two halves."""
        if batch.split:
            return self._in_halves(batch, outgoing)
        answer = self._sent(batch, outgoing)
        if answer.directive is not Directive.SPLIT:
            return answer
        if batch.doubtful:  # the halves have keys of their own: who is in doubt may have been taken under this one
            return Answer(all_alike(outgoing, Outcome.UNKNOWN, _reason(answer)))
        if len(outgoing.recipients) == 1:
            return Answer(all_alike(outgoing, Outcome.REFUSED, _reason(answer)))
        return Answer(all_alike(outgoing, Outcome.RETRY, _reason(answer)), Directive.SPLIT)

    def _too_late(self, batch: Batch) -> str:
        """Why this attempt must not be posted any more: this process has slept, or the key may be forgotten.

        Looked at right before every post, first attempts included (security reference 3.1, rule 2).
        """
        can, now = self.providers[batch.provider].capabilities, self.clock()
        if can.remembers_keys_for:
            safe = can.remembers_keys_for - can.longest_request - CLOCK_TOLERANCE
            return "The provider may have forgotten this batch's key." if now - batch.claimed_at > safe else ""
        slept = can.longest_request and now - batch.attempted_at > can.longest_request
        return "The process slept between the claim and the call; somebody may have taken it up." if slept else ""

    def _half(self, batch: Batch, half: OutgoingBatch) -> Answer:
        why = self._too_late(batch)
        return Answer(all_alike(half, Outcome.UNKNOWN, why)) if why else self._sent(batch, half)

    def _sent(self, batch: Batch, outgoing: OutgoingBatch) -> Answer:
        """One post. A fault of ours in an adapter must not end the run, and proves nothing about what has left."""
        try:
            return self.providers[batch.provider].send(outgoing)
        except NewsletterError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is
            reason = f"{type(error).__name__} in the provider's adapter: a fault of this program."
            return Answer(all_alike(outgoing, Outcome.UNKNOWN, reason))

    def _in_halves(self, batch: Batch, outgoing: OutgoingBatch) -> Answer:
        """The same in two calls under keys of their own, equal at every attempt; a half refused again is refused.

        That it is split was committed before: otherwise a lost half would be repeated as a part of the whole, under a
        key that the provider has never kept, and be mailed a second time.
        """
        middle = (len(outgoing.recipients) + 1) // 2
        parts = (outgoing.recipients[:middle], outgoing.recipients[middle:])
        halves = [
            replace(outgoing, key=f"{outgoing.key}:half:{number}", recipients=part)
            for number, part in enumerate(parts, start=1)
            if part
        ]
        answers = [self._half(batch, half) for half in halves]
        receipts: list[Receipt] = []
        for half, answer in zip(halves, answers, strict=True):
            again = answer.directive is Directive.SPLIT
            refused = Outcome.UNKNOWN if batch.doubtful else Outcome.REFUSED  # no proof about an earlier attempt
            receipts += all_alike(half, refused, _reason(answer)) if again else answer.receipts
        worst = next((answer for answer in answers if answer.directive is Directive.HALT), answers[-1])
        directive = Directive.GO_ON if worst.directive is Directive.SPLIT else worst.directive
        return Answer(receipts, directive, worst.wait)


def _whole(answer: Answer, recipients: Columns) -> Answer:
    """The same answer with a receipt for every recipient, in their order."""
    receipts = answer.receipts
    if isinstance(receipts, Alike) and receipts.keys == recipients.keys:
        return answer
    by_key = {receipt.key: receipt for receipt in receipts}
    return replace(answer, receipts=[by_key.get(one.key) or _no_answer(one) for one in recipients])


def _changed(batch: Batch, recipients: Columns) -> str:
    """Why a batch in doubt cannot be repeated as it was."""
    erased = batch.doubtful and not all(recipients.addresses)
    return "Somebody in it was erased since, so the call cannot be repeated as it was." if erased else ""


def _reason(answer: Answer) -> str:
    return next((receipt.reason for receipt in answer.receipts if receipt.reason), "")


def _no_answer(recipient: Recipient) -> Receipt:
    """The receipt of somebody whom the answer does not mention, or who could not be handed over."""
    if recipient.address:
        return Receipt(recipient.key, Outcome.UNKNOWN, reason="The provider's answer did not mention this delivery.")
    return Receipt(recipient.key, Outcome.REFUSED, reason="The subscriber was erased before it could be sent.")
