"""Clean strings, dates without a locale, an avatar's letter and colour."""

from datetime import date

import pytest
from mail_samples import comparison, composition, item, panel, tool

from newsletter.comparisons.comparison import Panel, Verdict, Votes
from newsletter.issues.composition import ItemKind
from newsletter.issues.readers_votes import community, labelled, whose
from newsletter.mail import wording
from newsletter.mail.contrast import ratio

SIDES = ("left", "right")


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("a\r\nb\tc", "a b c"),
        ("It\x92s", "It’s"),
        ("\x93quoted\x94", "“quoted”"),
        ("a\x81b\x00c", "a b c"),
        ("ab\u202ecd\u2069", "abcd"),
        ("👨‍👩‍👧 ❤️", "👨‍👩‍👧 ❤️"),
        ("  ", ""),
    ],
)
def test_a_line_is_one_line_of_visible_characters(raw: str, clean: str) -> None:
    """Windows' quotes are mended, controls and direction overrides go, emoji stay."""
    assert wording.cleaned(raw) == clean


def test_a_whole_issue_is_cleaned_and_stays_an_issue() -> None:
    """Every string in it, however deep; verdicts and numbers as they were."""
    dirty = composition(summary="one\ntwo")

    clean = wording.cleaned(dirty)

    assert clean.summary == "one two"
    assert clean.items == dirty.items
    assert clean.items[0].comparison.left.panel.verdict is dirty.items[0].comparison.left.panel.verdict


def test_several_lines_keep_their_breaks() -> None:
    """For the intro."""
    assert wording.cleaned_lines("a\r\nb\rc\x00\u202e") == "a\nb\nc "


def test_a_date_is_in_words_whatever_the_locale() -> None:
    """No leading nought."""
    assert wording.date_in_words(date(2026, 1, 6)) == "6 January 2026"


@pytest.mark.parametrize(
    ("name", "letter"),
    [("git-why", "G"), ("“v0 Agent”", "V"), ("9Router", "9"), ("éclair", "É"), ("—", "?"), ("ßx", "S")],
)
def test_an_initial_is_one_letter_or_digit(name: str, letter: str) -> None:
    """Of any script; a question mark where there is none."""
    assert wording.initial(name) == letter


def test_two_tools_have_two_colours_and_always_the_same() -> None:
    """And white can be read on each of them."""
    for number in range(12):
        left, right = wording.tints(comparison(number))
        assert left != right
        assert (left, right) == wording.tints(comparison(number))
    assert min(ratio("#ffffff", tint) for tint in wording.TINTS) > 5.5


@pytest.mark.parametrize(
    ("shown", "dots"),
    [(panel(3, 1), (3, 1)), (panel(10, 2), (0, 0)), (Panel(verdict=Verdict.SHIP, percent=75), (0, 0))],
)
def test_dots_show_a_split_that_can_be_counted(shown: Panel, dots: tuple[int, int]) -> None:
    """Nine at most; none where the page told no counts."""
    assert wording.pips(shown) == dots


@pytest.mark.parametrize(
    ("votes", "words"),
    [
        (None, "No community votes yet"),
        (Votes(percent=0, count=None), "0% ship"),
        (Votes(percent=100, count=1), "100% ship · 1 vote"),
        (Votes(percent=88, count=1312), "88% ship · 1,312 votes"),
    ],
)
def test_no_votes_are_not_nought_percent(votes: Votes | None, words: str) -> None:
    """The page's dash is not a nought."""
    assert community(tool("A", "B", 1, 0).model_copy(update={"votes": votes})) == words


def test_our_readers_votes_are_shown_where_the_site_has_none_and_said_to_be_theirs() -> None:
    """The site's come first: one number for one tool."""
    ours, bare = Votes(percent=67, count=12), tool("A", "B", 1, 0).model_copy(update={"votes": None})

    assert community(bare, ours) == "Readers: 67% ship · 12 votes"
    assert community(bare.model_copy(update={"votes": Votes(percent=80)}), ours) == "80% ship"


def test_a_ballot_shows_our_readers_votes_also_beside_the_site_s() -> None:
    """Whoever has just voted looks for their own vote; an issue says how readers voted, and leads there."""
    ours, bare = Votes(percent=67, count=12), tool("A", "B", 1, 0).model_copy(update={"votes": None})
    theirs = bare.model_copy(update={"votes": Votes(percent=80)})

    assert whose(theirs, ours) == "80% ship. Readers: 67% ship · 12 votes"
    assert labelled(whose(theirs, ours)) == "Community: 80% ship. Readers: 67% ship · 12 votes"
    assert labelled(whose(bare, ours)) == "Readers: 67% ship · 12 votes"
    assert (whose(theirs), whose(bare, ours)) == ("80% ship", community(bare, ours))


def test_a_lead_shows_the_words_that_were_chosen_for_it() -> None:
    """Not the whole review; and of two tools with one name each its own."""
    lead = item(0, ItemKind.LEAD)
    twins = lead.comparison.model_copy(
        update={
            side: tool.model_copy(update={"name": "Twin"})
            for side, tool in zip(SIDES, lead.comparison.tools, strict=True)
        }
    )
    chosen = tuple(
        quote.model_copy(update={"tool": "Twin", "text": f"{number}"}) for number, quote in enumerate(lead.quotes)
    )

    found = wording.quoted(lead.model_copy(update={"comparison": twins, "quotes": chosen[:-1]}))

    assert list(found.values()) == [str(number) for number in range(7)]
    assert list(found)[:2] == [("forkbeam", "Mara Lind"), ("patchwork", "Mara Lind")]


@pytest.mark.parametrize(
    ("text", "quote"),
    [("a", "“a”"), ('"a" b', "“‘a’ b”"), ("b “a”", "“b ‘a’”"), ('5" wide', '“5" wide”')],
)
def test_quotation_marks_in_a_quote_are_single(text: str, quote: str) -> None:
    """A lone mark, as for inches, stays what it is."""
    assert wording.in_quotes(text) == quote


@pytest.mark.parametrize(
    ("site", "linked", "sentence"),
    [
        ("the review panel", True, "Verdicts by the review panel; linked under each item."),
        ("Compare Corner", False, "Verdicts by Compare Corner panel reviews."),
    ],
)
def test_the_source_is_named_and_no_link_is_claimed_that_is_not_there(site: str, linked: bool, sentence: str) -> None:
    """A panel is not called a panel twice."""
    assert wording.source(site, linked) == sentence
