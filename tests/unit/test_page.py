"""A compare page as text, in both flavours."""

import re
from collections.abc import Callable
from dataclasses import replace

import page_printer as printer
import pytest
from page_printer import Said, Sheet, Side

from newsletter.comparisons.comparison import Comparison, Verdict
from newsletter.comparisons.page import read_page
from newsletter.errors import NotAComparison

ADDRESS = "https://compare.example.org/compare/lantern-3-vs-mo"
LANTERN = Side(
    "Lantern 3", "Developer Tools", "Sorts red tests", ("It reads. It is quick.",), "Paid", "$49/mo", (64, 47)
)
MO = Side("Mo", "Developer Tools", "Runs cron jobs", ("One file. No account.",), "Free", "Free / Open Source")
ROWS = (
    ("Builder", Said(84, "ship", "It found the shared port."), Said(90, "ship", "A config file that I can read.")),
    ("Skeptic", Said(71, "ship", "It says when it does not know."), Said(48, "skip", "The web page has no password.")),
    ("Founder", Said(45, "skip", "Nobody budgets for flaky tests."), Said(66, "ship", "It saves one evening a month.")),
)
SHEET = Sheet((LANTERN, MO), ROWS)
EVERY_TEXT = pytest.mark.parametrize("print_", [printer.text_b, printer.text_flat, printer.text_loose])


def read(text: str) -> Comparison:
    """The page at the usual address."""
    return read_page(text, url=ADDRESS)


def codes(comparison: Comparison) -> set[str]:
    """What there is to report."""
    return {problem.code for problem in comparison.problems}


def spoken(comparison: Comparison) -> list[tuple[str, str, str | None]]:
    """Who said what of which tool."""
    return [(review.reviewer, tool.slug, review.quote) for tool, review in comparison.quotes()]


def expected(sheet: Sheet) -> list[tuple[str, str, str | None]]:
    """The same, as it was printed."""
    return [
        (who, slug, said.quote)
        for who, *cells in sheet.reviews
        for slug, said in zip(("lantern-3", "mo"), cells, strict=True)
        if said
    ]


@EVERY_TEXT
def test_the_fuller_text_gives_everything(print_: Callable[[Sheet], str]) -> None:
    """Names, counts, pricing, votes and the whole scorecard, with nothing to report."""
    comparison = read(print_(SHEET))
    lantern, mo = comparison.tools
    assert (lantern.name, lantern.panel.split, lantern.pricing) == ("Lantern 3", "2 ship / 1 skip", "$49/mo")
    assert (lantern.votes.percent, lantern.votes.count, mo.votes) == (64, 47, None)
    assert (comparison.url, comparison.reviewers) == (ADDRESS, ("Builder", "Skeptic", "Founder"))
    assert spoken(comparison) == expected(SHEET)
    assert comparison.problems == ()


def test_the_shorter_text_gives_verdicts_and_leaves_its_quotes_out() -> None:
    """Nobody can tell who said them."""
    comparison = read(printer.text_a(SHEET))
    assert [tool.panel.percent for tool in comparison.tools] == [67, 67]
    assert (comparison.reviewers, codes(comparison)) == ((), {"quotes-unattributed"})
    assert not comparison.truncated


@pytest.mark.parametrize("reviewers", [3, 4, 7])
@pytest.mark.parametrize("seed", range(4))
@EVERY_TEXT
def test_any_number_of_reviewers_is_read(print_: Callable[[Sheet], str], reviewers: int, seed: int) -> None:
    """Reviewers are an open set."""
    sheet = printer.sheet(printer.dice(seed), reviewers=reviewers)
    comparison = read(print_(sheet))
    assert comparison.reviewers == printer.REVIEWERS[:reviewers]
    assert sum(1 for _ in comparison.quotes()) == 2 * reviewers


@pytest.mark.parametrize("words", printer.NO_REVIEWS)
@EVERY_TEXT
def test_a_missing_review_leaves_the_others_where_they_belong(print_: Callable[[Sheet], str], words: str) -> None:
    """A cell that says so takes its place."""
    rows = (ROWS[0], ("Skeptic", None, ROWS[1][2]), ("Founder", ROWS[2][1], None))
    sheet = replace(SHEET, reviews=rows, no_review=words)
    comparison = read(print_(sheet))
    assert spoken(comparison) == expected(sheet)
    assert comparison.problems == ()


@EVERY_TEXT
def test_where_nothing_stands_for_a_missing_review_the_panels_decide(print_: Callable[[Sheet], str]) -> None:
    """Only one way of placing the lone cell gives the counts that the page tells."""
    sheet = replace(SHEET, reviews=(ROWS[0], ("Skeptic", None, ROWS[1][2]), ROWS[2]), no_review="")
    comparison = read(print_(sheet))
    assert spoken(comparison) == expected(sheet)


def test_a_review_that_could_be_of_either_tool_is_dropped_and_told() -> None:
    """Two lone ships, one of each tool: the counts do not say which is whose."""
    rows = (ROWS[0], ("Skeptic", ROWS[1][1], None), ("Founder", None, ROWS[2][2]))
    comparison = read(printer.text_b(replace(SHEET, reviews=rows, no_review="")))
    assert comparison.reviewers == ("Builder",)
    assert codes(comparison) == {"review-unattributed"}


def without_table(text: str) -> str:
    """The fuller text as if the table had been lost."""
    head, _, rest = text.partition("Decision\n")
    return head + rest.partition("\n\n")[2]


def test_without_counts_the_percentages_decide_or_nothing_does() -> None:
    """A lone skip fits only one of them; a lone ship of two tools that everybody ships fits both."""
    ship = Said(70, "ship", "Yes, it does.")
    skip = Said(30, "skip", "No, it does not.")
    mixed = (("Builder", ship, ship), ("Skeptic", None, skip), ("Founder", ship, ship))
    read_ = read(without_table(printer.text_b(replace(SHEET, reviews=mixed, no_review=""))))
    assert read_.right.review_by("Skeptic").quote == "No, it does not."
    agreed = (("Builder", ship, ship), ("Skeptic", None, ship), ("Founder", ship, ship))
    unread = read(without_table(printer.text_b(replace(SHEET, reviews=agreed, no_review=""))))
    assert unread.reviewers == ("Builder", "Founder")
    assert codes(unread) == {"review-unattributed"}


def test_a_no_review_in_words_nobody_foresaw_is_not_taken_for_a_quote() -> None:
    """It stands in the block of the reviewer's name."""
    rows = (ROWS[0], ("Skeptic", None, ROWS[1][2]), ROWS[2])
    comparison = read(printer.text_b(replace(SHEET, reviews=rows, no_review="Sat this one out.")))
    assert ("Skeptic", "mo", "The web page has no password.") in spoken(comparison)
    assert all(quote != "Sat this one out." for _, _, quote in spoken(comparison))


def test_the_order_of_the_two_tools_is_that_of_their_slugs() -> None:
    """A against B and B against A are one comparison."""
    turned = Sheet((MO, LANTERN), tuple((who, b, a) for who, a, b in ROWS))
    assert read(printer.text_b(turned)).digest == read(printer.text_b(SHEET)).digest


@pytest.mark.parametrize(
    ("names", "slugs"),
    [
        (("Foo vs Bar", "Baz"), "baz-vs-foo-vs-bar"),
        (("Models", "Q"), "models-vs-q"),
        (("git-why", "Mo"), "git-why-vs-mo"),
        (("Claude 4 API: Tools & Caching", "v0 Agent"), "claude-4-api-tools-caching-vs-v0-agent"),
        (("Ελλάς", "Żuraw 2"), None),
    ],
)
def test_a_name_may_be_anything(names: tuple[str, str], slugs: str | None) -> None:
    """Names are never split, and slugs can be made from any of them."""
    sides = tuple(replace(side, name=name, category="Models") for side, name in zip((LANTERN, MO), names, strict=True))
    comparison = read_page(printer.text_b(Sheet(sides, ROWS)))
    assert {tool.name for tool in comparison.tools} == set(names)
    assert codes(comparison) == {"slugs-derived"}
    assert slugs in (comparison.key, None)


def test_lines_of_a_description_may_look_like_anchors() -> None:
    """Only the next card or the table ends it."""
    lines = ("Say hello.", "Community", "Free", "Entry", "Decision", "Reviewer scorecard", "Pricing", "75%", "Bye.")
    sides = (replace(LANTERN, description=lines), replace(MO, description=lines))
    comparison = read(printer.text_b(Sheet(sides, ROWS)))
    assert [tool.description for tool in comparison.tools] == ["\n".join(lines)] * 2
    assert spoken(comparison) == expected(SHEET)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("Ship · 2 ship / 1 skip", "Ship · 3 ship / 1 skip", "percent-disagrees"),
        ("Ship · 2 ship / 1 skip", "Skip · 2 ship / 1 skip", "verdict-disagrees"),
        ("Ship\n\n67%", "Mixed\n\n67%", "verdict-disagrees"),
        ("Ship · 2 ship / 1 skip", "two of three", "table-unreadable"),
        ("Decision\nLantern 3", "Decision\nLantern 4", "table-names-disagree"),
        ("\n\nLantern 3 vs Mo\n\n", "\n\nLantern 3 vs Moo\n\n", "title-disagrees"),
        ("Compare/Lantern 3 vs Mo", "Compare/Lantern vs Mo", "title-disagrees"),
        ("Best for\nSorts red tests", "Best for\nSorts green tests", "tagline-disagrees"),
        ("Category\nDeveloper Tools", "Category\nModels", "category-disagrees"),
        ("Community\n64% · 47 votes", "Community\n46% · 47 votes", "votes-disagree"),
        ("84/100 · ship", "84/100 · skip", "reviews-disagree"),
        ("84/100 · ship", "84/100 · mixed", "review-unreadable"),
    ],
)
def test_what_is_said_twice_and_differently_is_reported(old: str, new: str, code: str) -> None:
    """And does not stop the import."""
    text = printer.text_b(SHEET)
    assert old in text
    assert code in codes(read(text.replace(old, new, 1)))


def test_a_table_with_its_columns_turned_is_turned_back() -> None:
    """The names at its head tell."""
    cards, _, rest = printer.text_b(SHEET).partition("Decision\n")
    table, _, scorecard = rest.partition("\n\n")
    rows = [table.split("\n")[:2], *(table.split("\n")[i + 1 : i + 3] for i in range(2, 17, 3))]
    labels = ["Decision", *table.split("\n")[2::3]]
    turned = "\n".join(f"{label}\n{two}\n{one}" for label, (one, two) in zip(labels, rows, strict=True))
    assert read(f"{cards}{turned}\n\n{scorecard}").digest == read(printer.text_b(SHEET)).digest


@pytest.mark.parametrize(
    ("ships", "percent", "verdict"), [(0, 0, "skip"), (1, 25, "skip"), (2, 50, "mixed"), (3, 75, "ship")]
)
def test_the_verdict_follows_from_the_percentage(ships: int, percent: int, verdict: str) -> None:
    """A tie is mixed, less is a skip."""
    rows = tuple(
        (who, Said(50, "ship" if index < ships else "skip", "So so."), Said(50, "ship", "So."))
        for index, who in enumerate(printer.REVIEWERS[:4])
    )
    panel = read(printer.text_b(Sheet((LANTERN, MO), rows))).left.panel
    assert (panel.percent, panel.verdict, panel.ship) == (percent, Verdict(verdict), ships)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\ufeff" + text,
        lambda text: text.replace(" ", "\u00a0"),
        lambda text: text.replace("%\n\nPanel", " %\n\nPanel"),
        lambda text: text.replace("/100 · ship", " / 100 · Ship"),
        lambda text: text.replace(" · ", " • "),
        lambda text: text.replace("Panel ship", "PANEL SHIP"),
        lambda text: text.replace("Builder\n", "Builder\nDeveloper Perspective\n"),
        lambda text: text.replace("Reviewer scorecard", "Reviewer Scorecard:"),
        lambda text: text.partition("Weekly AI")[0],
        lambda text: text.partition("Weekly AI")[0] + "Ready?\n\nRead on.\n\nImprint\n\nContact\n\nJobs",
    ],
)
def test_the_same_page_in_other_clothes_is_the_same(change: Callable[[str], str]) -> None:
    """Line ends, blanks, dots, roles, footers."""
    comparison = read(change(printer.text_b(SHEET)))
    assert spoken(comparison) == expected(SHEET)
    assert comparison.digest == read(printer.text_b(SHEET)).digest


def test_votes_that_only_the_table_knows_are_taken_from_it() -> None:
    """And a contradiction is told."""
    text = printer.text_b(SHEET).replace("64%\n\nCommunity", "Community")
    comparison = read(text)
    assert comparison.left.votes.count == 47
    assert codes(comparison) == {"votes-disagree"}


def test_a_score_above_one_hundred_is_no_score() -> None:
    """The verdict still counts."""
    comparison = read(printer.text_b(SHEET).replace("84/100", "840/100"))
    assert comparison.left.review_by("Builder").score is None


def test_a_reviewer_who_stands_twice_counts_once() -> None:
    """The first counts, and it is told."""
    comparison = read(printer.text_b(replace(SHEET, reviews=(*ROWS, ("Builder", ROWS[1][1], ROWS[1][2])))))
    assert "reviewer-repeated" in codes(comparison)
    assert comparison.left.review_by("Builder").score == 84


def test_quotes_above_their_scores_are_not_guessed_at() -> None:
    """In such a layout each quote would go to the wrong tool."""
    head, _, _ = printer.text_b(SHEET).partition("Builder\n")
    quote = "A sentence that is long enough to be taken for nothing else than a quote."
    cells = "".join(f"{who}\n\n{quote}\n\n84/100 · ship\n\n{quote}\n\n84/100 · ship\n\n" for who, *_ in ROWS)
    comparison = read(f"{head}{cells}" + "\n".join(printer.FOOTER))
    assert (comparison.reviewers, "scorecard-unreadable" in codes(comparison)) == ((), True)


def test_three_cells_under_one_reviewer_are_left_out() -> None:
    """There are two tools."""
    text = printer.text_flat(SHEET).replace(
        "Skeptic\n", "A line that is much too long to be the heading of anybody at all\n"
    )
    comparison = read(text)
    assert "scorecard-unreadable" in codes(comparison)
    assert comparison.reviewers == ("Founder",)


def test_a_page_without_scorecard_says_so() -> None:
    """It is a comparison nevertheless."""
    head, _, _ = printer.text_b(SHEET).partition("Reviewer scorecard")
    comparison = read(head + "\n\n".join(printer.FOOTER))
    assert (comparison.truncated, codes(comparison)) == (False, {"scorecard-missing"})


def test_a_card_without_tagline_takes_what_the_table_says() -> None:
    """A tool needs one line to be shown with."""
    text = printer.text_b(SHEET).replace("Mo\n\nRuns cron jobs\n\n", "Mo\n\n", 1)
    comparison = read(text)
    assert (comparison.right.name, comparison.right.tagline) == ("Mo", "Runs cron jobs")
    assert codes(comparison) == {"tagline-missing"}


def test_a_pricing_text_of_a_whole_page_is_left_out() -> None:
    """It is to be shown in a table."""
    comparison = read(printer.text_b(SHEET).replace("$49/mo", "$49 " * 120))
    assert (comparison.left.pricing, codes(comparison)) == (None, {"pricing-missing"})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "line 1"),
        ("Page not found\nSorry.", "line 1, “Page not found”"),
        ("One\nPanel ship\nTwo", "line 2, “Panel ship”"),
        ("Dev\nMo\nRuns\n75%\nPanel ship\n—\nCommunity\nFree\nEntry\nText.", "at line 4"),
        ("75%\nPanel ship\nCommunity\nFree\nEntry\n" * 2, "line 6"),
        ("x\n" * 10_001, "line 10001"),
        ("x" * 2_000_001, "line 1"),
    ],
)
def test_what_is_not_a_compare_page_is_refused_with_the_line(text: str, told: str) -> None:
    """One sentence that says where."""
    with pytest.raises(NotAComparison, match="(?s).*" + told):
        read_page(text)


def test_two_tools_of_the_same_name_need_an_address() -> None:
    """Names repeat, slugs do not."""
    text = printer.text_b(Sheet((MO, MO), ROWS))
    with pytest.raises(NotAComparison, match="--url"):
        read_page(text)
    assert read_page(text, url="https://x.example/compare/mo-vs-mo-2").key == "mo-vs-mo-2"


@pytest.mark.parametrize(
    ("words", "votes"),
    [
        ("64%", (64, 47)),
        ("64 % · 47 votes", (64, 47)),
        ("64% ship (47 votes)", (64, 47)),
        ("64%\n\n47 votes", (64, 47)),
        ("64% (47)", (64, 47)),
        ("64% · 1 vote", (64, 1)),
        ("64% · 1,204 votes", (64, 1204)),
    ],
)
def test_votes_may_be_written_in_many_ways(words: str, votes: tuple[int, int]) -> None:
    """The percentage is on the card, the number perhaps only in the table."""
    left = read(printer.text_b(SHEET).replace("64%\n\nCommunity", f"{words}\n\nCommunity")).left
    assert (left.votes.percent, left.votes.count) == votes


def test_a_review_without_score_is_a_review() -> None:
    """The older pages had none."""
    comparison = read(re.sub(r"\d+/100 · (\w+)", r"\1", printer.text_b(SHEET)))
    assert spoken(comparison) == expected(SHEET)
    assert comparison.left.review_by("Builder").score is None


def test_a_short_quote_with_a_no_in_it_is_a_quote() -> None:
    """It stands right below a score."""
    said = Said(84, "ship", "I have no bad review of it.")
    comparison = read(printer.text_b(replace(SHEET, reviews=(("Builder", said, said), *ROWS[1:]))))
    assert comparison.left.review_by("Builder").quote == said.quote


def test_scores_without_quotes_are_reviews() -> None:
    """A dash is then the other tool's cell."""
    rows = tuple((who, Said(50, "ship", ""), None if who == "Skeptic" else Said(60, "skip", "")) for who, *_ in ROWS)
    comparison = read(printer.text_flat(replace(SHEET, reviews=rows, no_review="—")))
    assert [len(tool.reviews) for tool in comparison.tools] == [3, 2]
    assert list(comparison.quotes()) == []


def test_a_cell_without_anybody_above_it_is_left_out() -> None:
    """Whose review it is cannot be told."""
    comparison = read(printer.text_flat(SHEET).replace("Builder\n", ""))
    assert "scorecard-unreadable" in codes(comparison)
    assert "Builder" not in comparison.reviewers


def test_a_button_below_a_description_is_no_part_of_it() -> None:
    """Sites put links there."""
    text = printer.text_b(SHEET).replace("It reads. It is quick.", "It reads. It is quick.\n\nView details →")
    assert read(text).left.description == "It reads. It is quick."
