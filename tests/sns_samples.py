"""Messages of Amazon SNS, signed with a key of our own whose certificate stands where Amazon's would."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

from newsletter.errors import ProviderError
from newsletter.providers import ses_sns
from newsletter.providers.hooks import Incoming
from newsletter.providers.ses_hook import SesHook

NOW = datetime(2026, 11, 12, 9, tzinfo=UTC)
TOPIC = "arn:aws:sns:eu-west-1:123456789012:newsletter"
CERTIFICATE = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem"
SUBSCRIBE = f"https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token={'2' * 300}"


@cache
def sns_key() -> rsa.RSAPrivateKey:
    """Amazon's, here made up."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def pem(days: int = 365, *, elliptic: bool = False) -> bytes:
    """The certificate of that key, good for so many days around now."""
    key = ec.generate_private_key(ec.SECP256R1()) if elliptic else sns_key()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, NOW - timedelta(366), NOW + timedelta(days))
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@dataclass
class Authority:
    """Gives the certificate, and keeps who asked for what."""

    answer: bytes = field(default_factory=pem)
    asked: list[str] = field(default_factory=list)

    def __call__(self, url: str) -> bytes:
        """As the network would."""
        self.asked.append(url)
        if not self.answer:
            raise ProviderError("The certificate could not be had.")
        return self.answer


def signed(version: str = "2", **changes: Any) -> dict[str, Any]:
    """A message as SNS posts it, signed after the changes."""
    message = {
        "Type": "Notification",
        "MessageId": "m-1",
        "TopicArn": TOPIC,
        "Message": json.dumps(event("Delivery")),
        "Timestamp": "2026-11-12T08:59:30.000Z",
        "SignatureVersion": version,
        "SigningCertURL": CERTIFICATE,
        **changes,
    }
    algorithm = hashes.SHA1() if version == "1" else hashes.SHA256()  # noqa: S303 - as Amazon does by default
    signature = sns_key().sign(ses_sns.canonical(message), padding.PKCS1v15(), algorithm)
    return message | {"Signature": base64.b64encode(signature).decode()}


def event(kind: str, **details: Any) -> dict[str, Any]:
    """An event of SES for the delivery "key-ada"."""
    mail = {
        "timestamp": "2026-11-12T08:00:00.000Z",
        "messageId": "ses-1",
        "destination": ["ada@example.org"],
        "tags": {"ses:configuration-set": ["weekly"], "nl_delivery": ["key-ada"]},
    }
    return {"eventType": kind, "mail": mail, **details}


def incoming(message: Mapping[str, Any]) -> Incoming:
    """The request."""
    return Incoming({"x-amz-sns-message-type": "x"}, json.dumps(message).encode())


def hook(certificates: Authority | None = None, topic: str = TOPIC, sha1: str = "no") -> SesHook:
    """The hook for our topic."""
    options = {"topic_arn": topic, "region": "eu-west-1", "sns_sha1": sha1}
    return SesHook(options, certificates or Authority())


def believed(message: Mapping[str, Any], certificates: Authority | None = None, now: datetime = NOW) -> bool:
    """Whether the hook takes it."""
    return hook(certificates).verify(incoming(message), (), now)
