"""What Resend says afterwards: one JSON object a request, signed as Svix and Standard Webhooks do.

Source: providers reference, A.3; the `webhooks` of Resend's OpenAPI file; the Standard Webhooks specification.
"""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from newsletter.errors import ProviderError
from newsletter.providers.hooks import LONGEST_REASON, Event, Incoming, Kind, any_same, is_fresh
from newsletter.providers.judging import member
from newsletter.providers.resend import TAG

PREFIX = "whsec_"
NEVER = datetime(1970, 1, 1, tzinfo=UTC)  #: when an event says no time that can be read
MOST_SIGNATURES = 10  #: one for each secret that Resend has; more are not looked at
_ID = re.compile(r"[!-~]{1,256}")  #: of a message, as it stands in a header
_SECONDS = re.compile(r"[0-9]{1,12}", re.ASCII)

#: The `type` of an event, but for bounces. A failure is a quota, a key or a domain of ours: nothing of the reader's.
TYPES: Mapping[str, Kind] = {
    "email.sent": Kind.ACCEPTED,
    "email.scheduled": Kind.ACCEPTED,
    "email.delivered": Kind.DELIVERED,
    "email.delivery_delayed": Kind.DEFERRED,
    "email.complained": Kind.COMPLAINED,
    "email.failed": Kind.BLOCKED,
    "email.suppressed": Kind.DROPPED,
    "email.opened": Kind.OPENED,
    "email.clicked": Kind.CLICKED,
}
BOUNCES: Mapping[str, Kind] = {
    "Permanent": Kind.HARD_BOUNCED,
    "Transient": Kind.SOFT_BOUNCED,
    "Undetermined": Kind.SOFT_BOUNCED,
}
#: A bounce's subType that says more than its type: about the message, or that nobody tried.
SUBTYPES: Mapping[str, Kind] = {
    "MailboxFull": Kind.SOFT_BOUNCED,
    "MessageTooLarge": Kind.BLOCKED,
    "ContentRejected": Kind.BLOCKED,
    "AttachmentRejected": Kind.BLOCKED,
    "Suppressed": Kind.DROPPED,
    "OnAccountSuppressionList": Kind.DROPPED,
}


class ResendHook:
    """The webhooks."""

    @property
    def refusal(self) -> int:
        """401: Resend tries again after anything but 2xx."""
        return HTTPStatus.UNAUTHORIZED

    def verify(self, incoming: Incoming, secrets: Sequence[str], now: datetime) -> bool:
        """Whether one of the signatures over id, time and body was made with one of the secrets, and just now."""
        names = ("svix-id", "svix-timestamp", "svix-signature")
        id_, said, signatures = (incoming.headers.get(name, "") for name in names)
        if not _ID.fullmatch(id_) or not _SECONDS.fullmatch(said) or not is_fresh(float(said), now):
            return False
        signed = f"{id_}.{said}.".encode("ascii") + incoming.body
        ours = [_signature(key, signed) for key in map(_key, secrets) if key]
        offered = [one.removeprefix("v1,") for one in signatures.split(" ")[:MOST_SIGNATURES] if one.startswith("v1,")]
        return any([any_same(ours, one) for one in offered])  # noqa: C419 - all are compared, whichever fits

    def parse(self, incoming: Incoming) -> Sequence[Event]:
        """The one event. Raises ProviderError for a body that is none of Resend's."""
        found = _document(incoming.body)
        name = member(found, "type")
        if not name:
            raise ProviderError(
                "A webhook's body has no type: it is not Resend's. Look at what is sent to this address."
            )
        kind, word, said = _meaning(name, found)
        event_id = incoming.headers.get("svix-id") or hashlib.sha256(incoming.body).hexdigest()[:32]
        return [
            Event(kind, _delivery(found), event_id, _when(member(found, "created_at")), word, said[:LONGEST_REASON])
        ]


def _key(secret: str) -> bytes:
    """The bytes of a secret as Resend shows it; none for what is no such secret."""
    text = secret.removeprefix(PREFIX)
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        return b""


def _signature(key: bytes, signed: bytes) -> str:
    return base64.b64encode(hmac.digest(key, signed, "sha256")).decode()


def _document(body: bytes) -> Any:
    """The JSON in it; None for what is none, or not UTF-8, lone surrogates among it."""
    try:
        return json.loads(body.decode())
    except (ValueError, RecursionError):
        return None


def _meaning(name: str, found: Any) -> tuple[Kind, str, str]:
    """What happened, Resend's own words for it, and the reason."""
    if name == "email.bounced":
        kind, sub = (member(found, "data", "bounce", part) for part in ("type", "subType"))
        known = BOUNCES.get(kind, Kind.UNKNOWN)
        said = [member(found, "data", "bounce", "message"), *_diagnostics(found, "bounce")]
        return SUBTYPES.get(sub, known), f"{name}:{kind}:{sub}", " ".join(filter(None, said))
    part = name.removeprefix("email.")
    why = member(found, "data", part, "reason")
    said = [member(found, "data", part, "message"), *_diagnostics(found, part)]
    return TYPES.get(name, Kind.UNKNOWN), f"{name}:{why}" if why else name, " ".join(filter(None, said))


def _diagnostics(found: Any, part: str) -> list[str]:
    """What the other side's server said, one line a recipient: here there is one."""
    return [line for line in member(found, "data", part, "diagnosticCode", kind=list) if isinstance(line, str)]


def _delivery(found: Any) -> str:
    """Our key: tags are sent as a list and come back as an object."""
    return str(member(found, "data", "tags", TAG))


def _when(said: str) -> datetime:
    """When it happened, in UTC (`data.created_at` is when the message was made); 1970 where that cannot be read."""
    try:
        when = datetime.fromisoformat(said)
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return NEVER
