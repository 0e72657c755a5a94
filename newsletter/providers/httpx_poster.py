"""The usual poster: httpx, with what it lacks for mail: one deadline for the whole call, and no second try.

A request costs it 0.4 to 0.9 ms whatever its size (dispatch reference, section 1): nothing for a call of a thousand
recipients, much for a call of one; for those see lean.py.
"""

import ssl
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpcore
import httpx

from newsletter.providers.poster import Answered, Failed, Limits, Request, Taken, believed, maybe_sent, not_sent
from newsletter.providers.wire import Left, Wire, deadline

#: Every failure that httpx knows. A test walks its exceptions and fails on one that is not here.
TAKEN: Mapping[type[httpx.TransportError], Taken] = {
    httpx.ConnectError: Taken.NOT_SENT,
    httpx.ConnectTimeout: Taken.NOT_SENT,
    httpx.PoolTimeout: Taken.NOT_SENT,
    httpx.ReadTimeout: Taken.MAYBE_SENT,
    httpx.WriteTimeout: Taken.MAYBE_SENT,
    httpx.ReadError: Taken.MAYBE_SENT,
    httpx.WriteError: Taken.MAYBE_SENT,
    httpx.CloseError: Taken.MAYBE_SENT,
    httpx.LocalProtocolError: Taken.MAYBE_SENT,
    httpx.RemoteProtocolError: Taken.MAYBE_SENT,
    httpx.ProxyError: Taken.MAYBE_SENT,
    httpx.UnsupportedProtocol: Taken.MAYBE_SENT,
}


class HttpxPoster:
    """Posts with httpx clients: each has one connection and serves one call at a time.

    Threads that share a client share its pool, and httpcore 1.0.9 may then close, as idle, a connection that another
    thread has just begun to use: a call in doubt for nothing.
    """

    def __init__(self, limits: Limits | None = None, *, context: ssl.SSLContext | None = None) -> None:
        """`context` verifies the server; without one, httpx's own does (certifi's list, by name)."""
        self.limits = limits or Limits()
        self._context = context or httpx.create_ssl_context(trust_env=False)
        self._resting: deque[_Client] = deque()
        self._free = threading.BoundedSemaphore(self.limits.connections)

    def post(self, request: Request) -> Answered | Failed:
        """See Poster.post."""
        left = deadline(self.limits.whole)
        if not self._free.acquire(timeout=self.limits.connect):
            return not_sent("no free connection")
        client = self._take()
        try:
            client.call.left = left
            return self._post(client, request)
        finally:
            self._resting.append(client)
            self._free.release()

    def close(self) -> None:
        """See Poster.close."""
        while self._resting:
            self._resting.pop().http.close()

    def _take(self) -> "_Client":
        """The client that was used last: its connection is the freshest."""
        try:
            return self._resting.pop()
        except IndexError:
            return _Client(self.limits, self._context)

    def _post(self, client: "_Client", request: Request) -> Answered | Failed:
        sending = _Sending(request.body, request.length)
        headers = {"accept-encoding": "identity", **request.headers, "content-length": str(request.length)}
        try:
            with client.http.stream(request.method, request.url, headers=headers, content=sending) as response:
                answered = self._answer(response)
        except httpx.TransportError as error:
            told = not_sent if TAKEN.get(type(error)) is Taken.NOT_SENT else maybe_sent
            return told(type(error).__name__)
        except _WrongLength:
            return maybe_sent("the body was not as long as announced")
        finally:
            sending.chunks = ()  # httpx's request and response hold each other: the body would wait for the collector
        return believed(answered, whole=sending.whole) if answered else maybe_sent("its answer was too long")

    def _answer(self, response: httpx.Response) -> Answered | None:
        """The whole answer, as it came; None if it is too long."""
        body = bytearray()
        for part in response.iter_raw():
            body += part
            if len(body) > self.limits.answer_bytes:
                return None
        return Answered(response.status_code, dict(response.headers), bytes(body))


class _WrongLength(Exception):
    """The chunks are not as long together as was said."""


class _Sending:
    """The chunks of a body, and whether the last one was taken off our hands."""

    def __init__(self, chunks: Iterable[bytes], length: int) -> None:
        self.chunks, self.missing, self.whole = chunks, length, False

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self.chunks:
            self.missing -= len(chunk)
            if self.missing < 0:
                break
            yield chunk
        if self.missing:
            raise _WrongLength
        self.whole = True


@dataclass
class _Call:
    """How long the call of one client may still take; set before each."""

    left: Left


class _Client:
    """One httpx client and the deadline of its call."""

    def __init__(self, limits: Limits, context: ssl.SSLContext) -> None:
        self.call = _Call(deadline(limits.whole))
        wait = httpx.Timeout(limits.whole, connect=limits.connect)
        transport = _Transport(self.call, limits, context)
        self.http = httpx.Client(transport=transport, timeout=wait, trust_env=False, follow_redirects=False)


class _Transport(httpx.HTTPTransport):
    """httpx's own, over a connection that ends at the call's deadline."""

    def __init__(self, call: _Call, limits: Limits, context: ssl.SSLContext) -> None:
        super().__init__(verify=context, trust_env=False)
        self._pool.close()
        self._pool = httpcore.ConnectionPool(
            ssl_context=context,
            max_connections=1,
            keepalive_expiry=limits.keep,
            retries=0,
            network_backend=_Backend(call, limits),
        )


class _Backend(httpcore.NetworkBackend):
    def __init__(self, call: _Call, limits: Limits) -> None:
        self.call, self.limits = call, limits

    def connect_tcp(self, host: str, port: int, *_: Any, **__: Any) -> httpcore.NetworkStream:
        with _Named(httpcore.ConnectTimeout, httpcore.ConnectError):
            return _Stream(Wire.to(host, port, self.call.left, self.limits), self.call)


class _Stream(httpcore.NetworkStream):
    def __init__(self, wire: Wire, call: _Call) -> None:
        self.wire, self.call = wire, call

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - the deadline is ours
        with _Named(httpcore.ReadTimeout, httpcore.ReadError):
            return self.wire.receive(self.call.left, max_bytes)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        with _Named(httpcore.WriteTimeout, httpcore.WriteError):
            self.wire.send(buffer, self.call.left)

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        with _Named(httpcore.ConnectTimeout, httpcore.ConnectError):
            return _Stream(self.wire.secured(ssl_context, server_hostname or "", self.call.left), self.call)

    def close(self) -> None:
        self.wire.close()

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":
            return self.wire.has_something()
        return self.wire.sock if info == "socket" else None


class _Named:
    """Calls a failure of the socket by the name that httpcore has for it."""

    def __init__(self, late: type[Exception], broken: type[Exception]) -> None:
        self.late, self.broken = late, broken

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if isinstance(error, TimeoutError):
            raise self.late(str(error)) from error
        if isinstance(error, OSError):
            raise self.broken(str(error)) from error
