"""Votes and bookmarks from the mail: a page that shows, a button that acts, and what everybody may see."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import jsonschema
import pytest
from desk_samples import Place, furnished
from readers_web import dump, open_web, token, who
from sqlalchemy import Engine

from newsletter.comparisons.comparison import Comparison, Panel, Verdict
from newsletter.comparisons.shelf import on_shelf, put
from newsletter.config import SignUp
from newsletter.desk.voting import Tallied, tally
from newsletter.web.remembering import ROOM as ROOM_FOR_ANSWERS
from newsletter.web.remembering import Memory
from subscribers.bookmarks import bookmarks_of, save
from subscribers.consent import Evidence
from subscribers.signals import last_signal
from subscribers.subscriber import unsubscribe
from subscribers.tokens import Purpose
from subscribers.votes import Choice, Count, cast, counts, votes_of


@pytest.fixture
def here(engine: Engine) -> Place:
    """The five characters, and the sample week."""
    return furnished(engine)


@pytest.fixture
def web(here: Place) -> Iterator[httpx.Client]:
    """The server."""
    with open_web(here) as client:
        yield client


@pytest.fixture
def pair(here: Place) -> Comparison:
    """A comparison on the shelf on which the site has no votes."""
    with here.desk.reading() as session:
        found = [row.comparison for row in on_shelf(session)]
    return next(pair for pair in found if not any(tool.votes for tool in pair.tools))


def link(here: Place, name: str = "ada") -> str:
    """The link in their mail, without what it asks for."""
    return f"/vote/{token(here, Purpose.VOTE, name)}"


def shelf(here: Place, name: str = "ada") -> str:
    """The page of their bookmarks."""
    return f"/bookmarks/{token(here, Purpose.BOOKMARKS, name)}"


def press(
    web: httpx.Client, here: Place, pair: Comparison, do: str, name: str = "ada", tool: str = ""
) -> httpx.Response:
    """Press a button of the left tool, or of another."""
    return web.post(link(here, name), data={"of": pair.key, "tool": tool or pair.left.slug, "do": do})


def said(here: Place, name: str = "ada") -> list[tuple[str, str]]:
    """What they voted: tool and choice."""
    with here.desk.reading() as session:
        return [(vote.tool, vote.choice) for vote in votes_of(session, who(here, name).id or 0)]


def test_a_tap_in_the_mail_shows_a_button_and_changes_nothing(web: httpx.Client, here: Place, pair: Comparison) -> None:
    """The choice is filled in: its button is the loud one, and stands first."""
    before = dump(here)
    for do, words in (("ship", "Ship it"), ("skip", "Skip it"), ("save", "Save for later")):
        page = web.get(f"{link(here)}?of={pair.key}&{do}={pair.right.slug}")
        first = page.text.partition("<button ")[2].partition("</button>")[0]
        assert page.status_code == 200
        assert first == f'name="do" value="{do}" aria-label="{words}: {pair.right.name}">{words}'
    assert dump(here) == before


@pytest.mark.parametrize(
    ("do", "words"), [("skip", "is counted: Skip it. You can"), ("save", "is in your bookmarks. You")]
)
def test_a_link_whose_wish_is_fulfilled_asks_for_no_button_more(
    web: httpx.Client, here: Place, pair: Comparison, do: str, words: str
) -> None:
    """It is opened again from the mail, days later; the other wish still is one."""
    press(web, here, pair, do)
    other = {"skip": "ship", "save": "skip"}[do]
    pages = [web.get(f"{link(here)}?of={pair.key}&{each}={pair.left.slug}").text for each in (do, other)]

    assert [(words in page, "One button more" in page) for page in pages] == [(True, False), (False, True)]


def test_a_vote_is_given_changed_and_taken_back_by_buttons(web: httpx.Client, here: Place, pair: Comparison) -> None:
    """Each time the page says how it stands; the other tool has a vote of its own."""
    assert "Readers: 100% ship · 1 vote" in press(web, here, pair, "ship").text
    assert "Readers: 0% ship · 1 vote" in press(web, here, pair, "skip").text
    press(web, here, pair, "ship", tool=pair.right.slug)
    assert sorted(said(here)) == sorted([(pair.left.slug, "skip"), (pair.right.slug, "ship")])

    here.clock.forward(days=1)
    assert "is taken back" in press(web, here, pair, "back").text
    assert said(here) == [(pair.right.slug, "ship")]
    with here.desk.reading() as session:
        assert last_signal(session, 1) == here.clock()  # nobody who votes is asked whether they are still there
    assert "Ship it" in web.get(link(here)).text


def test_without_votes_the_page_says_so_and_no_percentage(web: httpx.Client, here: Place, pair: Comparison) -> None:
    """In the words of the compare pages."""
    for path in (f"{link(here)}?of={pair.key}", f"/vote?of={pair.key}"):
        assert web.get(path).text.count("No community votes yet") == 2


def test_counts_are_of_all_readers_on_the_list(web: httpx.Client, here: Place, pair: Comparison) -> None:
    """Pia takes a break and counts; two of three."""
    ids = [who(here, name).id or 0 for name in ("ada", "pia", "dov")]
    with here.desk.transaction() as session:
        for voter, choice in zip(ids, (Choice.SHIP, Choice.SKIP, Choice.SKIP), strict=True):
            cast(session, voter, pair.key, pair.left.slug, choice, here.clock())

    assert "Readers: 50% ship · 2 votes" in web.get(f"/vote?of={pair.key}").text


def test_whoever_is_not_on_the_list_adds_nothing(web: httpx.Client, here: Place, pair: Comparison) -> None:
    """Not confirmed, gone, suppressed: the page says it and leads to the form."""
    before = dump(here)
    pages = [press(web, here, pair, do, name) for name in ("ben", "cleo", "dov") for do in ("ship", "save")]

    assert {(page.status_code, 'href="/subscribe"' in page.text) for page in pages} == {(409, True)}
    assert dump(here) == before


def test_whoever_left_sees_and_takes_back_what_they_gave(web: httpx.Client, here: Place, pair: Comparison) -> None:
    """Their vote counts no more, and their link still works for what is theirs."""
    press(web, here, pair, "ship")
    press(web, here, pair, "save")
    with here.desk.transaction() as session:
        unsubscribe(session, who(here, "ada"), Evidence("/u"), here.clock())
        assert counts(session) == {}
    page = web.get(f"{link(here)}?of={pair.key}").text
    assert ("does not count" in page, 'value="ship"' in page, 'value="back"' in page) == (True, False, True)

    assert [press(web, here, pair, do).status_code for do in ("back", "remove")] == [200, 200]
    assert (said(here), "No bookmarks yet" in web.get(shelf(here)).text) == ([], True)


def test_a_form_that_names_nothing_of_ours_changes_nothing(web: httpx.Client, here: Place, pair: Comparison) -> None:
    """Nor does a comparison that is on no shelf."""
    before = dump(here)
    for fields in ({}, {"do": "ship"}, {"do": "ship", "tool": "x"}, {"do": "drop", "tool": pair.left.slug}):
        for of in (pair.key, "x-vs-y", ""):
            assert web.post(link(here), data={"of": of, **fields}).status_code in (200, 404, 409)
    assert web.post(link(here), data={"of": "x-vs-y", "tool": pair.left.slug, "do": "ship"}).status_code == 404
    assert dump(here) == before


def test_bookmarks_are_listed_with_the_verdict_of_now_and_removed(
    web: httpx.Client, here: Place, pair: Comparison
) -> None:
    """It says what changed since; a button removes."""
    press(web, here, pair, "save")
    assert "Verdict changed" not in web.get(shelf(here)).text
    other = Verdict.SKIP if pair.left.panel.verdict is Verdict.SHIP else Verdict.SHIP
    left = pair.left.model_copy(update={"panel": Panel(verdict=other, percent=25 if other is Verdict.SKIP else 75)})
    with here.desk.transaction() as session:
        put(session, pair.model_copy(update={"left": left}), now=here.clock())

    page = web.get(shelf(here)).text
    assert f"Verdict changed since you saved it:</strong> it was {pair.left.panel.verdict.upper()}" in page
    assert f'aria-label="Remove {pair.left.name}"'.replace("&", "&amp;") in page
    assert "No bookmarks yet" in web.post(shelf(here), data={"tool": pair.left.slug}).text


def test_a_tool_that_is_on_no_page_any_more_can_still_be_removed(web: httpx.Client, here: Place) -> None:
    """As after a restored backup; its slug stands for its name."""
    with here.desk.transaction() as session:
        save(session, who(here, "ada").id or 0, "gone-tool", "ship", 75, here.clock())
    assert "No verdict is known" in web.get(shelf(here)).text

    web.post(shelf(here), data={"tool": "gone-tool"})
    with here.desk.reading() as session:
        assert bookmarks_of(session, who(here, "ada").id or 0) == []


def test_one_reader_s_buttons_change_nothing_of_another(web: httpx.Client, here: Place, pair: Comparison) -> None:
    """S-13: the link says who it is, and no field does."""
    press(web, here, pair, "ship", "pia")
    ada = who(here, "ada")
    fields = {"of": pair.key, "tool": pair.left.slug, "do": "back", "subscriber_id": "5", "ref": ada.ref}
    web.post(link(here), data=fields)

    assert said(here, "pia") == [(pair.left.slug, "ship")]


def test_own_data_hold_votes_and_bookmarks_and_being_forgotten_takes_them(
    web: httpx.Client, here: Place, pair: Comparison
) -> None:
    """Afterwards they are counted nowhere, and the links open nothing."""
    for do in ("skip", "save"):
        press(web, here, pair, do)
    found = web.get(f"/preferences/{token(here, Purpose.PREFERENCES)}/data").json()
    assert [(one["comparison"], one["tool"], one["choice"]) for one in found["votes"]] == [
        (pair.key, pair.left.slug, "skip")
    ]
    assert [one["tool"] for one in found["bookmarks"]] == [pair.left.slug]

    paths = link(here), shelf(here)
    web.post(f"/erase/{token(here, Purpose.ERASE)}")
    assert [web.get(path).status_code for path in paths] == [410, 410]
    with here.desk.reading() as session:
        assert counts(session) == {}


def test_the_public_page_shows_counts_and_leads_to_the_form(web: httpx.Client, here: Place, pair: Comparison) -> None:
    """What a link without a token opens: no button, no reader."""
    with here.desk.transaction() as session:
        cast(session, who(here, "ada").id or 0, pair.key, pair.left.slug, Choice.SHIP, here.clock())
        assert counts(session) == {pair.left.slug: Count(1, 0)}
    page = web.get(f"/vote?of={pair.key}&ship={pair.left.slug}").text

    assert "Readers: 100% ship · 1 vote" in page
    assert ("<button" in page, 'href="/subscribe"' in page) == (False, True)
    assert [web.get(path).status_code for path in ("/vote", "/vote?of=x-vs-y")] == [200, 404]


def test_the_site_asks_for_counts_as_json(engine: Engine) -> None:
    """docs/site-api.json: null for no votes; a script of a known site may read it, one of another may not."""
    here = furnished(engine)
    here.desk = replace(
        here.desk, config=here.desk.config.model_copy(update={"signup": SignUp(sites=("https://compare.example.org",))})
    )
    told = json.loads((Path(__file__).parents[2] / "docs" / "site-api.json").read_text())["components"]["schemas"]
    with here.desk.transaction() as session:
        pair = next(on_shelf(session)).comparison
        cast(session, 1, pair.key, pair.left.slug, Choice.SHIP, here.clock())
    with open_web(here) as web:
        asked = {"params": {"comparison": pair.key}}
        known = web.get("/api/votes", **asked, headers={"origin": "https://compare.example.org"})
        other = web.get("/api/votes", **asked, headers={"origin": "https://elsewhere.example"})
        missing = web.get("/api/votes?comparison=x-vs-y")

    assert known.json()["votes"] == {pair.left.slug: {"percent": 100, "count": 1}, pair.right.slug: None}
    assert known.headers["access-control-allow-origin"] == "https://compare.example.org"
    assert "access-control-allow-origin" not in other.headers
    assert (missing.status_code, known.headers["cache-control"]) == (404, "public, max-age=300")
    jsonschema.validate(known.json(), told["Voted"])
    jsonschema.validate(missing.json(), told["Wrong"])


def test_an_editor_sees_how_readers_voted_and_what_they_saved(here: Place, pair: Comparison) -> None:
    """Most votes first; a tool that was saved and not voted on has no percentage."""
    with here.desk.transaction() as session:
        cast(session, 1, pair.key, pair.left.slug, Choice.SKIP, here.clock())
        save(session, 1, pair.right.slug, "ship", 75, here.clock())
        listed = tally(session)
        one = tally(session, pair.right.slug)

    assert listed == [
        Tallied(pair.left.slug, pair.left.name, 0, 1, 0, 0),
        Tallied(pair.right.slug, pair.right.name, 0, 0, None, 1),
    ]
    assert one == listed[1:]


def test_the_public_count_is_found_out_once_in_half_a_minute(web: httpx.Client, here: Place, pair: Comparison) -> None:
    """Anybody may ask as often as they like; a reader's own page is never behind."""
    paths = f"/vote?of={pair.key}", f"/api/votes?comparison={pair.key}"
    before = [web.get(path).text for path in paths]
    assert "Readers: 100% ship" in press(web, here, pair, "ship").text
    assert [web.get(path).text for path in paths] == before

    here.clock.forward(seconds=30)
    page, answer = (web.get(path).text for path in paths)
    assert ("Readers: 100% ship · 1 vote" in page, '"count":1' in answer) == (True, True)


def test_what_is_remembered_has_an_end(here: Place) -> None:
    """Whoever asks for ever new things fills no memory, and that there is nothing is not remembered at all."""
    memory, now = Memory[int](), here.clock()
    for number in range(2 * ROOM_FOR_ANSWERS):
        memory.of(str(number), now, lambda number=number: number or None)

    assert len(memory.known) <= ROOM_FOR_ANSWERS
    assert (memory.of("0", now, lambda: 7), memory.of("0", now, lambda: 8)) == (7, 7)
