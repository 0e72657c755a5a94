"""A reader's own page: a break, its end, one's data, being forgotten; by the link in every mail."""

from datetime import UTC, datetime

import httpx
import pytest
from desk_samples import Place, furnished
from people import BACK_ON, EVE, PAGE, SECRET
from post_samples import ask
from readers_web import dump, story, token, who
from sqlalchemy import Engine

from newsletter.desk import sending, writing
from newsletter.desk.post import deliver
from subscribers.consent import Kind, Status
from subscribers.subscriber import add, by_ref, find
from subscribers.tokens import Purpose


@pytest.fixture
def here(engine: Engine) -> Place:
    """The five characters, and the sample week."""
    return furnished(engine)


def link(here: Place, name: str = "ada") -> str:
    """The link in their mail."""
    return f"/preferences/{token(here, Purpose.PREFERENCES, name)}"


def way_out(page: httpx.Response) -> str:
    """The path that has everything erased."""
    return "/erase/" + page.text.partition('href="/erase/')[2].partition('"')[0]


def test_a_break_begins_at_once_and_ends_on_its_day(web: httpx.Client, here: Place) -> None:
    """Midnight on the publication's clock; with evidence."""
    page = web.post(link(here), data={"do": "pause", "until": "2027-01-03"})

    assert (page.status_code, "until 3 January 2027" in page.text) == (200, True)
    assert who(here, "ada").status is Status.PAUSED
    assert who(here, "ada").paused_until == datetime(2027, 1, 3, tzinfo=UTC)
    assert [(event.kind, event.source) for event in story(here, "ada")][1:] == [(Kind.PAUSED, "/preferences")]


@pytest.mark.parametrize(
    "until", ["", "x", "2026-11-12", "2020-01-01", "2027-11-20", "9999-12-31", "0001-01-01", "W50", "2027-02-30"]
)
def test_a_day_that_cannot_be_chosen_is_said(web: httpx.Client, here: Place, until: str) -> None:
    """Today, the past, beyond a year, no day at all: nothing changes. It is said above all forms, where it is seen."""
    before = dump(here)
    page = web.post(link(here), data={"do": "pause", "until": until})

    assert (page.status_code, "within a year" in page.text.partition("<form")[0]) == (422, True)
    assert dump(here) == before


def test_a_break_is_ended_by_a_button_and_can_be_made_longer(web: httpx.Client, here: Place) -> None:
    """Pia's has a day already; twice is once."""
    assert f"until {BACK_ON.day} December 2026" in web.get(link(here, "pia")).text
    web.post(link(here, "pia"), data={"until": "2027-03-01"})
    assert who(here, "pia").paused_until == datetime(2027, 3, 1, tzinfo=UTC)

    answers = [web.post(link(here, "pia"), data={"do": "resume"}) for _ in range(2)]
    assert ["gets Weekly AI Tool Verdicts" in answer.text for answer in answers] == [True, True]
    assert who(here, "pia").status is Status.ACTIVE


@pytest.mark.parametrize(("name", "status"), [("ben", Status.PENDING), ("cleo", Status.UNSUBSCRIBED)])
@pytest.mark.parametrize("do", ["pause", "resume"])
def test_whoever_is_not_on_the_list_has_no_break(
    web: httpx.Client, here: Place, name: str, status: Status, do: str
) -> None:
    """Their page leads to the form, and a form of another day changes nothing."""
    page = web.post(link(here, name), data={"do": do, "until": "2027-01-03"})

    assert 'href="/subscribe"' in page.text
    assert who(here, name).status is status


def test_the_data_are_all_that_is_kept_and_name_no_secret(web: httpx.Client, here: Place) -> None:
    """Profile, evidence with the hash of the address, issues, single mails; no ref, and nobody else."""
    writing.draft(here.desk)
    writing.approve(here.desk, "1", by="test")
    sending.send(here.desk, "1", by="test", pause=lambda _: None)
    ask(here, "Ada@example.org")
    deliver(here.desk)
    answer = web.get(f"{link(here)}/data")
    found = answer.json()

    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.text.startswith('{\n  "')  # people open it too
    assert (found["profile"]["address"], found["profile"]["name"]) == ("Ada@example.org", "Ada Njeri")
    ada = who(here, "ada")
    assert [(event["kind"], event["address_hash"]) for event in found["consent"]] == [("confirmed", ada.fingerprint)]
    assert [(issue["issue"], issue["got_it"]) for issue in found["issues"]] == [(1, True)]
    assert [one["about"] for one in found["single_mails"]] == ["already"]
    assert not [secret for secret in (ada.ref, "pia", "ben@") if secret in answer.text]


def test_being_forgotten_takes_a_second_page_and_says_what_stays(web: httpx.Client, here: Place) -> None:
    """Afterwards no link of theirs opens anything of them, and their address is nowhere (S-62)."""
    out = way_out(web.get(link(here)))
    ref = who(here, "ada").ref
    assert "keyed hash" in web.get(out).text
    before = link(here)
    page = web.post(out)

    assert "You are forgotten" in page.text
    assert [web.get(before).status_code, web.get(f"{before}/data").status_code] == [410, 410]
    assert not [line for line in dump(here) if "ada@example.org" in line.lower() or "Njeri" in line or ref in line]
    with here.desk.reading() as session:
        assert (find(session, "ada@example.org"), by_ref(session, ref)) == (None, None)


def test_the_way_to_be_forgotten_closes_after_an_hour(web: httpx.Client, here: Place) -> None:
    """A page that was left open on a shared machine erases nobody."""
    out = way_out(web.get(link(here)))
    here.clock.forward(minutes=61)

    assert web.post(out).status_code == 404
    assert who(here, "ada").status is Status.ACTIVE


def test_whoever_has_taken_a_break_is_passed_over_and_gets_the_issue_after_it(web: httpx.Client, here: Place) -> None:
    """Eve's break ends before the sending, Ada's after it."""
    with here.desk.transaction() as session:
        add(session, EVE, PAGE, secret=SECRET, now=here.clock(), confirmed=True)
    web.post(link(here, "ada"), data={"until": "2026-12-01"})
    web.post(link(here, "eve"), data={"until": "2026-11-14"})
    here.clock.forward(days=3)
    writing.draft(here.desk)
    writing.approve(here.desk, "1", by="test")
    sending.send(here.desk, "1", by="test", pause=lambda _: None)

    assert [key.partition("-")[2] for key in here.provider.log] == [who(here, "eve").ref]
