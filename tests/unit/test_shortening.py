"""Cutting texts at the end of a sentence, and names before their sub-titles."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from issue_samples import names

from newsletter.issues.shortening import cut, plain, sentences, short_name, shorten

TEXTS = st.one_of(
    st.text(max_size=400),
    st.lists(st.sampled_from(["It works.", "v3.2", "e.g.", "a (", "b)", "nice", "that", "— so", "“No.”", "何。"])).map(
        " ".join
    ),
)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("It ships. It works. It is free.", 3),
        ("Version 3.2 of e.g. Node.js vs. Deno. Nice.", 2),
        ("It costs 1.5 dollars. 2 of 3 agree.", 2),
        ("Made by J. Smith of Acme Inc. in the U.S. of old.", 1),
        ("He said “stop. now.” and left. Good.", 2),
        ("One (which was wrong. Very wrong.) and two. Three.", 2),
        ("It died ... then rose. Twice!", 2),
        ("Run `git why. Then` twice. Done?! Yes.", 3),
        ("An open ( bracket. And a second sentence.", 2),
        ("第一句。第二句！", 2),
        ("What now? git-why knows.", 1),
        ("", 0),
    ],
)
def test_sentences_end_where_a_reader_sees_an_end(text: str, count: int) -> None:
    """Not after abbreviations, decimals or initials, nor inside quotation marks, brackets or code."""
    assert len(sentences(text)) == count


def test_a_text_that_fits_is_left_alone() -> None:
    """Only white space is put in order."""
    assert shorten("It\n works.  Fine", 40) == "It works. Fine"


def test_a_text_is_cut_at_the_end_of_a_sentence() -> None:
    """As many whole sentences as fit, and no mark that something is missing."""
    assert shorten("It ships. It works well. It costs nothing at all.", 30) == "It ships. It works well."


def test_a_sentence_that_is_too_long_is_cut_at_a_clause() -> None:
    """A claim with its reservation missing is marked with an ellipsis."""
    text = "The direction is right and the price is fair — but nobody on the team can say who may read the recordings."

    assert shorten(text, 70) == "The direction is right and the price is fair…"


def test_a_cut_does_not_end_with_a_word_that_promises_more() -> None:
    """The words "parameters that activate" would begin a clause and not say it."""
    text = "A sparse model with very many parameters that activate roughly a quarter for each of the passes"

    assert shorten(text, 60) == "A sparse model with very many parameters…"


def test_a_cut_does_not_end_just_behind_a_colon() -> None:
    """One word of a list is no list."""
    text = "A file with four principles against the mistakes that models make: think before you write and test it after"

    assert shorten(text, 80) == "A file with four principles against the mistakes that models make…"


def test_a_bracket_that_the_cut_would_leave_open_is_left_out() -> None:
    """The reader does not wait for its end."""
    assert cut("Two variants with permissive licences (seventy billion and more parameters)", 60) == (
        "Two variants with permissive licences…"
    )


def test_a_colon_is_no_place_to_cut() -> None:
    """What stands before it only announces."""
    assert not shorten("The specific decision that earns the ship: caches are explicit and hits are told", 50).endswith(
        "p…"
    )


def test_a_word_without_end_is_cut_between_characters_not_inside_one() -> None:
    """A combining accent stays with its letter."""
    assert cut("e\u0301" * 40, 20) == "e\u0301" * 9 + "…"


@given(TEXTS)
@example("A. B. C")
def test_sentences_joined_are_the_text_again(text: str) -> None:
    """Nothing is lost or doubled."""
    assert "".join(" ".join(sentences(text)).split()) == "".join(text.split())


@given(TEXTS, st.integers(10, 300))
def test_a_shortened_text_keeps_its_budget_and_begins_like_the_text(text: str, budget: int) -> None:
    """And what is not whole ends with an ellipsis or with the end of a sentence."""
    short = shorten(text, budget)

    assert len(short) <= budget
    assert plain(text).startswith(short.removesuffix("…"))
    assert short.endswith("…") or short == plain(text) or short in " ".join(sentences(text))


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("Claude 4 API: Tool Use Streaming & Prompt Caching", "Claude 4 API"),
        ("Cursor v0.50 – Background Agent & Codebase Refactoring", "Cursor v0.50"),
        ("Mistral Large 3 (Apache 2.0 Open Source)", "Mistral Large 3"),
        ("Code Llama 4 (70B & 400B)", "Code Llama 4 (70B & 400B)"),
        ("Mo", "Mo"),
        ("GitHub Copilot Multi-File Agent Mode", "GitHub Copilot Multi-File…"),
        ("(beta) of something long that has no other name", "(beta) of something long…"),
    ],
)
def test_a_long_name_loses_its_sub_title_first(name: str, short: str) -> None:
    """What follows a colon, a dash or a bracket; a name that fits is left alone."""
    assert short_name(name) == short


@given(names, st.integers(10, 60))
def test_a_name_fits_its_budget_and_is_never_empty(name: str, budget: int) -> None:
    """Whatever a page calls its tool."""
    assert 0 < len(short_name(name, budget)) <= budget
