"""What the editor may change, and what is refused."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from issue_samples import pairs

from newsletter.errors import IssueError
from newsletter.issues.edits import (
    Edits,
    drop,
    lead_with,
    pin,
    release,
    reorder,
    with_headline,
    with_intro,
    with_preheader,
    with_quote,
    with_subject,
)

KNOWN = ("forkbeam-vs-patchwork", "minutely-vs-recapify", "git-why-vs-mo")
ONE, TWO, THREE = KNOWN


def test_a_pin_takes_back_a_drop_and_the_other_way_round() -> None:
    """The last word counts."""
    assert pin(drop(Edits(), ONE, KNOWN), ONE, KNOWN) == Edits(pins=(ONE,))
    assert drop(pin(Edits(), ONE, KNOWN), ONE, KNOWN) == Edits(drops=(ONE,))


def test_a_released_comparison_is_the_rules_again() -> None:
    """Neither pinned nor dropped."""
    assert release(pin(Edits(), ONE, KNOWN), ONE, KNOWN) == release(drop(Edits(), ONE, KNOWN), ONE, KNOWN) == Edits()


def test_the_lead_is_pinned_and_a_dropped_lead_leads_no_more() -> None:
    """A lead that is not in the issue makes no sense."""
    led = lead_with(Edits(), ONE, KNOWN)

    assert led == Edits(pins=(ONE,), lead=ONE)
    assert drop(led, ONE, KNOWN) == Edits(drops=(ONE,))
    assert lead_with(led, None, KNOWN).lead is None


def test_an_order_names_each_comparison_once() -> None:
    """Repetitions are dropped, the first counts."""
    assert reorder(Edits(), [TWO, ONE, TWO], KNOWN).order == (TWO, ONE)


def test_pinning_twice_is_pinning_once() -> None:
    """Saying it again changes nothing."""
    assert pin(pin(Edits(), ONE, KNOWN), ONE, KNOWN).pins == (ONE,)


@pytest.mark.parametrize(
    "change",
    [
        lambda key: pin(Edits(), key, KNOWN),
        lambda key: drop(Edits(), key, KNOWN),
        lambda key: release(Edits(), key, KNOWN),
        lambda key: lead_with(Edits(), key, KNOWN),
        lambda key: reorder(Edits(), [ONE, key], KNOWN),
        lambda key: with_headline(Edits(), key, "Words", KNOWN),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_right_one(change: Callable[[str], Edits]) -> None:
    """A slip of the finger is answered, not obeyed."""
    with pytest.raises(
        IssueError, match=r"no comparison 'forkbeem-vs-patchwork'. Did you mean forkbeam-vs-patchwork\?"
    ):
        change("forkbeem-vs-patchwork")


def test_a_key_may_be_what_a_person_types_where_the_titles_are_given() -> None:
    """Every change takes it."""
    titles = {ONE: "Forkbeam vs Patchwork", TWO: "Minutely vs Recapify"}

    assert pin(Edits(), "patchwork", titles).pins == reorder(Edits(), ["forkb"], titles).order == (ONE,)
    assert lead_with(Edits(), "Recapify", titles) == Edits(pins=(TWO,), lead=TWO)


def test_a_key_like_no_other_is_refused_with_the_way_to_the_list() -> None:
    """There is no nearest one."""
    with pytest.raises(IssueError, match="'newsletter comparisons list' shows"):
        pin(Edits(), "§", KNOWN)


def test_subject_and_preheader_are_one_line_each() -> None:
    """Line breaks become spaces, so that nothing can be smuggled into a header; empty words are the rules'."""
    assert with_subject(Edits(), " Two\r\nlines ").subject == "Two lines"
    assert with_preheader(with_preheader(Edits(), "words"), "  ") == Edits()


@pytest.mark.parametrize("words", ["a\x00b", "a\x1bb"])
def test_control_characters_are_refused(words: str) -> None:
    """One sentence, and nothing is changed."""
    with pytest.raises(IssueError, match=r"^subject: .*Nothing was changed\.$"):
        with_subject(Edits(), words)


@pytest.mark.parametrize(
    ("write", "what"),
    [
        (lambda words: with_subject(Edits(), words), "The subject"),
        (lambda words: with_preheader(Edits(), words), "The preheader"),
        (lambda words: with_headline(Edits(), ONE, words, KNOWN), f"The headline of {ONE}"),
    ],
)
def test_a_line_that_is_too_long_is_refused_in_plain_words(write: Callable[[str], Edits], what: str) -> None:
    """How long it is, and what fits; 200 characters do."""
    assert write("x" * 200) != Edits()
    with pytest.raises(IssueError, match=f"^{what} has 312 characters; at most 200 fit. Nothing was changed.$"):
        write("x" * 312)


def test_a_headline_is_taken_back_with_empty_words() -> None:
    """The rules write it again."""
    edits = with_headline(Edits(), ONE, "Words", KNOWN)

    assert edits.headlines == {ONE: "Words"}
    assert with_headline(edits, ONE, " ", KNOWN) == Edits()


def test_an_introduction_has_a_limit_in_bytes() -> None:
    """20,000 of them, so that no mail is clipped for it."""
    assert with_intro(Edits(), "é" * 10_000).intro
    with pytest.raises(IssueError, match=r"^The introduction has 20,002 bytes; at most 20,000 fit\."):
        with_intro(Edits(), "é" * 10_001)


def test_a_quote_may_be_shortened_but_not_reworded() -> None:
    """Nobody puts words into a reviewer's mouth."""
    [one] = pairs(1)

    with pytest.raises(IssueError, match="Skeptic did not write that of a00"):
        with_quote(Edits(), one, "a00", "Skeptic", "It is wonderful.")
    assert with_quote(Edits(), one, "a00", "Skeptic", "says ship…").quotes[0].text == "says ship…"


@pytest.mark.parametrize(("slug", "reviewer"), [("nobody", "Skeptic"), ("a00", "Nobody")])
def test_a_quote_of_nobody_is_refused(slug: str, reviewer: str) -> None:
    """The tool or the reviewer is not there."""
    with pytest.raises(IssueError, match="did not write that"):
        with_quote(Edits(), pairs(1)[0], slug, reviewer, "says ship")


def test_a_quote_is_taken_back_with_empty_words() -> None:
    """The rules choose again."""
    [one] = pairs(1)
    edits = with_quote(Edits(), one, "a00", "Skeptic", "says ship")

    assert with_quote(edits, one, "a00", "Skeptic", "") == Edits()


@given(
    st.builds(
        Edits,
        order=st.lists(st.sampled_from(KNOWN), unique=True).map(tuple),
        pins=st.lists(st.sampled_from(KNOWN), unique=True).map(tuple),
        lead=st.none() | st.sampled_from(KNOWN),
        intro=st.text(max_size=50),
        headlines=st.dictionaries(st.sampled_from(KNOWN), st.text("abc é", min_size=1)),
    )
)
def test_edits_survive_their_storing(edits: Edits) -> None:
    """As JSON on the issue."""
    assert Edits.model_validate_json(edits.model_dump_json(exclude_defaults=True)) == edits
