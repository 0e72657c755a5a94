"""The port: what a provider is asked, and what it may answer.

Written from the dispatcher's needs. An adapter says what it can (`Capabilities`), takes one batch at a time, and
answers with one receipt for every recipient: also where the answer is that nobody knows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Protocol

from newsletter.mail.message import MessageBuilder, Recipient


class Outcome(StrEnum):
    """What became of one delivery."""

    ACCEPTED = "accepted"  #: the provider has it
    REFUSED = "refused"  #: the provider will not have it, now or later
    RETRY = "retry"  #: the provider certainly did not take it; it may be asked again
    UNKNOWN = "unknown"  #: the call may have been accepted: never repeated blindly


@dataclass(frozen=True, slots=True)
class Receipt:
    """The provider's answer for one delivery."""

    key: str
    outcome: Outcome
    provider_id: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a provider can do, and its limits."""

    name: str
    batch_size: int  #: recipients in one call
    batch_bytes: int | None = None
    remembers_keys_for: timedelta | None = None  #: how long the same key is not sent again; None: never safe to repeat
    answers_look_ups: bool = False


@dataclass(frozen=True, slots=True)
class OutgoingBatch:
    """One provider call: fixed before the call, equal at every attempt."""

    key: str
    attempt: int
    builder: MessageBuilder
    recipients: Sequence[Recipient]


class Provider(Protocol):
    """What sends for us."""

    @property
    def capabilities(self) -> Capabilities:
        """What this provider can do."""
        ...

    def send(self, batch: OutgoingBatch) -> Sequence[Receipt]:
        """Hand over one batch; one receipt per recipient, in their order. Does not raise for what a provider does."""
        ...
