"""Every address that we answer at: by which methods, what opens it, and what it may change.

The table is the plan of the web: a path that is not in it is not served, and one in it that nobody serves stops the
start. GET, HEAD and OPTIONS change nothing anywhere (DESIGN, invariant 10): mail scanners fetch every link there is.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from subscribers.tokens import Purpose

Answering = Callable[[Request], Awaitable[Response]]


class Kind(StrEnum):
    """Who an address is for; it decides the headers of its answers."""

    MACHINE = "machine"  #: providers, monitors
    PUBLIC = "public"  #: anybody
    TOKEN = "token"  # noqa: S105 - whoever holds a link from a mail of ours
    LOOK = "look"  #: style sheets, named by their content
    SITE = "site"  #: scripts of other sites


@dataclass(frozen=True, slots=True)
class Place:
    """One address."""

    path: str
    kind: Kind
    methods: tuple[str, ...]  #: HEAD comes with GET
    changes: str = ""  #: what a POST may change; nothing else does
    purpose: Purpose | None = None  #: of the token in the path: no other opens it


SHOW, ACT = ("GET",), ("GET", "POST")

PLACES = (
    Place("/hooks/{provider}", Kind.MACHINE, ("HEAD", "POST"), "events of our deliveries, and what follows from them"),
    Place("/healthz", Kind.MACHINE, SHOW),
    Place("/readyz", Kind.MACHINE, SHOW),
    Place("/look/{name}", Kind.LOOK, SHOW),
    Place("/", Kind.PUBLIC, SHOW),
    Place("/issues", Kind.PUBLIC, SHOW),
    Place("/issues/{week}", Kind.PUBLIC, SHOW),
    Place("/issues/{week}/{part}", Kind.PUBLIC, SHOW),
    Place("/feed.atom", Kind.PUBLIC, SHOW),
    Place("/feed.json", Kind.PUBLIC, SHOW),
    Place("/sitemap.xml", Kind.PUBLIC, SHOW),
    Place("/robots.txt", Kind.PUBLIC, SHOW),
    Place("/subscribe", Kind.PUBLIC, ACT, "a wish to get the newsletter; a mail may follow"),
    Place("/api/subscribe", Kind.SITE, ("OPTIONS", "POST"), "the same"),
    Place("/api/votes", Kind.SITE, SHOW),
    Place("/confirm/{token}", Kind.TOKEN, ACT, "this reader is on the list", Purpose.CONFIRM),
    Place("/confirm/{token}/again", Kind.TOKEN, ("POST",), "a new link to confirm is mailed", Purpose.CONFIRM),
    Place("/never/{token}", Kind.TOKEN, ACT, "this address is never mailed again", Purpose.NEVER),
    Place("/stay/{token}", Kind.TOKEN, ACT, "this reader still wants it", Purpose.STAY),
    Place("/preferences/{token}", Kind.TOKEN, ACT, "this reader's break", Purpose.PREFERENCES),
    Place("/preferences/{token}/choice", Kind.TOKEN, ACT, "what this reader gets", Purpose.PREFERENCES),
    Place("/preferences/{token}/data", Kind.TOKEN, SHOW, purpose=Purpose.PREFERENCES),
    Place("/preferences/{token}/address", Kind.TOKEN, ACT, "another address is asked by mail", Purpose.PREFERENCES),
    Place("/preferences/{token}/zone", Kind.TOKEN, ("POST",), "this reader's time zone", Purpose.PREFERENCES),
    Place("/address/{token}", Kind.TOKEN, ACT, "a reader gets it at this address instead", Purpose.ADDRESS),
    Place("/address-no/{token}", Kind.TOKEN, ACT, "this address is never mailed again", Purpose.ADDRESS_NO),
    Place("/address-back/{token}", Kind.TOKEN, ACT, "a change of address of this week is undone", Purpose.ADDRESS_BACK),
    Place("/erase/{token}", Kind.TOKEN, ACT, "this reader is forgotten", Purpose.ERASE),
    Place("/vote", Kind.PUBLIC, SHOW),
    Place("/vote/{token}", Kind.TOKEN, ACT, "this reader's votes and bookmarks", Purpose.VOTE),
    Place("/bookmarks/{token}", Kind.TOKEN, ACT, "this reader's bookmarks", Purpose.BOOKMARKS),
    Place("/u/{token}", Kind.TOKEN, ACT, "this reader leaves", Purpose.UNSUBSCRIBE),
    Place("/u/{token}/why", Kind.TOKEN, ("POST",), "why this reader left", Purpose.UNSUBSCRIBE),
    Place("/back/{token}", Kind.TOKEN, ACT, "this reader's leaving of the last hour is undone", Purpose.RESUBSCRIBE),
)

#: Where the paths begin that are asked for by machines.
MACHINES = tuple(place.path.partition("{")[0] for place in PLACES if place.kind is Kind.MACHINE)


def routes(answers: Mapping[str, Answering]) -> list[BaseRoute]:
    """The routes of the table, each with what answers it. Raises ValueError unless both name the same paths."""
    planned = {place.path for place in PLACES}
    if planned != set(answers):
        raise ValueError(f"the table of routes and the web differ in {sorted(planned ^ set(answers))}")
    return [Route(place.path, answers[place.path], methods=list(place.methods)) for place in PLACES]
