"""Signing up: our own form and other sites' forms; their scripts have an address of their own (site_api.py).

Whatever stands behind an address, the answer is the same and costs the same: one row, which says what was asked
(subscribers/wishes.py). Whether a mail follows is decided afterwards, in the post room. A bot gets the answer and
nothing else: it fills the field that people do not see, or sends the form sooner than anybody could type.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from newsletter.desk import archive
from newsletter.desk.archive import Entry
from newsletter.desk.desk import Desk
from newsletter.web.client import Clients
from newsletter.web.gathering import Gathering
from newsletter.web.opening import Fields, posted
from newsletter.web.pages import Pages
from newsletter.web.remembering import Memory
from subscribers.address import Address, parse
from subscribers.consent import Evidence
from subscribers.errors import BadAddress, BadToken
from subscribers.tokens import Purpose, sign, verify
from subscribers.wishes import Asking, Limits, take

#: What people agree to, and its version: a changed sentence is a new version.
WORDING = "2026-11"
WORDS = "One mail a week, and nothing else. You can leave at any time, with one click in every mail."
SOONEST, LATEST = timedelta(seconds=2), timedelta(hours=12)  #: from showing the form to its coming back
LONGEST_WORDING = 40
SAID_FOR = timedelta(hours=1)  #: that a limit was reached is said once in this time
TRAP = "website"  #: the field that people do not see
TOO_MANY = "So many sign-ups come in at the moment that we take no more. Please try again in an hour."
HOUR = "3600"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SigningUp:
    """The answers at `/subscribe`."""

    desk: Desk
    pages: Pages
    gathering: Gathering[Asking]
    clients: Clients
    seen: Memory[Entry] = field(default_factory=Memory)  #: the newest issue, which the form shows

    async def __call__(self, request: Request) -> Response:
        """The form, or what follows from it."""
        if request.method != "POST":
            return await self._form()
        return await posted(self.pages, request, lambda fields: self._sent(request, fields))

    async def _form(
        self, typed: str = "", wrong: str = "", status: int = HTTPStatus.OK, *, again: bool = False
    ) -> Response:
        words: dict[str, Any] = {"typed": typed[:254], "wrong": wrong, "again": again, "words": WORDS}
        newest = await run_in_threadpool(self.seen.of, "", self.desk.clock(), self._newest)
        return self.pages.page("subscribe.html", status, **words, newest=newest, **self._marks())

    def _newest(self) -> Entry | None:
        with self.desk.reading() as session:
            return archive.newest(self.desk, session)

    async def _sent(self, request: Request, fields: Fields) -> Response:
        typed = fields.get("email", "").strip()
        try:
            address = parse(typed)
        except BadAddress as error:
            return await self._form(typed, str(error), HTTPStatus.UNPROCESSABLE_ENTITY)
        site = site_of(request, self.desk.config.signup.sites)
        if not fields.get(TRAP) and not site and not self._slow(fields.get("shown", "")):
            return await self._form(typed, again=True)
        if not fields.get(TRAP):
            asking = asking_of(self.clients.network(request), address, site, fields)
            await self.gathering.put(asking)
            if asking.too_many:
                headers = {"Retry-After": HOUR}
                return self.pages.sorry(HTTPStatus.TOO_MANY_REQUESTS, TOO_MANY, "Not now", headers=headers)
        return self.pages.page("asked.html", typed=typed, again="again" in fields, **self._marks())

    def _marks(self) -> dict[str, Any]:
        """What a form of ours carries beside the address: when it was shown, and the field that catches bots."""
        now = self.desk.clock()
        shown = sign(self.desk.keys, Purpose.FORM, str(int(now.timestamp())), expires=now + LATEST)
        return {"shown": shown, "trap": TRAP}

    def _slow(self, shown: str) -> bool:
        """Whether our form was shown long enough ago, and not too long."""
        now = self.desk.clock()
        try:
            since = int(verify(self.desk.keys, Purpose.FORM, shown, now=now))
        except BadToken:
            return False
        return now.timestamp() - since >= SOONEST.total_seconds()


def asking_of(network: str, address: Address, site: str, fields: Mapping[str, str]) -> Asking:
    """The wish, with its evidence: another site's form has words of its own, and names their version."""
    own = "".join(c for c in fields.get("wording", "")[:LONGEST_WORDING] if c.isascii() and c.isprintable())
    return Asking(address, network, Evidence(site, own or "not named") if site else Evidence("/subscribe", WORDING))


def stored_by(desk: Desk) -> Callable[[Sequence[Asking]], None]:
    """What writes wishes down, all in one transaction."""
    wanted = desk.config.signup
    limits = Limits(wanted.per_network, wanted.per_domain, wanted.in_all)
    said: list[datetime] = []

    def store(parcels: Sequence[Asking]) -> None:
        with desk.transaction() as session:
            take(session, parcels, limits, secret=desk.secret, now=desk.clock())
        full = any(one.too_many and one.mover is None for one in parcels)
        if full and not (said and said[-1] > desk.clock() - SAID_FOR):
            said.append(desk.clock())
            log.warning("Sign-ups are refused: a limit of [signup] was reached within the hour.")

    return store


def site_of(request: Request, sites: Sequence[str]) -> str:
    """The site that this form or script is of, where it is one of these; else empty."""
    origin = request.headers.get("origin", "").lower()
    return origin if origin and origin in {_origin(site) for site in sites} else ""


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}".lower()
