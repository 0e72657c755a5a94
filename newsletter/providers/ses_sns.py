"""Whether Amazon SNS sent a message, and about our topic: its signature, and the certificate that belongs to it.

SNS signs lines of names and values, not the body: with SHA-256 (SignatureVersion 2), or with SHA-1 (1, a topic's
default), which is refused unless it is asked for. Source: "Verifying the signatures of Amazon SNS messages" in its
developer guide. The cheap checks come first: a stranger who does not know our topic makes us fetch nothing.
"""

import base64
import json
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from newsletter.errors import NewsletterError
from newsletter.providers.hooks import FRESH, any_same
from newsletter.providers.sns_certificates import Certificates

#: SNS tries again for at most 3,600 s ("Amazon SNS message delivery retries") and keeps the first attempt's Timestamp.
LONGEST_RETRY = timedelta(hours=1)
SHA1, SHA256 = "1", "2"  #: SignatureVersion
#: A message's id. Without that, one signature would be good for several: its lines could be divided in other ways.
_ID = re.compile(r"[!-~]{1,100}")
_CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
#: What is signed, in this order; a Subject only where there is one.
SIGNED: Mapping[str, Sequence[str]] = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": _CONFIRMATION,
    "UnsubscribeConfirmation": _CONFIRMATION,
}
_HASHES: Mapping[str, type[hashes.SHA1 | hashes.SHA256]] = {SHA1: hashes.SHA1, SHA256: hashes.SHA256}

log = logging.getLogger(__name__)


@dataclass
class SnsVerifier:
    """Called from several threads at once."""

    certificates: Certificates
    takes_sha1: bool = False
    said: Callable[..., None] = log.warning

    def is_genuine(self, message: Mapping[str, str], topics: Sequence[str], now: datetime) -> bool:
        """Whether SNS signed this message for one of these topics, recently. Never raises."""
        try:
            return self._is_genuine(message, topics, now)
        except (NewsletterError, OSError, ValueError, KeyError, InvalidSignature, UnsupportedAlgorithm):
            return False

    def _is_genuine(self, message: Mapping[str, str], topics: Sequence[str], now: datetime) -> bool:
        if not any_same([topic for topic in topics if topic], message["TopicArn"]) or not _is_recent(message, now):
            return False
        if message["SignatureVersion"] == SHA1 and not self.takes_sha1:
            self.said(
                "Amazon SNS signs with SHA-1, which is not believed. Set the topic's SignatureVersion to 2 "
                "(docs/providers/ses.md); SNS posts the message again."
            )
            return False
        lines, signature = canonical(message), base64.b64decode(message["Signature"], validate=True)
        algorithm = _HASHES[message["SignatureVersion"]]()
        certificate = self.certificates.at(message["SigningCertURL"], now)
        key = certificate.public_key()
        if not (certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc):
            return False
        if not isinstance(key, RSAPublicKey):
            return False
        key.verify(signature, lines, padding.PKCS1v15(), algorithm)
        return True


def read(body: bytes) -> dict[str, str]:
    """The message of SNS: everything in it is text, and what is not is left out. Empty where a body is none."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    texts = {name: value for name, value in found.items() if isinstance(value, str)} if isinstance(found, dict) else {}
    return texts if texts.get("Type") in SIGNED else {}


def canonical(message: Mapping[str, str]) -> bytes:
    """What is signed: a line for each name and each value.

    Only the Message may have several lines, so that there is one way to read them. Raises KeyError for what is missing,
    ValueError for a value of several lines or an id that is none.
    """
    names = [name for name in SIGNED[message["Type"]] if name != "Subject" or name in message]
    if not _ID.fullmatch(message["MessageId"]) or any("\n" in message[name] for name in names if name != "Message"):
        raise ValueError("All but the message has one line.")
    return "".join(f"{name}\n" + message[name] + "\n" for name in names).encode()


def moment(text: str) -> datetime:
    """A time as AWS writes it, "2026-11-12T09:00:00.000Z"; in UTC where it names no zone. Raises ValueError."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _is_recent(message: Mapping[str, str], now: datetime) -> bool:
    return -FRESH <= now - moment(message["Timestamp"]) <= LONGEST_RETRY + FRESH
