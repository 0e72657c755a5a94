"""How readers voted, for the site's own pages: JSON with public numbers, and no reader in them."""

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from newsletter.comparisons.shelf import latest
from newsletter.desk.desk import Desk
from newsletter.issues.readers_votes import counted
from newsletter.web.archive import KEPT
from newsletter.web.remembering import Memory
from newsletter.web.signing_up import site_of

UNKNOWN = "There is no such comparison. Ask with ?comparison= and both slugs, like heron-vs-zuraw."


@dataclass(frozen=True, slots=True)
class VotesApi:
    """The answers at `/api/votes`: anybody may ask, scripts of the sites of `signup.sites` may read the answer."""

    desk: Desk
    seen: Memory[dict[str, Any]] = field(default_factory=Memory)

    async def __call__(self, request: Request) -> Response:
        """The votes on both tools of a comparison; null where there are none."""
        key = request.query_params.get("comparison", "")
        found = await run_in_threadpool(self.seen.of, key, self.desk.clock(), lambda: self._found(key))
        if found is None:
            answer = JSONResponse({"error": UNKNOWN}, HTTPStatus.NOT_FOUND)
        else:
            answer = JSONResponse(found, headers={"Cache-Control": KEPT})
        answer.headers["Vary"] = "Origin"
        if site := site_of(request, (*self.desk.config.signup.sites, self.desk.config.publication.base_url)):
            answer.headers["Access-Control-Allow-Origin"] = site
        return answer

    def _found(self, key: str) -> dict[str, Any] | None:
        with self.desk.reading() as session:
            comparison = latest(session, key)
            if comparison is None:
                return None
            slugs = [tool.slug for tool in comparison.tools]
            votes = counted(session, slugs)
        said = {slug: votes[slug].model_dump() if slug in votes else None for slug in slugs}
        return {"comparison": comparison.key, "votes": said}
