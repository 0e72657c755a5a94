"""The link of the question whether somebody still wants the newsletter: a page with a button.

The button is their yes. For some months it also brings back who did not answer in time; it brings nobody back who left
by themselves, or whose address is suppressed.
"""

from dataclasses import dataclass
from http import HTTPStatus

from sqlmodel import Session
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from newsletter.desk.desk import Desk
from newsletter.web.opening import Fields, hint
from newsletter.web.pages import Pages
from subscribers.consent import Evidence
from subscribers.links import by_link, link_name
from subscribers.subscriber import Subscriber
from subscribers.sunset import Stay, standing, stay
from subscribers.tokens import Purpose, sign

WORDING = "2026-11"  #: of the page with the button
GONE = "You have left since, or there is another mail of ours with a newer link. You can sign up again at any time."


@dataclass(frozen=True, slots=True)
class Staying:
    """The answers at `/stay/{token}`."""

    desk: Desk
    pages: Pages

    async def ask(self, ref: str, _token: str) -> Response:
        """The question, and one button; that they stay already; or that they are off the list, with the way back."""

        def look() -> Response:
            with self.desk.reading() as session:
                who = by_link(session, ref)
                return self._answer(who, standing(session, who))

        return await run_in_threadpool(look)

    async def yes(self, ref: str, _token: str, _fields: Fields) -> Response:
        """They stay, or are back."""

        def write() -> Response:
            with self.desk.transaction() as session:
                came = self._stays(session, ref)
                return self._answer(by_link(session, ref), came)

        return await run_in_threadpool(write)

    def _stays(self, session: Session, ref: str) -> Stay:
        return stay(session, ref, Evidence("/stay", WORDING), self.desk.clock())

    def _answer(self, who: Subscriber | None, where: Stay) -> Response:
        if who is None or where is Stay.GONE:
            return self.pages.sorry(HTTPStatus.GONE, GONE, "This link has done its work", sign_up=True)
        leave = sign(self.desk.keys, Purpose.UNSUBSCRIBE, link_name(who))
        return self.pages.secret("stay.html", hint=hint(who), where=where.value, leave=leave)
