"""The words of how readers voted: which tools, in which order, by which names; pure."""

from itertools import product

import pytest
from issue_samples import pair, tool

from newsletter.comparisons.comparison import Verdict, Votes
from newsletter.issues.readers_said import worded

SAYING = {Verdict.SHIP: "readers ship", Verdict.MIXED: "readers tie", Verdict.SKIP: "readers skip"}
PANEL = {Verdict.SHIP: "panel ships", Verdict.MIXED: "panel ties", Verdict.SKIP: "panel skips"}


@pytest.mark.parametrize(("readers", "panel"), list(product(Verdict, Verdict)))
def test_a_sentence_names_both_where_they_disagree(readers: Verdict, panel: Verdict) -> None:
    """And there is none where they do not."""
    percent = {Verdict.SHIP: (51, (3, 1)), Verdict.MIXED: (50, (2, 2)), Verdict.SKIP: (49, (1, 3))}
    found = worded(
        3, [pair(tool("heron", *percent[panel][1]), "x")], {"heron": Votes(percent=percent[readers][0], count=9)}, {}
    )

    said = (found.tools[0].sentence if found else "").lower()
    assert [words in said for words in (SAYING[readers], PANEL[panel])] == [readers is not panel] * 2


def test_two_tools_of_one_name_are_told_apart() -> None:
    """As in the issue that had them: their links would have the same words."""
    had = [pair(tool("footnote", name="Footnote"), "x"), pair(tool("footnote-2", name="Footnote"), "y")]
    found = worded(3, had, {slug: Votes(percent=90, count=9) for slug in ("footnote", "footnote-2")}, {})

    assert [one.tool for one in (found.tools if found else ())] == ["Footnote", "Another Footnote"]


def test_a_tool_in_two_comparisons_is_told_once() -> None:
    """Its votes are of the tool."""
    found = worded(3, [pair("heron", "x"), pair("heron", "y")], {"heron": Votes(percent=10, count=9)}, {})

    assert len(found.tools if found else ()) == 1
