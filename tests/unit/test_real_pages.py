"""Real compare pages, read from beside the checkout and never copied into it."""

import csv
from pathlib import Path

import pytest

from newsletter.comparisons.comparison import Comparison, Verdict
from newsletter.comparisons.source import Kind, collect


def index(shared: Path) -> list[dict[str, str]]:
    """File, flavour and address of each page."""
    return list(csv.DictReader((shared / "pages" / "index.tsv").read_text().splitlines(), delimiter="\t"))


@pytest.fixture(scope="module")
def pages(shared: Path) -> dict[str, Comparison]:
    """Every page of the folder, by its file's name."""
    names = [row["file"] for row in index(shared)]
    found = collect(str(shared / "pages"))
    assert found.kind is Kind.ITEMS
    return dict(zip(sorted(names), found.comparisons, strict=True))


def test_a_folder_of_real_pages_is_read_without_a_failure(shared: Path) -> None:
    """Both flavours, whole and cut; the README beside them is no page."""
    found = collect(str(shared / "pages"))

    assert (found.failures, len(found.comparisons)) == ((), 14)


def test_whole_pages_are_whole(pages: dict[str, Comparison]) -> None:
    """Four reviewers, eight quotes, counts, prices, no problem but the unknown address."""
    for name in ("whole-1.txt", "whole-2.txt"):
        page = pages[name]
        assert not page.truncated
        assert page.reviewers == ("Builder", "Skeptic", "Futurist", "Founder")
        assert len(list(page.quotes())) == 8
        assert all(tool.pricing and tool.panel.ship is not None for tool in page.tools)
        assert {problem.code for problem in page.problems} == {"slugs-derived"}


def test_cut_pages_are_marked_and_hold_no_half_sentence(pages: dict[str, Comparison]) -> None:
    """What a crawler cut after two thousand bytes is imported as far as it is whole."""
    for page in (page for name, page in pages.items() if name.startswith("cut-")):
        assert page.truncated
        assert all(not tool.description or tool.description[-1] in '.!?”")' for tool in page.tools)
        assert all(quote.quote and quote.quote[-1] in '.!?”")' for _, quote in page.quotes())


def test_the_address_gives_a_cut_page_its_identity(pages: dict[str, Comparison], shared: Path) -> None:
    """The key is the address's last part, for all twelve."""
    for row in index(shared):
        if row["url"] != "-":
            assert pages[row["file"]].key == row["url"].rpartition("/")[2]


def test_verdicts_follow_from_the_panel(pages: dict[str, Comparison]) -> None:
    """Half is mixed, more is ship; the pages hold both, and a panel of three."""
    panels = [tool.panel for page in pages.values() for tool in page.tools]

    assert all(panel.verdict is Verdict.at(panel.percent) for panel in panels)
    assert {panel.verdict for panel in panels} == {Verdict.SHIP, Verdict.MIXED}
    assert 67 in {panel.percent for panel in panels}
