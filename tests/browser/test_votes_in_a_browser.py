"""Votes and bookmarks in Chromium, without JavaScript: by buttons, by keyboard, on a small phone, in light and dark."""

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from desk_samples import Place, furnished
from playwright.sync_api import Browser, Page
from readers_web import local_web, token, who
from sqlalchemy import Engine

from newsletter.comparisons.comparison import Comparison
from newsletter.comparisons.shelf import on_shelf
from subscribers.bookmarks import save
from subscribers.tokens import Purpose
from subscribers.votes import votes_of

pytestmark = pytest.mark.browser


def opened(browser: Browser, url: str, *, width: int = 375, scheme: Any = "light", scripts: bool = False) -> Page:
    """A page in a window of its own. Scripts are only for axe; the pages have none."""
    window = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, java_script_enabled=scripts, bypass_csp=scripts
    )
    page = window.new_page()
    page.goto(url)
    return page


@pytest.fixture
def here(engine: Engine) -> Place:
    """The five characters, and the sample week."""
    return furnished(engine)


@pytest.fixture
def address(here: Place) -> Iterator[str]:
    """The server, as this machine's own browser finds it."""
    with local_web(here) as found:
        yield found


def pair_of(here: Place) -> Comparison:
    """A comparison on the shelf."""
    with here.desk.reading() as session:
        return next(on_shelf(session)).comparison


def test_a_vote_is_given_and_taken_back_by_buttons_and_keys(browser: Browser, here: Place, address: str) -> None:
    """Tab reaches the button that the mail asked for; what follows says how it stands."""
    pair, link = pair_of(here), f"{address}/vote/{token(here, Purpose.VOTE)}"
    page = opened(browser, f"{link}?of={pair.key}&skip={pair.right.slug}")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_role("status").wait_for()
    assert page.get_by_role("status").inner_text() == f"Your vote on {pair.right.name}: Skip it."
    page.get_by_role("button", name=f"Save for later: {pair.right.name}").click()
    page.get_by_role("button", name=f"Take it back: {pair.right.name}").click()
    page.get_by_role("link", name="Your bookmarks").click()
    page.get_by_role("button", name=f"Remove {pair.right.name}").click()

    page.get_by_text("No bookmarks yet").wait_for()
    with here.desk.reading() as session:
        assert votes_of(session, 1) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_wrong_and_nothing_is_wider_than_a_small_phone(
    browser: Browser, here: Place, address: str, scheme: str
) -> None:
    """320 pixels, all rules of axe, and buttons that a thumb finds."""
    pair, ada = pair_of(here), who(here, "ada").id or 0
    with here.desk.transaction() as session:
        save(session, ada, pair.left.slug, "mixed", 50, here.clock())
    vote, shelf = token(here, Purpose.VOTE), token(here, Purpose.BOOKMARKS)
    page = opened(browser, "about:blank", width=320, scheme=scheme, scripts=True)
    for path in (f"vote/{vote}?of={pair.key}&ship={pair.left.slug}", f"vote/{vote}", f"bookmarks/{shelf}", "vote"):
        page.goto(f"{address}/{path}")
        result = Axe().run(page)
        assert result.violations_count == 0, result.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        boxes = [button.bounding_box() for button in page.get_by_role("button").all()]
        assert all(box and min(box["width"], box["height"]) >= 44 for box in boxes)
