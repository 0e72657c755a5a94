"""What a reader wants, as a value: equal wishes are equal."""

import pytest

from newsletter.topics import Topic
from subscribers.choice import EVERYTHING, Choice, Frequency

MODELS = Topic(slug="models", name="Models", categories=("Models", "AI Models"))


@pytest.mark.parametrize(
    "topics", ["tools,models", " models , tools ,", "models,tools,models", ["tools", "models"], {"models", "tools"}]
)
def test_the_same_topics_are_the_same_choice(topics: str | list[str]) -> None:
    """Order, blanks and repetition say nothing."""
    assert Choice.of(topics) == Choice(("models", "tools"))
    assert Choice.of(topics).text == "models,tools"


@pytest.mark.parametrize("nothing", ["", ",", " ", ()])
def test_no_topic_is_everything(nothing: str | tuple[()]) -> None:
    """Also what is added later."""
    assert Choice.of(nothing) == EVERYTHING


@pytest.mark.parametrize("topics", ["Models", "mo dels", "-a", "a--b", "ä", "../x", "a" * 201, "=cmd"])
def test_what_is_no_slug_is_refused(topics: str) -> None:
    """A choice stands in addresses and files."""
    with pytest.raises(ValueError, match="topics are words"):
        Choice.of(topics)


@pytest.mark.parametrize(
    ("topics", "often", "read"),
    [
        ("models,Bad!,,tools", "weekly", Choice(("models", "tools"))),
        ("\0", "hourly", EVERYTHING),
        ("tools,models,tools", "monthly", Choice.of("models,tools", "monthly")),
    ],
)
def test_a_damaged_row_says_as_much_as_can_be_read(topics: str, often: str, read: Choice) -> None:
    """And keeps nobody from their mail."""
    assert Choice.stored(topics, often) == read


def test_the_evidence_says_it_in_words() -> None:
    """So that somebody can read it years later."""
    assert Choice.of("tools,models", "monthly").words == "topics: models, tools; how often: monthly"
    assert EVERYTHING.words == f"topics: all; how often: {Frequency.WEEKLY}"


@pytest.mark.parametrize(
    ("categories", "holds"), [(["Models"], True), (["ai models", "Gaming"], True), (["Gaming"], False), ([], False)]
)
def test_a_topic_holds_what_has_one_of_its_categories(categories: list[str], holds: bool) -> None:
    """A pair that spans two categories belongs to the topics of both."""
    assert MODELS.holds(categories) is holds
