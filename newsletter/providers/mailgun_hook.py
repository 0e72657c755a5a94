"""Mailgun's webhooks: one event each, with a signature of the time and a token inside the body.

The signature does not cover the event. So a request is believed only while it is fresh, and the token is the event's
id: what was said under a token is said once, and a copy with other words is not counted (S-50). Mailgun's own id of an
event is unique for a day only.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from newsletter.errors import ProviderError
from newsletter.mail.message import KEY
from newsletter.providers.hooks import LONGEST_REASON, Event, Incoming, Kind, any_same, is_fresh, moment
from newsletter.providers.judging import member
from newsletter.providers.mailgun_form import METADATA

KINDS: Mapping[str, Kind] = {
    "accepted": Kind.ACCEPTED,
    "rejected": Kind.BLOCKED,
    "delivered": Kind.DELIVERED,
    "complained": Kind.COMPLAINED,
    "unsubscribed": Kind.UNSUBSCRIBED,
    "opened": Kind.OPENED,
    "clicked": Kind.CLICKED,
}
#: `reason` of a failure for good; a delayed bounce and a generic one are told apart by what else is said.
REASONS: Mapping[str, Kind] = {
    "bounce": Kind.HARD_BOUNCED,
    "espblock": Kind.BLOCKED,
    "old": Kind.SOFT_BOUNCED,
    "greylisted": Kind.SOFT_BOUNCED,
}
BOUNCES: Mapping[str, Kind] = {"hard": Kind.HARD_BOUNCED, "soft": Kind.SOFT_BOUNCED}
#: RFC 3463: 5.1.1, 5.1.2, 5.1.3, 5.1.6 and 5.1.10 speak of the recipient's address, 5.7 of policy.
NO_MAILBOX = ("5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10")


class MailgunHook:
    """The port of hooks, for Mailgun. A secret is the HTTP webhook signing key."""

    refusal = 401  #: Mailgun tries again for 8 hours, except after 406

    def verify(self, incoming: Incoming, secrets: Sequence[str], now: datetime) -> bool:
        """Whether one of the keys signed this token and time, and the time is fresh."""
        found = _document(incoming.body)
        said, token, signature = (member(found, "signature", name) for name in ("timestamp", "token", "signature"))
        if not (token and f"{said}{token}{signature}".isascii() and said.isdigit() and is_fresh(float(said), now)):
            return False
        signed = f"{said}{token}".encode("ascii")
        ours = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in secrets if secret]
        return any_same(ours, signature)

    def parse(self, incoming: Incoming) -> Sequence[Event]:
        """The event. Raises ProviderError for a body that holds none."""
        whole = _document(incoming.body)
        found, token = member(whole, "event-data", kind=dict), member(whole, "signature", "token")
        if not found or not token:
            raise ProviderError(
                "Mailgun's webhook sends an event and a signature; these are none. Look at its address."
            )
        status = member(found, "delivery-status", kind=dict)
        said = (member(status, "message"), member(status, "description"), member(found, "reject", "reason"))
        return [
            Event(
                kind=_kind(found),
                key=_key(found),
                event_id=token,
                at=moment(found.get("timestamp"), member(whole, "signature", "timestamp")),  # else when it was signed
                word=member(found, "event")[:LONGEST_REASON],
                reason=next(filter(None, said), member(found, "reason"))[:LONGEST_REASON],
            )
        ]


def _document(body: bytes) -> Any:
    """The signature is inside the document, so this is read before anybody is believed: JSON and nothing else."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _key(found: Mapping[str, Any]) -> str:
    """Our key, unless the placeholder came back in its place."""
    key = member(found, "user-variables", METADATA)
    return key if KEY.fullmatch(key) else ""


def _kind(found: Mapping[str, Any]) -> Kind:
    word, reason = member(found, "event"), member(found, "reason")
    if word != "failed":
        return KINDS.get(word, Kind.UNKNOWN)
    if reason.startswith("suppress-"):
        return Kind.DROPPED
    if member(found, "severity") == "temporary":
        return Kind.SOFT_BOUNCED if reason == "old" else Kind.DEFERRED  # the last try is still called temporary
    return _bounce(reason, member(found, "delivery-status", kind=dict))


def _bounce(reason: str, status: Mapping[str, Any]) -> Kind:
    """A failure for good; hard only where something says that there is no such mailbox."""
    code = member(status, "enhanced-code") or member(status, "bounce-code")
    if reason in REASONS:
        return REASONS[reason]
    if code.startswith("5.7"):
        return Kind.BLOCKED
    return BOUNCES.get(member(status, "bounce-type"), Kind.HARD_BOUNCED if code in NO_MAILBOX else Kind.SOFT_BOUNCED)
