"""The comparison as a value."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from newsletter.comparisons.comparison import Comparison, Panel, Problem, Tool, Verdict, comparison_of, seen_time

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def tool(slug: str, percent: int = 75) -> Tool:
    """A tool."""
    panel = Panel(verdict=Verdict.at(percent), percent=percent)
    return Tool(
        slug=slug, name=slug.title(), category="Models", tagline="Does it", description="", entry="Free", panel=panel
    )


def test_a_pair_has_one_order() -> None:
    """That of the slugs; another cannot be made."""
    assert comparison_of(tool("mo"), tool("lantern")).key == "lantern-vs-mo"
    assert comparison_of(tool("mo"), tool("lantern")).title == "Lantern vs Mo"
    with pytest.raises(ValidationError, match="slug order"):
        Comparison(left=tool("mo"), right=tool("lantern"))


def test_a_tool_is_not_compared_with_itself() -> None:
    """Two slugs are two tools."""
    with pytest.raises(ValidationError, match="must differ"):
        comparison_of(tool("mo"), tool("mo"))


def test_a_tie_is_mixed() -> None:
    """Never a skip, whatever another page of the site says."""
    assert [Verdict.at(percent) for percent in (0, 49, 50, 51, 100)] == ["skip", "skip", "mixed", "ship", "ship"]


def test_the_digest_is_over_the_facts() -> None:
    """Not over where it was read, when, and what was wrong with it."""
    plain = comparison_of(tool("a"), tool("b"))
    told = comparison_of(
        tool("a"), tool("b"), url="https://x.example", published=NOW, problems=(Problem(code="c", message="m"),)
    )
    assert plain.digest == told.digest != comparison_of(tool("a"), tool("b", 25)).digest


def test_nothing_is_seen_later_than_now() -> None:
    """Also where a feed claims it."""
    pair = comparison_of(tool("a"), tool("b"))
    assert seen_time(pair, NOW) == NOW
    assert seen_time(pair.model_copy(update={"published": NOW + timedelta(1)}), NOW) == NOW
    assert seen_time(pair.model_copy(update={"published": NOW - timedelta(1)}), NOW) == NOW - timedelta(1)


def test_a_panel_without_counts_is_told_by_its_percentage() -> None:
    """And has both verdicts."""
    pair = comparison_of(tool("a"), tool("b", 50))
    assert (pair.left.panel.split, pair.verdicts) == ("75% ship", (Verdict.SHIP, Verdict.MIXED))
    assert pair.left.review_by("Builder") is None
