"""A provider with behaviour: it keeps what it took, and can refuse, stall, forget its answer, or die on the way."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from newsletter.mail.message import MessageBuilder
from newsletter.providers.base import Answer, Capabilities, Directive, Outcome, OutgoingBatch, Receipt, all_alike


class Killed(BaseException):
    """The process died here: nothing below catches it."""


HOW = {
    "accept": (Outcome.ACCEPTED, Directive.GO_ON, 0.0),
    "refuse": (Outcome.REFUSED, Directive.GO_ON, 0.0),
    "later": (Outcome.RETRY, Directive.GO_ON, 0.0),
    "slow down": (Outcome.RETRY, Directive.SLOW_DOWN, 120.0),
    "one of you is wrong": (Outcome.REFUSED, Directive.SPLIT, 0.0),
    "your account is suspended": (Outcome.RETRY, Directive.HALT, 0.0),
}

_A, _R, _L, _U = Outcome.ACCEPTED, Outcome.REFUSED, Outcome.RETRY, Outcome.UNKNOWN
#: Answers that differ by recipient: those of the first ones, and the last for everybody else.
MIXED = {
    "accept one, the others later": (_A, _L),
    "refuse one, the others later": (_R, _L),
    "accept one, lose one, the others later": (_A, _U, _L),
    "lose one, accept the others": (_U, _A),
}


@dataclass
class FakeProvider:
    """Takes every message, unless a dial says otherwise. Its log is what really went out."""

    remembers: bool = False  #: the same batch key again is answered and not mailed
    answers_look_ups: bool = False  #: it tells what it has taken
    batch_size: int = 100
    log: Counter[str] = field(default_factory=Counter)  #: recipient key → how often mailed
    calls: list[tuple[str, int]] = field(default_factory=list)  #: batch key, attempt
    taken: set[str] = field(default_factory=set)  #: keys of batches that it mailed
    name: str = "fake"
    always: str = "accept"  #: what a call does that `next_answers` says nothing of
    next_answers: list[str] = field(default_factory=list)  #: what the next calls do, first one first
    bad: set[str] = field(default_factory=set)  #: a call with one of these addresses is refused as a whole

    @property
    def capabilities(self) -> Capabilities:
        """As an adapter would say it."""
        keys = timedelta(days=1) if self.remembers else None
        return Capabilities(
            self.name, batch_size=self.batch_size, remembers_keys_for=keys, answers_look_ups=self.answers_look_ups
        )

    def fits(self, _builder: MessageBuilder) -> int:
        """As many as it says."""
        return self.capabilities.batch_size

    def send(self, batch: OutgoingBatch) -> Answer:
        """Do what the next answer says; without one, what it always does."""
        how = self.next_answers.pop(0) if self.next_answers else self.always
        if self.bad & {recipient.address for recipient in batch.recipients}:
            how = "one of you is wrong"
        known = self.remembers and batch.key in self.taken
        if how != "die before":
            self.calls.append((batch.key, batch.attempt))
        if how in ("accept", "accept, die after", "accept, answer lost") and not known:
            self.taken.add(batch.key)
            self.log.update(recipient.key for recipient in batch.recipients)
        if how in ("die before", "accept, die after"):
            raise Killed
        if how == "answer nonsense":
            return Answer([])
        if how in MIXED:
            return self._one_by_one(batch, MIXED[how])
        outcome, directive, wait = HOW.get(how, (Outcome.UNKNOWN, Directive.GO_ON, 0.0))
        return Answer(all_alike(batch, outcome, how), directive, wait)

    def _one_by_one(self, batch: OutgoingBatch, outcomes: Sequence[Outcome]) -> Answer:
        """These outcomes, one after the other, for the first recipients; the last of them for everybody else."""
        receipts = [
            Receipt(one.key, outcomes[min(place, len(outcomes) - 1)], reason=f"{outcomes[0]} and others")
            for place, one in enumerate(batch.recipients)
        ]
        self.taken.add(batch.key)
        self.log.update(receipt.key for receipt in receipts if receipt.outcome is Outcome.ACCEPTED)
        return Answer(receipts)

    def look_up(self, _batch_key: str, delivery_keys: Sequence[str]) -> Sequence[Receipt]:
        """Its log tells."""
        return [Receipt(key, Outcome.ACCEPTED if key in self.log else Outcome.RETRY) for key in delivery_keys]
