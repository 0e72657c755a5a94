"""The certificates with which Amazon SNS signs: from Amazon's own hosts, kept, and fetched one at a time.

A message names its certificate, so a stranger who knows our topic chooses what we fetch: what is kept and how often we
fetch is bounded, an address that failed rests, and nobody waits for somebody else's fetch. SNS posts again what it got
no good answer to.
"""

import re
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from urllib.parse import urlsplit

from cryptography import x509

from newsletter.errors import NewsletterError, ProviderError
from newsletter.providers.httpx_poster import HttpxPoster
from newsletter.providers.poster import Answered, Limits, Poster, Request

MOST_CERTIFICATES = 64  #: more than Amazon has regions; each changes about once a year
LONGEST_FETCH = 5.0  #: seconds; SNS itself waits for 15 s
REST = timedelta(minutes=1)  #: before an address that failed is tried again
MOST_FETCHES, WITHIN = 10, timedelta(minutes=10)
#: With a region's name: "sns.s3.amazonaws.com" is anybody's bucket.
_HOST = re.compile(r"sns\.[a-z]{2}(-[a-z]+)+-[0-9]\.amazonaws\.com(\.cn)?")
_PATH = re.compile(r"/[A-Za-z0-9_-]+\.pem")


@dataclass
class Certificates:
    """By address. Called from several threads at once."""

    #: An https address in, PEM out. Follows no redirect, and raises NewsletterError, OSError or ValueError.
    fetch: Callable[[str], bytes]
    _kept: dict[str, x509.Certificate] = field(default_factory=dict)
    _failed: dict[str, datetime] = field(default_factory=dict)
    _fetches: deque[datetime] = field(default_factory=lambda: deque(maxlen=MOST_FETCHES))
    _alone: threading.Lock = field(default_factory=threading.Lock)

    def at(self, url: str, now: datetime) -> x509.Certificate:
        """As it was fetched before, or now. Raises ValueError for any other place, and while it cannot be had."""
        if (kept := self._kept.get(url)) is not None:
            return kept
        if not is_certificate_url(url):
            raise ValueError("SNS keeps no certificate there.")
        if not self._alone.acquire(blocking=False):  # a slow host must not hold every thread of the server
            raise ValueError("The fetcher is busy.")
        try:
            return self._fetched(url, now)
        finally:
            self._alone.release()

    def _fetched(self, url: str, now: datetime) -> x509.Certificate:
        busy = len(self._fetches) == MOST_FETCHES and now - self._fetches[0] < WITHIN
        if busy or now - self._failed.get(url, now - REST) < REST:
            raise ValueError("It failed a moment ago, or there were too many.")
        self._fetches.append(now)
        try:
            found = x509.load_pem_x509_certificate(self.fetch(url))
        except (NewsletterError, OSError, ValueError):
            self._failed = {one: at for one, at in self._failed.items() if now - at < REST} | {url: now}
            raise
        for old in list(self._kept)[: max(0, len(self._kept) - MOST_CERTIFICATES + 1)]:
            del self._kept[old]
        self._kept[url] = found
        return found


def fetched(url: str) -> bytes:
    """A certificate from the network: no redirect, 5 s and 50 kB at most. Raises ProviderError."""
    poster = HttpxPoster(Limits(whole=LONGEST_FETCH, answer_bytes=50_000))
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


def is_certificate_url(url: str) -> bool:
    """Whether SNS keeps its certificates there: its own host in a region, https, a .pem, nothing else."""
    return is_sns_url(url) and not urlsplit(url).query and bool(_PATH.fullmatch(urlsplit(url).path))


def is_sns_url(url: str) -> bool:
    """Whether an address is one of SNS's own hosts, by https, without port, password or fragment."""
    parts = urlsplit(url)
    plain = url.isascii() and url.isprintable() and not parts.fragment
    return plain and parts.scheme == "https" and _HOST.fullmatch(parts.netloc) is not None
