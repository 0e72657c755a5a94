"""A confirmation link that has expired, or got lost: a button asks for a new one, as the form of the sign-up does.

The limits are those of every sign-up. Whoever confirmed since, or left, is led to the form.
"""

from dataclasses import dataclass
from functools import partial
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from newsletter.desk.desk import Desk
from newsletter.web.client import Clients
from newsletter.web.confirming import over
from newsletter.web.gathering import Gathering
from newsletter.web.opening import Fields, Link, hint, reader
from newsletter.web.pages import Pages
from newsletter.web.signing_up import HOUR, TOO_MANY, WORDING
from subscribers.address import parse
from subscribers.consent import Evidence, Status
from subscribers.tokens import Purpose
from subscribers.wishes import Asking


@dataclass(frozen=True, slots=True)
class AskingAgain:
    """The answer at `/confirm/{token}/again`."""

    desk: Desk
    pages: Pages
    gathering: Gathering[Asking]
    clients: Clients

    async def __call__(self, request: Request) -> Response:
        """Note the wish of whoever holds the link, also of one that has expired."""
        act = partial(self._asked, self.clients.network(request))
        return await Link(self.desk, self.pages, Purpose.CONFIRM, self._show, act, late=True)(request)

    async def _show(self, _ref: str, token: str) -> Response:
        return self.pages.secret("expired.html", token=token)

    async def _asked(self, network: str, ref: str, _token: str, _fields: Fields) -> Response:
        who = await reader(self.desk, ref)
        if who is None or who.address is None or who.status is not Status.PENDING:
            return await over(self.desk, self.pages, who)
        asking = Asking(parse(who.address), network, Evidence("/confirm", WORDING))
        await self.gathering.put(asking)
        if asking.too_many:
            return self.pages.sorry(HTTPStatus.TOO_MANY_REQUESTS, TOO_MANY, "Not now", headers={"Retry-After": HOUR})
        return self.pages.secret("asked.html", typed=hint(who), again=True, shown="")
