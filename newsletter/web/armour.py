"""What stands around every page: the Host is ours, the headers are strict, and nothing breaks out.

The policy allows our own style sheet and our own forms and nothing else: no script, no inline style, no other host
(security reference, S-20, S-21). An error is a sentence and an id; the log has the id and the place, never a value,
because addresses and tokens stand in values (S-60, S-66).
"""

import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from traceback import extract_tb
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'; object-src 'none'"
)
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": POLICY,
    # Nobody else is told an address of ours, token or not; "no-referrer" would make browsers send "Origin: null" with
    # our own forms (S-17).
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}
#: Where the address itself is the key: it is kept nowhere and found by no search engine (S-48).
SECRET = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex, nofollow"}
HSTS = "max-age=31536000"
#: Bytes; ours have some hundred. Taking 60 kB of "%" apart held everybody up for a tenth of a second.
LONGEST_QUERY = 2_000
LOOPBACK = ("localhost", "127.0.0.1", "::1")

log = logging.getLogger(__name__)
Sorry = Callable[[int, str], ASGIApp]  #: the page for this status and sentence
NUMBER = "newsletter.number"  #: where a request's number stands in its scope: by it an error is found in the log
BROKEN = "Something went wrong here. Please try again later. If it stays so, tell us this number: {}."


@dataclass(frozen=True, slots=True)
class Armour:
    """An application inside it."""

    inner: ASGIApp
    sorry: Sorry
    hosts: frozenset[str]  #: names that we answer to
    https: bool  #: whether our address is: then browsers are told to come by no other way
    machines: tuple[str, ...]  #: where paths begin that machines ask for, under whatever name they know us

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        begun = [False]

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                begun[0] = True
                self._dress(MutableHeaders(scope=message))
            await send(message)

        if not self._ours(scope):
            await self.sorry(400, "This address is not ours.")(scope, receive, dressed)
            return
        if _has_two_lengths(scope):
            await self.sorry(400, "It is not clear how long this request is.")(scope, receive, _closing(dressed))
            return
        if len(scope["query_string"]) > LONGEST_QUERY:
            await self.sorry(414, "This address is longer than any of ours.")(scope, receive, dressed)
            return
        if b"%00" in scope["query_string"]:  # PostgreSQL refuses it in a text, wherever it got to
            await self.sorry(400, "No link of ours has such characters in it.")(scope, receive, dressed)
            return
        scope[NUMBER] = secrets.token_hex(4)
        try:
            await self.inner(scope, receive, dressed)
        except Exception as error:  # noqa: BLE001 - the last handler: whatever it is, the reader gets a sentence
            log.error("Error %s: %s", scope[NUMBER], place(error))  # noqa: TRY400 - a traceback has values in it
            if not begun[0]:
                await self.sorry(500, BROKEN.format(scope[NUMBER]))(scope, receive, dressed)

    def _ours(self, scope: Scope) -> bool:
        if scope["path"].startswith(self.machines):
            return True
        given = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        return len(given) == 1 and name_in(given[0]) in self.hosts

    def _dress(self, headers: MutableHeaders) -> None:
        for name, value in ALWAYS.items():
            headers.setdefault(name, value)
        if self.https:
            headers.setdefault("Strict-Transport-Security", HSTS)


def armoured(inner: ASGIApp, base_url: str, sorry: Sorry, machines: tuple[str, ...]) -> Armour:
    """The application inside its armour, answering to the host of this address; on this machine to all its names."""
    parts = urlsplit(base_url)
    name = (parts.hostname or "").lower()
    hosts = frozenset(LOOPBACK if name in LOOPBACK else (name,))
    return Armour(inner, sorry, hosts, parts.scheme == "https", machines)


def _has_two_lengths(scope: Scope) -> bool:
    """Whether a request says its length in two ways: a proxy may read another end than we do (RFC 9112, 6.1)."""
    names = {name for name, _ in scope["headers"]}
    return {b"content-length", b"transfer-encoding"} <= names


def _closing(send: Send) -> Send:
    """The same, and nothing more is read from this connection."""

    async def closing(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message)["Connection"] = "close"
        await send(message)

    return closing


def name_in(host: str) -> str:
    """The name in a Host header, without its port; empty for nonsense."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def place(error: BaseException) -> str:
    """What was raised and where, without any value: "KeyError in leaving.py:42, in gathering.py:40"."""
    frames: Sequence[str] = [
        f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in extract_tb(error.__traceback__)
    ]
    return f"{type(error).__name__} in {', '.join(frames[-4:])}"
