"""The text part is easy to read in 72 columns."""

from mail_samples import recipient, rendered, values

from newsletter.mail.merging import Merger
from newsletter.mail.text_part import heading, tidy, wrap


def test_lines_wrap_at_72_and_addresses_are_never_broken() -> None:
    """The only longer lines are addresses."""
    text = Merger(rendered(12)).merge({**values("ada"), "address": recipient().address}).text

    long = [line for line in text.split("\n") if len(line) > 72]

    assert all("https://" in line and " " not in line.strip() for line in long), long


def test_an_address_in_the_middle_of_a_text_stays_whole() -> None:
    """It moves to a line of its own."""
    url = "https://compare.example.org/" + "a-very-long-slug-" * 5

    assert url in wrap(f"See {url} for more of the same").split("\n")


def test_wrapped_lines_keep_their_indent() -> None:
    """The first line may have a mark of its own."""
    assert wrap("word " * 20, "    ", first="  - ").split("\n")[:2] == [
        "  - " + ("word " * 13).strip(),
        "    " + ("word " * 7).strip(),
    ]


def test_line_breaks_in_a_text_are_kept() -> None:
    """A hard break of the editor's."""
    assert wrap("one\ntwo", "  ") == "  one\n  two"


def test_a_heading_has_a_line_of_its_own_length_under_it() -> None:
    """Also a wrapped one: as long as its longest line."""
    assert heading("Issue") == "Issue\n====="
    assert len(heading("word " * 20, "-").split("\n")[-1]) <= 72


def test_a_tidy_text_has_no_holes_and_keeps_the_signature_mark() -> None:
    """RFC 3676, section 4.3: dash, dash, blank."""
    assert tidy("\n\na  \n\n\n\nb\n--\nc\n\n") == "a\n\nb\n-- \nc\n"


def test_the_text_says_everything_once_in_order() -> None:
    """Lead, changes, briefs, splits, footer."""
    text = rendered().text
    order = [
        "View in browser:",
        "THE LEAD",
        "Scorecard",
        "VERDICT CHANGES",
        "IN BRIEF",
        "WHERE THE PANEL SPLIT",
        "\n-- \n",
        "Unsubscribe:",
    ]

    places = [text.index(mark) for mark in order]

    assert places == sorted(places)
    assert "<" not in text
    assert "&amp;" not in text
