"""The readers' pages in Chromium, without JavaScript: they fit, they can be read, and their buttons work."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from desk_samples import Place, furnished
from playwright.sync_api import Browser, Page
from readers_web import address_token, local_web, reading_room, token, who
from sqlalchemy import Engine
from sqlmodel import select
from topic_samples import TOPICS

from newsletter.desk import sending, writing
from newsletter.desk.post import deliver
from newsletter.web.routes import PLACES, Kind
from subscribers import sunset
from subscribers.address_change import AddressChange
from subscribers.choice import Choice
from subscribers.consent import Status
from subscribers.letters import Letter
from subscribers.preferences import choice_of
from subscribers.subscriber import find
from subscribers.tokens import Purpose, sign

pytestmark = pytest.mark.browser


@pytest.fixture
def here(engine: Engine) -> Place:
    """The five characters, topics to choose from, and everybody's own clock: the settings have all their parts."""
    found = reading_room(engine)
    schedule = found.desk.config.schedule.model_copy(update={"local_time": True, "send_time": "08:00"})
    config = found.desk.config.model_copy(update={"schedule": schedule, "topics": TOPICS})
    found.desk = replace(found.desk, config=config)
    return found


@pytest.fixture
def address(here: Place) -> Iterator[str]:
    """The server, as this machine's own browser finds it."""
    with local_web(here) as found:
        yield found


def opened(browser: Browser, url: str, *, width: int = 375, scheme: Any = "light", scripts: bool = False) -> Page:
    """A page in a window of its own. Scripts are only for axe, which is one; the pages have none."""
    window = browser.new_context(
        viewport={"width": width, "height": 800},
        color_scheme=scheme,
        java_script_enabled=scripts,
        bypass_csp=scripts,
    )
    page = window.new_page()
    page.goto(url)
    return page


def links(here: Place, address: str) -> list[str]:
    """Every page that a browser can open: all of the table of routes with Ada's links, and some as others see them."""
    table = [
        re.sub(r"{(?!token)\w+}", "2026-W46", place.path).replace("{token}", token(here, place.purpose or Purpose.FORM))
        for place in PLACES
        if "GET" in place.methods and place.kind in (Kind.PUBLIC, Kind.TOKEN)
    ]
    ben, past = who(here, "ben").ref, here.clock() - timedelta(days=1)
    others = (
        f"/confirm/{token(here, Purpose.CONFIRM, 'ben')}",
        f"/confirm/{sign(here.desk.keys, Purpose.CONFIRM, ben, expires=past)}",
        f"/address/{sign(here.desk.keys, Purpose.ADDRESS, 'nobody')}",
        f"/never/{token(here, Purpose.NEVER, 'dov')}",
        f"/preferences/{token(here, Purpose.PREFERENCES, 'pia')}",
        f"/preferences/{token(here, Purpose.PREFERENCES, 'cleo')}",
        f"/u/{token(here, Purpose.UNSUBSCRIBE, 'cleo')}",
        "/u/wrong",
        "/nothing",
    )
    urls = [f"{address}{path}" for path in (*others, *table)]
    return [url for url in urls if httpx.get(url).headers["content-type"].startswith("text/html")]


def walked(page: Page, urls: Sequence[str]) -> Iterator[str]:
    """Open each page, then press the button of each that has one alone; what stands before us after each step."""
    for url in urls:
        page.goto(url)
        yield url
    for url in urls:
        page.goto(url)
        if page.get_by_role("button").count() == 1 and page.locator("[required]").count() == 0:
            page.get_by_role("button").click()
            yield f"{url}, its button pressed"


def test_leaving_and_coming_back_by_buttons_alone(browser: Browser, here: Place, address: str) -> None:
    """One button leaves, one undoes; no script runs."""
    page = opened(browser, f"{address}/u/{token(here, Purpose.UNSUBSCRIBE)}")
    page.get_by_role("button", name="Unsubscribe").click()
    assert page.get_by_role("heading", name="You have left").is_visible()
    assert who(here, "ada").status is Status.UNSUBSCRIBED

    page.get_by_role("button", name="That was a mistake").click()
    assert page.get_by_role("heading", name="You are back").is_visible()
    assert who(here, "ada").status is Status.ACTIVE


def test_from_the_form_to_the_list_by_buttons_alone(browser: Browser, here: Place, address: str) -> None:
    """A mistake is said, the trap is not seen, and the link in the mail has the last button."""
    page = opened(browser, f"{address}/subscribe")
    page.get_by_label("Your mail address").fill("eve@example")
    page.get_by_role("button").click()
    assert "not valid" in page.get_by_role("alert").inner_text()

    here.clock.forward(seconds=5)
    page.get_by_label("Your mail address").fill("eve@example.org")
    assert page.get_by_role("textbox").count() == 1
    page.get_by_role("button").click()
    page.get_by_role("heading", name="Look into your inbox").wait_for()
    deliver(here.desk)
    page.goto(f"{address}/confirm/{token(here, Purpose.CONFIRM, 'eve')}")
    page.get_by_role("button", name="Yes").click()
    page.get_by_role("heading", name="You are on the list").wait_for()
    assert who(here, "eve").status is Status.ACTIVE


def test_a_reason_is_given_with_the_keyboard_alone(browser: Browser, here: Place, address: str) -> None:
    """Tab, blank and enter reach everything."""
    page = opened(browser, f"{address}/u/{token(here, Purpose.UNSUBSCRIBE)}")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="You have left").wait_for()
    for key in ("Tab", "Tab", "Space", "Tab", "Enter"):
        page.keyboard.press(key)

    assert page.get_by_role("status").inner_text() == "Thank you for telling."


def test_no_page_is_wider_than_a_small_phone(browser: Browser, here: Place, address: str) -> None:
    """320 pixels, with what follows on a button among the pages."""
    page = opened(browser, "about:blank", width=320, scripts=True)
    wide = "document.documentElement.scrollWidth - innerWidth"

    assert [step for step in walked(page, links(here, address)) if page.evaluate(wide) > 0] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_wrong(browser: Browser, here: Place, address: str, scheme: str) -> None:
    """All of its rules, on every page and on what follows on its button."""
    page = opened(browser, "about:blank", scheme=scheme, scripts=True)
    found = ((step, Axe().run(page)) for step in walked(page, links(here, address)))

    assert [(step, result.generate_report()) for step, result in found if result.violations_count] == []


def test_an_address_is_changed_by_buttons_alone(browser: Browser, here: Place, address: str) -> None:
    """From the settings to the form; a mistake is said; the link in the mail has the last button, and leads back."""
    page = opened(browser, f"{address}/preferences/{token(here, Purpose.PREFERENCES)}")
    page.get_by_role("link", name="Get it at another address").click()
    page.get_by_label("Your new mail address").fill("new@example")
    page.get_by_role("button").click()
    assert "not valid" in page.get_by_role("alert").inner_text()
    page.get_by_label("Your new mail address").fill("new@example.org")
    page.get_by_role("button").click()
    page.get_by_role("heading", name="Look into the new inbox").wait_for()
    deliver(here.desk)
    with here.desk.reading() as session:
        [asked] = session.exec(select(AddressChange)).all()
    page.goto(f"{address}/address/{address_token(here, asked)}")
    page.get_by_role("button", name="Yes").click()
    page.get_by_role("heading", name="Your address is changed").wait_for()
    page.get_by_role("link", name="your settings").click()

    assert "n…@example.org gets" in page.get_by_role("main").inner_text()
    assert who(here, "new").name == "Ada Njeri"


def test_a_time_zone_is_chosen_with_the_keyboard(browser: Browser, here: Place, address: str) -> None:
    """By its first letters, as in any list."""
    page = opened(browser, f"{address}/preferences/{token(here, Purpose.PREFERENCES)}")
    page.get_by_label("Issues leave at 08:00").focus()
    page.keyboard.type("Nairobi")
    page.get_by_role("button", name="Set the time zone").click()
    page.get_by_text("Your time zone is saved.").wait_for()

    assert who(here, "ada").zone == "Africa/Nairobi"


def test_a_break_is_taken_and_ended_by_a_reader(browser: Browser, here: Place, address: str) -> None:
    """With the browser's own calendar; the page says how it stands."""
    page = opened(browser, f"{address}/preferences/{token(here, Purpose.PREFERENCES)}")
    page.get_by_label("No issue until").fill("2027-01-03")
    page.get_by_role("button", name="Take a break").click()
    page.get_by_text("until 3 January 2027").wait_for()
    assert who(here, "ada").status is Status.PAUSED

    page.get_by_role("button", name="End the break now").click()
    assert page.get_by_role("status").inner_text() == "Welcome back."
    assert who(here, "ada").status is Status.ACTIVE


def test_all_that_is_kept_is_downloaded_and_then_forgotten(browser: Browser, here: Place, address: str) -> None:
    """The file has their address in it; after one more button nobody has."""
    page = opened(browser, f"{address}/preferences/{token(here, Purpose.PREFERENCES)}")
    with page.expect_download() as saved:
        page.get_by_role("link", name="Download all that is kept of you").click()
    assert "Ada@example.org" in saved.value.path().read_text()

    page.get_by_role("link", name="Have it erased").click()
    page.get_by_role("button", name="Erase everything").click()
    page.get_by_role("heading", name="You are forgotten").wait_for()
    with here.desk.reading() as session:
        assert find(session, "ada@example.org") is None


def test_the_mail_is_asked_for_once_more_by_a_button(browser: Browser, here: Place, address: str) -> None:
    """The page says that it is noted; one mail goes out all the same, for one a day is the limit."""
    page = opened(browser, f"{address}/subscribe")
    here.clock.forward(seconds=5)
    page.get_by_label("Your mail address").fill("eve@example.org")
    page.get_by_role("button").click()
    here.clock.forward(seconds=5)
    page.get_by_role("button", name="Ask again").click()

    page.get_by_text("We have noted it once more.").wait_for()
    deliver(here.desk)
    with here.desk.reading() as session:
        assert len(session.exec(select(Letter)).all()) == 1


def test_whoever_was_silent_stays_by_one_button(browser: Browser, here: Place, address: str) -> None:
    """The question of the sunset, answered by yes."""
    with here.desk.transaction() as session:
        sunset.ask(session, [who(here, "ada").id or 0], here.clock() - timedelta(days=30), here.clock(), here.clock())
    page = opened(browser, f"{address}/stay/{token(here, Purpose.STAY)}")
    page.get_by_role("button", name="Yes, keep sending it").click()
    page.get_by_role("heading", name="You stay on the list").wait_for()

    assert who(here, "ada").status is Status.ACTIVE


def test_topics_are_chosen_with_the_keyboard_alone(browser: Browser, here: Place, address: str) -> None:
    """The way out comes first; then how often, then the topics; the page says what they get."""
    page = opened(browser, f"{address}/preferences/{token(here, Purpose.PREFERENCES)}")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.innerText") == "Unsubscribe"
    for key in ("Tab", "ArrowDown", "Tab", "Tab", "Space", "Tab", "Space", "Tab", "Enter"):
        page.keyboard.press(key)
    page.get_by_text("You get one mail a month, with what the month had about Models.").wait_for()

    assert page.get_by_role("checkbox", checked=True).count() == 1
    assert choice_of(who(here, "ada")) == Choice.of("models", "monthly")


def test_an_issue_of_the_archive_is_read_and_left_again(browser: Browser, engine: Engine) -> None:
    """Its policy lets links work and nothing else; axe finds nothing wrong with what stands around the mail."""
    here = furnished(engine)
    writing.draft(here.desk)
    writing.approve(here.desk, "1", by="test")
    sending.start(here.desk, "1", by="test")
    with local_web(here) as address:
        page = opened(browser, f"{address}/issues", width=320, scripts=True)
        page.locator("ul.issues a").click()
        page.get_by_role("navigation", name="Issues").wait_for()
        result = Axe().run(page)
        page.get_by_role("link", name="All issues").click()
        page.get_by_role("heading", name="All issues").wait_for()

    assert result.violations_count == 0, result.generate_report()


def test_a_page_asks_nobody_but_us_and_breaks_no_policy(browser: Browser, here: Place, address: str) -> None:
    """S-20 and S-48: the style sheet is all there is, and the console is empty."""
    asked, said = [], []
    page = browser.new_context().new_page()
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.goto(f"{address}/u/{token(here, Purpose.UNSUBSCRIBE)}")

    assert [url.removeprefix(address)[:6] for url in asked] == [
        "/u/" + asked[0].removeprefix(f"{address}/u/")[:3],
        "/look/",
    ]
    assert said == []
