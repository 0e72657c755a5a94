"""The links of a confirmation mail: yes, on a page with a button; and never, for who did not ask.

A link confirms somebody who waits for it, and nobody else: an old one brings nobody back who has left since.
"""

from dataclasses import dataclass
from http import HTTPStatus

from sqlmodel import Session
from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse, Response

from newsletter.desk.desk import Desk
from newsletter.web.leaving import BUTTON, ONE_CLICK
from newsletter.web.opening import Fields, changed, hint, reader
from newsletter.web.pages import Pages
from newsletter.web.signing_up import WORDING
from subscribers.consent import ON_THE_LIST, Evidence, Status
from subscribers.letters import About, owe
from subscribers.links import link_name
from subscribers.subscriber import Subscriber, confirm, unsubscribe
from subscribers.suppression import Reason, is_suppressed, suppress
from subscribers.tokens import Purpose, sign

GONE = "It was for a sign-up that is over: somebody has left since, or has waited too long. You can sign up again."
NEVER = "Nothing of ours goes to this address any more, so no sign-up can follow. Only we can undo that, by hand."


async def over(desk: Desk, pages: Pages, who: Subscriber | None) -> Response:
    """The page of a confirmation link whose sign-up is over; it leads to the form where that can do anything."""

    def look() -> bool:
        with desk.reading() as session:
            return who is not None and is_suppressed(session, who.fingerprint)

    never = await run_in_threadpool(look)
    words = NEVER if never else GONE
    return pages.sorry(HTTPStatus.GONE, words, "This link has done its work", sign_up=not never)


@dataclass(frozen=True, slots=True)
class Confirming:
    """The answers at `/confirm/{token}` and `/never/{token}`."""

    desk: Desk
    pages: Pages

    async def ask(self, ref: str, _token: str) -> Response:
        """Who would be on the list, and one button."""
        return await self._answer(await reader(self.desk, ref))

    async def yes(self, ref: str, _token: str, _fields: Fields) -> Response:
        """They are on the list, and are owed a welcome. The way to the settings is for whoever pressed the button."""
        who = await changed(self.desk, ref, self._confirm)
        reads = who if who and who.status in ON_THE_LIST else None
        settings = sign(self.desk.keys, Purpose.PREFERENCES, link_name(reads)) if reads else ""
        return await self._answer(who, settings)

    async def ask_never(self, ref: str, _token: str) -> Response:
        """What "never" means, and one button."""
        return self.pages.secret("never.html", hint=hint(await reader(self.desk, ref)), done=False)

    async def never(self, ref: str, _token: str, fields: Fields) -> Response:
        """Nobody mails them again. A mail program's own button only ends this sign-up: it may have been a wrong tap."""
        name, value = ONE_CLICK
        if fields.get(name) == value:
            await changed(self.desk, ref, self._withdraw, former=True)
            return PlainTextResponse("You will not be asked about this again.\n", headers={"Cache-Control": "no-store"})
        who = await changed(self.desk, ref, self._forbid)
        return self.pages.secret("never.html", hint=hint(who), done=True)

    async def _answer(self, who: Subscriber | None, settings: str = "") -> Response:
        if who is None or who.status is Status.UNSUBSCRIBED:
            return await over(self.desk, self.pages, who)
        done = who.status is not Status.PENDING
        return self.pages.secret("confirm.html", hint=hint(who), done=done, settings=settings)

    def _confirm(self, session: Session, who: Subscriber) -> None:
        if who.status is Status.PENDING:
            now = self.desk.clock()
            confirm(session, who, Evidence("/confirm", WORDING), now)
            owe(session, About.WELCOME, who, now)

    def _withdraw(self, session: Session, who: Subscriber) -> None:
        unsubscribe(session, who, Evidence(BUTTON), self.desk.clock())

    def _forbid(self, session: Session, who: Subscriber) -> None:
        unsubscribe(session, who, Evidence("/never"), self.desk.clock())
        suppress(session, who.fingerprint, Reason.MANUAL, self.desk.clock(), address=who.address, note="/never")
