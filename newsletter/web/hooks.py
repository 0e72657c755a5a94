"""Where providers tell us what became of our mail: one address for each, and nothing is believed before it is verified.

Verified on the raw body, stored and committed, and only then answered (DESIGN, invariant 11): an answer that comes too
early is an event lost. A provider that gets no good answer tries again, for hours as a rule.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from newsletter.delivery.events import take
from newsletter.desk.desk import Desk
from newsletter.errors import DatabaseError, NewsletterError
from newsletter.providers.hooks import UNREADABLE, Event, Hook, Incoming
from newsletter.web.bodies import LONGEST_BODY, TooLong, body_of
from newsletter.web.gathering import Gathering
from newsletter.web.limited import Limited
from newsletter.web.tally import Tally

Parcel = tuple[str, Sequence[Event]]  #: the provider's name, and its events

log = logging.getLogger(__name__)
_NOT_PROVED = "Nothing was taken of a request to /hooks/%s: %s %s."
_NOT_STORED = "Events of %s could not be stored, it will send them again. %s"
_SOME_NOT_READ = "%d of %d events in a request of %s could not be read; all others were taken."


@dataclass(frozen=True, slots=True)
class Door:
    """One provider's webhooks, and what proves them."""

    hook: Hook
    secrets: Sequence[str] = field(repr=False)  #: none: closed, unless its settings name what it believes
    proof: str = "its secret"  #: the name of the setting that holds what proves a request
    closed: bool = False  #: that is not set


@dataclass(frozen=True, slots=True)
class Hooks:
    """The endpoint `/hooks/{provider}`."""

    desk: Desk
    doors: Mapping[str, Door]
    most_bytes: int
    gathering: Gathering[Parcel]
    said: Limited
    tally: Tally = field(default_factory=Tally)

    async def __call__(self, request: Request) -> Response:
        """Take one request. HEAD is answered for providers that look whether we are here; it changes nothing."""
        name = request.path_params["provider"]
        door = self.doors.get(name)
        if door is None:
            return Response(status_code=HTTPStatus.NOT_FOUND)
        if request.method == "HEAD":
            return Response(status_code=HTTPStatus.OK)
        status = await self._status(name, door, request)
        self.tally.add(name, status)
        return Response(status_code=status)

    async def _status(self, name: str, door: Door, request: Request) -> int:
        try:
            body = await body_of(request, self.most_bytes, LONGEST_BODY)
        except TimeoutError:
            return HTTPStatus.REQUEST_TIMEOUT
        except ClientDisconnect:
            return HTTPStatus.BAD_REQUEST
        except TooLong:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        return await self._take(name, door, _incoming(request, body))

    async def _take(self, name: str, door: Door, incoming: Incoming) -> int:
        """Verify, store, and say how it went."""
        now = self.desk.clock()
        if not await run_in_threadpool(door.hook.verify, incoming, door.secrets, now):  # it may get a certificate
            why = "is not set" if door.closed else "does not prove it: look whether it is the provider's"
            self.said(f"/hooks/{name}, not proved", _NOT_PROVED, name, door.proof, why)
            return door.hook.refusal
        try:
            events = door.hook.parse(incoming)
            await self.gathering.put((name, events))
        except DatabaseError as error:
            self.said(f"/hooks/{name}, not stored", _NOT_STORED, name, error)
            return HTTPStatus.SERVICE_UNAVAILABLE
        except NewsletterError as error:
            self.said(f"/hooks/{name}, not read", "A request of %s could not be read: %s", name, error)
            return HTTPStatus.BAD_REQUEST
        if broken := sum(event.word == UNREADABLE for event in events):
            self.said(f"/hooks/{name}, single ones not read", _SOME_NOT_READ, broken, len(events), name)
        return HTTPStatus.OK


def weight(parcel: Parcel) -> int:
    """How many events a parcel has."""
    return len(parcel[1])


def stored_by(desk: Desk) -> Callable[[Sequence[Parcel]], None]:
    """What stores parcels of events: all of them in one transaction, those of one provider in one go.

    Looking up whose they are costs as much for one as for a hundred.
    """

    def store(parcels: Sequence[Parcel]) -> None:
        by_name: dict[str, list[Event]] = defaultdict(list)
        for name, events in parcels:
            by_name[name] += events
        with desk.transaction() as session:
            for name, events in by_name.items():
                take(session, name, events, desk.clock())

    return store


def _incoming(request: Request, body: bytes) -> Incoming:
    return Incoming(_headers(request), body)


def _headers(request: Request) -> dict[str, str]:
    """Names in lower case; values of a repeated one joined by ", "."""
    found: dict[str, str] = {}
    for name, value in request.headers.items():
        found[name.lower()] = f"{found[name.lower()]}, {value}" if name.lower() in found else value
    return found
