"""Leaving, as a person does it on the page and a mail program with its own button (RFC 8058)."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, replace

import httpx
import pytest
from delivery_samples import dispatcher_for_ten, state_of
from desk_samples import Place, place
from readers_web import open_web, story, token, who
from sqlalchemy import Engine
from sqlalchemy.event import listen
from sqlmodel import Session, select

from newsletter.database import engine_for
from newsletter.delivery.flight import Ending
from newsletter.delivery.progress import Progress
from newsletter.desk.desk import Desk
from newsletter.errors import ConnectionLost
from newsletter.web import leaving
from subscribers.consent import Kind, Status
from subscribers.erasure import erase
from subscribers.leaving import Farewell, Why, reasons
from subscribers.subscriber import require
from subscribers.suppression import Reason, suppress
from subscribers.tokens import Purpose, sign

ONE_CLICK = b"List-Unsubscribe=One-Click"
PARTS = b'--x1\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x1--\r\n'
FORM = "application/x-www-form-urlencoded"


def link(here: Place, name: str = "ada") -> str:
    """The link in their mail."""
    return f"/u/{token(here, Purpose.UNSUBSCRIBE, name)}"


def way_back(page: httpx.Response) -> str:
    """The path of the form that undoes it; empty where there is none."""
    return page.text.partition('action="/back/')[2].partition('"')[0]


def test_the_page_shows_who_would_leave_and_changes_nothing(web: httpx.Client, here: Place) -> None:
    """A hint is enough for who knows the address, and tells nothing to anybody else."""
    page = web.get(link(here))

    assert page.status_code == 200
    assert "A…@example.org" in page.text
    assert "Ada@" not in page.text
    assert who(here, "ada").status is Status.ACTIVE


def test_the_button_takes_effect_at_once(web: httpx.Client, here: Place) -> None:
    """With one piece of evidence, and a page that says so."""
    page = web.post(link(here), data={"leave": "yes"})

    assert (page.status_code, "You have left" in page.text) == (200, True)
    assert [event.kind for event in story(here, "ada")] == [Kind.CONFIRMED, Kind.WITHDRAWN]
    assert story(here, "ada")[-1].source == "/u"


@pytest.mark.parametrize("name", ["ben", "pia"])
def test_whoever_is_pending_or_paused_can_leave_too(web: httpx.Client, here: Place, name: str) -> None:
    """There is no state in which the link does not work."""
    assert web.post(link(here, name)).status_code == 200
    assert who(here, name).status is Status.UNSUBSCRIBED


@pytest.mark.parametrize(
    ("kind", "body"),
    [(FORM, ONE_CLICK), (f"{FORM}; charset=UTF-8", ONE_CLICK), ("multipart/form-data; boundary=x1", PARTS)],
    ids=["form", "form with charset", "parts"],
)
def test_one_click_acts_without_cookie_redirect_or_page(web: httpx.Client, here: Place, kind: str, body: bytes) -> None:
    """As Gmail and Yahoo post it: from elsewhere, twice where the first answer was lost (RFC 8058; S-19)."""
    foreign = {"content-type": kind, "origin": "https://mail.example.net", "sec-fetch-site": "cross-site"}
    answers = [web.post(link(here), content=body, headers=foreign) for _ in range(2)]

    assert [(one.status_code, one.text, len(one.history)) for one in answers] == [(200, "You have left.\n", 0)] * 2
    assert all("set-cookie" not in one.headers for one in answers)
    assert [event.source for event in story(here, "ada")][1:] == ["/u by the mail program"]


def test_the_link_works_after_years_and_under_every_reading_of_the_clock(web: httpx.Client, here: Place) -> None:
    """Old mail is opened, and clocks are set back."""
    path = link(here)
    here.clock.forward(days=3650)

    assert web.post(path, content=ONE_CLICK, headers={"content-type": FORM}).status_code == 200
    assert who(here, "ada").status is Status.UNSUBSCRIBED


def test_whoever_was_erased_gets_the_same_good_bye(web: httpx.Client, here: Place) -> None:
    """Their old link names nobody any more, and leaving is a success."""
    path = link(here)
    with here.desk.transaction() as session:
        erase(session, who(here, "ada"), "test", here.clock())

    assert "not on the list" in web.get(path).text
    assert "You have left" in web.post(path).text


def test_a_mistake_is_undone_with_evidence_of_its_own(web: httpx.Client, here: Place) -> None:
    """The good-bye has the button; pressing it twice is no error."""
    back = "/back/" + way_back(web.post(link(here)))

    assert "Stay on the list?" in web.get(back).text
    assert who(here, "ada").status is Status.UNSUBSCRIBED
    assert ["You are back" in web.post(back).text for _ in range(2)] == [True, True]
    assert [event.kind for event in story(here, "ada")][1:] == [Kind.WITHDRAWN, Kind.CONFIRMED]


def test_whoever_left_by_a_mistaken_tap_in_the_mail_program_finds_the_way_back_by_the_link(
    web: httpx.Client, here: Place
) -> None:
    """The button of a mail program shows no page; the link in the mail does."""
    web.post(link(here), content=ONE_CLICK, headers={"content-type": FORM})
    page = web.get(link(here))

    assert "not on the list" in page.text
    assert "You are back" in web.post("/back/" + way_back(page)).text


def test_an_hour_later_it_takes_a_new_sign_up(web: httpx.Client, here: Place) -> None:
    """Neither the old undo nor the old link brings anybody back who left long ago."""
    back = "/back/" + way_back(web.post(link(here)))
    here.clock.forward(minutes=61)

    assert web.post(back).status_code == 404
    assert way_back(web.post(link(here))) == ""
    assert who(here, "ada").status is Status.UNSUBSCRIBED


def test_an_undo_that_was_kept_brings_nobody_back_after_a_second_leaving(web: httpx.Client, here: Place) -> None:
    """Its time runs from the leaving, and who is suppressed since is not brought back at all."""
    back = "/back/" + way_back(web.post(link(here)))
    with here.desk.transaction() as session:
        suppress(session, who(here, "ada").fingerprint, Reason.COMPLAINT, here.clock())

    assert web.post(back).status_code == 410
    assert who(here, "ada").status is Status.UNSUBSCRIBED


def test_a_reason_is_optional_one_of_a_few_and_can_be_changed(web: httpx.Client, here: Place) -> None:
    """What is not on the list of reasons is not kept."""
    path = link(here)
    web.post(path)
    for reason in ("too-much", "<script>", "", "not-useful"):
        assert web.post(f"{path}/why", data={"reason": reason}).status_code == 200

    with here.desk.transaction() as session:
        assert reasons(session) == {**dict.fromkeys(Why, 0), Why.NOT_USEFUL: 1}
        assert [said.why for said in session.exec(select(Farewell))] == [Why.NOT_USEFUL]


def test_whoever_has_not_left_has_no_reason(web: httpx.Client, here: Place) -> None:
    """A form that was kept says nothing of somebody who stayed; and an erased one's reason goes with them."""
    web.post(f"{link(here)}/why", data={"reason": "other"})
    web.post(link(here, "pia"))
    web.post(f"{link(here, 'pia')}/why", data={"reason": "other"})
    with here.desk.transaction() as session:
        assert len(session.exec(select(Farewell)).all()) == 1
        erase(session, require(session, "pia@example.org"), "test", here.clock())
        assert session.exec(select(Farewell)).all() == []


def test_whoever_leaves_in_the_middle_of_a_send_gets_nothing_that_is_not_claimed(engine: Engine) -> None:
    """Ten people, four in a call; after the first call one of the others leaves by one click."""
    dispatcher, here = dispatcher_for_ten(engine), place(engine)

    with open_web(here) as web:

        def leave(_: Progress) -> None:
            web.post(link(here, "reader8"), content=ONE_CLICK, headers={"content-type": FORM}).raise_for_status()

        assert dispatcher.run(1, on_progress=leave)[0] is Ending.DONE
    state, keys = state_of(dispatcher), "".join(dispatcher.provider.log)
    assert (state.accepted, state.skipped["unsubscribed"]) == (9, 1)
    assert who(here, "reader8").ref not in keys
    assert who(here, "reader7").ref in keys


class Import:
    """Somebody who holds the write lock, until a writer of ours has found it taken so many times."""

    def __init__(self, here: Place, times: int) -> None:
        self.left, self.found_busy = times, threading.Event()
        url = here.desk.engine.url
        self.engine = engine_for(str(url), busy_seconds=0.05)
        self.lock = sqlite3.connect(url.database or "", isolation_level=None, check_same_thread=False)
        self.lock.execute("begin immediate")
        listen(self.engine, "handle_error", self._busy)

    def _busy(self, _context: object) -> None:
        self.left -= 1
        self.found_busy.set()
        if self.left == 0:
            self.end()

    def end(self) -> None:
        """The import is over."""
        self.lock.rollback()


def test_whoever_leaves_during_a_long_import_waits_and_is_not_lost(here: Place) -> None:
    """The lock is found taken five times over; the page itself needs no lock."""
    path, busy = link(here), Import(here, 5)
    with open_web(replace(here, desk=replace(here.desk, engine=busy.engine))) as web:
        assert web.get(path).status_code == 200
        assert web.post(path, content=ONE_CLICK, headers={"content-type": FORM}).status_code == 200

    assert busy.left == 0
    assert who(here, "ada").status is Status.UNSUBSCRIBED


def test_whoever_has_waited_too_long_is_told_so_and_leaves_all_the_same(here: Place) -> None:
    """The caller hears "not yet, again in half a minute"; their wish stays and is carried out."""
    path, busy = link(here), Import(here, 1_000_000)
    with open_web(replace(here, desk=replace(here.desk, engine=busy.engine)), longest_wait=0.2) as web:
        told = web.post(path, content=ONE_CLICK, headers={"content-type": FORM})
        busy.end()
        while who(here, "ada").status is not Status.UNSUBSCRIBED:
            web.get("/healthz")

    assert (told.status_code, told.headers["retry-after"]) == (503, "30")
    assert [event.kind for event in story(here, "ada")] == [Kind.CONFIRMED, Kind.WITHDRAWN]


class Away(Desk):
    """A desk whose database server is gone for so many transactions."""

    gone = 3

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Not yet, then as always."""
        if type(self).gone:
            type(self).gone -= 1
            raise ConnectionLost("The server is gone.")
        with super().transaction() as session:
            yield session


def test_whoever_leaves_while_the_database_server_is_gone_is_not_lost_either(here: Place) -> None:
    """It is asked again, with a pause between, and leaving twice is leaving once."""
    waited: list[float] = []
    away = Away(**{field.name: getattr(here.desk, field.name) for field in fields(here.desk)})
    leaving.stored_by(away, pause=waited.append)([(who(here, "ada").ref, "/u")])

    assert waited == [leaving.BETWEEN] * 3
    assert who(here, "ada").status is Status.UNSUBSCRIBED


@pytest.mark.parametrize("path", ["/back/", "/preferences/", "/subscribe"])
def test_a_page_that_has_to_wait_too_long_says_when_to_come_again(here: Place, path: str) -> None:
    """503 and half a minute, and nothing is changed."""
    purpose = Purpose.RESUBSCRIBE if path == "/back/" else Purpose.PREFERENCES
    link = path if path == "/subscribe" else path + token(here, purpose)
    shown = sign(here.desk.keys, Purpose.FORM, str(int(here.clock().timestamp()) - 9))
    busy = Import(here, 1_000_000)
    with open_web(replace(here, desk=replace(here.desk, engine=busy.engine))) as web:
        told = web.post(link, data={"until": "2026-12-24", "email": "new@example.org", "shown": shown})
    busy.end()

    assert (told.status_code, told.headers["retry-after"]) == (503, "30")
    assert "half a minute" in told.text
