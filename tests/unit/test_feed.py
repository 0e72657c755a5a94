"""Our own JSON feed."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import feed_samples as samples
import pytest
from jsonschema import Draft202012Validator

from newsletter.comparisons.comparison import Comparison, Verdict
from newsletter.comparisons.feed import is_feed, read_feed, schema, schema_file
from newsletter.errors import SourceError

DOCUMENT = Path(__file__).parents[2] / "docs" / "feed.md"


def read(*entries: dict[str, Any]) -> tuple[Comparison, ...]:
    """The comparisons of a feed of these entries."""
    return read_feed(json.dumps(samples.feed(*entries)))


def example() -> str:
    """The example of the documentation."""
    return re.search(r"```json\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)[1]


def test_the_published_schema_is_that_of_the_reader() -> None:
    """The file is made from the models."""
    assert json.loads(schema_file().read_text(encoding="utf-8")) == schema()


def test_the_documented_example_is_valid_and_is_read() -> None:
    """By the schema and by the reader."""
    Draft202012Validator.check_schema(schema())
    Draft202012Validator(schema()).validate(json.loads(example()))
    (comparison,) = read_feed(example())
    assert comparison.key == "lantern-3-vs-mo"
    assert (comparison.reviewers, comparison.problems) == (("Builder", "Skeptic", "Futurist", "Founder"), ())


def test_the_two_tools_may_stand_in_any_order() -> None:
    """Identity is the sorted pair."""
    (comparison,) = read(samples.entry("mo", "lantern-3"))
    assert [tool.slug for tool in comparison.tools] == ["lantern-3", "mo"]


def test_a_percentage_is_worked_out_from_the_counts() -> None:
    """Rounded half up, as the site does."""
    tools = [samples.tool("a", panel={"ship": 2, "skip": 1}), samples.tool("b", panel={"ship": 1, "skip": 7})]
    (comparison,) = read({"tools": tools})
    assert [tool.panel.percent for tool in comparison.tools] == [67, 13]
    assert comparison.verdicts == (Verdict.SHIP, Verdict.SKIP)


def test_a_contradiction_is_reported_and_does_not_stop_the_feed() -> None:
    """Counts against percentage, counts against reviews."""
    review = {"reviewer": "Builder", "verdict": "skip"}
    (comparison,) = read(
        {"tools": [samples.tool("a", panel={"percent": 90, "ship": 3, "skip": 1}, reviews=[review]), samples.tool("b")]}
    )
    assert {problem.code for problem in comparison.problems} == {"percent-disagrees", "reviews-disagree"}


def test_it_may_tell_when_readers_could_first_see_it() -> None:
    """With its offset."""
    (comparison,) = read(samples.entry(published="2026-11-16T08:00:00+01:00"))
    assert comparison.published == datetime(2026, 11, 16, 7, tzinfo=UTC)


def test_an_empty_feed_says_that_there_are_none() -> None:
    """That is an answer."""
    assert read() == ()


def test_texts_are_cleaned() -> None:
    """No line break in a name, no control character anywhere."""
    (comparison,) = read(
        {"tools": [samples.tool("a", name="Two\r\nlines\u202e", description="One.\n\n\x00Two."), samples.tool("b")]}
    )
    assert (comparison.left.name, comparison.left.description) == ("Two lines", "One.\nTwo.")


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        (samples.entry(author="Ada"), r"comparisons\[1\].author"),
        (samples.entry("mo", "mo"), "same slug"),
        (samples.entry("Mo!", "a"), r"tools\[0\].slug"),
        (samples.entry(url="javascript:alert(1)"), "url"),
        (samples.entry(url="https://user@example.org/"), "not a web address"),
        (samples.entry(published="2026-11-16T08:00:00"), "published"),
        ({"tools": [samples.tool("a")]}, "tools"),
        ({"tools": [samples.tool("a", name="\u200b"), samples.tool("b")]}, "is blank"),
        ({"tools": [samples.tool("a", panel={}), samples.tool("b")]}, "give 'ship' and 'skip', or 'percent'"),
        ({"tools": [samples.tool("a", panel={"ship": 1}), samples.tool("b")]}, "give both"),
        ({"tools": [samples.tool("a", panel={"ship": 0, "skip": 0}), samples.tool("b")]}, "above 0"),
        ({"tools": [samples.tool("a", panel={"percent": 101}), samples.tool("b")]}, "percent"),
        (
            {"tools": [samples.tool("a", reviews=[{"reviewer": "B", "verdict": "ship"}] * 2), samples.tool("b")]},
            "twice",
        ),
    ],
)
def test_one_wrong_entry_and_nothing_is_read(entry: dict[str, Any], told: str) -> None:
    """The sentence names entry and field."""
    with pytest.raises(SourceError, match=told):
        read(samples.entry("x", "y"), entry)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "the document"),
        ("{}", "format"),
        ('{"format": "other/2", "comparisons": []}', "format"),
        ("[" * 100_000, "the document"),
        (json.dumps(samples.feed(samples.entry("a", "b"), samples.entry("b", "a"))), "the pair a and b stands twice"),
        (json.dumps(samples.feed(*(samples.entry(f"a{n}", f"a{n}") for n in range(9)))), "and 4 more"),
    ],
)
def test_what_is_no_feed_is_refused(text: str, told: str) -> None:
    """Nothing of it is imported."""
    with pytest.raises(SourceError, match=told):
        read_feed(text)


def test_a_feed_is_known_by_its_first_character() -> None:
    """A page never begins with a brace."""
    assert is_feed(' \n{"format"')
    assert not is_feed("Compare/A vs B")


def test_a_field_with_a_name_without_end_is_not_repeated() -> None:
    """Nor is the place."""
    with pytest.raises(SourceError) as refusal:
        read_feed(json.dumps({"x" * 300_000: 1}), "feed" * 1_000)
    assert len(str(refusal.value)) < 400
