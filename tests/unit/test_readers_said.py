"""The words of how readers voted: which tools, in which order, by which names; pure."""

from itertools import product

import pytest
from issue_samples import pair, tool

from newsletter.comparisons.comparison import Verdict
from newsletter.issues.readers_said import read, text_of, worded
from newsletter.issues.readers_votes import said
from subscribers.votes import Count

SAYING = {Verdict.SHIP: "readers ship", Verdict.MIXED: "readers tie", Verdict.SKIP: "readers skip"}
PANEL = {Verdict.SHIP: "panel ships", Verdict.MIXED: "panel ties", Verdict.SKIP: "panel skips"}


@pytest.mark.parametrize(("readers", "panel"), list(product(Verdict, Verdict)))
def test_a_sentence_names_both_where_they_disagree(readers: Verdict, panel: Verdict) -> None:
    """And there is none where they do not."""
    said_by = {Verdict.SHIP: (3, 1), Verdict.MIXED: (2, 2), Verdict.SKIP: (1, 3)}
    found = worded(3, [pair(tool("heron", *said_by[panel]), "x")], {"heron": Count(*said_by[readers])}, {})

    sentence = (found.tools[0].sentence if found else "").lower()
    assert [words in sentence for words in (SAYING[readers], PANEL[panel])] == [readers is not panel] * 2


def test_two_tools_of_one_name_are_told_apart() -> None:
    """As in the issue that had them: their links would have the same words."""
    had = [pair(tool("footnote", name="Footnote"), "x"), pair(tool("footnote-2", name="Footnote"), "y")]
    found = worded(3, had, {slug: Count(8, 1) for slug in ("footnote", "footnote-2")}, {})

    assert [one.tool for one in (found.tools if found else ())] == ["Footnote", "Another Footnote"]


def test_a_tool_in_two_comparisons_is_told_once() -> None:
    """Its votes are of the tool."""
    found = worded(3, [pair("heron", "x"), pair("heron", "y")], {"heron": Count(1, 8)}, {})

    assert len(found.tools if found else ()) == 1


def test_the_counts_are_kept_with_it() -> None:
    """They are exact, which a percentage of many votes is not."""
    kept = read(text_of(worded(3, [pair("heron", "x")], {"heron": Count(450, 551)}, {})))

    assert [(one.split, one.votes.count) for one in (kept.tools if kept else ())] == [("450 ship / 551 skip", 1001)]


def test_what_was_drafted_without_counts_is_read_as_it_was() -> None:
    """The mail then says the percentage of what it is."""
    text = (text_of(worded(3, [pair("heron", "x")], {"heron": Count(4, 7)}, {})) or "").replace(',"ship":4}', "}")
    kept = read(text)

    assert [(one.split, said(one.votes)) for one in (kept.tools if kept else ())] == [("", "36% ship · 11 votes")]
