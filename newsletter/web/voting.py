"""Votes: the page behind a link of the mail, with the choice filled in and a button; and what everybody may see.

A mail has one link per tool and choice, `/vote/TOKEN?of=COMPARISON&ship=TOOL`. Scanners follow all of them, so GET only
shows. Copies of nobody, as the archive's, have the same links without a token: those lead to the public page.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus

from sqlmodel import Session
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from newsletter.desk import voting
from newsletter.desk.desk import Desk
from newsletter.desk.voting import Act, Ballot, Side
from newsletter.web.opening import Fields, Link
from newsletter.web.pages import Pages
from newsletter.web.preferences import NOBODY
from newsletter.web.remembering import Memory
from subscribers.links import by_link, link_name
from subscribers.subscriber import Subscriber
from subscribers.tokens import Purpose, sign
from subscribers.votes import may_vote

OF = "of"  #: the comparison's key
WISHES = (Act.SHIP, Act.SKIP, Act.SAVE)  #: what a link in a mail can ask for; its value is the tool
NO_PAGE = "There is no such comparison here."
WORDS = {
    Act.SHIP: "Ship it",
    Act.SKIP: "Skip it",
    Act.BACK: "Take it back",
    Act.SAVE: "Save for later",
    Act.REMOVE: "Remove the bookmark",
}
Wish = tuple[str, Act | None]  #: the tool that a link names, and what it asks for


@dataclass(frozen=True, slots=True)
class Voting:
    """The answers at `/vote/{token}` and `/vote`."""

    desk: Desk
    pages: Pages
    seen: Memory[Ballot] = field(default_factory=Memory)  #: by everybody, so without anybody's own vote

    async def own(self, request: Request) -> Response:
        """A reader's own page: one comparison to vote on, or all that they voted."""
        asked = request.query_params
        show = partial(self._show, key=asked.get(OF, ""), wish=wish_in(asked))
        return await Link(self.desk, self.pages, Purpose.VOTE, show, self._act)(request)

    async def public(self, request: Request) -> Response:
        """How readers voted, and that they do it from the mail."""
        key = request.query_params.get(OF, "")

        def look() -> Ballot | None:
            with self.desk.reading() as session:
                return voting.ballot(self.desk, session, key)

        now = self.desk.clock()
        found = await run_in_threadpool(self.seen.of, key, now, look) if key else None
        if key and found is None:
            return self.pages.sorry(HTTPStatus.NOT_FOUND, NO_PAGE, "There is nothing to vote on", sign_up=True)
        return self.pages.page("voted.html", ballot=found, noindex=True)

    async def _show(self, ref: str, token: str, *, key: str, wish: Wish) -> Response:
        return await run_in_threadpool(self._looked, ref, token, key, wish)

    async def _act(self, ref: str, token: str, fields: Fields) -> Response:
        """One button of one tool."""
        return await run_in_threadpool(self._written, ref, token, fields)

    def _written(self, ref: str, token: str, fields: Fields) -> Response:
        key, slug = fields.get(OF, ""), fields.get("tool", "")
        act = next((act for act in Act if act == fields.get("do")), None)
        if act is None:
            return self._looked(ref, token, key, ("", None))
        with self.desk.transaction() as session:
            who = by_link(session, ref)
            done, said = voting.take(self.desk, session, who, key, slug, act) if who else (False, "")
        return self._looked(ref, token, key, ("", None), said=said, refused=not done)

    def _looked(self, ref: str, token: str, key: str, wish: Wish, *, said: str = "", refused: bool = False) -> Response:
        with self.desk.reading() as session:
            who = by_link(session, ref)
            if who is None:
                return self.pages.sorry(HTTPStatus.GONE, NOBODY, "There is nothing to vote with")
            if not key:
                return self._all(session, who, token)
            found = voting.ballot(self.desk, session, key, who)
            reads = may_vote(session, who)
        if found is None:
            return self.pages.sorry(HTTPStatus.NOT_FOUND, NO_PAGE, "There is nothing to vote on")
        slug, act = wish if found.comparison.tool(wish[0]) else ("", None)
        return self.pages.secret(
            "vote.html",
            HTTPStatus.CONFLICT if refused else HTTPStatus.OK,
            ballot=found,
            sides=[
                (side, buttons(side, act if side.tool.slug == slug else None, reads=reads))
                for side in sorted(found.sides, key=lambda side: side.tool.slug != slug)
            ],
            wished=act,
            done=fulfilled(found, slug, act),
            words=WORDS,
            token=token,
            reads=reads,
            said=said,
            refused=refused,
            shelf=sign(self.desk.keys, Purpose.BOOKMARKS, link_name(who)),
        )

    def _all(self, session: Session, who: Subscriber, token: str) -> Response:
        given = voting.given_by(session, who)
        shelf = sign(self.desk.keys, Purpose.BOOKMARKS, link_name(who))
        return self.pages.secret("votes.html", given=given, words=WORDS, token=token, shelf=shelf)


def buttons(side: Side, wished: Act | None, *, reads: bool) -> list[tuple[Act, bool]]:
    """What can be done to a tool, and whether it is what the link asks for: that comes first, and is loud."""
    votes = [act for act in (Act.SHIP, Act.SKIP) if reads and side.mine != act.value]
    back = [Act.BACK] if side.mine else []
    keep = [Act.REMOVE] if side.kept else [Act.SAVE] if reads else []
    return sorted(((act, act is wished) for act in (*votes, *back, *keep)), key=lambda each: not each[1])


def fulfilled(ballot: Ballot, slug: str, act: Act | None) -> str:
    """What to say where it is already as the link asks; else empty."""
    side = next((side for side in ballot.sides if side.tool.slug == slug), None)
    if side is None or act is None:
        return ""
    if act is Act.SAVE:
        return f"{side.tool.name} is in your bookmarks. You can remove it." if side.kept else ""
    counted = f"Your vote on {side.tool.name} is counted: {WORDS[act]}. You can change it or take it back."
    return counted if side.mine == act.value else ""


def wish_in(asked: Mapping[str, str]) -> Wish:
    """What a link asks for: the tool and the act; nothing where it only opens the page."""
    return next(((asked[act], act) for act in WISHES if act in asked), ("", None))
