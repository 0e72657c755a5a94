"""A reader's own page, without an account: choose, take a break, come back, get one's data, leave, be forgotten.

The link in every mail opens it, for as long as its reader has that address. What cannot be undone is behind a second
page: being forgotten has a link of its own, which this page makes and which lives for an hour.
"""

import json
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from http import HTTPStatus

from sqlmodel import Session
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from newsletter.desk.desk import Desk
from newsletter.desk.own_data import own_data
from newsletter.web.armour import SECRET
from newsletter.web.choosing import form_of
from newsletter.web.opening import Fields, changed, hint, reader
from newsletter.web.pages import Pages
from newsletter.web.time_zone import zones_for
from subscribers.consent import ON_THE_LIST, Evidence, Status
from subscribers.erasure import erase
from subscribers.links import by_link, link_name
from subscribers.subscriber import Subscriber, pause, resume
from subscribers.tokens import Purpose, sign

PAGE = "/preferences"
LONGEST = timedelta(days=366)  #: of a break
ERASE_FOR = timedelta(hours=1)  #: how long the link to be forgotten lives
NOBODY = "Nothing is kept of whom this link named."
NO_DATE = "Choose a day from tomorrow on, and within a year."


@dataclass(frozen=True, slots=True)
class Preferences:
    """The answers at `/preferences/{token}`, `/preferences/{token}/data` and `/erase/{token}`."""

    desk: Desk
    pages: Pages

    async def show(
        self, ref: str, token: str, *, said: str = "", wrong_choice: str = "", picked: Fields | None = None
    ) -> Response:
        """What they get, and what they can change; and what just was, or what was wrong with what they picked."""
        who = await reader(self.desk, ref)
        return self._page(who, token, said=said, wrong_choice=wrong_choice, picked=picked)

    async def act(self, ref: str, token: str, fields: Fields) -> Response:
        """A break, or its end."""
        if fields.get("do") == "resume":
            return self._page(await changed(self.desk, ref, self._resume), token, said="Welcome back.")
        until = self._until(fields.get("until", ""))
        if until is None:
            who = await reader(self.desk, ref)
            return self._page(who, token, wrong=NO_DATE, status=HTTPStatus.UNPROCESSABLE_ENTITY)

        def rest(session: Session, who: Subscriber) -> None:
            if who.status in ON_THE_LIST:
                pause(session, who, Evidence(PAGE), self.desk.clock(), until)

        who = await changed(self.desk, ref, rest)
        return self._page(who, token, said="Your break begins now." if who and who.status in ON_THE_LIST else "")

    async def data(self, ref: str, _token: str) -> Response:
        """All that is known of them, as a file."""

        def look() -> dict[str, object] | None:
            with self.desk.reading() as session:
                who = by_link(session, ref)
                return own_data(self.desk, session, who) if who else None

        if (found := await run_in_threadpool(look)) is None:
            return self.pages.sorry(HTTPStatus.GONE, NOBODY, "There is nothing")
        headers = {**SECRET, "Content-Disposition": 'attachment; filename="my-data.json"'}
        text = json.dumps(found, indent=2, ensure_ascii=False)  # for people too
        return Response(text, media_type="application/json", headers=headers)

    async def ask_erase(self, ref: str, _token: str) -> Response:
        """What goes and what stays, and one button."""
        who = await reader(self.desk, ref)
        return self.pages.secret("erase.html", hint=hint(who), done=who is None)

    async def erase(self, ref: str, _token: str, _fields: Fields) -> Response:
        """They are forgotten."""
        await changed(self.desk, ref, lambda session, who: erase(session, who, "/erase", self.desk.clock()))
        return self.pages.secret("erase.html", hint="", done=True)

    def _page(
        self,
        who: Subscriber | None,
        token: str,
        *,
        said: str = "",
        wrong: str = "",
        wrong_choice: str = "",
        picked: Fields | None = None,
        status: int = HTTPStatus.OK,
    ) -> Response:
        if who is None:
            return self.pages.sorry(HTTPStatus.GONE, NOBODY, "There is nothing to set")
        now, zone, keys = self.desk.clock(), self.desk.config.publication.tz, self.desk.keys
        name = link_name(who)
        resting = who.status is Status.PAUSED and (who.paused_until is None or who.paused_until > now)
        today = now.astimezone(zone).date()
        return self.pages.secret(
            "preferences.html",
            status,
            hint=hint(who),
            token=token,
            on_the_list=who.status in ON_THE_LIST,
            resting=resting,
            until=who.paused_until.astimezone(zone).date() if resting and who.paused_until else None,
            soonest=today + timedelta(days=1),
            latest=today + LONGEST - timedelta(days=1),
            zones=zones_for(self.desk.config, who),
            choice=form_of(self.desk.config.topics, who, picked),
            wrong_choice=wrong_choice,
            said=said,
            wrong=wrong,
            leave=sign(keys, Purpose.UNSUBSCRIBE, name),
            shelf=sign(keys, Purpose.BOOKMARKS, name),
            forget=sign(keys, Purpose.ERASE, name, expires=now + ERASE_FOR),
        )

    def _until(self, typed: str) -> datetime | None:
        """The beginning of this day on the publication's clock; None for what is no day that can be chosen."""
        zone, now = self.desk.config.publication.tz, self.desk.clock()
        try:
            moment = datetime.combine(date.fromisoformat(typed), time(), zone)
        except ValueError:
            return None
        return moment if now < moment < now + LONGEST else None

    def _resume(self, session: Session, who: Subscriber) -> None:
        if who.status is Status.PAUSED:
            resume(session, who, Evidence(PAGE), self.desk.clock())
