"""The port for talking to a provider: one request, one answer, or a failure that says what it may have done.

An adapter makes requests and reads answers, and is pure; a poster does the talking, and knows no provider. It never
tries twice, never follows a redirect and never raises for what a network does. A failure is NOT_SENT only where no byte
of the request can have left: everything else may have been taken (security reference 3.7).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol
from urllib.parse import urlsplit

from newsletter.errors import ProviderError

MOST_ANSWER_BYTES = 4_000_000  #: a receipt for each of a thousand recipients is a tenth of that
_LOCAL = ("localhost", "127.0.0.1", "::1")


class Taken(StrEnum):
    """What the other side may have of a request that was not answered."""

    NOT_SENT = "not sent"  #: certainly nothing: it can be tried again
    MAYBE_SENT = "maybe sent"  #: perhaps everything


@dataclass(frozen=True, slots=True)
class Request:
    """One call. What may hold a secret or an address is not in its repr."""

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Iterable[bytes] = field(default=(), repr=False)  #: chunks
    length: int = 0  #: of all chunks together, in bytes

    def __post_init__(self) -> None:
        """Raises ProviderError for an address without TLS (except on this machine), or with a password in it."""
        parts = urlsplit(self.url)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOCAL):
            raise ProviderError("A provider is called by https (http only on localhost). Mend the adapter's address.")
        if not parts.hostname or parts.username is not None or not self.url.isascii() or not self.url.isprintable():
            raise ProviderError("A provider's address needs a host, plain characters and no password. Mend it.")


@dataclass(frozen=True, slots=True)
class Answered:
    """A complete answer, whatever it says."""

    status: int
    headers: Mapping[str, str]  #: names in lower case; values of a repeated one joined by ", "
    body: bytes


@dataclass(frozen=True, slots=True)
class Failed:
    """No complete answer."""

    taken: Taken
    reason: str  #: a sentence without addresses or secrets


class Poster(Protocol):
    """What talks. Called from several threads at once."""

    def post(self, request: Request) -> Answered | Failed:
        """Send the request and wait for the whole answer, at most as long as the poster was told when it was made."""
        ...

    def close(self) -> None:
        """Close connections that are kept for the next request."""
        ...


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a poster waits, in seconds, and how much it takes."""

    whole: float = 60.0  #: from the call to the end of the answer, whatever happens in between
    connect: float = 5.0  #: for one address of the host's name; also for a free connection
    #: A kept connection is not used after this; servers close theirs after 5 s and more, and one that is just being
    #: closed gives doubt for nothing (13 of 26: security reference 3.7).
    keep: float = 2.0
    connections: int = 8
    answer_bytes: int = MOST_ANSWER_BYTES


def not_sent(what: str) -> Failed:
    """No byte of the request has left."""
    return Failed(Taken.NOT_SENT, f"The provider could not be reached ({what}). Nothing was sent.")


def maybe_sent(what: str) -> Failed:
    """The request left, or may have, and there is no answer to rely on."""
    return Failed(Taken.MAYBE_SENT, f"The provider gave no complete answer ({what}). It may have taken the call.")


def believed(answered: Answered, *, whole: bool) -> Answered | Failed:
    """An answer to a request that left as a whole, or that refuses the part that came; nobody can accept a part."""
    if whole or answered.status >= 400:  # noqa: PLR2004 - the first status that refuses
        return answered
    return maybe_sent("it answered before it had everything")
