"""One attempt: the checks right before each call, its answer made whole, its pieces where it was refused as a whole.

Runs in a thread of its own and touches no database.

A piece is called only while those before it were answered: accepted, or refused as a whole. After any other answer the
pieces that were not called are certainly not taken, and are the next attempt. So at most one piece of an attempt is in
doubt; it is never repeated as part of another call, and its people are unknown for themselves. Where keys are honoured
and nobody has it yet, the whole attempt is in doubt instead, and is repeated: the same pieces, under their own keys.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from newsletter.delivery.answers import first_reason, kinds_of, layout
from newsletter.delivery.batch import Batch
from newsletter.errors import NewsletterError
from newsletter.mail.columns import Columns
from newsletter.mail.message import MessageBuilder, Recipient
from newsletter.providers.base import Alike, Answer, Directive, Outcome, OutgoingBatch, Provider, Receipt, all_alike

#: Between our clock and the provider's, when a key's age is judged.
CLOCK_TOLERANCE = timedelta(minutes=1)
_ANSWERED = ({Outcome.ACCEPTED}, {Outcome.REFUSED}, {Outcome.ACCEPTED, Outcome.REFUSED})


@dataclass(frozen=True, slots=True)
class Caller:
    """Calls a provider for one issue."""

    providers: Mapping[str, Provider]  #: by name: a batch says which of them it is for
    builder_of: Callable[[str], MessageBuilder]  #: by the part of the issue that a batch gets
    clock: Callable[[], datetime]
    enough: Callable[[], bool] = lambda: False  #: whether somebody has asked to stop: then no further piece is begun

    def call(self, batch: Batch, recipients: Columns) -> Answer:
        """Hand over one batch; a receipt for every recipient, whatever the provider answered.

        The directive SPLIT says that a call of it was refused as a whole; those who were in it may be called again.
        """
        builder = self.builder_of(batch.part)
        outgoing = OutgoingBatch(batch.call_key, batch.attempt, builder, recipients, batch.doubtful, self.enough)
        if not recipients:  # nothing is said to a provider about nobody
            return Answer(all_alike(outgoing, Outcome.REFUSED))
        if why := self._too_late(batch) or _changed(batch, recipients):
            return Answer(all_alike(outgoing, Outcome.UNKNOWN, why))
        if all(recipients.addresses):
            return _whole(self._send(batch, outgoing), recipients)
        reachable = Columns.of([recipient for recipient in recipients if recipient.address])
        answer = self._send(batch, replace(outgoing, recipients=reachable)) if reachable else Answer([])
        return _whole(answer, recipients)

    def _send(self, batch: Batch, outgoing: OutgoingBatch) -> Answer:
        """The call; or, once the ledger says so, its pieces."""
        return self._in_pieces(batch, outgoing) if batch.pieces else self._sent(batch, outgoing)

    def _in_pieces(self, batch: Batch, outgoing: OutgoingBatch) -> Answer:
        """The same in calls under keys of their own, equal at every attempt.

        How it is cut was committed before: otherwise a lost piece would be repeated as a part of another call, under a
        key that the provider has never kept, and be mailed a second time.
        """
        receipts: list[Receipt] = []
        last, split, called = Answer([]), False, True
        for number, part in enumerate(layout(len(outgoing.recipients), batch.pieces), start=1):
            piece = replace(outgoing, key=batch.piece_key(number), recipients=Columns.of(outgoing.recipients)[part])
            called = number == 1 or (_is_answered(last) and not self.enough() and not self._too_late(batch))
            if called:
                last = _whole(self._sent(batch, piece), Columns.of(piece.recipients))
                split = split or last.directive is Directive.SPLIT
            said = last.receipts if called else all_alike(piece, Outcome.RETRY, first_reason(last.receipts))
            receipts += _proving(said, piece) if batch.doubtful else said
        if called and _is_answered(last):
            return Answer(receipts, Directive.SPLIT if split else Directive.GO_ON)
        stands = Directive.SPLIT if split and _is_answered(last) else last.directive
        return self._repeatable(batch, outgoing, Answer(receipts, stands, last.wait))

    def _repeatable(self, batch: Batch, outgoing: OutgoingBatch, answer: Answer) -> Answer:
        """An attempt that broke off: in doubt as a whole, where that is what can be repeated or asked about."""
        can = self.providers[batch.provider].capabilities
        kinds = kinds_of(answer.receipts)
        lost = Outcome.UNKNOWN in kinds and not kinds & {Outcome.ACCEPTED, Outcome.REFUSED}
        if batch.doubtful or (lost and (can.remembers_keys_for or can.answers_look_ups)):
            return replace(answer, receipts=all_alike(outgoing, Outcome.UNKNOWN, first_reason(answer.receipts)))
        return answer

    def _sent(self, batch: Batch, outgoing: OutgoingBatch) -> Answer:
        """One post. A fault of ours in an adapter must not end the run, and proves nothing about what has left."""
        try:
            answer = self.providers[batch.provider].send(outgoing)
        except NewsletterError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is
            reason = f"{type(error).__name__} in the provider's adapter: a fault of this program."
            return Answer(all_alike(outgoing, Outcome.UNKNOWN, reason))
        return _refused_whole(outgoing, answer) if answer.directive is Directive.SPLIT else answer

    def _too_late(self, batch: Batch) -> str:
        """Why this attempt must not be posted any more: this process has slept, or the key may be forgotten.

        Looked at right before every post, first attempts included (security reference 3.1, rule 2).
        """
        can, now = self.providers[batch.provider].capabilities, self.clock()
        if can.remembers_keys_for:
            safe = can.remembers_keys_for - can.longest_request - CLOCK_TOLERANCE
            age = now - (batch.keyed_at or batch.claimed_at)
            if age > safe:
                return "The provider may have forgotten this batch's key."
            if age < -CLOCK_TOLERANCE:
                return "The clock was set back since the claim: nobody can tell how old this batch's key is."
        slept = can.longest_request and now - batch.attempted_at > can.longest_request
        return "The process slept between the claim and the call; somebody may have taken it up." if slept else ""


def _refused_whole(outgoing: OutgoingBatch, answer: Answer) -> Answer:
    """One person is refused; several may be called again in pieces; no proof about an attempt that was in doubt."""
    reason = first_reason(answer.receipts)
    if outgoing.doubtful:  # a piece has a key of its own: who is in doubt may have been taken under this one
        return Answer(all_alike(outgoing, Outcome.UNKNOWN, reason), Directive.SPLIT)
    if len(outgoing.recipients) == 1:
        return Answer(all_alike(outgoing, Outcome.REFUSED, reason))
    return Answer(all_alike(outgoing, Outcome.RETRY, reason), Directive.SPLIT)


def _proving(receipts: Sequence[Receipt], piece: OutgoingBatch) -> Sequence[Receipt]:
    """What a repeated piece proves of the first attempt: nothing where it accepts nobody, whatever the others say."""
    known = Outcome.ACCEPTED in kinds_of(receipts)
    return receipts if known else all_alike(piece, Outcome.UNKNOWN, first_reason(receipts))


def _is_answered(answer: Answer) -> bool:
    """Whether a piece was accepted, refused, or refused as a whole, and nothing stands in the way of the next."""
    if answer.directive is Directive.SPLIT:
        return True
    return answer.directive is Directive.GO_ON and not answer.wait and kinds_of(answer.receipts) in _ANSWERED


def _whole(answer: Answer, recipients: Columns) -> Answer:
    """The same answer with a receipt for every recipient, in their order."""
    receipts = answer.receipts
    if isinstance(receipts, Alike) and receipts.keys == recipients.keys:
        return answer
    by_key = {receipt.key: receipt for receipt in receipts}
    return replace(answer, receipts=[by_key.get(one.key) or _no_answer(one) for one in recipients])


def _changed(batch: Batch, recipients: Columns) -> str:
    """Why a batch in doubt cannot be repeated as it was."""
    gone = batch.doubtful and not all(recipients.addresses)
    why = "Somebody in it was erased or has another address since, so the call cannot be repeated as it was."
    return why if gone else ""


def _no_answer(recipient: Recipient) -> Receipt:
    """The receipt of somebody whom the answer does not mention, or who could not be handed over."""
    if recipient.address:
        return Receipt(recipient.key, Outcome.UNKNOWN, reason="The provider's answer did not mention this delivery.")
    return Receipt(recipient.key, Outcome.REFUSED, reason="The subscriber was erased before it could be sent.")
