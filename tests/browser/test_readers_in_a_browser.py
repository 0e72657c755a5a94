"""The readers' pages in Chromium, without JavaScript: they fit, they can be read, and their buttons work."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from desk_samples import Place, furnished
from playwright.sync_api import Browser, Page, sync_playwright
from readers_web import local_web, reading_room, token, who
from sqlalchemy import Engine
from topic_samples import TOPICS

from newsletter.desk import sending, writing
from newsletter.desk.post import deliver
from subscribers.choice import Choice
from subscribers.consent import Status
from subscribers.preferences import choice_of
from subscribers.tokens import Purpose

pytestmark = pytest.mark.browser
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, once for all tests here."""
    if CHROMIUM is None:
        pytest.skip("There is no chromium on this machine; install it to see the pages in a browser.")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        running.close()


@pytest.fixture
def here(engine: Engine) -> Place:
    """The five characters, and three topics to choose from."""
    found = reading_room(engine)
    found.desk = replace(found.desk, config=found.desk.config.model_copy(update={"topics": TOPICS}))
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
    """The pages that a browser can open."""
    leave, stays = token(here, Purpose.UNSUBSCRIBE), token(here, Purpose.UNSUBSCRIBE, "cleo")
    back, yes = token(here, Purpose.RESUBSCRIBE), token(here, Purpose.CONFIRM, "ben")
    never = token(here, Purpose.NEVER, "dov")
    ways_in = ("/issues", "/subscribe", f"/confirm/{yes}", f"/never/{never}")
    own, forget = token(here, Purpose.PREFERENCES, "pia"), token(here, Purpose.ERASE)
    paths = (
        *ways_in,
        f"/erase/{forget}",
        f"/preferences/{own}",
        f"/u/{leave}",
        f"/u/{stays}",
        f"/back/{back}",
        f"/stay/{token(here, Purpose.STAY)}",
        "/u/wrong",
    )
    return [f"{address}{path}" for path in paths]


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
    for url in links(here, address):
        page.goto(url)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        if page.get_by_role("button").count() == 1:
            page.get_by_role("button").click()
            assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_wrong(browser: Browser, here: Place, address: str, scheme: str) -> None:
    """All of its rules, on every page and on the good-bye."""
    page = opened(browser, "about:blank", scheme=scheme, scripts=True)
    for url in links(here, address):
        page.goto(url)
        results = [Axe().run(page)]
        if page.get_by_role("button").count() == 1:
            page.get_by_role("button").click()
            results.append(Axe().run(page))
        for result in results:
            assert result.violations_count == 0, result.generate_report()


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
