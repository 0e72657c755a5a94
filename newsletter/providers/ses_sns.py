"""Whether Amazon SNS sent a message, and about our topic: its signature, and the certificate that belongs to it.

SNS signs lines of names and values, not the body: with SHA-1 (SignatureVersion 1, a topic's default) or SHA-256 (2).
Source: "Verifying the signatures of Amazon SNS messages" in its developer guide. The cheap checks come first, and the
certificate is fetched last: a stranger who does not know our topic makes us fetch nothing.
"""

import base64
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from newsletter.errors import NewsletterError, ProviderError
from newsletter.providers.hooks import FRESH, any_same
from newsletter.providers.httpx_poster import HttpxPoster
from newsletter.providers.poster import Answered, Limits, Poster, Request

#: SNS tries again for at most 3,600 s ("Amazon SNS message delivery retries") and keeps the first attempt's Timestamp.
LONGEST_RETRY = timedelta(hours=1)
MOST_CERTIFICATES = 8  #: SNS changes its own about once a year
#: With a region's name: "sns.s3.amazonaws.com" is anybody's bucket.
_HOST = re.compile(r"sns\.[a-z]{2}(-[a-z]+)+-[0-9]\.amazonaws\.com(\.cn)?")
_CERTIFICATE = re.compile(r"/[A-Za-z0-9_-]+\.pem")
_CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
#: What is signed, in this order; a Subject only where there is one.
SIGNED: Mapping[str, Sequence[str]] = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": _CONFIRMATION,
    "UnsubscribeConfirmation": _CONFIRMATION,
}
_HASHES: Mapping[str, type[hashes.SHA1 | hashes.SHA256]] = {"1": hashes.SHA1, "2": hashes.SHA256}


@dataclass
class SnsVerifier:
    """Keeps the certificates that it was given. Called from several threads at once."""

    #: An https address in, PEM out. Follows no redirect, and raises NewsletterError, OSError or ValueError.
    fetch: Callable[[str], bytes]
    _kept: dict[str, x509.Certificate] = field(default_factory=dict)

    def is_genuine(self, message: Mapping[str, str], topics: Sequence[str], now: datetime) -> bool:
        """Whether SNS signed this message for one of these topics, recently. Never raises."""
        try:
            return self._is_genuine(message, topics, now)
        except (NewsletterError, OSError, ValueError, KeyError, InvalidSignature, UnsupportedAlgorithm):
            return False

    def _is_genuine(self, message: Mapping[str, str], topics: Sequence[str], now: datetime) -> bool:
        if not any_same([topic for topic in topics if topic], message["TopicArn"]) or not _is_recent(message, now):
            return False
        lines, signature = canonical(message), base64.b64decode(message["Signature"], validate=True)
        algorithm = _HASHES[message["SignatureVersion"]]()
        certificate = self._certificate(message["SigningCertURL"])
        key = certificate.public_key()
        if not (certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc):
            return False
        if not isinstance(key, RSAPublicKey):
            return False
        key.verify(signature, lines, padding.PKCS1v15(), algorithm)
        return True

    def _certificate(self, url: str) -> x509.Certificate:
        """From where SNS keeps them, or as it was fetched before. Raises ValueError for any other place."""
        if not is_certificate_url(url):
            raise ValueError
        if url not in self._kept:
            found = x509.load_pem_x509_certificate(self.fetch(url))
            for old in list(self._kept)[: max(0, len(self._kept) - MOST_CERTIFICATES + 1)]:
                self._kept.pop(old, None)
            self._kept[url] = found
        return self._kept[url]


def fetched(url: str) -> bytes:
    """A certificate from the network: no redirect, 10 s and 50 kB at most. Raises ProviderError."""
    poster = HttpxPoster(Limits(whole=10.0, answer_bytes=50_000))
    try:
        return certificate_from(poster, url)
    finally:
        poster.close()


def certificate_from(poster: Poster, url: str) -> bytes:
    """The same through any poster."""
    said = poster.post(Request("GET", url))
    if isinstance(said, Answered) and said.status == HTTPStatus.OK:
        return said.body
    raise ProviderError("The certificate of Amazon SNS could not be had. SNS will post again; check the way out.")


def read(body: bytes) -> dict[str, str]:
    """The message of SNS: everything in it is text, and what is not is left out. Empty where a body is none."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    texts = {name: value for name, value in found.items() if isinstance(value, str)} if isinstance(found, dict) else {}
    return texts if texts.get("Type") in SIGNED else {}


def canonical(message: Mapping[str, str]) -> bytes:
    """What is signed: a line for each name and each value. Raises KeyError for what is missing."""
    names = [name for name in SIGNED[message["Type"]] if name != "Subject" or name in message]
    return "".join(f"{name}\n" + message[name] + "\n" for name in names).encode()


def is_certificate_url(url: str) -> bool:
    """Whether SNS keeps its certificates there: its own host in a region, https, a .pem, nothing else."""
    return is_sns_url(url) and not urlsplit(url).query and bool(_CERTIFICATE.fullmatch(urlsplit(url).path))


def is_sns_url(url: str) -> bool:
    """Whether an address is one of SNS's own hosts, by https, without port, password or fragment."""
    parts = urlsplit(url)
    plain = url.isascii() and url.isprintable() and not parts.fragment
    return plain and parts.scheme == "https" and _HOST.fullmatch(parts.netloc) is not None


def moment(text: str) -> datetime:
    """A time as AWS writes it, "2026-11-12T09:00:00.000Z"; in UTC where it names no zone. Raises ValueError."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _is_recent(message: Mapping[str, str], now: datetime) -> bool:
    return -FRESH <= now - moment(message["Timestamp"]) <= LONGEST_RETRY + FRESH
