"""The page of the question whether somebody still wants the newsletter: a look changes nothing, the button is a yes."""

from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest
from desk_samples import Place
from people import PAGE
from readers_web import dump, open_web, reading_room, story, token, who
from sqlalchemy import Engine
from sqlmodel import select

from subscribers import sunset
from subscribers.consent import Evidence, Kind, Status
from subscribers.subscriber import lapse, require, unsubscribe
from subscribers.tokens import Purpose, sign


@pytest.fixture
def here(engine: Engine) -> Place:
    """The five characters; Ada has been asked."""
    here = reading_room(engine)
    with here.desk.transaction() as session:
        ada = require(session, "ada@example.org").id or 0
        sunset.ask(session, [ada], here.clock() - timedelta(days=30), here.clock(), here.clock())
    return here


@pytest.fixture
def web(here: Place) -> Iterator[httpx.Client]:
    """The server."""
    with open_web(here) as client:
        yield client


def lapsed(here: Place) -> None:
    """Ada did not answer."""
    with here.desk.transaction() as session:
        ada = require(session, "ada@example.org")
        lapse(session, ada, Evidence("sunset", "no answer"), here.clock())


def test_the_page_asks_and_the_button_keeps_them(web: httpx.Client, here: Place) -> None:
    """With evidence of its own; twice is once, and the way out is on both pages."""
    path, leave = f"/stay/{token(here, Purpose.STAY)}", f"/u/{token(here, Purpose.UNSUBSCRIBE)}"
    before = dump(here)
    asked = web.get(path).text
    assert dump(here) == before

    kept = [web.post(path).text for _ in range(2)]
    assert all("You stay on the list" in page for page in kept)
    assert all(leave in page for page in (asked, *kept))
    assert [(event.kind, event.source) for event in story(here, "ada")][1:] == [(Kind.RENEWED, "/stay")]
    with here.desk.reading() as session:
        assert session.exec(select(sunset.Question)).all() == []


def test_who_answers_too_late_comes_back_by_the_same_button(web: httpx.Client, here: Place) -> None:
    """A yes of their own, from their own mailbox; a look alone brings nobody back."""
    lapsed(here)
    path = f"/stay/{token(here, Purpose.STAY)}"
    assert "put me back" in web.get(path).text
    assert who(here, "ada").status is Status.UNSUBSCRIBED

    assert "You stay on the list" in web.post(path).text
    assert (who(here, "ada").status, story(here, "ada")[-1].kind) == (Status.ACTIVE, Kind.CONFIRMED)


@pytest.mark.parametrize("how", ["left", "left after lapsing and coming back", "pending"])
def test_it_brings_nobody_back_who_went_by_themselves(web: httpx.Client, here: Place, how: str) -> None:
    """An old mail is no yes to what they have ended since; and nobody is confirmed by it."""
    path = f"/stay/{token(here, Purpose.STAY, 'ben' if how == 'pending' else 'ada')}"
    if how == "left after lapsing and coming back":
        lapsed(here)
        web.post(path)
    if how != "pending":
        with here.desk.transaction() as session:
            unsubscribe(session, require(session, "ada@example.org"), PAGE, here.clock())
    before = story(here, "ada")[-1].kind

    answers = [web.get(path), web.post(path)]
    assert [answer.status_code for answer in answers] == [410, 410]
    assert (story(here, "ada")[-1].kind, who(here, "ben").status) == (before, Status.PENDING)


def test_a_link_that_is_too_old_leads_to_the_form(web: httpx.Client, here: Place) -> None:
    """Whoever finds the mail a year later signs up anew."""
    old = sign(here.desk.keys, Purpose.STAY, who(here, "ada").ref, expires=here.clock() - timedelta(days=1))
    answer = web.post(f"/stay/{old}")

    assert (answer.status_code, "/subscribe" in answer.text) == (404, True)
