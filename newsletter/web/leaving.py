"""Leaving: the page with the button, and the POST of a mail program's own button (RFC 8058).

A leaving is never lost. It waits in this process until the database takes it, also when an import holds the write lock
for half a minute; together with all that wait, in one transaction. Whoever has waited for LONGEST_WAIT is told that it
is not done yet (503, Retry-After), and it is done all the same as soon as it can be.

Leaving is all that a link in the mailbox before a change of address can still do: it shows nothing of the address that
the reader has now, and no way back. That mailbox must not bring anybody back who has left in the new one.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from sqlmodel import Session
from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse, Response

from newsletter.desk.desk import Desk
from newsletter.errors import DatabaseBusy, DatabaseError
from newsletter.web.gathering import Gathering
from newsletter.web.opening import AGAIN, Fields, hint, reader
from newsletter.web.pages import Pages
from subscribers.consent import Evidence, Status
from subscribers.leaving import UNDO_FOR, Why, can_undo, leave, tell, undo
from subscribers.links import by_any_link, link_name
from subscribers.subscriber import Subscriber
from subscribers.tokens import Purpose, sign

LONGEST_WAIT = 25.0  #: seconds that a caller waits; a mail provider's own patience is not published
#: How often a database is asked again, each time for as long as the engine waits for a busy one: twenty minutes.
TRIES, BETWEEN = 240, 5.0
ONE_CLICK = ("List-Unsubscribe", "One-Click")  #: RFC 8058, section 3.1
PAGE, BUTTON = "/u", "/u by the mail program"  #: sources of consent events
WAIT = (
    "The list is busy at the moment. Your wish is noted and will be carried out as soon as possible; "
    "to be sure, open the link again in a minute."
)
TOO_LATE = "This can only be undone for an hour. You can sign up again at any time."
REASONS = (
    (Why.TOO_MUCH, "Too much mail"),
    (Why.NOT_USEFUL, "Not useful to me"),
    (Why.NOT_ASKED, "I never asked for it"),
    (Why.ELSEWHERE, "I read it elsewhere"),
    (Why.OTHER, "Something else"),
)

Parcel = tuple[str, str]  #: what a reader's link names, and where they said that they leave
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Leaving:
    """The answers at `/u/{token}`, `/u/{token}/why` and `/back/{token}`."""

    desk: Desk
    pages: Pages
    gathering: Gathering[Parcel]
    longest_wait: float = LONGEST_WAIT

    async def show(self, ref: str, _token: str) -> Response:
        """Who would leave, and one button; or that they have left, with the way back while there is one."""
        named, way, on = await run_in_threadpool(self._standing, ref)
        return self.pages.secret("leave.html", hint=named, on_the_list=on, back=way)

    async def act(self, ref: str, token: str, fields: Fields) -> Response:
        """They leave. A mail program gets a plain answer, a person a page."""
        name, value = ONE_CLICK
        one_click = fields.get(name) == value
        try:
            async with asyncio.timeout(self.longest_wait):
                await self.gathering.put((ref, BUTTON if one_click else PAGE))
        except (TimeoutError, DatabaseError):
            later = {"Retry-After": AGAIN}
            return self.pages.sorry(HTTPStatus.SERVICE_UNAVAILABLE, WAIT, "Not quite yet", headers=later)
        if one_click:
            return PlainTextResponse("You have left.\n", headers={"Cache-Control": "no-store"})
        return await self._left(ref, token)

    async def tell(self, ref: str, token: str, fields: Fields) -> Response:
        """Why they left, if it is one of the reasons that can be chosen."""
        why = next((why for why in Why if why == fields.get("reason")), None)
        if why is None:
            return await self._left(ref, token)

        def write() -> bool:
            with self.desk.transaction() as session:
                return tell(session, ref, why, self.desk.clock())

        return await self._left(ref, token, thanks=await run_in_threadpool(write))

    async def ask_back(self, ref: str, _token: str) -> Response:
        """Who would be back, and one button; that they are back already; or that there is nothing to undo."""
        who = await reader(self.desk, ref)
        if who is not None and who.status is Status.ACTIVE:
            return self.pages.secret("back.html", hint=hint(who), done=True)
        named, way, _ = await run_in_threadpool(self._standing, ref)
        if not way:
            return self.pages.sorry(HTTPStatus.GONE, TOO_LATE, "There is nothing to undo")
        return self.pages.secret("back.html", hint=named, done=False)

    async def back(self, ref: str, _token: str, _fields: Fields) -> Response:
        """The leaving is undone, while that is possible."""

        def write() -> bool:
            with self.desk.transaction() as session:
                return undo(session, ref, Evidence("/back"), self.desk.clock())

        if not await run_in_threadpool(write):
            return self.pages.sorry(HTTPStatus.GONE, TOO_LATE, "It is too late for that")
        return self.pages.secret("back.html", hint=hint(await reader(self.desk, ref)), done=True)

    async def _left(self, ref: str, token: str, *, thanks: bool = False) -> Response:
        """The good-bye: with a way back where there is one, and the question why unless that was answered."""
        who, way, _ = await run_in_threadpool(self._standing, ref)
        reasons = () if thanks else REASONS
        return self.pages.secret("left.html", hint=who, back=way, token=token, reasons=reasons, thanks=thanks)

    def _standing(self, ref: str) -> tuple[str, str, bool]:
        """The hint of the address, the token that undoes a leaving, and whether they are on the list.

        The token is empty where nothing undoes it; both are for a link that has ended.
        """
        with self.desk.reading() as session:
            who = by_any_link(session, ref)
            if who is None:
                return "", "", False
            on = who.status is not Status.UNSUBSCRIBED
            theirs = link_name(who) == ref
            return (hint(who), way_back(self.desk, session, who), on) if theirs else ("", "", on)


def way_back(desk: Desk, session: Session, who: Subscriber) -> str:
    """The token that undoes their leaving; empty where nothing does."""
    now = desk.clock()
    if not can_undo(session, who, now):
        return ""
    return sign(desk.keys, Purpose.RESUBSCRIBE, link_name(who), expires=now + UNDO_FOR)


def stored_by(
    desk: Desk, tries: int = TRIES, pause: Callable[[float], object] = time.sleep
) -> Callable[[Sequence[Parcel]], None]:
    """What lets all of these leave in one transaction, and asks a database that cannot be had again and again.

    A busy one has waited by itself; before another look at one that is gone, `pause` gets the seconds to wait.
    """

    def store(parcels: Sequence[Parcel]) -> None:
        for number in range(tries):
            try:
                with desk.transaction() as session:
                    leave(session, parcels, desk.clock())
            except DatabaseError as error:
                if number == 0:
                    log.warning("%d who leave are waiting for the database. %s", len(parcels), error)
                if number == tries - 1:
                    raise
                if not isinstance(error, DatabaseBusy):
                    pause(BETWEEN)
            else:
                return

    return store
