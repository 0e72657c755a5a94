"""Headlines and the lines above the issue: true, short, and never the inventor of a winner."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from issue_samples import PUBLICATION, WEEK, change, chosen, comparisons, names, pair, pairs, tool

from newsletter.comparisons.comparison import Comparison
from newsletter.issues.candidates import Chosen
from newsletter.issues.composing import compose
from newsletter.issues.composition import Composition
from newsletter.issues.edits import Edits
from newsletter.issues.headline import HEADLINE, headline, versus
from newsletter.issues.wording import counted, listed, opened, tallied

LONG = "Claude 4 API: Tool Use Streaming & Prompt Caching"


def words(*items: Chosen) -> Composition:
    """The composition of these items."""
    return compose(items, number=12, week=WEEK, date=WEEK.day("thursday"), edits=Edits(), publication=PUBLICATION)


@pytest.mark.parametrize(
    ("left", "right", "line"),
    [
        ((4, 0), (1, 3), "Patchwork ships, Forkbeam does not"),
        ((1, 3), (4, 0), "Forkbeam ships, Patchwork does not"),
        ((4, 0), (3, 1), "Both ship: Patchwork at 100%, Forkbeam at 75%"),
        ((3, 1), (3, 1), "Both ship, level at 75%: Forkbeam and Patchwork"),
        ((3, 1), (2, 2), "Patchwork ships, Forkbeam ends in a tie"),
        ((2, 2), (2, 2), "A tie for both Forkbeam and Patchwork"),
        ((2, 2), (0, 4), "A tie for Patchwork, a skip for Forkbeam"),
        ((1, 3), (0, 4), "Neither Patchwork nor Forkbeam ships"),
    ],
)
def test_a_headline_says_what_the_panel_says(left: tuple[int, int], right: tuple[int, int], line: str) -> None:
    """The more shipped tool first; equal percentages are level; half and half is a tie, not a skip."""
    assert headline(pair(tool("patchwork", *left), tool("forkbeam", *right))) == line


def test_two_tools_of_one_name_have_a_headline_too() -> None:
    """Identity is the slug; the reader sees only the name."""
    twins = pair(tool("a", name="Codex CLI 2.0"), tool("b", 1, 3, name="Codex CLI 2.0"))

    assert headline(twins) == "Two by the name of Codex CLI 2.0: one ships, one does not"


def test_two_tools_of_one_name_in_one_issue_do_not_look_like_one() -> None:
    """The later one is "another"; the same tool twice is not."""
    one, other = tool("footnote", name="Footnote"), tool("footnote-2", 1, 3, name="Footnote")
    issue = words(*chosen(pair(one, "a"), pair(other, "b"), pair(other, tool("c", 1, 3)), pair(one, tool("d", 1, 3))))

    assert [item.headline for item in issue.items[1:]] == [
        "B ships, another Footnote does not",
        "Neither C nor another Footnote ships",
        "Footnote ships, D does not",
    ]
    assert issue.preheader == "Also: B vs another Footnote, C vs another Footnote and D vs Footnote."
    assert words(*chosen(pair(one, "a"), pair(tool("f", name="Footnote"), tool("g", 0, 4)))).items[1].headline == (
        "Another Footnote ships, G does not"
    )


def test_names_that_are_the_same_when_shortened_are_kept_apart() -> None:
    """The sub-title is all that tells them from each other."""
    line = versus(pair(tool("a", name=LONG), tool("b", name="Claude 4 API: Batches and Files of Any Size")), 60)

    assert line == "Claude 4 API: Tool Use… vs Claude 4 API: Batches…"


def test_a_54_character_name_does_not_blow_the_subject() -> None:
    """It loses its sub-title before the verdict loses its words."""
    subject = words(
        *chosen(
            pair(tool("a", name=LONG), tool("b", 1, 3, name="Cursor v0.50 – Background Agent & Codebase Refactoring"))
        )
    ).subject

    assert subject == "Claude 4 API ships, Cursor v0.50 does not"


def test_a_change_says_what_it_was_and_what_it_is() -> None:
    """Slips and rises, by the order ship, mixed, skip."""
    before = pair(tool("a", 3, 1), tool("b", 1, 3))

    assert (
        words(change(before, pair(tool("a", 2, 2), tool("b", 1, 3)))).items[0].headline == "A slips from ship to mixed"
    )
    assert words(change(before, pair(tool("a", 1, 3), "b"))).items[0].headline == "A slips to skip, B rises to ship"


def test_the_summary_counts_the_week() -> None:
    """Every tool once, numbers as words, and one thing beyond the counts."""
    week = [pair("a", tool("b", 1, 3)), pair("c", tool("d", 2, 2)), pair("e", "f")]

    assert words(*chosen(*week)).summary == "Three comparisons, four ships, one tie and a skip; the skip is B."


def test_a_tool_in_two_comparisons_counts_once() -> None:
    """Three tools, three verdicts."""
    assert words(*chosen(pair("a", "b"), pair("a", "c"))).summary.startswith("Two comparisons, three ships;")


@pytest.mark.parametrize(
    ("week", "summary"),
    [
        ([pair("a", "b")], "One comparison, two ships; not one vote to skip."),
        ([pair(tool("a", 3, 1), "b")], "One comparison, two ships; the widest gap between two reviewers is on A."),
        ([pair(tool("a", 2, 2), "b"), pair("c", "d")], "Two comparisons, three ships and a tie; the tie is A."),
        ([pair(tool("a", 0, 4), tool("b", 0, 4))], "One comparison, two skips."),
        (pairs(13), "13 comparisons, 26 ships; not one vote to skip."),
    ],
)
def test_the_summary_adds_one_thing_worth_knowing(week: list[Comparison], summary: str) -> None:
    """The one skip, the one tie, the widest split; nothing where there is nothing."""
    assert words(*chosen(*week)).summary == summary


def test_no_split_is_called_the_widest_where_another_is_not_known() -> None:
    """Two ties on a cut page may be wider than what can be measured; and of two level ones neither is."""
    known, level = pair(tool("a", 3, 1), "b"), pair(tool("e", 3, 1), "f")
    unknown = pair(tool("c", 2, 2, reviews=()), tool("d", 2, 2, reviews=()), truncated=True)
    partly = pair(tool("c", 3, 1, reviews=tool("c", 3, 1).reviews[1:]), "d")

    for other in (unknown, level, partly):
        assert "widest" not in words(*chosen(known, other)).summary
    assert words(*chosen(known, pair("c", "d"))).summary.endswith("; the widest gap between two reviewers is on A.")


def test_changed_verdicts_are_counted_apart() -> None:
    """They are news of old comparisons."""
    news = chosen(pair("c", "d"))
    flip = change(pair("a", "b"), pair(tool("a", 1, 3), "b"))

    assert words(*news, flip).summary == "One comparison, two ships; one verdict has changed."
    assert words(flip).summary == "One verdict changed since readers had it."


def test_subject_and_preheader_name_the_lead_and_what_else_there_is() -> None:
    """Two lines that do not say the same."""
    issue = words(*chosen(pair("patchwork", tool("forkbeam", 1, 3)), *pairs(6)))

    assert issue.subject == "Patchwork ships, Forkbeam does not"
    assert issue.preheader == "Also: A00 vs B00, A01 vs B01, A02 vs B02 and three more."
    assert issue.preheader_alternatives[0] == f"{issue.preheader} 13 ships and a skip in all."
    assert issue.subject_alternatives[:2] == (
        "Forkbeam vs Patchwork, and six more",
        "The one skip of the week: Forkbeam",
    )


def test_a_preheader_has_fewer_names_rather_than_cut_ones() -> None:
    """Three whole names say more than six halves."""
    long = [
        pair(
            tool(f"c{at}", name=f"Karpathy Coding Skills for the Agents of Everybody {at}"),
            tool(f"d{at}", name=f"SkyPilot Research Agents on Clusters {at}"),
        )
        for at in range(2)
    ]
    one, two, three = pairs(3)

    assert words(*chosen(one, *long, two, three)).preheader == "Also: A01 vs B01, A02 vs B02 and two more."
    assert words(*chosen(one, *long)).preheader == (
        "Also: Karpathy Coding Skills for the Agents of Everybody 0 vs SkyPilot Research Agents on Clusters 0 "
        "and one more."
    )


def test_a_subject_does_not_repeat_the_newsletters_name() -> None:
    """The sender's name says that already."""
    publication = PUBLICATION.model_copy(update={"name": "The Verdicts of the Week"})
    issue = compose(
        chosen(pair("a", "b")), number=1, week=WEEK, date=WEEK.monday, edits=Edits(), publication=publication
    )

    assert not [s for s in (issue.subject, *issue.subject_alternatives) if publication.name.lower() in s.lower()]


@settings(max_examples=80, deadline=None)
@given(st.lists(comparisons, min_size=1, max_size=6, unique_by=lambda one: one.key), st.booleans())
def test_the_budgets_hold_for_any_names(week: list[Comparison], last_is_a_change: bool) -> None:
    """200 characters, other scripts, emoji: subject 20 to 70, preheader 40 to 130, three alternatives each."""
    items = chosen(*week)
    if last_is_a_change:
        flipped = pair(tool(week[-1].left.slug, 4, 0), tool(week[-1].right.slug, 0, 4))
        items = (*items[:-1], change(flipped, week[-1])) if flipped.verdicts != week[-1].verdicts else items
    issue = words(*items)

    assert all(20 <= len(line) <= 70 for line in (issue.subject, *issue.subject_alternatives))
    assert all(40 <= len(line) <= 130 for line in (issue.preheader, *issue.preheader_alternatives))
    assert len(set(issue.subject_alternatives) - {issue.subject}) >= 3
    assert len(issue.preheader_alternatives) >= 2
    assert all(len(item.headline) <= HEADLINE for item in issue.items)
    assert not issue.subject.isupper()


@given(names, names, st.integers(30, 90))
def test_a_pair_of_names_fits_or_is_left_out(left: str, right: str, budget: int) -> None:
    """And two different tools never look the same."""
    line = versus(pair(tool("a", name=left), tool("b", name=right)), budget)

    assert len(line) <= budget
    assert not line or len(set(line.casefold().split(" vs "))) > 1


def test_small_words_are_right() -> None:
    """Numbers to twelve, plurals, lists, and a capital where one belongs."""
    assert [counted(n, "tie") for n in (0, 1, 12, 13)] == ["no ties", "one tie", "twelve ties", "13 ties"]
    assert tallied([(9, "ship"), (0, "tie"), (1, "skip")]) == "nine ships and a skip"
    assert [listed([]), listed(["a"]), listed(["a", "b", "c"])] == ["", "a", "a, b and c"]
    assert [opened("two ships"), opened("v0 ships"), opened("git-why ships")] == [
        "Two ships",
        "v0 ships",
        "git-why ships",
    ]
