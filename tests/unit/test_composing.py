"""The words of an issue, from what was selected."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from issue_samples import DERIVED, PUBLICATION, WEEK, change, chosen, pair, pairs, review, tool

from newsletter.comparisons.comparison import Comparison, Verdict
from newsletter.config import Publication
from newsletter.errors import IssueError
from newsletter.issues.candidates import Chosen
from newsletter.issues.composing import compose, links
from newsletter.issues.composition import Composition, ItemKind
from newsletter.issues.edits import Edits, with_headline, with_intro, with_preheader, with_quote, with_subject
from newsletter.issues.quoting import pull_quote
from newsletter.issues.splits import split_sentence

MARKET = "The buyer is a large firm with a real budget and a real process. "


def words(*items: Chosen, edits: Edits | None = None, publication: Publication = PUBLICATION) -> Composition:
    """The composition of these items."""
    return compose(
        items, number=12, week=WEEK, date=WEEK.day("thursday"), edits=edits or Edits(), publication=publication
    )


def test_an_issue_knows_what_it_is() -> None:
    """Name, number, week and date are given, and appear."""
    issue = words(*chosen(*pairs(2)))

    assert (issue.newsletter, issue.number, issue.week) == ("Weekly AI Tool Verdicts", 12, "2026-W47")
    assert issue.date.isoformat() == "2026-11-19"
    assert [item.key for item in issue.of_kind(ItemKind.BRIEF)] == ["a01-vs-b01"]


def test_composing_twice_gives_the_same_words() -> None:
    """Preview, test copy and approval are made by the same function."""
    items = chosen(*pairs(4))

    assert words(*items) == words(*items)


def test_an_issue_without_items_is_refused() -> None:
    """The sentence says what to do."""
    with pytest.raises(IssueError, match=r"has no items\. Take back a drop"):
        words()


def test_a_lead_has_every_quote_in_the_order_of_the_scorecard() -> None:
    """Reviewer by reviewer, left before right."""
    [lead] = words(*chosen(pair("a", "b"))).items

    assert [(quote.reviewer, quote.tool) for quote in lead.quotes[:4]] == [
        ("Builder", "A"),
        ("Builder", "B"),
        ("Skeptic", "A"),
        ("Skeptic", "B"),
    ]
    assert len(lead.quotes) == 8


def test_a_brief_has_the_strongest_quote_for_and_the_strongest_against() -> None:
    """The highest score of a ship, the lowest of a skip, of either tool."""
    brief = words(*chosen(*pairs(1), pair(tool("x", 3, 1), tool("y", 2, 2)))).items[1]

    assert [(quote.verdict, quote.score) for quote in brief.quotes] == [(Verdict.SHIP, 90), (Verdict.SKIP, 69)]


def test_a_brief_that_nobody_skips_has_no_quote_against() -> None:
    """A lukewarm ship is not passed off as a skip."""
    brief = words(*chosen(*pairs(2))).items[1]

    assert [quote.verdict for quote in brief.quotes] == [Verdict.SHIP]


def test_a_cut_page_without_quotes_makes_a_brief_without_quotes() -> None:
    """What is not known is not said."""
    cut = pair(tool("x", reviews=()), tool("y", reviews=()), truncated=True)

    assert words(*chosen(*pairs(1), cut)).items[1].quotes == ()


def test_a_review_without_a_score_is_quoted_after_those_with_one() -> None:
    """Unknown is neither high nor low."""
    mixed = (
        review("Ann", "ship", None),
        review("Bo", "ship", 40),
        review("Cy", "skip", None),
        review("Di", "skip", 60),
    )
    brief = words(*chosen(*pairs(1), pair(tool("x", 2, 2, reviews=mixed), tool("y", reviews=())))).items[1]

    assert [quote.reviewer for quote in brief.quotes] == ["Bo", "Di"]


def test_descriptions_are_shortened_at_the_end_of_a_sentence() -> None:
    """280 characters in the lead, 160 in a brief."""
    sentence = "It reads the whole repository and proposes one small change after another. "
    long = tool("a", description=sentence * 6)
    lead, brief = words(*chosen(pair(long, "b"), pair(long, "c"))).items

    assert lead.texts[0] == (sentence * 3).strip()
    assert brief.texts[0] == (sentence * 2).strip()


def test_taglines_are_one_short_line() -> None:
    """90 characters, cut at a clause or a word."""
    long = tool("a", tagline="It reads every ticket of a week and writes the release notes " * 2)
    lead = words(*chosen(pair(long, "b"))).items[0]

    assert lead.taglines[0].endswith("…")
    assert len(lead.taglines[0]) <= 90
    assert lead.taglines[1] == "What b does"


def test_a_change_tells_the_panel_before_and_after() -> None:
    """Only of the tool whose verdict is another."""
    [item] = words(change(pair("a", "b"), pair(tool("a", 2, 2), "b"))).items

    assert [(c.tool, c.before.percent, c.after.percent) for c in item.changes] == [("A", 100, 50)]


def test_a_skip_is_quoted_with_its_reason_not_with_its_introduction() -> None:
    """The later sentence that speaks for the verdict is taken where the first only sets the scene."""
    text = MARKET + "The problem is that nothing keeps them there."

    assert pull_quote(text, Verdict.SKIP, 170) == "The problem is that nothing keeps them there."


def test_a_quote_begins_with_the_first_sentence_where_no_other_is_clearer() -> None:
    """And takes the next ones along while they fit."""
    assert pull_quote("Plain files in a folder. My rules. Nothing else.", Verdict.SHIP, 40) == (
        "Plain files in a folder. My rules."
    )


def test_a_sentence_that_leans_on_the_one_before_is_not_quoted_alone() -> None:
    """What is "that"?"""
    text = MARKET + "That is a problem without an answer. Nobody stays without a reason to stay."

    assert pull_quote(text, Verdict.SKIP, 80) == "Nobody stays without a reason to stay."


def test_what_is_said_of_the_market_is_not_said_of_the_tool() -> None:
    """A real budget of somebody else ships nothing."""
    text = "The buyer is a team with a real budget. One run of it saves an hour."

    assert pull_quote(text, Verdict.SHIP, 60) == "One run of it saves an hour."


def test_one_word_is_no_reason() -> None:
    """The verdict stands beside it anyway."""
    text = "It keeps plain files and asks before it writes. Ship."

    assert pull_quote(text, Verdict.SHIP, 60).startswith("It keeps")


def test_a_quote_without_a_short_sentence_is_cut_with_a_mark() -> None:
    """At a clause where there is one."""
    text = "The primitive here is a hosted model with a layer for code — no wrangling, no polling, no service to run"

    assert pull_quote(text, Verdict.SHIP, 80) == "The primitive here is a hosted model with a layer for code…"


def test_a_long_first_sentence_is_cut_rather_than_left_for_one_that_says_nothing() -> None:
    """A neutral aside is no better quote than the beginning of the point."""
    text = (
        "The primitive is a hosted model with a layer for code, and there is no service to run. "
        "Then came Tuesday. Ten of us met on Friday."
    )

    assert pull_quote(text, Verdict.SHIP, 60) == "The primitive is a hosted model with a layer for code…"


def test_a_sentence_that_says_little_gives_way_to_one_that_says_more() -> None:
    """An answer to what? And a claim is not cut in its middle where a whole sentence is there."""
    said = "Every export lands in one folder as plain text with its date."
    opaque, long = "I need an answer that I can sign.", "The hosted model and its layer for code, queues and logs " * 4

    assert pull_quote(f"{opaque} {said}", Verdict.SHIP, 100) == said
    assert pull_quote(f"{long.strip()}. {said}", Verdict.SHIP, 100) == said
    assert pull_quote(opaque, Verdict.SHIP, 100) == opaque


def test_a_lone_word_as_a_whole_review_is_still_shown() -> None:
    """Better than nothing."""
    assert pull_quote("Ship.", Verdict.SHIP, 170) == "Ship."


@given(st.text(min_size=1, max_size=600), st.sampled_from(["ship", "skip"]), st.integers(40, 200))
def test_a_quote_keeps_its_budget_and_the_reviewers_words(text: str, verdict: str, budget: int) -> None:
    """Whatever a reviewer wrote, it is a part of it."""
    quote = pull_quote(text, Verdict(verdict), budget)

    assert len(quote) <= budget
    assert quote.removesuffix("…").rstrip() in " ".join(text.split()) + "…"


def test_the_split_shows_the_two_who_are_furthest_apart() -> None:
    """Three tools at most, each once, the widest gap first."""
    wide = tool("w", 3, 1, reviews=(review("Ann", "ship", 95), review("Bo", "ship", 60), review("Cy", "skip", 10)))
    items = chosen(pair(wide, "a"), *(pair(tool(f"s{n}", 3, 1), f"b{n}") for n in range(4)))
    issue = words(*items)

    assert len({split.tool for split in issue.splits}) == len(issue.splits) == 3
    assert (issue.splits[0].tool, issue.splits[0].pro.reviewer, issue.splits[0].con.reviewer) == ("W", "Ann", "Cy")


def test_a_tool_in_two_items_splits_once() -> None:
    """Nobody wants to read of it twice."""
    twice = tool("w", 3, 1)

    assert len(words(*chosen(pair(twice, "a"), pair(twice, "b"))).splits) == 1


def test_the_split_quotes_other_sentences_than_the_item() -> None:
    """As far as the review has more."""
    con = review("Cy", "skip", 10, "Nothing here works without a cable. The price is not one that anybody pays twice.")
    split_tool = tool("w", 1, 1, reviews=(review("Ann", "ship", 90), con))
    issue = words(*chosen(*pairs(1), pair(split_tool, tool("v", reviews=()))))
    shown = next(quote.text for quote in issue.items[1].quotes if quote.reviewer == "Cy")

    assert shown.startswith("Nothing here works")
    assert issue.splits[0].con.text not in shown or shown == con.quote


@pytest.mark.parametrize(
    ("ships", "skips", "sentence"),
    [
        (3, 1, "Founder skips what three others ship."),
        (1, 3, "Builder ships what three others skip."),
        (1, 1, "Builder ships what Skeptic skips."),
        (2, 2, "Builder and Skeptic ship it, Futurist and Founder skip it."),
        (5, 2, "Five ship it, Skeptic+ and Futurist+ skip it."),
    ],
)
def test_the_split_says_who_stands_against_whom(ships: int, skips: int, sentence: str) -> None:
    """Names while they are few."""
    assert split_sentence(tool("a", ships, skips)) == sentence


def test_links_come_from_the_site_where_it_is_set() -> None:
    """The page of the comparison and of both tools."""
    url, tools = links(pair("a", "b"), "https://compare.example.org/")

    assert url == "https://compare.example.org/compare/a-vs-b"
    assert tools == ("https://compare.example.org/tool/a", "https://compare.example.org/tool/b")


def test_the_pages_own_address_goes_before_a_made_one() -> None:
    """Without a site, the tools are on the same host."""
    page = pair("a", "b", url="https://www.example.org/compare/a-vs-b?from=feed")

    assert links(page, None) == (page.url, ("https://www.example.org/tool/a", "https://www.example.org/tool/b"))


@pytest.mark.parametrize(
    "comparison",
    [pair("a", "b", problems=(DERIVED,)), pair("a", "b", problems=(DERIVED,), url="/home/ada/page.txt")],
)
def test_no_address_is_made_of_derived_slugs(comparison: Comparison) -> None:
    """It would lead nowhere; and a file is no address."""
    assert links(comparison, "https://compare.example.org") == (None, (None, None))


def test_without_any_address_there_are_no_links() -> None:
    """A page from a file, and no site set."""
    assert links(pair("a", "b"), None) == (None, (None, None))


def test_the_editors_words_go_before_the_rules() -> None:
    """Subject, preheader, introduction, headline; what the rules had written stays as an alternative."""
    one, two = pairs(2)
    edits = with_intro(with_preheader(with_subject(Edits(), "My subject"), "My preheader"), "Hello *there*")
    edits = with_headline(edits, two.key, "My headline", [one.key, two.key])
    issue = words(*chosen(one, two), edits=edits)

    assert (issue.subject, issue.preheader, issue.intro) == ("My subject", "My preheader", "Hello *there*")
    assert issue.items[1].headline == "My headline"
    assert "Both ship, level at 100%: A00 and B00" in issue.subject_alternatives


def test_the_editor_can_choose_another_part_of_a_review() -> None:
    """It is shown instead of the one that the rules choose."""
    [one] = pairs(1)
    edits = with_quote(Edits(), one, "a00", "Skeptic", "…because of reason 83.")
    quotes = words(*chosen(one), edits=edits).items[0].quotes

    assert "…because of reason 83." in [quote.text for quote in quotes]


def test_a_chosen_part_that_the_page_lost_is_not_shown() -> None:
    """The review was rewritten since: the rules choose again."""
    [one] = pairs(1)
    edits = with_quote(Edits(), one, "a00", "Skeptic", "because of reason 83")
    rewritten = pair(tool("a00", reviews=(review("Skeptic", "ship", 83, "Entirely other words than before."),)), "b00")

    quotes = words(*chosen(rewritten), edits=edits).items[0].quotes

    assert "Entirely other words than before." in [quote.text for quote in quotes]
