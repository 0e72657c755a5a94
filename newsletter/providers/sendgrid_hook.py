"""SendGrid's Event Webhook: signed lists of events, with our key among the fields of each.

The signature is ECDSA over P-256 and SHA-256, of the time and the raw body; the secret is the public key that the
console shows, base64 of its DER. SendGrid's own library does not look at the time; here it must be fresh (S-50).
"""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

from newsletter.errors import ProviderError
from newsletter.providers.hooks import LONGEST_REASON, Event, Incoming, Kind, each, is_fresh, moment
from newsletter.providers.judging import member
from newsletter.providers.sendgrid import METADATA

SIGNATURE = "x-twilio-email-event-webhook-signature"
TIMESTAMP = "x-twilio-email-event-webhook-timestamp"

KINDS: Mapping[str, Kind] = {
    "processed": Kind.ACCEPTED,
    "deferred": Kind.DEFERRED,
    "delivered": Kind.DELIVERED,
    "dropped": Kind.DROPPED,
    "bounce": Kind.HARD_BOUNCED,
    "spamreport": Kind.COMPLAINED,
    "unsubscribe": Kind.UNSUBSCRIBED,
    "group_unsubscribe": Kind.UNSUBSCRIBED,
    "open": Kind.OPENED,
    "click": Kind.CLICKED,
}
#: `bounce_classification`, by its first word (it is spelt in two ways): what is no proof that the mailbox is gone.
CLASSES: Mapping[str, Kind] = {
    "content": Kind.BLOCKED,
    "reputation": Kind.BLOCKED,
    "frequency": Kind.BLOCKED,
    "technical": Kind.SOFT_BOUNCED,
    "mailbox": Kind.SOFT_BOUNCED,
}


class SendGridHook:
    """The port of hooks, for SendGrid. A secret is one of its verification keys."""

    refusal = 401  #: it tries again, for a day, after anything that is not 2xx

    def verify(self, incoming: Incoming, secrets: Sequence[str], now: datetime) -> bool:
        """Whether one of the keys signed this body, with a time that is fresh."""
        said = incoming.headers.get(TIMESTAMP, "")
        if not (said.isascii() and said.isdigit() and is_fresh(float(said), now)):
            return False
        signed, signature = said.encode("ascii") + incoming.body, incoming.headers.get(SIGNATURE, "")
        return sum(_signed_by(secret, signature, signed) for secret in secrets) > 0

    def parse(self, incoming: Incoming) -> Sequence[Event]:
        """The events, in their order. Raises ProviderError for anything but a list of them."""
        try:
            found = json.loads(incoming.body)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, list) or (found and not any(isinstance(one, dict) for one in found)):
            raise ProviderError("SendGrid's webhook sends a list of events; this is none. Look at the hook's address.")
        return each(found, lambda one: _event(one, incoming.headers.get(TIMESTAMP, "")))


def _signed_by(secret: str, signature: str, signed: bytes) -> bool:
    try:
        _public_key(secret).verify(base64.b64decode(signature, validate=True), signed, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ProviderError, ValueError):
        return False
    return True


@lru_cache(maxsize=16)
def _public_key(secret: str) -> ec.EllipticCurvePublicKey:
    """The key of SendGrid's console. Raises ProviderError for anything but one on P-256."""
    try:
        key = load_der_public_key(base64.b64decode("".join(secret.split()), validate=True))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ProviderError("SendGrid's verification key is none. Copy it again from Mail Settings, Event Webhook.")
    return key


def _event(found: Any, sent_at: str) -> Event:
    if not isinstance(found, dict):
        raise ProviderError("This is no event of SendGrid.")
    word = member(found, "event")
    return Event(
        kind=_kind(word, found),
        key=member(found, METADATA),
        event_id=member(found, "sg_event_id") or _digest(found),
        at=moment(found.get("timestamp"), sent_at),  # of our request, where an event does not say
        word=word[:LONGEST_REASON],
        reason=(member(found, "reason") or member(found, "response"))[:LONGEST_REASON],
    )


def _kind(word: str, found: Mapping[str, Any]) -> Kind:
    """A bounce is hard unless SendGrid says that it is about us, or may pass."""
    kind = KINDS.get(word, Kind.UNKNOWN)
    if kind is not Kind.HARD_BOUNCED:
        return kind
    first = member(found, "bounce_classification").lower().replace("/", " ").partition(" ")[0]
    return CLASSES.get(first, Kind.BLOCKED if member(found, "type") == "blocked" else kind)


def _digest(found: Mapping[str, Any]) -> str:
    """An id for an event that has none: the same for the same event."""
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()
