"""The web server: the readers' pages, the providers' webhooks, and whether we are alive."""

import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from newsletter.config import Config, ProviderChoice
from newsletter.desk.desk import Desk
from newsletter.errors import ConnectionLost, DatabaseBusy
from newsletter.providers.catalogue import APIS, hears, hook_of, hook_proof, hook_secrets
from newsletter.web import hooks, leaving, patience, signing_up
from newsletter.web.archive import Archive
from newsletter.web.armour import BROKEN, NUMBER, armoured
from newsletter.web.asking_again import AskingAgain
from newsletter.web.bookmarks import Bookmarks
from newsletter.web.changing_address import ChangingAddress
from newsletter.web.choosing import Choosing
from newsletter.web.client import Clients
from newsletter.web.confirming import Confirming
from newsletter.web.gathering import Gathering
from newsletter.web.health import Readiness, alive
from newsletter.web.hooks import Door, Hooks
from newsletter.web.leaving import Leaving
from newsletter.web.limited import Hushed, Limited
from newsletter.web.opening import AGAIN, BUSY, Link
from newsletter.web.pacing import Pace, calm
from newsletter.web.pages import Pages
from newsletter.web.preferences import Preferences
from newsletter.web.routes import MACHINES, Answering, routes
from newsletter.web.signing_up import SigningUp
from newsletter.web.site_api import SiteApi
from newsletter.web.staying import Staying
from newsletter.web.tally import Tally
from newsletter.web.time_zone import TimeZone
from newsletter.web.votes_api import VotesApi
from newsletter.web.voting import Voting
from subscribers.tokens import Purpose

#: Requests at once; a provider that finds us busy tries again.
AT_ONCE = 200
#: Where the server's own library says what was wrong with a request.
SAYS = logging.getLogger("uvicorn.error")
log = logging.getLogger(__name__)


def _now() -> datetime:
    return datetime.now(UTC)


def app(
    desk: Desk,
    doors: dict[str, Door],
    *,
    longest_wait: float = leaving.LONGEST_WAIT,
    trouble: Callable[[], list[str]] = list,
    tally: Tally | None = None,
    pace: Pace | None = None,
) -> ASGIApp:
    """The application over this desk.

    `longest_wait`: seconds that somebody who leaves waits for a busy database. `trouble`: what is wrong with the jobs
    beside it, in words for anybody; /readyz says it. `tally` counts how webhooks were answered. `pace`: how much one
    reader may change.
    """
    pages = Pages(desk.templates, desk.config.publication)
    answers = _answers(desk, doors, pages, longest_wait, tally or Tally()) | {
        "/readyz": Readiness(desk, trouble).__call__
    }
    inner = Starlette(routes=routes(calm(answers, pace or Pace(), desk, pages)), exception_handlers=_handlers(pages))
    inner.router.redirect_slashes = False
    return armoured(inner, desk.config.publication.base_url, pages.sorry, MACHINES)


def _answers(
    desk: Desk, doors: dict[str, Door], pages: Pages, longest_wait: float, tally: Tally
) -> dict[str, Answering]:
    """What answers at each path of the table."""
    stored = Gathering(hooks.stored_by(desk), hooks.weight)
    told = Hooks(desk, doors, desk.config.web.most_bytes, stored, Limited(hooks.log.warning, desk.clock), tally)
    wishes, clients = Gathering(signing_up.stored_by(desk)), Clients(desk.config.web.trusted_proxies)
    moved = ChangingAddress(desk, pages, wishes, clients)
    read, sure, own = Archive(desk, pages), Confirming(desk, pages), Preferences(desk, pages)
    chosen = Choosing(desk, own.show)
    polls, shelf = Voting(desk, pages), Bookmarks(desk, pages)
    kept = Staying(desk, pages)
    zone = TimeZone(desk, pages, partial(own.show, said="Your time zone is saved."))
    left = Leaving(desk, pages, Gathering(leaving.stored_by(desk)), longest_wait)
    return {
        "/hooks/{provider}": told.__call__,
        "/healthz": alive,
        "/look/{name}": pages.look,
        "/": read.index,
        "/issues": read.index,
        "/issues/{week}": read.issue,
        "/issues/{week}/{part}": read.issue,
        "/feed.atom": read.atom,
        "/feed.json": read.json,
        "/sitemap.xml": read.sitemap,
        "/robots.txt": read.robots,
        "/subscribe": SigningUp(desk, pages, wishes, clients).__call__,
        "/api/subscribe": SiteApi(desk, wishes, clients).__call__,
        "/confirm/{token}": Link(desk, pages, Purpose.CONFIRM, sure.ask, sure.yes).__call__,
        "/confirm/{token}/again": AskingAgain(desk, pages, wishes, clients).__call__,
        "/never/{token}": Link(desk, pages, Purpose.NEVER, sure.ask_never, sure.never).__call__,
        "/stay/{token}": Link(desk, pages, Purpose.STAY, kept.ask, kept.yes).__call__,
        "/preferences/{token}": Link(desk, pages, Purpose.PREFERENCES, own.show, own.act).__call__,
        "/preferences/{token}/choice": Link(desk, pages, Purpose.PREFERENCES, own.show, chosen.act).__call__,
        "/preferences/{token}/data": Link(desk, pages, Purpose.PREFERENCES, own.data, own.act).__call__,
        "/preferences/{token}/address": moved.__call__,
        "/preferences/{token}/zone": Link(desk, pages, Purpose.PREFERENCES, own.show, zone.act).__call__,
        "/address/{token}": Link(desk, pages, Purpose.ADDRESS, moved.show, moved.change).__call__,
        "/address-no/{token}": Link(desk, pages, Purpose.ADDRESS_NO, moved.ask_never, moved.never).__call__,
        "/address-back/{token}": Link(desk, pages, Purpose.ADDRESS_BACK, moved.ask_back, moved.back).__call__,
        "/erase/{token}": Link(desk, pages, Purpose.ERASE, own.ask_erase, own.erase).__call__,
        "/api/votes": VotesApi(desk).__call__,
        "/vote": polls.public,
        "/vote/{token}": polls.own,
        "/bookmarks/{token}": Link(desk, pages, Purpose.BOOKMARKS, shelf.show, shelf.act).__call__,
        "/u/{token}": Link(desk, pages, Purpose.UNSUBSCRIBE, left.show, left.act).__call__,
        "/u/{token}/why": Link(desk, pages, Purpose.UNSUBSCRIBE, left.show, left.tell).__call__,
        "/back/{token}": Link(desk, pages, Purpose.RESUBSCRIBE, left.ask_back, left.back).__call__,
    }


def _handlers(pages: Pages) -> dict[Any, Any]:
    """Pages for what has none, for a method that an address does not know, and for what broke."""

    async def missing(_request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        nowhere = status == HTTPStatus.NOT_FOUND
        sentence = "There is nothing at this address." if nowhere else "This cannot be done here."
        return pages.sorry(status, sentence, headers=getattr(error, "headers", None), issues=nowhere)

    async def broken(request: Request, _error: Exception) -> Response:
        return pages.sorry(HTTPStatus.INTERNAL_SERVER_ERROR, BROKEN.format(request.scope[NUMBER]))

    async def busy(_request: Request, _error: Exception) -> Response:
        return pages.sorry(HTTPStatus.SERVICE_UNAVAILABLE, BUSY, headers={"Retry-After": AGAIN})

    return {HTTPException: missing, DatabaseBusy: busy, ConnectionLost: busy, Exception: broken}


def doors_of(config: Config) -> dict[str, Door]:
    """The webhooks of the providers that are configured. Raises ProviderError for an option that is not known."""
    chosen = [choice for choice in (config.provider, config.fallback) if choice and choice.name in APIS]
    return {choice.name: _door(choice, "fallback" if choice is config.fallback else "provider") for choice in chosen}


def _door(choice: ProviderChoice, table: str) -> Door:
    hook, proof = hook_of(choice.name, choice.options), hook_proof(choice.name, table)
    return Door(hook, hook_secrets(choice.name), proof, closed=not hears(choice))


@contextmanager
def serving(
    application: ASGIApp,
    host: str,
    port: int,
    *,
    longest_head: float = patience.LONGEST_HEAD,
    clock: Callable[[], datetime] = _now,
) -> Iterator[str]:
    """The application in a thread, for as long as the block; gives its address. Raises OSError if that is taken.

    Port 0 is any that is free. `longest_head`: seconds that the head of a request may take. `clock` (aware) is for the
    log.
    """
    settings = uvicorn.Config(
        application,
        http=patience.impatient(longest_head),
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # uvicorn believes whoever is on this machine
        limit_concurrency=AT_ONCE,
        h11_max_incomplete_event_size=patience.MOST_HEAD,
        timeout_keep_alive=5,
        lifespan="off",
    )
    bound = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    server = uvicorn.Server(settings)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
    hushed = Hushed(log.warning, clock)
    SAYS.addFilter(hushed)
    thread.start()
    try:
        yield f"http://{f'[{host}]' if ':' in host else host}:{bound.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        SAYS.removeFilter(hushed)
