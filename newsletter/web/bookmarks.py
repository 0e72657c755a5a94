"""Bookmarks: what a reader keeps, with the verdicts of now, and a button to remove each."""

from dataclasses import dataclass
from http import HTTPStatus

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from newsletter.desk import voting
from newsletter.desk.desk import Desk
from newsletter.web.opening import Fields
from newsletter.web.pages import Pages
from newsletter.web.preferences import NOBODY
from subscribers.links import by_link


@dataclass(frozen=True, slots=True)
class Bookmarks:
    """The answers at `/bookmarks/{token}`."""

    desk: Desk
    pages: Pages

    async def show(self, ref: str, token: str) -> Response:
        """All of them."""
        return await run_in_threadpool(self._looked, ref, token)

    async def act(self, ref: str, token: str, fields: Fields) -> Response:
        """Remove one."""
        return await run_in_threadpool(self._removed, ref, token, fields.get("tool", ""))

    def _removed(self, ref: str, token: str, slug: str) -> Response:
        said = ""
        with self.desk.transaction() as session:
            if who := by_link(session, ref):
                names = {one.slug: one.name for one in voting.kept_by(self.desk, session, who)}
                said = voting.forget(self.desk, session, who, slug, names[slug]) if slug in names else ""
        return self._looked(ref, token, said)

    def _looked(self, ref: str, token: str, said: str = "") -> Response:
        with self.desk.reading() as session:
            who = by_link(session, ref)
            if who is None:
                return self.pages.sorry(HTTPStatus.GONE, NOBODY, "There is nothing")
            kept = voting.kept_by(self.desk, session, who)
        return self.pages.secret("bookmarks.html", kept=kept, token=token, said=said)
