"""The table of routes: what opens what, what changes nothing, and the headers of every answer."""

import logging
import re
import socket

import httpx
import pytest
from desk_samples import Place
from people import SECRET
from readers_web import HOST, dump, open_web, token
from sqlalchemy import text

from newsletter.web.app import app
from newsletter.web.armour import POLICY
from newsletter.web.routes import PLACES, Kind, routes
from subscribers.tokens import Purpose

READERS = [place for place in PLACES if place.kind is not Kind.MACHINE]
WITH_TOKEN = [place for place in PLACES if place.purpose]
PATHS = [place.path for place in PLACES]


def filled(here: Place, path: str, purpose: Purpose | None) -> str:
    """The path with Ada's token of this purpose, and something for everything else."""
    value = token(here, purpose) if purpose else ""
    return re.sub(r"{(?!token)\w+}", "x", path).replace("{token}", value)


def test_everything_served_is_on_the_plan_and_everything_on_the_plan_is_served() -> None:
    """An address that nobody wrote down stops the start, and so does one that nobody answers."""
    with pytest.raises(ValueError, match="/extra"):
        routes({**dict.fromkeys(PATHS, None), "/extra": None})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="/healthz"):
        routes({path: None for path in PATHS if path != "/healthz"})  # type: ignore[misc]


def test_whatever_can_be_posted_says_what_it_may_change() -> None:
    """And a link in a mail is shown before it acts."""
    assert all(bool(place.changes) is ("POST" in place.methods) for place in PLACES)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "PATCH", "DELETE", "PROPFIND"])
def test_invariant_10_looking_changes_nothing(web: httpx.Client, here: Place, method: str) -> None:
    """Every route, with a token that opens it: the database is the same to the last byte."""
    paths, before = [filled(here, place.path, place.purpose) for place in PLACES], dump(here)

    answers = [web.request(method, path).status_code for path in paths]

    assert dump(here) == before
    assert (200 in answers) is (method in ("GET", "HEAD"))


def test_a_token_with_any_character_changed_opens_nothing(web: httpx.Client, here: Place) -> None:
    """A page that says so, and does not repeat it."""
    right = token(here, Purpose.UNSUBSCRIBE)
    wrong = [right[:at] + ("0" if right[at] != "0" else "1") + right[at + 1 :] for at in range(len(right))]
    before = dump(here)

    answers = [web.post(f"/u/{one}") for one in [*wrong, right + "0", right[:-1], "x", "é", "%00", "a" * 5000]]

    assert {answer.status_code for answer in answers} == {404}
    assert not any(right[10:30] in answer.text for answer in answers)
    assert dump(here) == before


def test_every_page_has_the_strict_headers(web: httpx.Client, here: Place) -> None:
    """Also where something is wrong: S-20 and S-21."""
    paths = [filled(here, place.path, place.purpose) for place in READERS] + ["/nothing", "/u/wrong"]
    for answer in [web.request(method, path) for path in paths for method in ("GET", "POST", "PUT")]:
        assert answer.headers["content-security-policy"] == POLICY
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["strict-transport-security"].startswith("max-age=31536000")
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("place", WITH_TOKEN, ids=lambda place: place.path)
def test_a_page_behind_a_token_is_kept_nowhere_and_names_no_other_host(
    web: httpx.Client, here: Place, place: object
) -> None:
    """Its address is the key (S-48)."""
    page = web.get(filled(here, place.path, place.purpose))  # type: ignore[attr-defined]

    assert page.headers["referrer-policy"] == "same-origin"
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["x-robots-tag"] == "noindex, nofollow"
    assert "http" not in page.text


def test_pages_have_no_script_and_no_inline_style(web: httpx.Client, here: Place) -> None:
    """The policy would not let them run; they are not there either."""
    pages = [web.get(filled(here, place.path, place.purpose)).text for place in READERS if place.kind is not Kind.LOOK]

    assert not [page for page in pages if re.search(r"<script|<style|style=|\son\w+=", page)]


def test_the_style_sheet_is_kept_for_ever_under_the_hash_of_its_content(web: httpx.Client, here: Place) -> None:
    """And no other name is served."""
    page = web.get(filled(here, "/u/{token}", Purpose.UNSUBSCRIBE)).text
    sheet = web.get(page.partition('rel="stylesheet" href="')[2].partition('"')[0])

    assert (sheet.status_code, sheet.headers["content-type"]) == (200, "text/css; charset=utf-8")
    assert "immutable" in sheet.headers["cache-control"]
    assert {web.get(f"/look/{name}").status_code for name in ("x.css", "..%2f..%2fconfig.toml", "")} == {404}


@pytest.mark.parametrize("host", ["evil.example", "news.example.org.evil.example", "", "[", "news.example.org@evil"])
def test_another_host_is_refused(web: httpx.Client, here: Place, host: str) -> None:
    """S-11; webhooks and monitors may know us by another name."""
    path, before = filled(here, "/u/{token}", Purpose.UNSUBSCRIBE), dump(here)

    assert web.post(path, headers={"host": host}).status_code == 400
    assert web.get("/healthz", headers={"host": host}).status_code in (200, 400)
    assert dump(here) == before


def test_an_address_that_is_too_long_is_not_taken_apart(web: httpx.Client, here: Place) -> None:
    """Our own have some hundred bytes; whoever hands links on may add their marks."""
    path = filled(here, "/vote/{token}", Purpose.VOTE)

    assert web.get(f"{path}?utm_source={'x' * 1_900}").status_code == 200
    assert [web.get(f"{one}?{'%' * 2_001}").status_code for one in (path, "/vote", "/healthz")] == [414] * 3


def test_a_form_that_is_too_long_is_not_read(web: httpx.Client, here: Place) -> None:
    """64 kB, also where nobody says how long it is (S-54)."""
    path, before = filled(here, "/u/{token}", Purpose.UNSUBSCRIBE), dump(here)
    pieces = (b"x" * 10_000 for _ in range(8))

    assert [web.post(path, content=body).status_code for body in (b"x" * 70_000, pieces)] == [413, 413]
    assert dump(here) == before


def test_what_breaks_is_a_sentence_with_a_number_and_no_value_in_the_log(
    here: Place, caplog: pytest.LogCaptureFixture
) -> None:
    """S-60 and S-66: the table is gone, and neither the reader nor the log sees a token or a stack."""
    caplog.set_level(logging.ERROR)
    path = filled(here, "/u/{token}", Purpose.UNSUBSCRIBE)
    with here.desk.transaction() as session:
        session.execute(text("alter table subscriber rename to away"))
    with open_web(here) as web:
        page = web.get(path)

    number = re.search(r"number: ([0-9a-f]{8})", page.text)
    assert page.status_code == 500
    assert number
    assert number[1] in caplog.text
    assert "Traceback" not in caplog.text
    assert path[3:40] not in page.text + caplog.text


def test_hsts_is_not_sent_where_our_address_is_not_https(here: Place) -> None:
    """On this machine, without a certificate, it would lock people out."""
    publication = here.desk.config.publication.model_copy(update={"base_url": "http://localhost:8000"})
    config = here.desk.config.model_copy(update={"publication": publication})
    desk = type(here.desk)(
        config, here.desk.engine, SECRET, here.desk.keys, here.desk.provider, here.desk.templates, here.clock
    )

    assert app(desk, {}).https is False  # type: ignore[attr-defined]
    assert HOST["host"] not in app(desk, {}).hosts  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", ["/nothing", "/issues/2020-W01", "/issues/x"])
def test_whoever_asks_for_what_is_not_there_is_shown_what_is(web: httpx.Client, path: str) -> None:
    """A page that is missing leads to all issues."""
    page = web.get(path)

    assert (page.status_code, 'href="/issues"' in page.text) == (404, True)


def test_a_request_that_says_its_length_twice_is_refused_and_nothing_behind_it_is_read(here: Place) -> None:
    """A proxy that believes the other length would hand on somebody else's request as the rest of this one."""
    path, before = filled(here, "/u/{token}", Purpose.UNSUBSCRIBE), dump(here)
    head = f"POST {path} HTTP/1.1\r\nHost: news.example.org\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
    second = "GET /issues HTTP/1.1\r\nHost: news.example.org\r\n\r\n"
    with open_web(here) as web, socket.create_connection((web.base_url.host, web.base_url.port), 10) as connection:
        connection.sendall(f"{head}0\r\n\r\n{second}".encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b"")).decode()

    assert answer.startswith("HTTP/1.1 400")
    assert answer.count("HTTP/1.1") == 1
    assert dump(here) == before


@pytest.mark.parametrize("place", [place for place in READERS if "GET" in place.methods], ids=lambda place: place.path)
def test_a_nought_byte_gets_into_no_query(web: httpx.Client, here: Place, place: object) -> None:
    """PostgreSQL refuses it in a text: a link with one would be an error of ours."""
    path = filled(here, place.path, place.purpose)  # type: ignore[attr-defined]

    assert web.get(f"{path}?of=a%00b").status_code == 400
