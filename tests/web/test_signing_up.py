"""Signing up by a form: the same answer for everybody, and nothing for bots."""

import html
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from desk_samples import Place
from readers_web import open_web, reading_room
from sqlalchemy import Engine
from sqlalchemy.event import listen
from sqlmodel import select

from newsletter.desk.post import deliver
from newsletter.web.signing_up import stored_by
from subscribers.address import parse
from subscribers.consent import Evidence
from subscribers.letters import About, Letter
from subscribers.wishes import Asking, Fate, Wish

SITE = "https://compare.example.org"
EVERYBODY = ("new", "ada", "ben", "cleo", "dov", "pia")  #: unknown, active, pending, left, suppressed, paused


@pytest.fixture
def here(engine: Engine) -> Place:
    """The five characters, and one site with a form of its own."""
    return reading_room(engine, sites=(SITE,))


def shown(web: httpx.Client, here: Place) -> str:
    """The hidden value of a form that was shown some seconds ago."""
    page = web.get("/subscribe").text
    here.clock.forward(seconds=5)
    return page.partition('name="shown" value="')[2].partition('"')[0]


def wishes(here: Place) -> list[Wish]:
    """What was asked, oldest first."""
    with here.desk.reading() as session:
        return list(session.exec(select(Wish).order_by(Wish.id)))  # type: ignore[arg-type]


def send(web: httpx.Client, here: Place, address: str, **more: str) -> httpx.Response:
    """The form, as a person fills it in."""
    more = more if "shown" in more else {**more, "shown": shown(web, here)}
    return web.post("/subscribe", data={"email": address, "website": "", **more})


def test_a_form_that_is_filled_in_is_written_down_with_its_evidence(web: httpx.Client, here: Place) -> None:
    """When, on which page, under which words; whom it comes from as keyed hashes only."""
    page = send(web, here, " New@Example.org ")

    [wish] = wishes(here)
    assert (page.status_code, "Look into your inbox" in page.text) == (200, True)
    assert (wish.address, wish.source, wish.wording, wish.at) == (
        "New@example.org",
        "/subscribe",
        "2026-11",
        here.clock(),
    )
    assert re.fullmatch("[0-9a-f]{32}", wish.network)
    assert "example" not in wish.domain


def test_every_state_of_an_address_gets_the_same_answer(web: httpx.Client, here: Place) -> None:
    """To the byte, but for the address that they typed themselves (S-49; no enumeration)."""
    value = shown(web, here)
    answers = {send(web, here, f"{name}@example.org", shown=value).text.replace(name, "x") for name in EVERYBODY}

    assert len(answers) == 1


def test_every_state_of_an_address_costs_the_same(web: httpx.Client, here: Place) -> None:
    """The same statements in the same order: whoever measures the time learns nothing."""
    said: list[str] = []
    listen(here.desk.engine, "before_cursor_execute", lambda *of: said.append(of[2]))
    costs = set()
    for name in EVERYBODY:
        value = shown(web, here)
        said.clear()
        web.post("/subscribe", data={"email": f"{name}@example.org", "shown": value})
        costs.add(tuple(said))

    assert len(costs) == 1
    assert any("INSERT INTO wish" in one for one in costs.pop())


@pytest.mark.parametrize("typed", ["", "x", "a@b", "a b@example.org", "é@example.org", "x@example.org\r\nBcc: y@z.org"])
def test_what_is_no_address_comes_back_with_a_sentence(web: httpx.Client, here: Place, typed: str) -> None:
    """And with what was typed in the field, as text."""
    page = send(web, here, typed)

    assert page.status_code == 422
    assert 'aria-invalid="true"' in page.text
    assert wishes(here) == []


def test_what_is_typed_cannot_leave_its_field(web: httpx.Client, here: Place) -> None:
    """Marks of HTML are shown as what they are."""
    page = send(web, here, '"><script>alert(1)</script>@example.org')

    assert "<script" not in page.text
    assert "&lt;script&gt;" in page.text


def test_the_field_that_nobody_sees_catches_bots(web: httpx.Client, here: Place) -> None:
    """They get the answer that everybody gets, and nothing follows."""
    value = shown(web, here)
    person, bot = (
        send(web, here, "new@example.org", website=trap, shown=value) for trap in ("", "https://spam.example")
    )

    assert bot.text == person.text
    assert len(wishes(here)) == 1


@pytest.mark.parametrize("seconds", [0, 1, 60 * 60 * 13])
def test_whoever_is_faster_than_a_person_has_to_press_again(web: httpx.Client, here: Place, seconds: int) -> None:
    """Also a form of yesterday; the address stays in its field, and the second time it works."""
    value = web.get("/subscribe").text.partition('name="shown" value="')[2].partition('"')[0]
    here.clock.forward(seconds=seconds)
    page = web.post("/subscribe", data={"email": "new@example.org", "shown": value})

    assert "once more" in page.text
    assert 'value="new@example.org"' in page.text
    assert wishes(here) == []
    here.clock.forward(seconds=2)
    again = page.text.partition('name="shown" value="')[2].partition('"')[0]
    assert "inbox" in web.post("/subscribe", data={"email": "new@example.org", "shown": again}).text


@pytest.mark.parametrize("origin", [SITE, SITE.upper()])
def test_a_form_of_an_allowed_site_is_taken_at_once(web: httpx.Client, here: Place, origin: str) -> None:
    """Plain HTML there, no script; with the version of its own words."""
    web.post("/subscribe", data={"email": "new@example.org", "wording": "footer-2"}, headers={"origin": origin})

    [wish] = wishes(here)
    assert (wish.source, wish.wording) == (SITE, "footer-2")


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", f"{SITE}.evil.example", "http://compare.example.org"]
)
def test_a_form_of_another_site_leads_to_ours(web: httpx.Client, here: Place, origin: str) -> None:
    """The address is in its field already; only the button is missing."""
    page = web.post("/subscribe", data={"email": "new@example.org"}, headers={"origin": origin})

    assert 'value="new@example.org"' in page.text
    assert wishes(here) == []


@pytest.mark.parametrize(
    ("limit", "addresses"),
    [
        ("per_network", ("a@one.example.org", "b@two.example.org", "c@three.example.org")),
        ("per_domain", ("a@example.org", "b@example.org", "c@EXAMPLE.org")),
        ("in_all", ("a@one.example.org", "b@two.example.org", "c@three.example.org")),
    ],
)
def test_a_limit_that_is_reached_is_said_and_ends_after_an_hour(
    engine: Engine, limit: str, addresses: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    """Two an hour are allowed here: the third is told to come again."""
    here = reading_room(engine, **{limit: 2})
    with open_web(here) as web:
        answers = [send(web, here, address) for address in addresses]
        here.clock.forward(minutes=60)
        after = send(web, here, addresses[2])

    assert [answer.status_code for answer in (*answers, after)] == [200, 200, 429, 200]
    assert answers[2].headers["retry-after"] == "3600"
    assert caplog.text.count("[signup]") == 1


def bot(number: int) -> Asking:
    """The next form of a script that has any network and any domain at its disposal."""
    address = parse(f"victim{number}@d{number}.example.org")
    return Asking(address, f"10.{number // 256}.{number % 256}.0/24", Evidence("/subscribe"))


def test_ten_thousand_sign_ups_of_a_bot_make_so_many_mails_as_are_allowed(engine: Engine) -> None:
    """Within an hour, each from another network for another domain: list bombing (S-49)."""
    here = reading_room(engine, in_all=25)
    store = stored_by(here.desk)
    for minute in range(50):
        store([bot(number) for number in range(minute * 200, minute * 200 + 200)])
        deliver(here.desk)
        here.clock.forward(minutes=1)
    here.clock.forward(hours=3)
    deliver(here.desk)

    assert sum(here.provider.log.values()) == 25
    assert len(wishes(here)) == 25


def test_a_bot_that_comes_over_http_causes_so_many_mails_as_are_allowed() -> None:
    """The same hour against the real server, with real forms; `python benchmarks/bots.py` sends ten thousand."""
    script = Path(__file__).parents[2] / "benchmarks" / "bots.py"
    call = [sys.executable, str(script), "120", "--check"]
    done = subprocess.run(call, capture_output=True, text=True, check=False)  # noqa: S603 - our own file

    assert (done.returncode, done.stderr) == (0, "")
    assert "100 mails, 100 rows" in done.stdout


def test_letters_that_wait_leave_at_the_same_pace(engine: Engine, tmp_path: Path) -> None:
    """After hours of a stopped post: no more in an hour than may be asked in one."""
    here, stop, left = reading_room(engine, in_all=2), tmp_path / "stop", []
    sending = here.desk.config.sending.model_copy(update={"stop_file": stop})
    here.desk = replace(here.desk, config=here.desk.config.model_copy(update={"sending": sending}))
    stop.touch()
    for number in range(6):
        stored_by(here.desk)([bot(number)])
        deliver(here.desk)
        here.clock.forward(minutes=31)
    stop.unlink()
    for _ in range(4):
        deliver(here.desk)
        left.append(sum(here.provider.log.values()))
        here.clock.forward(minutes=60)

    assert left == [2, 4, 6, 6]


def test_one_victim_gets_one_letter_a_day_and_three_in_all(web: httpx.Client, here: Place) -> None:
    """However often a stranger types their address, in whatever case."""
    for number in range(20):
        send(web, here, ("Victim@example.org", "victim@EXAMPLE.org")[number % 2])
        deliver(here.desk)
        here.clock.forward(hours=10)

    assert sum(here.provider.log.values()) == 3
    fates = [wish.became for wish in wishes(here)]
    assert (fates.count(Fate.ASKED), fates.count(Fate.ENOUGH)) == (3, 17)


def test_whoever_is_on_the_list_is_told_so_and_nobody_suppressed_is_mailed(web: httpx.Client, here: Place) -> None:
    """Unknown, pending and left are asked; active and paused are told; Dov's mailbox is left alone."""
    for name in EVERYBODY:
        send(web, here, f"{name}@example.org")
    deliver(here.desk)

    with here.desk.reading() as session:
        letters = [letter.about for letter in session.exec(select(Letter).order_by(Letter.id))]  # type: ignore[arg-type]
    assert letters == [About.CONFIRM, About.ALREADY, About.CONFIRM, About.CONFIRM, About.ALREADY]
    assert [wish.address for wish in wishes(here)] == [None] * 6


def test_networks_are_counted_by_what_a_trusted_proxy_says(engine: Engine) -> None:
    """Without it, readers behind the proxy would be one network, and refused together."""
    here = reading_room(engine, per_network=1)
    config = here.desk.config.model_copy(
        update={"web": here.desk.config.web.model_copy(update={"trusted_proxies": ("127.0.0.1/32",)})}
    )
    here.desk = replace(here.desk, config=config)
    with open_web(here) as web:
        codes = [
            web.post(
                "/subscribe",
                data={"email": f"new{number}@example.org", "shown": shown(web, here)},
                headers={"x-forwarded-for": hops},
            ).status_code
            for number, hops in enumerate(("192.0.2.7", "198.51.100.7", "203.0.113.9, 192.0.2.8"))
        ]

    assert codes == [200, 200, 429]


def test_the_answer_has_a_button_that_sends_the_same_form_again(web: httpx.Client, here: Place) -> None:
    """With the limits of every sign-up, and the page says that it is noted."""
    page = send(web, here, "o'neil+news@example.org")
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text))
    fields["email"] = html.unescape(fields["email"])
    for seconds in (5, 36_000):
        here.clock.forward(seconds=seconds)
        again = web.post("/subscribe", data={**fields, "again": "yes"})
        deliver(here.desk)
        assert ("We have noted it once more." in again.text, again.status_code) == (True, 200)
        assert "on its way" not in page.text + again.text  # by the limits none may be

    assert [wish.became for wish in wishes(here)] == [Fate.ASKED, Fate.ENOUGH, Fate.ENOUGH]


def test_the_button_costs_the_same_for_everybody(web: httpx.Client, here: Place) -> None:
    """And its answer is the same, to the byte (S-10)."""
    value = shown(web, here)
    answers = {
        send(web, here, f"{name}@example.org", shown=value, again="yes").text.replace(name, "x") for name in EVERYBODY
    }

    assert len(answers) == 1
