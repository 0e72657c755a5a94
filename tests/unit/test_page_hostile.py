"""Pages that accidents or people have spoiled: nothing but our own error, and in no more time than their length."""

import page_printer as printer
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from page_mutator import spoiled

from newsletter.comparisons.page import read_page
from newsletter.errors import NotAComparison

PAGES = [
    print_(printer.sheet(printer.dice(seed), missing=0.2))
    for seed, print_ in enumerate(
        (printer.text_a, printer.text_b, printer.text_flat, printer.html_divs, printer.html_table, printer.html_spans)
    )
]


def answer(page: str, url: str | None = None) -> str:
    """The comparison as JSON, or the refusal's sentence."""
    try:
        return read_page(page, url=url).model_dump_json()
    except NotAComparison as refusal:
        return str(refusal)


@pytest.mark.parametrize("seed", range(25))
def test_a_spoiled_page_is_read_or_refused(seed: int) -> None:
    """Ten thousand were tried once by hand; these are some."""
    dice = printer.dice(seed)
    for _ in range(16):
        page = spoiled(dice.choice(PAGES), dice.choice(PAGES), dice)
        told = answer(page, dice.choice((None, "https://compare.example.org/compare/a-vs-b")))
        assert told.startswith("{") or "line" in told


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(sorted({line for page in PAGES[:3] for line in page.splitlines()})), max_size=60))
def test_lines_of_pages_in_any_order_are_read_or_refused(lines: list[str]) -> None:
    """A page made of nothing but pieces of pages."""
    told = answer("\n".join(lines))
    assert told.startswith("{") or "line" in told


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=400))
def test_any_text_is_refused(text: str) -> None:
    """With a sentence."""
    with pytest.raises(NotAComparison, match="line"):
        read_page(text)


def test_a_text_cannot_hold_what_a_database_cannot() -> None:
    """No half of a surrogate pair, no NUL, nothing that turns the direction of writing."""
    page = PAGES[1].replace("Reviewer", "\x00Re\u202eviewer").replace("Entry\n\n", "Entry\n\n\ud83d")
    assert read_page(page).left.description.encode("utf-8")
    assert len(read_page(page).reviewers) == 4


def test_marks_without_end_do_not_keep_the_reader_busy() -> None:
    """Sorting them is quadratic: runs are shortened before."""
    page = PAGES[1].replace("Entry\n\n", "Entry\n\n" + "a" + "\u0315\u0300" * 3_000)
    assert all(len(tool.description) < 1_000 for tool in read_page(page).tools)
