"""A mail provider's API to test against: in memory as a poster, or as a server on the loopback; both behave alike.

It keeps what it really took (recipient key → how often), answers look-ups, and honours idempotency keys: a key is known
from the moment a complete body was taken, never before. Dials say what the next calls do, first one first.
"""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from misbehaving import Server, Visit, answer, serving

from newsletter.providers.poster import Answered, Failed, Request, maybe_sent, not_sent

Entry = dict[str, Any]
Said = Answered | None  #: None: the connection is reset instead
URL = "http://127.0.0.1:1/send"


@dataclass
class FakeEsp:
    """Takes every call as a whole, unless the next dial says otherwise."""

    remembers: bool = False  #: honours Idempotency-Key
    delay: float = 0.0  #: how long "slow" takes, in seconds (as a server)
    accepted: Counter[str] = field(default_factory=Counter)  #: recipient key → how often mailed
    posts: list[str] = field(default_factory=list)  #: what each call did, by its dial
    dials: list[str] = field(default_factory=list)
    keys: dict[str, Answered] = field(default_factory=dict)  #: idempotency key → the answer it had
    late: list[list[Entry]] = field(default_factory=list)  #: taken, and accepted only by `catch_up`
    url: str = URL
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def post(self, request: Request) -> Answered | Failed:
        """In memory: what a poster would say."""
        if self.dials and self.dials[0] == "unreachable" and request.method == "POST":
            self.posts.append(self.dials.pop(0))
            return not_sent("ConnectError")
        body = b"".join(request.body)
        assert len(body) == request.length
        headers = {name.lower(): value for name, value in request.headers.items()}
        return self.receive(request.method, request.url, headers, body) or maybe_sent("ReadError")

    def close(self) -> None:
        """Nothing is kept open."""

    def serving(self) -> AbstractContextManager[Server]:
        """The same on the loopback."""
        return serving(self._visit)

    def catch_up(self) -> None:
        """Accept what came late."""
        while self.late:
            self._accept(self.late.pop())

    def receive(self, method: str, url: str, headers: dict[str, str], body: bytes) -> Said:
        """One whole request."""
        with self._lock:
            if method == "GET":
                return self._look_up(parse_qs(urlsplit(url).query).get("key", []))
            key = headers.get("idempotency-key", "") if self.remembers else ""
            if key in self.keys:
                self.posts.append("replay")
                return self.keys[key]
            dial = self.dials.pop(0) if self.dials else "accept"
            self.posts.append(dial)
            entries = list(_entries(json.loads(body)))
            if dial in TAKES and key:
                self.keys[key] = _results(entries)
            return DIALS[dial](self, entries)

    def _accept(self, entries: list[Entry]) -> None:
        self.accepted.update(entry["key"] for entry in entries)

    def _look_up(self, keys: list[str]) -> Answered:
        found = [key for key in keys if key in self.accepted]
        return Answered(200, {"content-type": "application/json"}, json.dumps({"accepted": found}).encode())

    def _visit(self, visit: Visit) -> None:
        while request := visit.read():
            head, _, body = request.partition(b"\r\n\r\n")
            first, *lines = head.decode().split("\r\n")
            method, target, _ = first.split(" ")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            slow = bool(self.dials) and self.dials[0] == "slow"
            said = self.receive(method, target, headers, body)
            if slow and visit.over.wait(self.delay):
                return
            if said is None:
                visit.reset()
                return
            visit.say(answer(said.body, said.status, *(f"{name}: {value}" for name, value in said.headers.items())))


def _entries(document: Any) -> Iterator[Entry]:
    """The recipients of a call, of one body with values or of full messages, as one form."""
    for entry in document if isinstance(document, list) else document["to"]:
        yield {"to": entry.get("email") or entry["To"], "key": entry.get("key") or entry["Metadata"]["key"]}


def _results(entries: list[Entry], *, refused: int = 0) -> Answered:
    """An answer that names everybody; the first so many are refused."""
    results = [
        {"key": entry["key"], "id": f"id-{entry['key']}", "error": "inactive" if number < refused else ""}
        for number, entry in enumerate(entries)
    ]
    return Answered(200, {"content-type": "application/json"}, json.dumps({"results": results}).encode())


def _take(esp: FakeEsp, entries: list[Entry]) -> Said:
    esp._accept(entries)
    return _results(entries)


def _take_and(said: Callable[[list[Entry]], Said]) -> Callable[[FakeEsp, list[Entry]], Said]:
    def act(esp: FakeEsp, entries: list[Entry]) -> Said:
        esp._accept(entries)
        return said(entries)

    return act


def _take_but_one(esp: FakeEsp, entries: list[Entry]) -> Said:
    esp._accept(entries[1:])
    return _results(entries, refused=1)


def _take_late(esp: FakeEsp, entries: list[Entry]) -> Said:
    esp.late.append(entries)
    return None


def _say(status: int, body: str = "", **headers: str) -> Callable[[FakeEsp, list[Entry]], Said]:
    named = {name.replace("_", "-").lower(): value for name, value in headers.items()}
    return lambda _esp, _entries: Answered(status, named, body.encode())


DIALS: dict[str, Callable[[FakeEsp, list[Entry]], Said]] = {
    "accept": _take,
    "slow": _take,
    "take, then reset": _take_and(lambda _: None),
    "take, then 500": _take_and(lambda _: Answered(500, {}, b"oops")),
    "take, then nonsense": _take_and(lambda _: Answered(200, {}, b"<html>It works!</html>")),
    "take, name half": _take_and(lambda entries: _results(entries[: len(entries) // 2])),
    "take all but one": _take_but_one,
    "take late": _take_late,
    "reset": lambda _esp, _entries: None,
    "500": _say(500),
    "503": _say(503, "maintenance"),
    "429": _say(429),
    "429, wait": _say(429, Retry_After="7"),
    "429, wait for ever": _say(429, Retry_After="1000000000"),
    "429, wait until then": _say(429, Retry_After="Thu, 12 Nov 2026 09:00:30 GMT"),
    "400": _say(400, '{"error": "one of them is invalid"}'),
    "401": _say(401, '{"error": "bad key"}'),
    "error inside a 200": _say(200, '{"error": "Mailgun Magnificent API"}'),
}
#: What makes a key known: the complete body was taken.
TAKES = {name for name in DIALS if name.startswith(("accept", "slow", "take"))}
