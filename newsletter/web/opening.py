"""Opening the page of a link: whose token it is, or a page that says that it opens nothing."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus

from sqlmodel import Session
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from newsletter.desk.desk import Desk
from newsletter.web.bodies import TooLong, form_of
from newsletter.web.pages import Pages
from subscribers.errors import BadToken, ExpiredToken, FormerLink
from subscribers.links import by_any_link, by_link
from subscribers.subscriber import Subscriber
from subscribers.tokens import Purpose, verify

Fields = dict[str, str]
Showing = Callable[[str, str], Awaitable[Response]]  #: of what a token names (subscribers/links.py), and the token
Acting = Callable[[str, str, Fields], Awaitable[Response]]  #: the same with the posted form
Change = Callable[[Session, Subscriber], object]

#: For whom the list is busy: seconds until they should try again.
AGAIN = "30"
FORMER = (
    "The address of this subscription was changed since the mail with this link went out, and the links in older mails "
    "have ended with that, all but the one to unsubscribe. Newer mails have links that work. Or type the address that "
    "gets the newsletter now into the form for signing up: it is mailed a link to its settings, unless we wrote to it "
    "about its subscription within the last day, or often within the month."
)
BUSY = "The list cannot be reached at the moment. Please try again in half a minute."


@dataclass(frozen=True, slots=True)
class Link:
    """One kind of link in a mail: GET shows, POST acts, and no other purpose's token opens it."""

    desk: Desk
    pages: Pages
    purpose: Purpose
    show: Showing
    act: Acting
    late: bool = False  #: whether it opens also when its time is over

    async def __call__(self, request: Request) -> Response:
        """Answer one request."""
        token = request.path_params["token"]
        try:
            ref = verify(self.desk.keys, self.purpose, token, now=self.desk.clock())
        except ExpiredToken as error:
            if not self.late:
                return self._expired(error, token)
            ref = error.ref
        except BadToken as error:
            way = self.purpose in (Purpose.CONFIRM, Purpose.STAY)
            return self.pages.sorry(HTTPStatus.NOT_FOUND, str(error), "This link does not open anything", sign_up=way)
        try:
            if request.method != "POST":
                return await self.show(ref, token)
            return await posted(self.pages, request, lambda fields: self.act(ref, token, fields))
        except FormerLink:
            return self.pages.sorry(HTTPStatus.GONE, FORMER, "This link has ended", sign_up=True)

    def _expired(self, error: ExpiredToken, token: str) -> Response:
        """Whoever comes too late to confirm a sign-up gets a new link by a button."""
        if self.purpose is Purpose.CONFIRM:
            return self.pages.secret("expired.html", HTTPStatus.NOT_FOUND, token=token)
        way = self.purpose is Purpose.STAY  # whoever comes too late for this one signs up anew
        return self.pages.sorry(HTTPStatus.NOT_FOUND, str(error), "This link does not open anything", sign_up=way)


async def posted(pages: Pages, request: Request, act: Callable[[Fields], Awaitable[Response]]) -> Response:
    """What `act` answers to the posted form, or a page that says what was wrong with it."""
    try:
        fields = await form_of(request)
    except TooLong:
        return pages.sorry(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "What was sent is too long.")
    except TimeoutError:
        return pages.sorry(HTTPStatus.REQUEST_TIMEOUT, "What was sent took too long to arrive.")
    except ClientDisconnect:
        return Response(status_code=HTTPStatus.BAD_REQUEST)
    return await act(fields)


async def reader(desk: Desk, ref: str) -> Subscriber | None:
    """Whom a link names, as of the last commit; waits for no writer. None once erased. Raises FormerLink."""

    def look() -> Subscriber | None:
        with desk.reading() as session:
            return by_link(session, ref)

    return await run_in_threadpool(look)


async def changed(desk: Desk, ref: str, change: Change, *, former: bool = False) -> Subscriber | None:
    """Whom a link names, after this change to them in a transaction; None where it names nobody. Raises FormerLink.

    `former`: also by a link that has ended, which is for leaving alone.
    """

    def write() -> Subscriber | None:
        with desk.transaction() as session:
            who = (by_any_link if former else by_link)(session, ref)
            if who is not None:
                change(session, who)
            return who

    return await run_in_threadpool(write)


def hint(subscriber: Subscriber | None) -> str:
    """So much of an address that its owner knows it: "a…@example.org". Empty where there is none."""
    return hint_of(subscriber.address if subscriber else None)


def hint_of(address: str | None) -> str:
    """The same of an address."""
    local, _, domain = (address or "").rpartition("@")
    return f"{local[:1]}…@{domain}" if domain else ""
