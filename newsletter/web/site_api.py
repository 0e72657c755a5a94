"""Signing up from another site's own form, by a script there: JSON in, JSON out, for the sites of `signup.sites`.

A browser tells us whose script asks (`Origin`), and shows the script our answer only where we say that it may (CORS).
Whoever is not on the list is refused, browser or not: without our form there is no other sign of a person.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from newsletter.desk.desk import Desk
from newsletter.errors import ConnectionLost, DatabaseBusy
from newsletter.web.bodies import TooLong, body_of
from newsletter.web.client import Clients
from newsletter.web.gathering import Gathering
from newsletter.web.opening import AGAIN, BUSY
from newsletter.web.signing_up import HOUR, TOO_MANY, TRAP, asking_of, site_of
from subscribers.address import parse
from subscribers.errors import BadAddress
from subscribers.wishes import Asking

SENT = "If the address can get the newsletter, a mail with one link is on its way to it. Open it to confirm."
FOREIGN = "This site may not sign people up here: its address is not among signup.sites."
EXPECTED = 'Post JSON like {"email": "ada@example.org"}.'
LATE = "What was sent took too long to arrive."


class NotOurs(ValueError):
    """The body is not what this address takes; the message says what is."""


@dataclass(frozen=True, slots=True)
class SiteApi:
    """The answers at `/api/subscribe`."""

    desk: Desk
    gathering: Gathering[Asking]
    clients: Clients

    async def __call__(self, request: Request) -> Response:
        """Answer one request, or a browser's question whether its script may make one (OPTIONS)."""
        site = site_of(request, self._sites)
        if not site:
            return JSONResponse({"error": FOREIGN}, HTTPStatus.FORBIDDEN, {"Vary": "Origin"})
        asks = request.method == "OPTIONS"
        answer = Response(status_code=HTTPStatus.NO_CONTENT) if asks else await self._posted(request, site)
        answer.headers.update({"Access-Control-Allow-Origin": site, "Vary": "Origin"})
        if asks:
            may = {"Methods": "POST", "Headers": "Content-Type"}
            answer.headers.update({f"Access-Control-Allow-{name}": value for name, value in may.items()})
            answer.headers["Access-Control-Max-Age"] = HOUR
        return answer

    async def _posted(self, request: Request, site: str) -> Response:
        """What follows from a posted JSON."""
        try:
            return await self._asked(request, site)
        except TooLong:
            return _wrong(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, EXPECTED)
        except (TimeoutError, ClientDisconnect):
            return _wrong(HTTPStatus.REQUEST_TIMEOUT, LATE)
        except NotOurs as error:
            return _wrong(HTTPStatus.BAD_REQUEST, str(error))
        except BadAddress as error:
            return _wrong(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))
        except (DatabaseBusy, ConnectionLost):
            return _wrong(HTTPStatus.SERVICE_UNAVAILABLE, BUSY, AGAIN)

    async def _asked(self, request: Request, site: str) -> Response:
        fields = _fields(request.headers.get("content-type", ""), await body_of(request))
        asking = asking_of(self.clients.network(request), parse(fields["email"]), site, fields)
        if not fields.get(TRAP):
            await self.gathering.put(asking)
        if asking.too_many:
            return _wrong(HTTPStatus.TOO_MANY_REQUESTS, TOO_MANY, HOUR)
        return JSONResponse({"message": SENT}, HTTPStatus.ACCEPTED)

    @property
    def _sites(self) -> Sequence[str]:
        """Whose scripts may ask: our own pages' too."""
        return (*self.desk.config.signup.sites, self.desk.config.publication.base_url)


def _wrong(status: int, sentence: str, again: str = "") -> JSONResponse:
    return JSONResponse({"error": sentence}, status, {"Retry-After": again} if again else None)


def _fields(content_type: str, body: bytes) -> dict[str, str]:
    """The texts of a JSON object, an email among them. Raises NotOurs."""
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise NotOurs(f"The content type is not application/json. {EXPECTED}")
    try:
        found: Any = json.loads(body)
    except (ValueError, RecursionError):
        raise NotOurs(f"This is not JSON. {EXPECTED}") from None
    texts = {name: value for name, value in found.items() if isinstance(value, str)} if isinstance(found, dict) else {}
    if "email" not in texts:
        raise NotOurs(f"There is no email in it. {EXPECTED}")
    return texts
