"""The real pages, where they are at hand: they belong to their publisher and are no part of this repository."""

import csv
from pathlib import Path

import pytest

from newsletter.comparisons.source import Kind, collect

PAGES = Path(__file__).parents[2].parent / "shared" / "pages"
pytestmark = pytest.mark.skipif(not PAGES.is_dir(), reason="the real compare pages are not on this machine")


def index() -> list[dict[str, str]]:
    """The rows of index.tsv."""
    with (PAGES / "index.tsv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def test_every_page_is_read() -> None:
    """Two whole ones and twelve that a crawler cut."""
    outcome = collect(str(PAGES))
    assert (outcome.kind, outcome.failures) == (Kind.ITEMS, ())
    assert len(outcome.comparisons) == len(index())
    assert sum(comparison.truncated for comparison in outcome.comparisons) == len(list(PAGES.glob("cut-*")))


def test_addresses_give_the_keys() -> None:
    """As the index tells them."""
    told = {row["url"].rpartition("/")[2] for row in index() if row["url"] != "-"}
    assert told <= {comparison.key for comparison in collect(str(PAGES)).comparisons}


def test_a_whole_page_has_every_review() -> None:
    """Four reviewers on two tools, eight quotes, the counts, the pricing."""
    (comparison,) = collect(str(PAGES / "whole-2.txt")).comparisons
    assert comparison.reviewers == ("Builder", "Skeptic", "Futurist", "Founder")
    assert [tool.panel.split for tool in comparison.tools] == ["4 ship / 0 skip", "3 ship / 1 skip"]
    assert [review.score for review in comparison.right.reviews] == [78, 72, 75, 55]
    assert sum(1 for _ in comparison.quotes()) == 8
    assert [problem.code for problem in comparison.problems] == ["slugs-derived"]


def test_a_cut_page_has_no_quote_and_whole_sentences() -> None:
    """It was cut within a description or the first quote."""
    for comparison in collect(str(PAGES)).comparisons:
        if comparison.truncated:
            assert list(comparison.quotes()) == []
            assert all(tool.description.endswith((".", "!", "?")) for tool in comparison.tools)
