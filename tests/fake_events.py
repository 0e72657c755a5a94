"""Providers' APIs of events to test against: in memory as a poster, or as a server on the loopback.

A fake keeps what happened and shows it as its provider does, page by page. Dials say what the next requests get
instead, first one first.
"""

import json
import re
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from misbehaving import Server, Visit, answer, serving

from newsletter.providers.poster import Answered, Failed, Request, maybe_sent

Item = dict[str, Any]
KEY = re.compile(r"\d+-[a-z2-7]{24}")
BASE = "http://127.0.0.1:1"


@dataclass
class FakeEvents:
    """What all of them have in common."""

    happened: list[Item] = field(default_factory=list)
    dials: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)  #: targets, in their order
    size: int = 2  #: of a page
    base: str = BASE
    taken: dict[str, str] = field(default_factory=dict)  #: address → our key, of what was sent through it
    on_post: Callable[[bytes], Answered] = lambda _: Answered(404, {}, b"")  #: what a call that sends gets
    between: Callable[[], None] = lambda: None  #: happens before each answer

    def post(self, request: Request) -> Answered | Failed:
        """In memory: what a poster would say."""
        parts = urlsplit(request.url)
        return self._said(f"{parts.path}?{parts.query}", dict(request.headers)) or maybe_sent("ReadError")

    def close(self) -> None:
        """Nothing is kept open."""

    def serving(self) -> AbstractContextManager[Server]:
        """The same on the loopback."""
        return serving(self._visit)

    def page(self, path: str, query: dict[str, str]) -> Answered:
        """What the provider answers."""
        raise NotImplementedError

    def _said(self, target: str, headers: dict[str, str]) -> Answered | None:
        self.asked.append(target)
        self.between()
        if self.dials:
            return DIALS[self.dials.pop(0)]
        if not any(name.lower() in ("authorization", "api-key", "x-postmark-server-token") for name in headers):
            return json_answer({"message": "Forbidden"}, 401)
        parts = urlsplit(target)
        return self.page(parts.path, {name: values[0] for name, values in parse_qs(parts.query).items()})

    def _visit(self, visit: Visit) -> None:
        with suppress(OSError, EOFError):
            if request := visit.read():
                head, _, body = request.partition(b"\r\n\r\n")
                first, *lines = head.decode().split("\r\n")
                method, target, _ = first.split(" ")
                headers = dict(line.split(": ", 1) for line in lines)
                self.base = f"http://{headers.get('host', headers.get('Host', ''))}"
                said = self.on_post(body) if method == "POST" else self._said(target, headers)
                if said is None:
                    visit.reset()
                    return
                lines = [f"{name}: {value}" for name, value in said.headers.items()]
                visit.say(answer(said.body, said.status, *lines, "Connection: close"))


def json_answer(document: Any, status: int = 200, **headers: str) -> Answered:
    """An answer of JSON."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answered(status, {"content-type": "application/json", **named}, json.dumps(document).encode())


DIALS: dict[str, Answered | None] = {
    "reset": None,
    "429": json_answer({}, 429, retry_after="7"),
    "429 for long": json_answer({}, 429, retry_after="600"),
    "500": Answered(500, {}, b"oops"),
    "404": json_answer({}, 404),
    "401": json_answer({"message": "Forbidden"}, 401),
    "html": Answered(200, {}, b"<html>It works!</html>"),
    "half": Answered(200, {}, b'{"items": [{"event"'),
    "redirect": Answered(302, {"location": "https://evil.example/"}, b""),
    "other json": json_answer({"hello": ["world"]}),
}


@dataclass
class FakeMailgun(FakeEvents):
    """GET /v3/DOMAIN/events: a span, oldest first; linked pages, and an empty one at the end."""

    elsewhere: bool = False  #: its next page is on another host
    circle: bool = False  #: its next page is always the first

    def __post_init__(self) -> None:
        """It takes whatever is sent."""
        self.on_post = self._take

    def _take(self, body: bytes) -> Answered:
        (variables,) = re.findall(rb'name="recipient-variables"\r\n\r\n(.*?)\r\n--', body, re.DOTALL)
        for address, own in json.loads(variables).items():
            self.taken[address] = next(value for value in own.values() if KEY.fullmatch(value))
        return json_answer({"id": "<1@example.org>", "message": "Queued. Thank you."})

    def page(self, path: str, query: dict[str, str]) -> Answered:
        """A page: the path of a linked one holds the query of the first, and where it begins."""
        begin, end, start = self._mark(path, query)
        within = sorted((one for one in self.happened if begin <= one["timestamp"] < end), key=lambda e: e["timestamp"])
        items = within[start : start + self.size]
        mark = 0 if self.circle else start + len(items)
        base = "https://evil.example" if self.elsewhere else self.base
        link = f"{base}{path.partition('/events')[0]}/events/{begin}:{end}:{mark}"
        return json_answer({"items": items, "paging": {"next": link, "previous": link}})

    def _mark(self, path: str, query: dict[str, str]) -> tuple[float, float, int]:
        if "begin" in query:
            return float(query["begin"]), float(query["end"]), 0
        begin, end, start = path.rpartition("/")[2].split(":")
        return float(begin), float(end), int(start)


def mailgun_event(key: str, at: float, event: str = "delivered", id_: str = "", **more: Any) -> Item:
    """One event as Mailgun's API gives it (the examples of its OpenAPI file)."""
    return {
        "event": event,
        "id": id_ or f"id-{key[-6:]}-{event}",
        "timestamp": at,
        "log-level": "info",
        "recipient": "somebody@example.org",
        "user-variables": {"nl_delivery": key} if key else {},
        **more,
    }


@dataclass
class FakeResend(FakeEvents):
    """GET /emails and /suppressions: newest first, after an id."""

    suppressions: list[Item] = field(default_factory=list)

    def __post_init__(self) -> None:
        """It takes whatever is sent, and gives each message an id."""
        self.on_post = self._take

    def _take(self, body: bytes) -> Answered:
        ids = [{"id": f"id-{len(self.taken) + place}"} for place, _ in enumerate(json.loads(body))]
        self.taken |= {one["to"][0]: id_["id"] for one, id_ in zip(json.loads(body), ids, strict=True)}
        return json_answer({"data": ids})

    def page(self, path: str, query: dict[str, str]) -> Answered:
        """What comes after an id."""
        held = self.suppressions if path == "/suppressions" else self.happened
        ids = [one["id"] for one in held]
        start = ids.index(query["after"]) + 1 if "after" in query else 0
        items = held[start : start + self.size]
        return json_answer({"object": "list", "has_more": start + self.size < len(held), "data": items})


@dataclass
class FakeSendGrid(FakeEvents):
    """GET /v3/suppression/LIST: addresses, by offset."""

    def __post_init__(self) -> None:
        """It takes whatever is sent."""
        self.on_post = self._take

    def _take(self, body: bytes) -> Answered:
        people = json.loads(body)["personalizations"]
        self.taken |= {one["to"][0]["email"]: one["custom_args"]["nl_delivery"] for one in people}
        return Answered(202, {"x-message-id": "m1"}, b"")

    def page(self, path: str, query: dict[str, str]) -> Answered:
        """A list, within the span."""
        start, end = int(query["start_time"]), int(query["end_time"])
        name = path.rpartition("/")[2]
        found = [one for one in self.happened if one["list"] == name and start <= one["created"] <= end]
        offset = int(query["offset"])
        return json_answer([{**one, "list": None} for one in found[offset : offset + int(query["limit"])]])
