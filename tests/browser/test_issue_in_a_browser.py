"""The issue as a browser shows it: it fits, it can be read in light and dark, and it asks nobody for anything."""

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from mail_samples import DATE, composition, item, recipient, rendered, saying
from playwright.sync_api import Browser, Page

from newsletter.issues.composition import ItemKind
from newsletter.mail.message import MessageBuilder
from newsletter.mail.rendered import RenderedIssue

pytestmark = pytest.mark.browser
NOT_FOR_MAIL = ("landmark-one-main", "region")  #: a mail is shown inside a page that has its own landmarks
LONG = "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichen"

#: The contrast of every visible text with the nearest ground behind it; the least is returned.
LEAST_CONTRAST = """() => {
  const part = c => { c /= 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
  const light = c => 0.2126 * part(c[0]) + 0.7152 * part(c[1]) + 0.0722 * part(c[2]);
  const parse = text => text.match(/[\\d.]+/g).map(Number);
  const ground = e => { for (; e; e = e.parentElement) {
    const c = parse(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] > 0) return c; }
    return [255, 255, 255]; };
  let least = 21;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !e.checkVisibility()) continue;
    const [a, b] = [light(parse(getComputedStyle(e).color)), light(ground(e))].sort((x, y) => y - x);
    least = Math.min(least, (a + 0.05) / (b + 0.05));
  }
  return least;
}"""


def opened(browser: Browser, folder: Path, issue: RenderedIssue, width: int = 640, scheme: Any = "light") -> Page:
    """A merged issue, opened from a file."""
    file = folder / "issue.html"
    file.write_text(MessageBuilder(issue, date=DATE).message(recipient()).html, encoding="utf-8")
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.goto(file.as_uri())
    return page


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    return int(page.evaluate("document.documentElement.scrollWidth - innerWidth"))


@pytest.mark.parametrize("width", [320, 375, 640, 1200])
def test_nothing_is_wider_than_the_window(browser: Browser, tmp_path: Path, width: int) -> None:
    """On a small phone, on a phone, in a reading pane, on a desk."""
    assert overflow(opened(browser, tmp_path, rendered(), width)) <= 0


@pytest.mark.parametrize("width", [320, 640])
def test_a_word_without_a_break_does_not_widen_the_page(browser: Browser, tmp_path: Path, width: int) -> None:
    """A name of sixty characters, in every place that has words."""
    long = saying(composition(intro=""), LONG).model_copy(update={"subject": "Long words", "intro": ""})
    issue = rendered(items=long.items, splits=long.splits, summary=LONG, intro=LONG)

    assert overflow(opened(browser, tmp_path, issue, width)) <= 0


def test_the_cards_stand_side_by_side_on_a_desk_and_stacked_on_a_phone(browser: Browser, tmp_path: Path) -> None:
    """Where media queries work; elsewhere they stay side by side."""
    tops = {}
    for width in (640, 375):
        cards = opened(browser, tmp_path, rendered(), width).locator("td.card").all()
        tops[width] = [round((card.bounding_box() or {"y": 0})["y"]) for card in cards]

    assert tops[640][0] == tops[640][1]
    assert tops[375][0] < tops[375][1]


def test_the_dark_issue_is_dark(browser: Browser, tmp_path: Path) -> None:
    """The sheet, the page around it, and nothing left light."""
    page = opened(browser, tmp_path, rendered(), 900, "dark")
    grounds = page.evaluate(
        "[...document.querySelectorAll('*')].map(e => getComputedStyle(e).backgroundColor)"
        ".filter(c => c.startsWith('rgb(')).map(c => Math.max(...c.match(/[0-9]+/g).map(Number)))"
    )

    light = [ground for ground in grounds if ground > 150]

    assert len(light) == 1, "only the button is light in the dark"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read(browser: Browser, tmp_path: Path, scheme: str) -> None:
    """WCAG 2.2, 1.4.3, by the browser's own computed colours."""
    assert opened(browser, tmp_path, rendered(), 640, scheme).evaluate(LEAST_CONTRAST) >= 4.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 640])
def test_axe_has_nothing_to_complain_of(browser: Browser, tmp_path: Path, width: int, scheme: str) -> None:
    """All its rules but the two about landmarks."""
    page = opened(browser, tmp_path, rendered(12), width, scheme)

    results = Axe().run(page, options={"rules": {name: {"enabled": False} for name in NOT_FOR_MAIL}})

    assert results.violations_count == 0, results.generate_report()


def test_nothing_is_requested(browser: Browser, tmp_path: Path) -> None:
    """No image, no font, no style sheet, no pixel (invariant 13)."""
    asked: list[str] = []
    page = opened(browser, tmp_path, rendered())
    page.on("request", lambda request: asked.append(request.url))
    page.reload()

    assert [url for url in asked if not url.startswith("file://")] == []
    assert len(asked) == 1


def test_the_page_is_in_standards_mode_and_names_its_language(browser: Browser, tmp_path: Path) -> None:
    """Without a doctype, tables inherit neither size nor colour."""
    page = opened(browser, tmp_path, rendered())

    assert page.evaluate("[document.compatMode, document.documentElement.lang, document.title]") == [
        "CSS1Compat",
        "en",
        composition().subject,
    ]


def test_hostile_words_make_no_element_in_a_real_parser(browser: Browser, tmp_path: Path) -> None:
    """S-24, with the parser that readers have."""
    trees = []
    for words in ("harmless", "\"'--></style></script><svg/onload=alert(1)><img src=x onerror=alert(1)>"):
        issue = saying(composition(intro=""), words).model_copy(update={"subject": "A subject", "intro": ""})
        page = opened(browser, tmp_path, rendered(items=issue.items, splits=issue.splits, summary=words, intro=""))
        trees.append(page.evaluate("[...document.querySelectorAll('*')].map(e => [e.tagName, e.getAttributeNames()])"))

    assert trees[0] == trees[1]


def test_the_preheader_is_not_seen(browser: Browser, tmp_path: Path) -> None:
    """It is for the list of mails, and hidden without white on white."""
    issue = rendered(items=(item(0, ItemKind.LEAD),), splits=())
    page = opened(browser, tmp_path, issue)

    assert issue.preheader in issue.html
    assert issue.preheader not in page.inner_text("body")
