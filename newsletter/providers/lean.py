"""A poster for providers that take one message per call: sockets and as little as HTTP/1.1 needs.

A call costs it some 40 µs where httpx needs 400 to 900 (dispatch reference, section 1). Threads share it; each call has
a connection for itself, and leaves it to the next.
"""

import ssl
import threading
import time
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from newsletter.errors import ProviderError
from newsletter.providers.answer_reader import AnswerReader, NoAnswer
from newsletter.providers.poster import Answered, Failed, Limits, Request, believed, maybe_sent, not_sent
from newsletter.providers.wire import Left, Wire, deadline

_OURS = ("host", "content-length", "transfer-encoding", "connection", "expect")
SMALL = 16_384  #: a first chunk up to this goes out in one piece with the head

Server = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class _Kept:
    wire: Wire
    since: float


class LeanPoster:
    """Posts over its own connections."""

    def __init__(self, limits: Limits | None = None, *, context: ssl.SSLContext | None = None) -> None:
        """`context` verifies the server; without one, the system's certificates do, by name."""
        self.limits = limits or Limits()
        self._context = context or ssl.create_default_context()
        self._kept: dict[Server, deque[_Kept]] = {}
        self._free = threading.BoundedSemaphore(self.limits.connections)

    def post(self, request: Request) -> Answered | Failed:
        """See Poster.post."""
        left = deadline(self.limits.whole)
        parts = urlsplit(request.url)
        head = _head(request, parts)
        if not self._free.acquire(timeout=self.limits.connect):
            return not_sent("no free connection")
        try:
            return self._post(_server(parts), head, request, left)
        finally:
            self._free.release()

    def close(self) -> None:
        """See Poster.close."""
        for kept in self._kept.values():
            while kept:
                kept.pop().wire.close()

    def _post(self, server: Server, head: bytes, request: Request, left: Left) -> Answered | Failed:
        try:
            wire = self._idle(server) or self._new(server, left)
        except OSError as error:
            return not_sent(type(error).__name__)
        reader = AnswerReader(lambda: wire.receive(left), self.limits.answer_bytes, request.method)
        whole = False
        try:
            whole = _send(wire, head, request, left)
            answered = reader.read()
        except (OSError, NoAnswer) as error:
            return maybe_sent(str(error) if isinstance(error, NoAnswer) else type(error).__name__)
        finally:
            self._keep_or_close(server, wire, keep=whole and reader.reusable)
        return believed(answered, whole=whole)

    def _new(self, server: Server, left: Left) -> Wire:
        scheme, host, port = server
        wire = Wire.to(host, port, left, self.limits)
        return wire.secured(self._context, host, left) if scheme == "https" else wire

    def _idle(self, server: Server) -> Wire | None:
        """The connection that was used last, if the server cannot be about to close it."""
        kept, oldest = self._kept.setdefault(server, deque()), time.monotonic() - self.limits.keep
        with suppress(IndexError):
            while True:
                found = kept.pop()
                if found.since > oldest and not found.wire.has_something():
                    return found.wire
                found.wire.close()
        return None

    def _keep_or_close(self, server: Server, wire: Wire, *, keep: bool) -> None:
        if keep:
            self._kept[server].append(_Kept(wire, time.monotonic()))
        else:
            wire.close()


def _send(wire: Wire, head: bytes, request: Request, left: Left) -> bool:
    """Send head and body; False if the server stopped listening: its answer may be there all the same.

    Raises NoAnswer if the body is not as long as it said: the server waits for the rest, and will not take it.
    """
    sent = -len(head)
    try:
        for chunk in _joined(head, request.body):
            sent += len(chunk)
            if sent > request.length:
                break
            wire.send(chunk, left)
    except (BrokenPipeError, ConnectionResetError, ssl.SSLEOFError):
        return False
    if sent != request.length:
        raise NoAnswer("the body was not as long as announced")
    return True


def _joined(head: bytes, chunks: Iterable[bytes]) -> Iterable[bytes]:
    """Head and chunks; a small first chunk with the head, in one packet."""
    pieces = iter(chunks)
    first = next(pieces, b"")
    if len(first) <= SMALL:
        yield head + first
    else:
        yield head
        yield first
    yield from pieces


def _head(request: Request, parts: SplitResult) -> bytes:
    """Request line and headers. Raises ProviderError for a header that is not one line of latin-1."""
    lines = [
        f"{request.method} {parts.path or '/'}{'?' + parts.query if parts.query else ''} HTTP/1.1",
        f"Host: {parts.netloc}",
        *(f"{name}: {value}" for name, value in request.headers.items() if name.lower() not in _OURS),
        f"Content-Length: {request.length}",
    ]
    try:
        encoded = [line.encode("latin-1") for line in lines]
    except UnicodeEncodeError:
        encoded = []
    if not encoded or any(b"\r" in line or b"\n" in line or b"\0" in line for line in encoded):
        raise ProviderError("A header for the provider is not one plain line; look at its key in the settings.")
    return b"\r\n".join((*encoded, b"", b""))


def _server(parts: SplitResult) -> Server:
    return parts.scheme, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
