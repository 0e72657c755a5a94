"""What a provider tells us afterwards: the port of webhooks. Pure: headers and raw body in, events out.

An adapter verifies before anything is read, in constant time and on the raw body, against each of the secrets (two at a
time while one is being changed); what it does not know it reports as UNKNOWN with the provider's own word, never as an
error (DESIGN, invariant 11; security reference S-50 to S-53).
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from newsletter.errors import ProviderError

#: How old a signed request may be, and how far in the future its clock (Standard Webhooks).
FRESH = timedelta(minutes=5)
LONGEST_REASON = 300
#: The word of an event that stood in a verified list and could not be read. It is kept, counted and told.
UNREADABLE = "unreadable"


class Kind(StrEnum):
    """What happened to one delivery."""

    ACCEPTED = "accepted"  #: the provider has it
    DEFERRED = "deferred"  #: the other side asked to wait; the provider goes on trying
    SOFT_BOUNCED = "soft-bounced"  #: not delivered, for a reason that may pass: mailbox full, server away
    DELIVERED = "delivered"  #: the other side's server has it
    HARD_BOUNCED = "hard-bounced"  #: there is no such mailbox
    COMPLAINED = "complained"  #: the reader pressed "this is spam"
    BLOCKED = "blocked"  #: refused for what we are or say, not for who they are: no reason to suppress anybody
    DROPPED = "dropped"  #: the provider did not try: the address is on its own list
    UNSUBSCRIBED = "unsubscribed"  #: by the provider's link or header
    REPLIED = "replied"  #: an automatic reply, an out-of-office
    OPENED = "opened"  #: counted where tracking is on; never a reason for anything
    CLICKED = "clicked"
    UNKNOWN = "unknown"  #: kept and counted


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that a provider says of one delivery."""

    kind: Kind
    key: str  #: our delivery's key, as it was sent along; empty where the event names none
    event_id: str  #: unique at this provider: what has it was said before
    at: datetime  #: aware; when it happened, by the provider's clock
    word: str  #: the provider's own word for it
    reason: str = field(default="", repr=False)  #: what the other side said; may hold an address


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request as it came."""

    headers: Mapping[str, str] = field(repr=False)  #: names in lower case
    body: bytes = field(repr=False)  #: raw


class Hook(Protocol):
    """One provider's webhooks."""

    @property
    def refusal(self) -> int:
        """The status for a request that is not the provider's: what makes an honest provider try again."""
        ...

    def verify(self, incoming: Incoming, secrets: Sequence[str], now: datetime) -> bool:
        """Whether the provider sent it, to us, and just now. Never raises, whatever the headers hold."""
        ...

    def parse(self, incoming: Incoming) -> Sequence[Event]:
        """The events in a body that was verified. Raises ProviderError for a body that is not this provider's."""
        ...


def each(items: Sequence[Any], read: Callable[[Any], Event]) -> list[Event]:
    """The events in a list, each read for itself; one that cannot be (ProviderError) is UNKNOWN, and UNREADABLE.

    So one that is damaged costs the others nothing, and the provider does not send all of them again for days. It has
    no time, and an id made of what it says: sent again it is known. Whether the list is the provider's at all is for
    the adapter to say.
    """
    return [_read(one, read) for one in items]


def _read(one: Any, read: Callable[[Any], Event]) -> Event:
    try:
        return read(one)
    except ProviderError:
        name = hashlib.sha256(json.dumps(one, sort_keys=True).encode()).hexdigest()
        return Event(Kind.UNKNOWN, "", f"{UNREADABLE}:{name}", datetime.fromtimestamp(0, UTC), UNREADABLE)


def moment(*said: Any) -> datetime:
    """The first of these that is a time, in seconds since 1970, as a number or in words; aware. 1970, if none is."""
    for one in said:
        try:
            return datetime.fromtimestamp(float(one), UTC)
        except (ValueError, TypeError, OverflowError, OSError):
            continue
    return datetime.fromtimestamp(0, UTC)


def same(ours: str, theirs: str) -> bool:
    """Equal, compared in constant time; also for what is not ASCII (S-50)."""
    return hmac.compare_digest(ours.encode("utf-8", "surrogatepass"), theirs.encode("utf-8", "surrogatepass"))


def any_same(ours: Sequence[str], theirs: str) -> bool:
    """Whether one of ours is equal; all are compared, so that the time does not tell which."""
    return sum(same(one, theirs) for one in ours) > 0


def is_fresh(said: float, now: datetime) -> bool:
    """Whether a moment (seconds since 1970) is near enough to now."""
    return abs(said - now.timestamp()) <= FRESH.total_seconds()
