"""The port: what a provider is asked, and what it may answer.

Written from the dispatcher's needs. An adapter says what it can (`Capabilities`), takes one batch at a time, and
answers with one receipt for every recipient: also where the answer is that nobody knows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Protocol, overload

from newsletter.mail.columns import Columns
from newsletter.mail.message import MessageBuilder, Recipient


class Outcome(StrEnum):
    """What became of one delivery."""

    ACCEPTED = "accepted"  #: the provider has it
    REFUSED = "refused"  #: the provider will not have it, now or later
    RETRY = "retry"  #: the provider certainly did not take it; it may be asked again
    UNKNOWN = "unknown"  #: the call may have been accepted: never repeated blindly


class Directive(StrEnum):
    """What an answer means for the calls after it."""

    GO_ON = "go on"
    SLOW_DOWN = "slow down"  #: throttled: no further call before `wait` is over
    SPLIT = "split"  #: the call was refused as a whole, perhaps for one address: cut in pieces until it is found
    HALT = "halt"  #: the account is the problem (key, quota, suspended): the issue is held for a person


@dataclass(frozen=True, slots=True)
class Receipt:
    """The provider's answer for one delivery."""

    key: str
    outcome: Outcome
    provider_id: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """The provider's answer to one call: a receipt for every recipient, in their order, and what to do next.

    Receipts may differ, and each is believed: ACCEPTED, REFUSED (whom the provider named) and UNKNOWN settle that one
    for good; RETRY says "certainly not taken". Whoever is RETRY is sent again, alone, under a key that the provider has
    not seen: at once, where the directive is GO_ON, `wait` is 0 and at least one was settled; else after `wait`, or
    after a wait that grows. So an answer that names the bad address should refuse that one and give RETRY to the
    others, and one that throttles some should say for how long. Where it names nobody: SPLIT, all alike.
    """

    receipts: Sequence[Receipt]
    directive: Directive = Directive.GO_ON
    wait: float = 0.0  #: seconds that the provider asked for (Retry-After); 0: it did not say

    @property
    def is_plain(self) -> bool:
        """Everybody was accepted, and there is nothing else to say."""
        alike = isinstance(self.receipts, Alike) and self.receipts.outcome is Outcome.ACCEPTED
        return alike and self.directive is Directive.GO_ON


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a provider can do, and its limits."""

    name: str
    batch_size: int  #: recipients in one call
    batch_bytes: int | None = None
    longest_request: timedelta = timedelta(seconds=60)  #: after this no attempt can still be under way or be taken
    remembers_keys_for: timedelta | None = None  #: how long the same key is not sent again; None: never safe to repeat
    answers_look_ups: bool = False  #: `look_up` tells what the provider has, once `longest_request` is over


@dataclass(frozen=True, slots=True)
class OutgoingBatch:
    """One provider call: fixed before the call, equal at every attempt."""

    key: str
    attempt: int
    builder: MessageBuilder
    recipients: Sequence[Recipient]
    doubtful: bool = False  #: an earlier attempt may have been taken; without that, no answer can be about one of ours
    stopping: Callable[[], bool] = lambda: False  #: whether somebody has asked to stop: then no message is begun


class Provider(Protocol):
    """What sends for us. Called from several threads at once."""

    @property
    def capabilities(self) -> Capabilities:
        """What this provider can do."""
        ...

    def fits(self, builder: MessageBuilder) -> int:
        """How many recipients of this issue one call takes, by number and by bytes; at least 1."""
        ...

    def send(self, batch: OutgoingBatch) -> Answer:
        """Hand over one batch. Does not raise for what a provider or a network does: that is the answer."""
        ...

    def look_up(self, batch_key: str, delivery_keys: Sequence[str]) -> Sequence[Receipt]:
        """What the provider has of these deliveries: accepted, retry where it certainly has nothing, else unknown.

        Asked only of providers that answer look-ups, and only when no attempt can still be taken.
        """
        ...


class Alike(Sequence[Receipt]):
    """Receipts that differ in nothing but their keys, and perhaps the provider's ids: most calls end so.

    One object for a thousand people; a receipt is made when somebody looks at it.
    """

    __slots__ = ("keys", "outcome", "provider_ids", "reason")

    def __init__(
        self, keys: Sequence[str], outcome: Outcome, reason: str = "", provider_ids: Sequence[str] = ()
    ) -> None:
        """`provider_ids`: in the order of the keys, or none at all. Raises ValueError for any other number."""
        if provider_ids and len(provider_ids) != len(keys):
            raise ValueError(f"{len(provider_ids)} ids of a provider for {len(keys)} deliveries")
        self.keys, self.outcome, self.reason, self.provider_ids = keys, outcome, reason, provider_ids

    def __len__(self) -> int:
        return len(self.keys)

    @overload
    def __getitem__(self, at: int) -> Receipt: ...
    @overload
    def __getitem__(self, at: slice) -> "Alike": ...
    def __getitem__(self, at: int | slice) -> "Receipt | Alike":
        if isinstance(at, slice):
            return Alike(self.keys[at], self.outcome, self.reason, self.provider_ids[at])
        return Receipt(self.keys[at], self.outcome, self.provider_ids[at] if self.provider_ids else "", self.reason)


def all_alike(batch: OutgoingBatch, outcome: Outcome, reason: str = "", provider_ids: Sequence[str] = ()) -> Alike:
    """The same receipt for every recipient of a batch."""
    return Alike(Columns.of(batch.recipients).keys, outcome, reason, provider_ids)
