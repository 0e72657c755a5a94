"""What Postmark says afterwards: one JSON object a request, and no signature.

So the request has to know a secret: as the password of basic authentication (any user name) or in a header of its own.
Source: providers reference, A.3; Postmark's documentation of its webhooks and bounce types.
"""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from newsletter.errors import ProviderError
from newsletter.providers.hooks import LONGEST_REASON, Event, Incoming, Kind, any_same
from newsletter.providers.judging import member
from newsletter.providers.postmark import METADATA

HEADER = "x-newsletter-secret"
#: When an event says no time that can be read.
NEVER = datetime(1970, 1, 1, tzinfo=UTC)

#: RecordType, of all but bounces and changes of a subscription.
RECORDS: Mapping[str, Kind] = {
    "Delivery": Kind.DELIVERED,
    "SpamComplaint": Kind.COMPLAINED,
    "Open": Kind.OPENED,
    "Click": Kind.CLICKED,
}
#: The Type of a bounce, and the SuppressionReason of a change. SpamNotification is a filter's or a block's word as well
#: as a reader's, so it is no complaint; what is not here says nothing of the reader.
TYPES: Mapping[str, Kind] = {
    "HardBounce": Kind.HARD_BOUNCED,
    "BadEmailAddress": Kind.HARD_BOUNCED,
    "Transient": Kind.DEFERRED,
    "DnsError": Kind.DEFERRED,
    "SoftBounce": Kind.SOFT_BOUNCED,
    "SpamComplaint": Kind.COMPLAINED,
    "SpamNotification": Kind.BLOCKED,
    "Blocked": Kind.BLOCKED,
    "DMARCPolicy": Kind.BLOCKED,
    "VirusNotification": Kind.BLOCKED,
    "ManuallyDeactivated": Kind.DROPPED,
    "Unconfirmed": Kind.DROPPED,
    "SMTPApiError": Kind.DROPPED,
    "Unsubscribe": Kind.UNSUBSCRIBED,
    "ManualSuppression": Kind.UNSUBSCRIBED,
    "AutoResponder": Kind.REPLIED,
    "AddressChange": Kind.REPLIED,
    "ChallengeVerification": Kind.REPLIED,
}
_TIMES = ("DeliveredAt", "BouncedAt", "ReceivedAt", "ChangedAt")


class PostmarkHook:
    """The webhooks."""

    @property
    def refusal(self) -> int:
        """401. After a 403 Postmark does not send this event again, ever (providers reference, A.3)."""
        return HTTPStatus.UNAUTHORIZED

    def verify(self, incoming: Incoming, secrets: Sequence[str], now: datetime) -> bool:  # noqa: ARG002 - it says no time
        """Whether it knows one of the secrets. Nothing is signed, so neither the body nor its age can be judged."""
        known = [secret for secret in secrets if secret]
        offered = (incoming.headers.get(HEADER, ""), _password(incoming.headers.get("authorization", "")))
        return any([any_same(known, one) for one in offered])  # noqa: C419 - both are compared, whatever the first says

    def parse(self, incoming: Incoming) -> Sequence[Event]:
        """The one event. Raises ProviderError for a body that is none of Postmark's, and for an inbound message."""
        found = _document(incoming.body)
        record = member(found, "RecordType")
        if not record:
            raise ProviderError("A webhook's body has no RecordType: it is not Postmark's, or an inbound message.")
        kind, word = _meaning(record, found)
        said = " ".join(filter(None, (member(found, "Description"), member(found, "Details"))))
        key = member(found, "Metadata", METADATA)
        return [Event(kind, key, _event_id(record, found), _when(found), word, said[:LONGEST_REASON])]


def _password(header: str) -> str:
    """The password in a header of basic authentication (RFC 7617); empty where there is none."""
    scheme, _, value = header.partition(" ")
    try:
        decoded = base64.b64decode(value.strip(), validate=True).decode()
    except ValueError:
        return ""
    return decoded.partition(":")[2] if scheme.lower() == "basic" else ""


def _document(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _meaning(record: str, found: Any) -> tuple[Kind, str]:
    """What happened, and Postmark's own word for it."""
    if record == "Bounce":
        kind = member(found, "Type")
        return TYPES.get(kind, Kind.UNKNOWN), f"{record}:{kind}"
    if record == "SubscriptionChange":
        reason = member(found, "SuppressionReason")
        if found.get("SuppressSending") is not True:  # they may be mailed again: nothing that lifts anything here
            return Kind.UNKNOWN, f"{record}:lifted"
        return TYPES.get(reason, Kind.UNKNOWN), f"{record}:{reason}"
    return RECORDS.get(record, Kind.UNKNOWN), record


def _event_id(record: str, found: Any) -> str:
    """Postmark's id, which bounces and complaints have; else what tells two events apart, without the address in it."""
    if type(found.get("ID")) is int:
        return f"{record}:{found['ID']}"
    names = ("MessageID", "Recipient", "Email", "OriginalLink", "SuppressSending", *_TIMES)
    told = json.dumps([record, *(found.get(name) for name in names)])
    return f"{record}:{hashlib.sha256(told.encode()).hexdigest()[:32]}"


def _when(found: Any) -> datetime:
    """When it happened, in UTC; 1970 where that cannot be read."""
    for name in _TIMES:
        try:
            when = datetime.fromisoformat(member(found, name))
            return (when if when.tzinfo else when.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            continue
    return NEVER
