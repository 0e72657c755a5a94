"""From a subscriber to the recipient of one message: the delivery's key and the values of the merge fields."""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Protocol

from newsletter.mail.message import Recipient
from subscribers.tokens import Keys, Purpose, sign


class Person(Protocol):
    """A subscriber, or a row that knows as much."""

    @property
    def ref(self) -> str: ...  # noqa: D102
    @property
    def address(self) -> str | None: ...  # noqa: D102
    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def signed_up_at(self) -> datetime: ...  # noqa: D102
    @property
    def confirmed_at(self) -> datetime | None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Addressing:
    """Everything that a recipient's links are made of. The base URL is the one of the issue, never of a request."""

    keys: Keys
    secret: bytes
    base_url: str
    issue_id: int
    week: str

    def recipient(self, subscriber: Person) -> Recipient:
        """The recipient for this subscriber: equal at every call, and holding nobody else's token."""
        return Recipient(
            address=subscriber.address or "",
            key=self.key(subscriber.ref),
            values={
                "view": f"{self.base_url}/issues/{self.week}",
                "unsubscribe": f"{self.base_url}/u/{sign(self.keys, Purpose.UNSUBSCRIBE, subscriber.ref)}",
                "preferences": f"{self.base_url}/preferences/{sign(self.keys, Purpose.PREFERENCES, subscriber.ref)}",
                "address": subscriber.address or "",
                "since": _in_words(_since(subscriber)),
                "name": subscriber.name,
            },
        )

    def key(self, ref: str) -> str:
        """The delivery's opaque id: 128 bits, from ids only, and nobody outside can compute another's."""
        name = f"{self.issue_id}:{ref}".encode()
        return hashlib.blake2b(name, key=self.secret[:64], digest_size=16, person=b"delivery").hexdigest()


def _since(person: Person) -> date:
    return (person.confirmed_at or person.signed_up_at).date()


@lru_cache(maxsize=4096)
def _in_words(day: date) -> str:
    """Like "3 February 2026": there are fewer days than subscribers."""
    return f"{day.day} {day:%B %Y}"
