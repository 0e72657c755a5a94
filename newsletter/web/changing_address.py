"""A reader's change of address: asked for on their page, confirmed from the new mailbox, undone from the old one.

Whatever stands behind the new address, the answer is the same and costs the same: one row, as a sign-up writes it
(subscribers/wishes.py). What follows is decided in the post room. The new mailbox is shown nothing of the old address,
and nobody is told whose an address is: what cannot be done is over, in one sentence for every reason.
With the change, and with its undoing, the links in the mails before end (subscribers/links.py); whoever pressed the
button is given the new one to their settings.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from newsletter.desk.desk import Desk
from newsletter.web.client import Clients
from newsletter.web.gathering import Gathering
from newsletter.web.leaving import BUTTON, ONE_CLICK, way_back
from newsletter.web.opening import Fields, Link, hint, hint_of, reader
from newsletter.web.pages import Pages
from newsletter.web.signing_up import HOUR
from subscribers.address import parse
from subscribers.address_change import AddressChange, can_change, can_undo, change_named, refuse
from subscribers.consent import ON_THE_LIST, Evidence
from subscribers.errors import BadAddress
from subscribers.letters import About, owe
from subscribers.links import link_name
from subscribers.readdressing import carry_out, undo
from subscribers.subscriber import Subscriber, unsubscribe
from subscribers.suppression import Reason, suppress
from subscribers.tokens import Purpose, sign
from subscribers.wishes import Asking

WORDING = "2026-11"  #: version of the words on these pages: a changed sentence is a new version
NOT_ON_IT = "This link's address is not on the list. You can sign up with the other one."
TOO_OFTEN = "It was asked for too often, by you today or by others within the hour. Please try again tomorrow."
OVER = (
    "Nothing was changed. It is too late for it, another wish has taken its place, or the address cannot be used: two "
    "entries on the list are never made one. You can ask again, by the link to your settings in every mail."
)
BACK_OVER = (
    "Nothing was changed. It was changed back already, or that address cannot be used: it has an entry of its own, it "
    "must not be mailed any more, or the entry was erased. You can sign up with it. If no mail comes then, write to us."
)
Deed = Callable[[Session, AddressChange], bool]


@dataclass(frozen=True, slots=True)
class Asked:
    """A change, whose it is, and whether it can be done, or is done."""

    change: AddressChange
    whom: Subscriber
    possible: bool
    way_back: str = ""  #: the token that undoes their leaving, where there is one

    @property
    def done(self) -> bool:
        """Whether the reader has the new address."""
        return self.whom.fingerprint == self.change.fingerprint


@dataclass(frozen=True, slots=True)
class ChangingAddress:
    """The answers at `/preferences/{token}/address`, `/address/{token}`, `/address-no/…` and `/address-back/…`."""

    desk: Desk
    pages: Pages
    gathering: Gathering[Asking]
    clients: Clients

    async def __call__(self, request: Request) -> Response:
        """The form for a new address, and what follows from it."""
        act = partial(self._asked, self.clients.network(request))
        return await Link(self.desk, self.pages, Purpose.PREFERENCES, self._form, act)(request)

    async def show(self, ref: str, _token: str) -> Response:
        """Which address would be the new one, and one button."""
        asked = await run_in_threadpool(self._look, ref, can_change)
        return self._answer(asked)

    async def change(self, ref: str, _token: str, _fields: Fields) -> Response:
        """The address is changed, and the old one is owed a notice."""
        await run_in_threadpool(self._do, ref, self._carry_out)
        return self._answer(await run_in_threadpool(self._look, ref, can_change))

    async def ask_never(self, ref: str, _token: str) -> Response:
        """That nothing has to be done, and a button for whoever wants to be left alone."""
        asked = await run_in_threadpool(self._look, ref, can_change)
        gets_it = asked is not None and asked.done and asked.whom.status in ON_THE_LIST
        return self.pages.secret("address_no.html", hint=_new(asked), done=False, gets_it=gets_it)

    async def never(self, ref: str, _token: str, fields: Fields) -> Response:
        """Nobody mails the new address again. A mail program's own button only ends this change."""
        name, value = ONE_CLICK
        one_click = fields.get(name) == value
        asked = await run_in_threadpool(self._look, ref, can_change)
        await run_in_threadpool(self._do, ref, self._end if one_click else self._forbid)
        if one_click:
            return PlainTextResponse("You will not be asked about this again.\n", headers={"Cache-Control": "no-store"})
        return self.pages.secret("address_no.html", hint=_new(asked), done=True)

    async def ask_back(self, ref: str, _token: str) -> Response:
        """Which address would be back, and one button."""
        asked = await run_in_threadpool(self._look, ref, can_undo)
        if asked is None or not asked.possible:
            return self._back_over()
        return self._back(asked, hint_of(asked.change.old_address), done=False)

    async def back(self, ref: str, _token: str, _fields: Fields) -> Response:
        """The old address is back; who is not on the list is shown how to come back onto it."""
        done = await run_in_threadpool(self._do, ref, self._undo)
        asked = await run_in_threadpool(self._look, ref, can_undo)
        if asked is None or not done:
            return self._back_over()
        return self._back(asked, hint(asked.whom), done=True)

    async def _form(self, ref: str, token: str, typed: str = "", wrong: str = "") -> Response:
        who = await reader(self.desk, ref)
        if who is None or who.status not in ON_THE_LIST:
            return self.pages.sorry(HTTPStatus.GONE, NOT_ON_IT, "There is nothing to change", sign_up=True)
        status = HTTPStatus.UNPROCESSABLE_ENTITY if wrong else HTTPStatus.OK
        words = {"hint": hint(who), "token": token, "typed": typed[:254], "wrong": wrong}
        return self.pages.secret("address.html", status, **words)

    async def _asked(self, network: str, ref: str, token: str, fields: Fields) -> Response:
        typed, who = fields.get("email", "").strip(), await reader(self.desk, ref)
        try:
            address = parse(typed)
        except BadAddress as error:
            return await self._form(ref, token, typed, str(error))
        if who is None or who.status not in ON_THE_LIST:
            return await self._form(ref, token)
        asking = Asking(address, network, Evidence("/preferences", WORDING), mover=who.id)
        await self.gathering.put(asking)
        if asking.too_many:
            return self.pages.sorry(HTTPStatus.TOO_MANY_REQUESTS, TOO_OFTEN, "Not now", headers={"Retry-After": HOUR})
        return self.pages.secret("address_asked.html", typed=typed, token=token)

    def _answer(self, asked: Asked | None) -> Response:
        if asked is None or not (asked.possible or asked.done):
            return self._over()
        settings = self._settings(asked) if asked.done else ""
        return self.pages.secret("address_new.html", hint=_new(asked), done=asked.done, settings=settings)

    def _back(self, asked: Asked, named: str, *, done: bool) -> Response:
        left, settings = asked.whom.status not in ON_THE_LIST, self._settings(asked) if done else ""
        words: dict[str, Any] = {"hint": named, "done": done, "left": left, "back": asked.way_back}
        return self.pages.secret("address_back.html", **words, settings=settings)

    def _settings(self, asked: Asked) -> str:
        """The token of their settings, for whoever has pressed the button in the mailbox that is theirs now."""
        return sign(self.desk.keys, Purpose.PREFERENCES, link_name(asked.whom))

    def _back_over(self) -> Response:
        return self.pages.sorry(HTTPStatus.GONE, BACK_OVER, "This link does nothing any more", sign_up=True)

    def _over(self) -> Response:
        return self.pages.sorry(HTTPStatus.GONE, OVER, "This link does nothing any more")

    def _look(self, ref: str, possible: Callable[..., bool]) -> Asked | None:
        with self.desk.reading() as session:
            change = change_named(session, ref)
            if change is None:
                return None
            whom = session.get_one(Subscriber, change.subscriber_id)
            can = possible(session, change, self.desk.clock())
            return Asked(change, whom, can, way_back(self.desk, session, whom))

    def _do(self, ref: str, deed: Deed) -> bool:
        """Do this to the change that a link names. False where it cannot be, or somebody took the address just now."""
        try:
            with self.desk.transaction() as session:
                change = change_named(session, ref, to_write=True)
                return change is not None and deed(session, change)
        except IntegrityError:
            return False

    def _carry_out(self, session: Session, change: AddressChange) -> bool:
        now = self.desk.clock()
        done = carry_out(session, change, Evidence("/address", WORDING), now)
        if done:
            owe(session, About.OLD_ADDRESS, session.get_one(Subscriber, change.subscriber_id), now, change=change)
        return done

    def _undo(self, session: Session, change: AddressChange) -> bool:
        return undo(session, change, Evidence("/address-back", WORDING), self.desk.clock())

    def _end(self, session: Session, change: AddressChange) -> bool:
        """This change is off; where the address is the reader's already, they leave."""
        refuse(session, change)
        whom = session.get_one(Subscriber, change.subscriber_id)
        if whom.fingerprint == change.fingerprint:
            unsubscribe(session, whom, Evidence(BUTTON), self.desk.clock())
        return True

    def _forbid(self, session: Session, change: AddressChange) -> bool:
        self._end(session, change)
        now = self.desk.clock()
        return suppress(session, change.fingerprint, Reason.MANUAL, now, address=change.address, note="/address-no")


def _new(asked: Asked | None) -> str:
    return hint_of(asked.change.address) if asked else ""
