"""A page that ends too early: what is whole counts, and nothing half."""

from collections.abc import Callable, Iterator

import page_printer as printer
import pytest
from page_printer import Sheet

from newsletter.comparisons.comparison import Comparison, Review, Tool
from newsletter.comparisons.page import read_page
from newsletter.comparisons.page_lines import ends_sentence
from newsletter.errors import NotAComparison

SHEET = printer.sheet(printer.dice(11), missing=0.3)
EVERY_LAYOUT = pytest.mark.parametrize(
    "layout",
    [printer.text_b, printer.text_flat, printer.text_loose, printer.text_a, printer.html_divs, printer.html_table],
)


def cuts(page: str, step: int) -> Iterator[Comparison]:
    """What can be read of every beginning of the page."""
    for end in range(0, len(page), step):
        try:
            yield read_page(page[:end])
        except NotAComparison:
            continue


@EVERY_LAYOUT
def test_nothing_half_is_ever_read(layout: Callable[[Sheet], str]) -> None:
    """Wherever the page ends: each fact is that of the whole page, or missing."""
    page = layout(SHEET)
    whole = {tool.slug: tool for tool in read_page(page).tools}
    for comparison in cuts(page, 59):
        for tool in comparison.tools:
            full = whole[tool.slug]
            assert (tool.name, tool.tagline, tool.panel.percent) == (full.name, full.tagline, full.panel.percent)
            assert tool.pricing in (None, full.pricing)
            assert full.description.startswith(tool.description)
            assert tool.description == full.description or ends_sentence(tool.description) or not tool.description
            for review in tool.reviews:
                assert full.review_by(review.reviewer) in (
                    review,
                    review.model_copy(update={"quote": full_quote(full, review)}),
                )
                assert review.quote in (None, full_quote(full, review))


def full_quote(tool: Tool, review: Review) -> str | None:
    """What the reviewer said on the whole page."""
    return tool.review_by(review.reviewer).quote


@EVERY_LAYOUT
def test_a_cut_page_is_marked(layout: Callable[[Sheet], str]) -> None:
    """Unless all of it that counts was there."""
    page = layout(SHEET)
    whole = read_page(page)
    for comparison in cuts(page, 61):
        marked = any(problem.code == "truncated" for problem in comparison.problems)
        assert marked == comparison.truncated
        assert comparison.truncated or comparison.digest == whole.digest


def test_a_description_ends_with_its_last_whole_sentence() -> None:
    """An abbreviation, a number or a file name ends none."""
    page = printer.text_a(SHEET)
    head, mark, _ = page.partition("Reviewer scorecard")
    sides = head.rstrip().rpartition("\n")
    comparison = read_page(
        f"{sides[0]}\nIt works. It is quick, e.g. in CLAUDE.", url="https://x.example/compare/aa-vs-bb"
    )
    assert (mark, comparison.right.description) == ("Reviewer scorecard", "It works.")


def test_a_description_without_a_whole_sentence_is_dropped() -> None:
    """Half of it would pretend to be whole."""
    head = printer.text_a(SHEET).partition("Reviewer scorecard")[0].rstrip().rpartition("\n")[0]
    assert read_page(f"{head}\nIt works wi", file_name="aa-vs-bb.txt").right.description == ""


def test_the_second_card_may_end_at_its_percentage() -> None:
    """The verdict is what counts; the entry is not known then."""
    page = printer.text_a(SHEET)
    end = page.rindex("Panel ship") + len("Panel ship\n—\nCom")
    comparison = read_page(page[:end], file_name="aa-vs-bb.txt")
    assert (comparison.right.entry, comparison.truncated) == ("Unknown", True)


def test_the_last_cell_of_a_cut_page_is_the_first_tools_where_nobody_is_missing() -> None:
    """Both panels are equally large; its quote was cut."""
    page = printer.text_b(printer.sheet(printer.dice(12)))
    end = page.index("Builder") + 60
    comparison = read_page(page[:end], file_name="aa-vs-bb.txt")
    assert comparison.reviewers == ("Builder",)
    assert [len(tool.reviews) for tool in comparison.tools] == [1, 0]
    assert list(comparison.quotes()) == []


def test_the_last_cell_of_a_cut_page_is_dropped_where_panels_differ() -> None:
    """Somebody is missing for one of the tools."""
    page = printer.text_b(printer.sheet(printer.dice(12), missing=1.0))
    comparison = read_page(page[: page.index("Builder") + 60], file_name="aa-vs-bb.txt")
    assert comparison.reviewers == ()
    assert "review-unattributed" in {problem.code for problem in comparison.problems}


def test_a_page_without_footer_that_ends_with_its_line_is_whole() -> None:
    """Its scorecard holds what the panels say."""
    page = printer.text_b(printer.sheet(printer.dice(13)), footer=())
    assert not read_page(page + "\n").truncated
    assert read_page(page).truncated


def test_a_shorter_text_without_footer_is_whole_with_its_last_quotation_mark() -> None:
    """An even number of quotes, the last one closed."""
    page = printer.text_a(printer.sheet(printer.dice(14))).partition("\nWeekly AI")[0]
    assert not read_page(page).truncated
    assert read_page(page[:-1]).truncated


def test_a_fragment_of_html_is_whole_when_its_boxes_are_closed() -> None:
    """It need not be a document."""
    page = printer.html_divs(printer.sheet(printer.dice(15)))
    main = page[page.index("<main>") : page.index("</main>") + len("</main>")]
    assert not read_page(main).truncated


def test_a_last_quote_may_go_on_behind_the_cut() -> None:
    """Its first paragraph is no quote."""
    page = printer.text_b(printer.sheet(printer.dice(16)))
    end = page.index("Skeptic")
    comparison = read_page(page[:end], file_name="aa-vs-bb.txt")
    assert [len(tool.reviews) for tool in comparison.tools] == [1, 1]
    assert [tool.slug for tool, _ in comparison.quotes()] == ["aa"]


def test_the_reviews_before_the_cut_are_whole() -> None:
    """Everything that is followed by something."""
    page = printer.text_b(printer.sheet(printer.dice(16)))
    comparison = read_page(page[: page.index("Futurist") + 12], file_name="aa-vs-bb.txt")
    assert comparison.reviewers == ("Builder", "Skeptic")
    assert sum(1 for _ in comparison.quotes()) == 4
