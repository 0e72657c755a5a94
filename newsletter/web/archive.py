"""The archive on the web: an index, a page for each issue, feeds, and what search engines ask for.

An issue's page is the mail itself, under a policy of its own: it runs nothing, sends nothing and is no page of our
origin (security reference, S-27). What stands around it is put in here: neighbours, and what a link to it shows.
Everything is public and may be kept for some minutes; who has it already gets a 304.
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from sqlmodel import Session
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from newsletter.desk import archive
from newsletter.desk.desk import Desk
from newsletter.web import feeds
from newsletter.web.pages import Pages

KEPT = "public, max-age=300"
IN_FEED = 20  #: issues
ISSUE_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; img-src 'self'; "
    "style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HTML, ATOM, JSON = "text/html; charset=utf-8", "application/atom+xml", "application/feed+json"
_BODY = re.compile(r"(.*?)(</head>.*?<body[^>]*>)(.*)(</body>.*)", re.DOTALL)
Look = Callable[[Session], Any]


@dataclass(frozen=True, slots=True)
class Archive:
    """The answers at `/issues`, its pages, the feeds, the map and the note for robots."""

    desk: Desk
    pages: Pages

    async def index(self, request: Request) -> Response:
        """All issues, newest first."""
        listed = await self._looked(lambda session: archive.entries(self.desk, session))
        canonical = f"{self.desk.config.publication.base_url}/issues"
        return _kept(request, self.pages.filled("issues.html", entries=listed, canonical=canonical), HTML)

    async def issue(self, request: Request) -> Response:
        """One issue, or a part of it that readers get."""
        week, part = request.path_params["week"], request.path_params.get("part", "")
        found: archive.Page | None = await self._looked(lambda session: archive.page(self.desk, session, week, part))
        if found is None:
            none = "No issue of that week is here."
            return self.pages.sorry(HTTPStatus.NOT_FOUND, none, "There is no such issue", issues=True)
        answer = _kept(request, self._framed(found), HTML)
        answer.headers["Content-Security-Policy"] = ISSUE_POLICY
        return answer

    async def atom(self, request: Request) -> Response:
        """The feed for feed readers."""
        listed = await self._looked(lambda session: archive.entries(self.desk, session)[:IN_FEED])
        return _kept(request, feeds.atom(self.desk.config.publication, listed), ATOM)

    async def json(self, request: Request) -> Response:
        """The same as JSON Feed 1.1, with the text of each issue."""

        def look(session: Session) -> list[tuple[archive.Entry, str]]:
            listed = archive.entries(self.desk, session)[:IN_FEED]
            return [(entry, archive.copy_of(self.desk, session, entry).text) for entry in listed]

        return _kept(request, feeds.json_feed(self.desk.config.publication, await self._looked(look)), JSON)

    async def sitemap(self, request: Request) -> Response:
        """What search engines may know."""
        listed = await self._looked(lambda session: archive.entries(self.desk, session))
        return _kept(request, feeds.sitemap(self.desk.config.publication, listed), "application/xml")

    async def robots(self, request: Request) -> Response:
        """Where the map is. Pages behind tokens say themselves that they are not to be found."""
        text = f"User-agent: *\nAllow: /\nSitemap: {self.desk.config.publication.base_url}/sitemap.xml\n"
        return _kept(request, text, "text/plain; charset=utf-8")

    async def _looked(self, look: Look) -> Any:
        def inside() -> Any:
            with self.desk.reading() as session:
                return look(session)

        return await run_in_threadpool(inside)

    def _framed(self, found: archive.Page) -> str:
        """The issue with what belongs around it; its own bytes stay as they are."""
        words = {"page": found, "canonical": archive.address_of(self.desk, found.entry)}
        head, foot = (self.pages.filled(name, **words) for name in ("issue_head.html", "issue_foot.html"))
        parts = _BODY.fullmatch(found.copy.html)
        if parts is None:
            return found.copy.html
        return f"{parts[1]}{head}{parts[2]}<main>{parts[3]}</main>{foot}{parts[4]}"


def _kept(request: Request, text: str, kind: str) -> Response:
    """This text, or "you have it" (RFC 9110, 13.1.2)."""
    body = text.encode()
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": KEPT}
    known = [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]
    if tag in known:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(body, media_type=kind, headers=headers)
