"""The one function that fetches, without being used against the machine it runs on (security reference S-31 to S-33).

The name is looked up once, every address it has must be public, and the connection goes to an address that was
checked; TLS is still by name. One deadline holds for everything, one limit for the answer after inflating.
"""

import contextlib
import ipaddress
import re
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import quote, urljoin, urlsplit

import httpcore

from newsletter.comparisons.address import shortened, web_address
from newsletter.errors import FetchRefused

MOST_BYTES = 2_000_000
MOST_HEADER_BYTES = 64_000
SECONDS = 10.0
MOST_REDIRECTS = 3
_CONNECT_SECONDS = 3.0  #: for one of a name's addresses
_PORTS = (80, 443)
_REDIRECTS = (301, 302, 303, 307, 308)
_PAGES = ("text/", "application/json", "application/xml", "application/xhtml", "application/feed+json")
_INTERNALS = re.compile(r"\[[^\]]{1,60}\] ?| ?\(_ssl\.c:\d+\)")  #: of the system's messages: error numbers and the like
_HEADERS = (
    (b"accept", b"text/html, text/plain, application/json, application/xml;q=0.9"),
    (b"accept-encoding", b"gzip, identity;q=0.5"),
    (b"user-agent", b"weekly-verdicts (+a newsletter that reads compare pages)"),
)

#: Addresses that `is_global` calls public (3.11.7) and that are not: they lead elsewhere, or to nobody (RFC 6890).
_ODD = [
    ipaddress.ip_network(net)
    for net in (
        "::/3",  # global unicast is 2000::/3: here are IPv4-compatible, -translated (two kinds), and discarded ones
        "4000::/2",  # with segment routing
        "8000::/1",  # with unique local, link-local, site-local and multicast
        "2001::/23",  # protocol assignments, with Teredo
        "2002::/16",  # 6to4
        "3fff::/20",  # documentation
        "192.88.99.0/24",
        "192.0.0.0/24",
    )
]

Resolve = Callable[[str, int], Iterable[str]]


class Page(NamedTuple):
    """What was fetched: the address after redirects, the inflated body, the Content-Type header (perhaps empty)."""

    url: str
    body: bytes
    content_type: str


def is_public(address: str) -> bool:
    """Whether an IP address is one on the public internet."""
    ip = ipaddress.ip_address(address)
    ip = getattr(ip, "ipv4_mapped", None) or ip
    return ip.is_global and not ip.is_multicast and not any(ip.version == net.version and ip in net for net in _ODD)


def look_up(host: str, port: int) -> list[str]:
    """Every address of a name, as the system's resolver tells."""
    found = socket.getaddrinfo(host, port, proto=socket.IPPROTO_TCP)
    return [str(entry[4][0]).split("%")[0] for entry in found]


def fetch(
    url: str,
    *,
    most_bytes: int = MOST_BYTES,
    seconds: float = SECONDS,
    allow: Callable[[str], bool] = is_public,
    resolve: Resolve = look_up,
    ports: Sequence[int] = _PORTS,
    ssl_context: ssl.SSLContext | None = None,
) -> Page:
    """The page at this address, after at most three redirects.

    `allow`, `resolve`, `ports` and `ssl_context` are for tests against a loopback server.
    Raises FetchRefused, one sentence, for an address that is not fetched and for an answer that is not a whole page.
    """
    guard = _Guard(time.monotonic() + seconds, allow, resolve, ports)
    try:
        for _ in range(MOST_REDIRECTS + 1):
            answer = _once(url, guard, ssl_context or _tls(), most_bytes)
            if isinstance(answer, Page):
                return answer
            url = _redirected(url, answer)
    except (httpcore.TimeoutException, TimeoutError):
        raise FetchRefused(f"{_shown(url)} was too slow: there was no whole answer in {seconds:g} s.") from None
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol, OSError) as error:
        raise FetchRefused(
            f"{_shown(url)} could not be read: {_reason(error)}. Try again, or check the address."
        ) from None
    raise FetchRefused(f"{_shown(url)} is behind more than {MOST_REDIRECTS} redirects. Name the last address.")


def _reason(error: Exception) -> str:
    """What went wrong, in words for a person; other programs' words about bytes say nothing to one."""
    if isinstance(error, httpcore.ProtocolError):
        return "the answer broke off, or is not HTTP"
    return shortened(_INTERNALS.sub("", str(error))).rstrip(".") or "the connection broke"


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


class _Stream(httpcore.NetworkStream):
    """Every read and write gets only what is left of the time for the whole answer: dripping does not help."""

    def __init__(self, stream: httpcore.NetworkStream, guard: "_Guard") -> None:
        self._stream = stream
        self._guard = guard

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        return self._stream.read(max_bytes, self._guard.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        self._stream.write(buffer, self._guard.left())

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, self._guard.left()), self._guard)

    def close(self) -> None:
        self._stream.close()

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Guard(httpcore.NetworkBackend):
    """Connects to an address it has checked; there is no second look-up."""

    def __init__(self, end: float, allow: Callable[[str], bool], resolve: Resolve, ports: Sequence[int]) -> None:
        self._end = end
        self._allow = allow
        self._resolve = resolve
        self._ports = ports

    def left(self) -> float:
        """Seconds that are left for everything. Raises TimeoutError when there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.NetworkStream:
        addresses = self._checked(host, port)
        failure: Exception | None = None
        for address in addresses:
            try:
                seconds = min(self.left(), _CONNECT_SECONDS)
                stream = httpcore.SyncBackend().connect_tcp(address, port, seconds, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _Stream(stream, self)
        raise failure or httpcore.ConnectError(f"{shortened(host)} has no address")

    def _checked(self, host: str, port: int) -> list[str]:
        if port not in self._ports:
            raise FetchRefused(
                f"Port {port} of {shortened(host)} is not fetched: only web pages on ports 80 and 443 are."
            )
        found = list(dict.fromkeys(_in_time(lambda: list(self._resolve(host, port)), self.left())))
        if not all(map(self._allow, found)):
            raise FetchRefused(f"{shortened(host)} is not on the public internet: it is not fetched.")
        return found


def _in_time(call: Callable[[], list[str]], seconds: float) -> list[str]:
    """The call's result, waited for at most so long: the system's resolver knows no time limit of its own."""
    results: list[list[str]] = []
    errors: list[OSError] = []

    def run() -> None:
        try:
            results.append(call())
        except OSError as error:
            errors.append(OSError(f"its name is not known ({error.strerror or 'there is no answer'})"))
        except UnicodeError:
            errors.append(OSError("its name is none that the internet can have"))

    worker = threading.Thread(target=run, daemon=True)
    worker.start()
    worker.join(seconds)
    if errors:
        raise errors[0]
    if not results:
        raise TimeoutError
    return results[0]


def _once(url: str, guard: _Guard, context: ssl.SSLContext, most_bytes: int) -> Page | str:
    """One request: the page, or the address that the answer points to."""
    target = _request_url(url)
    with (
        httpcore.ConnectionPool(ssl_context=context, network_backend=guard, retries=0) as pool,
        contextlib.closing(_Answer(pool, target)) as answer,
    ):
        head = answer.headers
        if answer.status in _REDIRECTS and "location" in head:
            return head["location"]
        if answer.status != 200:  # noqa: PLR2004
            raise FetchRefused(f"{_shown(url)} answered {answer.status}, not a page. Check the address.")
        content_type = head.get("content-type", "")
        if content_type and not content_type.lower().startswith(_PAGES):
            raise FetchRefused(f"{_shown(url)} is {shortened(content_type)}, not a page, a feed or a sitemap.")
        return Page(url, _body(answer, url, most_bytes), content_type)


class _Answer:
    """An open answer, its headers by lower-case name."""

    def __init__(self, pool: httpcore.ConnectionPool, target: httpcore.URL) -> None:
        self._response = pool.handle_request(
            httpcore.Request("GET", target, headers=[(b"host", _host(target)), *_HEADERS])
        )
        self.status = self._response.status
        told = self._response.headers
        size = sum(len(name) + len(value) + 4 for name, value in told)
        if size > MOST_HEADER_BYTES:
            self.close()
            raise FetchRefused(
                f"The headers of {shortened(target.host.decode())} are larger than {MOST_HEADER_BYTES:,} bytes."
            )
        self.headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in told}

    def chunks(self) -> Iterator[bytes]:
        """The body as it comes over the wire."""
        return self._response.iter_stream()

    def close(self) -> None:
        self._response.close()


def _body(answer: _Answer, url: str, most_bytes: int) -> bytes:
    coding = answer.headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("identity", "gzip", ""):
        raise FetchRefused(f"{_shown(url)} is encoded as {shortened(coding)}; only gzip is read.")
    unzip = zlib.decompressobj(31) if coding == "gzip" else None
    body = bytearray()
    received = 0  # counted as well: blocks of gzip may inflate to nothing
    try:
        for raw in answer.chunks():
            received += len(raw)
            if received <= most_bytes:
                body += unzip.decompress(raw, most_bytes + 1 - len(body)) if unzip else raw
            if max(received, len(body)) > most_bytes:
                raise FetchRefused(f"{_shown(url)} is larger than {most_bytes:,} bytes: it is not read.")
            if unzip and unzip.unused_data:
                raise FetchRefused(f"{_shown(url)} goes on behind the end of its gzip: it is not read.")
    except zlib.error:
        raise FetchRefused(f"{_shown(url)} says it is gzip and is not.") from None
    if unzip and not unzip.eof:
        raise FetchRefused(f"{_shown(url)} ended too early. Try again.")
    return bytes(body)


def _request_url(url: str) -> httpcore.URL:
    """The address in the parts that are requested; parsed once, here. Raises FetchRefused."""
    if not (address := web_address(url)):
        raise FetchRefused(f"{_shown(url)} is not a web address: write http:// or https://, a host, no user or blanks.")
    parts = urlsplit(address)
    try:
        name = parts.hostname or ""
        host = name.encode("ascii" if ":" in name else "idna")
        port = parts.port
    except (UnicodeError, ValueError):
        raise FetchRefused(f"{_shown(url)} is not a web address: its host or port cannot be read.") from None
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    query = "?" + quote(parts.query, safe="/%:@!$&'()*+,;=~-._?") if parts.query else ""
    return httpcore.URL(scheme=parts.scheme, host=host, port=port, target=(path + query).encode("ascii"))


def _redirected(url: str, location: str) -> str:
    try:
        after = urljoin(url, location)
    except ValueError:
        after = ""
    if url.startswith("https:") and not after.startswith("https:"):
        raise FetchRefused(f"{_shown(url)} leads away from https: it is not followed.")
    return after


def _host(target: httpcore.URL) -> bytes:
    host = b"[" + target.host + b"]" if b":" in target.host else target.host
    return host if target.port is None else host + b":%d" % target.port


def _shown(url: str) -> str:
    """The address without query, user and anything unprintable: what may stand in a message."""
    scheme, mark, rest = re.split(r"[?#]", url, maxsplit=1)[0].partition("://")
    return shortened(scheme + mark + rest.rpartition("@")[2]) or "The address"
