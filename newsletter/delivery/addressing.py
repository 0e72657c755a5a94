"""From a subscriber to the recipient of one message: the delivery's key and the values of the merge fields."""

import hashlib
from dataclasses import dataclass

from newsletter.mail.message import Recipient
from subscribers.subscriber import Subscriber
from subscribers.tokens import Keys, Purpose, sign


@dataclass(frozen=True, slots=True)
class Addressing:
    """Everything that a recipient's links are made of. The base URL is the one of the issue, never of a request."""

    keys: Keys
    secret: bytes
    base_url: str
    issue_id: int
    week: str

    def recipient(self, subscriber: Subscriber) -> Recipient:
        """The recipient for this subscriber: equal at every call, and holding nobody else's token."""
        return Recipient(
            address=subscriber.address or "",
            key=self.key(subscriber.ref),
            values={
                "view": f"{self.base_url}/issues/{self.week}",
                "unsubscribe": f"{self.base_url}/u/{sign(self.keys, Purpose.UNSUBSCRIBE, subscriber.ref)}",
                "preferences": f"{self.base_url}/preferences/{sign(self.keys, Purpose.PREFERENCES, subscriber.ref)}",
                "address": subscriber.address or "",
                "since": _day(subscriber),
                "name": subscriber.name,
            },
        )

    def key(self, ref: str) -> str:
        """The delivery's opaque id: 128 bits, from ids only, and nobody outside can compute another's."""
        name = f"{self.issue_id}:{ref}".encode()
        return hashlib.blake2b(name, key=self.secret[:64], digest_size=16, person=b"delivery").hexdigest()


def _day(subscriber: Subscriber) -> str:
    since = subscriber.confirmed_at or subscriber.signed_up_at
    return f"{since.day} {since:%B %Y}"
