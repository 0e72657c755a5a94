"""Signing up by a script of another site: who may, what it takes, and the same answer for everybody."""

import json
from pathlib import Path

import httpx
import jsonschema
import pytest
from desk_samples import Place
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from readers_web import open_web, reading_room
from sqlalchemy import Engine
from sqlmodel import select

from subscribers.wishes import Wish

SITE = "https://compare.example.org"
FROM_SITE = {"origin": SITE, "content-type": "application/json"}


@pytest.fixture
def here(engine: Engine) -> Place:
    """The five characters, and one site with a form of its own."""
    return reading_room(engine, sites=(SITE,), in_all=1000, per_network=1000)


def wishes(here: Place) -> list[Wish]:
    """What was asked."""
    with here.desk.reading() as session:
        return list(session.exec(select(Wish)))


def test_a_script_of_an_allowed_site_may_ask_and_read_the_answer(web: httpx.Client, here: Place) -> None:
    """The browser asks first; both answers name the site and nobody else."""
    may = web.options("/api/subscribe", headers={"origin": SITE, "access-control-request-method": "POST"})
    told = web.post("/api/subscribe", json={"email": "new@example.org", "wording": "v3"}, headers=FROM_SITE)

    assert (may.status_code, told.status_code) == (204, 202)
    assert may.headers["access-control-allow-headers"] == "Content-Type"
    assert [one.headers["access-control-allow-origin"] for one in (may, told)] == [SITE] * 2
    assert [one.headers["vary"] for one in (may, told)] == ["Origin"] * 2
    assert [(wish.source, wish.wording) for wish in wishes(here)] == [(SITE, "v3")]


@pytest.mark.parametrize("origin", ["", "null", "https://evil.example", f"{SITE}.evil.example", f"{SITE}:444"])
@pytest.mark.parametrize("method", ["POST", "OPTIONS"])
def test_nobody_else_may(web: httpx.Client, here: Place, origin: str, method: str) -> None:
    """No browser shows the answer to such a script, and nothing is written."""
    headers = {"origin": origin} if origin else {}
    answer = web.request(method, "/api/subscribe", json={"email": "new@example.org"}, headers=headers)

    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers
    assert wishes(here) == []


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b'{"email": "x"}', "application/json", 422),
        (b'{"email": "\\ud800@example.org"}', "application/json", 422),
        (b'{"email": 7}', "application/json", 400),
        (b"[]", "application/json", 400),
        (b"[" * 60_000, "application/json", 400),
        (b"\xff", "application/json", 400),
        (b'{"email": "new@example.org"}', "text/plain", 400),
        (b'{"email": "new@example.org", "x": "' + b"x" * 70_000 + b'"}', "application/json", 413),
    ],
    ids=["no address", "half a character", "a number", "a list", "deep", "no text", "no JSON type", "long"],
)
def test_what_is_not_expected_is_said_in_a_sentence(
    web: httpx.Client, here: Place, body: bytes, kind: str, status: int
) -> None:
    """And never ends in an error of ours."""
    answer = web.post("/api/subscribe", content=body, headers={**FROM_SITE, "content-type": kind})

    assert (answer.status_code, list(answer.json())) == (status, ["error"])
    assert wishes(here) == []


def test_every_state_of_an_address_gets_the_same_answer_and_so_does_a_bot(web: httpx.Client, here: Place) -> None:
    """Unknown, active, pending, left, suppressed, paused; and whoever fills the field that nobody sees."""
    names = ("new", "ada", "ben", "cleo", "dov", "pia")
    bodies = [{"email": f"{name}@example.org"} for name in names] + [{"email": "a@example.org", "website": "x"}]
    answers = {web.post("/api/subscribe", json=body, headers=FROM_SITE).text for body in bodies}

    assert len(answers) == 1
    assert len(wishes(here)) == 6


def test_the_description_of_the_api_is_what_it_does(engine: Engine) -> None:
    """docs/site-api.json: each answer that can be had here is in it, and fits its schema."""
    told = json.loads((Path(__file__).parents[2] / "docs" / "site-api.json").read_text())
    post = told["paths"]["/api/subscribe"]["post"]
    good, bad, site = {"email": "new@example.org"}, {"email": "x"}, {"origin": SITE}
    with open_web(reading_room(engine, sites=(SITE,), in_all=1)) as web:
        asked = [(good, site), (good, {}), (bad, site), ([], site), (good, site), ({"email": "x" * 70_000}, site)]
        answers = [web.post("/api/subscribe", json=body, headers=headers) for body, headers in asked]

    assert [answer.status_code for answer in answers] == [202, 403, 422, 400, 429, 413]
    assert set(post["responses"]) == {*(str(answer.status_code) for answer in answers), "408", "503"}
    for answer in answers:
        kind = "Taken" if answer.status_code == 202 else "Wrong"
        jsonschema.validate(answer.json(), told["components"]["schemas"][kind])
    jsonschema.validate(good, told["components"]["schemas"]["Asking"])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=5,
)


BESIDE = st.dictionaries(st.sampled_from(["wording", "website", "x"]), JSON)


BESIDE = st.dictionaries(st.sampled_from(["wording", "website", "x"]), JSON)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(email=st.text(max_size=40) | st.emails(), more=BESIDE)
def test_nothing_that_is_posted_breaks_it(web: httpx.Client, email: str, more: dict[str, object]) -> None:
    """Whatever the address and whatever stands beside it."""
    answer = web.post("/api/subscribe", json={**more, "email": email}, headers=FROM_SITE)

    assert answer.status_code in (202, 422, 429)
