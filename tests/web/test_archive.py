"""The archive: what went out, for everybody, with nobody's token, and nothing else running or leaving."""

import json
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import httpx
import pytest
from desk_samples import Place, furnished
from fake_provider import FakeProvider
from lxml import html as parser
from readers_web import dump, open_web
from sqlalchemy import Engine
from sqlmodel import select

from newsletter.desk import sending, writing
from newsletter.mail import public
from newsletter.mail.merging import token
from newsletter.mail.public import PERSONAL
from newsletter.web.archive import ISSUE_POLICY
from subscribers.subscriber import Subscriber

ATOM = "{http://www.w3.org/2005/Atom}"
WEEK = "/issues/2026-W46"
PUBLIC = ("/", "/issues", WEEK, "/feed.atom", "/feed.json", "/sitemap.xml", "/robots.txt")


@pytest.fixture
def here(engine: Engine) -> Place:
    """The sample week, approved."""
    here = furnished(engine)
    writing.draft(here.desk)
    writing.approve(here.desk, "1", by="test")
    return here


def send(here: Place) -> None:
    """It goes out."""
    sending.send(here.desk, "1", by="test", pause=lambda _: None)


def test_an_issue_is_in_it_from_its_first_message_on(web: httpx.Client, here: Place) -> None:
    """Not before: nobody reads a draft; and a reader's "View in browser" works at once."""
    before = [web.get(path) for path in ("/issues", WEEK)]
    sending.start(here.desk, "1", by="test")
    after = [web.get(path) for path in ("/issues", WEEK)]

    assert [(answer.status_code, WEEK in answer.text) for answer in before] == [(200, False), (404, False)]
    assert [(answer.status_code, WEEK in answer.text) for answer in after] == [(200, True), (200, True)]


def test_a_cancelled_issue_is_taken_out_of_it(web: httpx.Client, here: Place) -> None:
    """Whoever has it: that is what cancelling is for."""
    sending.start(here.desk, "1", by="test")
    writing.cancel(here.desk, "1", by="test")

    assert [web.get(path).status_code for path in (WEEK, "/issues/2026-W45", "/issues/x")] == [404] * 3
    assert WEEK not in web.get("/issues").text


def words_of(part: parser.HtmlElement) -> str:
    """Its text, with single blanks."""
    return " ".join(part.text_content().split())


def test_the_page_is_the_mail_without_what_is_one_reader_s_own(web: httpx.Client, here: Place) -> None:
    """Every other paragraph and every word of the approved bytes is there, in their order."""
    send(here)
    with here.desk.reading() as session:
        final = writing.rendered(here.desk, session, here.desk.find(session, "1"))
    page = web.get(WEEK).text
    parts = parser.fromstring(final.html).iter("p", "h1", "h2", "td")
    shared = [words_of(part) for part in parts if final.nonce not in parser.tostring(part).decode()]

    assert len(shared) > 20
    shown = words_of(parser.fromstring(page))
    assert all(one in shown for one in shared)
    assert "It was sent to" not in page
    assert final.nonce not in page


def test_invariant_13_nothing_public_holds_a_reader_s_token_or_address(web: httpx.Client, here: Place) -> None:
    """Pages, feeds, map: no ref of anybody, no link of a token, no address of a reader."""
    send(here)
    everything = "".join(web.get(path).text for path in PUBLIC)
    with here.desk.reading() as session:
        people = session.exec(select(Subscriber)).all()

    assert len(people) == 5
    assert not [one for one in people if one.ref in everything or (one.address or "?") in everything]
    assert not re.search(r"/(u|preferences|confirm|never|back)/", everything)


@pytest.mark.parametrize("name", PERSONAL)
def test_a_template_that_would_leak_is_refused(here: Place, name: str) -> None:
    """A field outside a paragraph would have nobody's value: the page breaks and says so, and shows nothing."""
    with here.desk.reading() as session:
        final = writing.rendered(here.desk, session, here.desk.find(session, "1"))
    outside = final.html.replace("</body>", f"<div>{token(final.nonce, name)}</div></body>")

    with pytest.raises(public.MergeError, match=name):
        public.public_copy(replace(final, html=outside), "https://news.example.org/x")


def test_the_form_says_what_comes_and_leads_to_the_newest_issue(web: httpx.Client, here: Place) -> None:
    """Where there is one: then whoever hesitates can read it first."""
    before = web.get("/subscribe").text
    send(here)
    pages = [before, web.get("/subscribe").text, web.post("/subscribe", data={"email": "x"}).text]

    assert ["One mail a week with the verdicts of" in page for page in pages] == [True] * 3
    assert [f'href="{WEEK}"' in page for page in pages] == [False, True, True]


def test_an_issue_s_page_runs_nothing_and_sends_nothing(web: httpx.Client, here: Place) -> None:
    """S-27: a sandbox without scripts, forms or an origin; everything else has the common policy."""
    send(here)
    policy = web.get(WEEK).headers["content-security-policy"]

    assert policy == ISSUE_POLICY
    assert "allow-scripts" not in policy
    assert "allow-same-origin" not in policy
    assert web.get("/issues").headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'")


def test_feeds_and_map_are_well_formed_and_lead_to_the_page(web: httpx.Client, here: Place) -> None:
    """Atom with its required elements; JSON Feed with the text of the issue."""
    send(here)
    feed, site = (ET.fromstring(web.get(path).text) for path in ("/feed.atom", "/sitemap.xml"))  # noqa: S314 - our own
    told = json.loads(web.get("/feed.json").text)
    url = f"https://news.example.org{WEEK}"

    entry = feed.find(f"{ATOM}entry")
    assert entry is not None
    assert [entry.findtext(f"{ATOM}{name}") for name in ("id", "updated")] == [url, here.clock().isoformat()]
    assert all(feed.findtext(f"{ATOM}{name}") for name in ("title", "id", "updated"))
    assert [item["url"] for item in told["items"]] == [url]
    assert len(told["items"][0]["content_text"]) > 1000
    assert url in [place[0].text for place in site]


def test_whoever_has_it_is_told_so_and_everybody_may_keep_it(web: httpx.Client, here: Place) -> None:
    """For five minutes; afterwards they ask whether it changed."""
    send(here)
    for path in PUBLIC:
        first = web.get(path)
        again = web.get(path, headers={"if-none-match": f'W/"x", {first.headers["etag"]}'})
        assert first.headers["cache-control"] == "public, max-age=300"
        assert (again.status_code, again.content) == (304, b"")


def test_a_link_to_it_shows_what_it_is(web: httpx.Client, here: Place) -> None:
    """Canonical address and Open Graph, with the words of the issue as text."""
    send(here)
    head = parser.fromstring(web.get(WEEK).text).find("head")
    assert head is not None

    assert head.xpath("link[@rel='canonical']/@href") == [f"https://news.example.org{WEEK}"]
    assert head.xpath("meta[@property='og:title']/@content") == [here_subject(here)]


def here_subject(here: Place) -> str:
    """The subject of the first issue."""
    with here.desk.reading() as session:
        return here.desk.find(session, "1").subject


class Gone(FakeProvider):
    """A provider that nobody may even ask what it can."""

    @property
    def capabilities(self) -> object:  # type: ignore[override]
        """It is down."""
        raise AssertionError("the archive asked the provider")


def test_it_needs_neither_provider_nor_scheduler_and_writes_nothing(here: Place, tmp_path: Path) -> None:
    """Also while somebody holds the write lock."""
    send(here)
    before = dump(here)
    here.desk = replace(here.desk, provider=Gone())
    with here.desk.transaction(), open_web(here) as web:
        assert [web.get(path).status_code for path in PUBLIC] == [200] * len(PUBLIC)

    assert dump(here) == before
