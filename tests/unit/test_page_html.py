"""A compare page as HTML, in structures that nobody told us."""

import re
from collections.abc import Callable
from dataclasses import replace

import page_printer as printer
import pytest
from page_printer import Said, Sheet

from newsletter.comparisons.comparison import Comparison
from newsletter.comparisons.page import read_page
from newsletter.errors import NotAComparison

ADDRESS = "https://compare.example.org/compare/aaa-vs-bbb"
EVERY_LAYOUT = pytest.mark.parametrize("layout", [printer.html_divs, printer.html_table, printer.html_spans])


def facts(comparison: Comparison) -> str:
    """Everything but addresses, slugs and problems."""
    told = comparison.model_dump_json(exclude={"problems", "url"})
    return re.sub(r'"slug":"[^"]*"', "", told)


@EVERY_LAYOUT
@pytest.mark.parametrize("reviewers", [3, 4, 7])
@pytest.mark.parametrize("seed", range(5))
def test_html_says_what_the_text_says(layout: Callable[[Sheet], str], reviewers: int, seed: int) -> None:
    """Whatever boxes, tables, lists or spans it uses."""
    sheet = printer.sheet(printer.dice(seed), reviewers=reviewers, missing=0.3)
    html = read_page(layout(sheet), url=ADDRESS)
    assert facts(html) == facts(read_page(printer.text_b(sheet), url=ADDRESS))
    assert {problem.code for problem in html.problems} <= {"slugs-doubtful", "slugs-swapped"}


@pytest.mark.parametrize("layout", [printer.html_divs, printer.html_table])
@pytest.mark.parametrize("seed", range(10))
def test_an_empty_cell_is_the_place_of_a_missing_review(layout: Callable[[Sheet], str], seed: int) -> None:
    """Text has lost it, HTML has not."""
    sheet = printer.sheet(printer.dice(seed), reviewers=7, missing=0.4, no_review="")
    comparison = read_page(layout(sheet), url=ADDRESS)
    told = [(who, tool.name, review.quote) for who in comparison.reviewers for tool in comparison.tools
            if (review := tool.review_by(who))]  # fmt: skip
    printed = [(who, side.name, said.quote) for who, *cells in sheet.reviews
               for side, said in zip(sheet.sides, cells, strict=True) if said]  # fmt: skip
    assert sorted(told) == sorted(printed)


@EVERY_LAYOUT
def test_the_page_tells_its_own_address(layout: Callable[[Sheet], str]) -> None:
    """Its canonical link is shown to readers and names the slugs."""
    comparison = read_page(layout(printer.sheet(printer.dice(1)), ADDRESS))
    assert (comparison.key, comparison.url) == ("aaa-vs-bbb", ADDRESS)


def test_without_an_address_links_to_the_tools_name_them() -> None:
    """They stand in the order of the cards."""
    comparison = read_page(printer.html_table(printer.sheet(printer.dice(1))))
    assert comparison.key == "slug-0-vs-slug-1"


def test_where_more_tools_are_linked_their_names_tell() -> None:
    """A link's text is the tool's name."""
    sheet = printer.sheet(printer.dice(1))
    page = printer.html_table(sheet).replace("</main>", '<a href="/tool/other">Another</a></main>')
    assert read_page(page).key == "slug-0-vs-slug-1"


def test_og_url_is_an_address_too() -> None:
    """Relative to the base, if there is one."""
    head = '<base href="https://compare.example.org/x/"><meta property="og:url" content="/compare/one-vs-two">'
    page = printer.html_divs(printer.sheet(printer.dice(2))).replace("<head>", f"<head>{head}")
    assert read_page(page).url == "https://compare.example.org/compare/one-vs-two"


@pytest.mark.parametrize(
    "hidden",
    [
        "<script>document.write('Panel ship')</script>",
        "<style>p::after{content:'Community'}</style>",
        "<template><p>Reviewer scorecard</p></template>",
        "<!-- <p>Decision</p> -->",
        "<p hidden>A card of another tool</p>",
        '<p style="display: none">75%</p>',
        '<span class="sr-only">Score: 1 of 100</span>',
        '<div class="hidden">Only for print</div>',
        "<svg><title>Ship</title><text>88/100</text></svg>",
        "<nav><a href='/compare/x-vs-y'>X vs Y</a></nav>",
        "<img alt='Mo' src='mo.png'>",
    ],
)
def test_what_nobody_sees_is_not_read(hidden: str) -> None:
    """Wherever it stands: here behind every box of the page."""
    page = printer.html_divs(printer.sheet(printer.dice(3)))
    spoiled = re.sub(r"</p>|</div>(?=<div)", lambda found: found[0] + hidden, page)
    assert facts(read_page(spoiled, url=ADDRESS)) == facts(read_page(page, url=ADDRESS))


def test_what_a_small_screen_hides_is_read() -> None:
    """`hidden md:block` is shown on a desk."""
    page = printer.html_divs(printer.sheet(printer.dice(3))).replace('class="cell"', 'class="hidden md:block"')
    assert len(read_page(page).reviewers) == 4


def test_entities_are_decoded_and_markup_in_words_stays_words() -> None:
    """The name of a tag in a quote is text."""
    said = Said(50, "ship", "Run `git why <commit>` & see “it” — it's 5 > 4.")
    sheet = printer.sheet(printer.dice(4))
    sheet = replace(sheet, reviews=(*sheet.reviews[:-1], ("Founder", said, said)))
    assert read_page(printer.html_divs(sheet)).right.review_by("Founder").quote == said.quote


@pytest.mark.parametrize(
    "cell",
    [
        "<b>{score}</b><b>/100</b><i>·</i><i>{word}</i>",
        "{word} · {score}/100",
        "<span>{score}/100</span> <span>{word}</span>",
        "<div>{score}/100</div><div>{word}</div>",
        "Score: {score}/100 ({word})",
    ],
)
def test_a_score_is_found_in_pieces(cell: str) -> None:
    """Number, slash, dot and word may each be an element."""
    page = printer.html_divs(printer.sheet(printer.dice(5)))
    pattern = r"(\d+)<!-- -->/100 · <!-- -->(\w+)"
    pieces = re.sub(pattern, lambda found: cell.format(score=found[1], word=found[2]), page)
    assert facts(read_page(pieces, url=ADDRESS)) == facts(read_page(page, url=ADDRESS))


def labelled(sheet: Sheet) -> str:
    """A scorecard that names the tool above each cell, and prints nothing where there is no review."""
    cells = ""
    for who, *said in sheet.reviews:
        cells += f"<h3>{who}</h3>"
        for side, review in zip(sheet.sides, said, strict=True):
            if review:
                score = f"{review.score}/100 · {review.verdict}"
                cells += f"<h4>{side.name}</h4><p>{score}</p><blockquote>{review.quote}</blockquote>"
    return cells


def in_columns(sheet: Sheet) -> str:
    """All reviews of the first tool, then all of the second."""
    cells = ""
    for number, side in enumerate(sheet.sides):
        cells += f"<h3>{side.name}</h3>"
        for who, *said in sheet.reviews:
            if review := said[number]:
                score = f"{review.score}/100 · {review.verdict}"
                cells += f"<h4>{who}</h4><p>{score}</p><blockquote>{review.quote}</blockquote>"
    return cells


@pytest.mark.parametrize("layout", [labelled, in_columns])
def test_a_tool_named_at_its_review_needs_no_order(layout: Callable[[Sheet], str]) -> None:
    """Nor a sign for a missing review."""
    rows = [(who, Said(50 + n, "ship", f"So says {who}."), Said(40 + n, "skip", f"No, says {who}."))
            for n, who in enumerate(printer.REVIEWERS[:5])]  # fmt: skip
    rows[1], rows[3] = (rows[1][0], None, rows[1][2]), (rows[3][0], None, rows[3][2])
    sheet = replace(printer.sheet(printer.dice(6)), reviews=tuple(rows))
    head, _, tail = printer.html_divs(sheet).partition("<h2>Reviewer scorecard</h2>")
    page = f"{head}<h2>Reviewer scorecard</h2>{layout(sheet)}</section>{tail.rpartition('</section>')[2]}"
    comparison = read_page(page, url=ADDRESS)
    plain = read_page(printer.html_divs(replace(sheet, no_review="—")), url=ADDRESS)
    assert {(tool.name, review) for tool, review in comparison.quotes()} == {(t.name, r) for t, r in plain.quotes()}
    assert comparison.problems == plain.problems


def test_a_role_is_no_part_of_a_name() -> None:
    """In a line of its own, or behind a dot."""
    page = printer.html_divs(printer.sheet(printer.dice(7)))
    below = re.sub(r'<div class="who">([^<]*)', r'<div class="who">\1</div><div class="role">Some View', page)
    behind = re.sub(r'<div class="who">([^<]*)', r'<div class="who">\1<span> · Some View</span>', page)
    assert read_page(below).reviewers == read_page(behind).reviewers == read_page(page).reviewers


def test_paragraphs_of_a_quote_stay_together() -> None:
    """In the last cell too."""
    said = Said(50, "ship", "The first paragraph.</p><p>The second one.</p><p>Ship it.")
    sheet = replace(printer.sheet(printer.dice(8)), reviews=tuple((who, said, said) for who in printer.REVIEWERS[:3]))
    page = printer.html_divs(sheet).replace("&lt;/p&gt;&lt;p&gt;", "</p><p>")
    comparison = read_page(page)
    quotes = {quote.quote for _, quote in comparison.quotes()}
    assert quotes == {"The first paragraph.\nThe second one.\nShip it."}


@pytest.mark.parametrize(
    "page",
    [
        "<!doctype html>",
        "<html><body><h1>Not found</h1></body></html>",
        "<p>" * 2_000,
        "<p>" * 30_001,
        f"<div {' '.join(f'a{number}' for number in range(600))}>",
        "<p>x</p>" * 11_000,
        "<?xml version='1.0'?>",
    ],
)
def test_html_that_is_no_compare_page_is_refused_with_the_line(page: str) -> None:
    """Also where it is far too much."""
    with pytest.raises(NotAComparison, match="line"):
        read_page(page)


def test_the_fullest_of_several_readings_counts() -> None:
    """Also where each has something to report."""
    page = printer.html_divs(printer.sheet(printer.dice(9))).replace("Panel verdict", "Panel verdict?")
    assert len(read_page(page).reviewers) == 4


UNSEEN = [
    *("\u00ad", "\u034f", "\u061c", "\u180e", "\u200b", "\u200e", "\u200f", "\u202a", "\u202e", "\u2060", "\u2063"),
    *("\u2066", "\u2069", "\u206f", "\u3164", "\ufeff", "\ufff9", "\U0001d173", "\U000e0041", "\U000e0100", "\x80"),
]
FAMILY = "\U0001f469\u200d\U0001f469\u200d\U0001f466 \u2764\ufe0f"


def sprinkled(page: str, unseen: str) -> str:
    """The page with this before each word of its texts, and in each empty cell; nothing inside a tag changes."""
    texts = re.sub(r"(?<=>)[^<]+", lambda text: re.sub(r"(?<![&#\w])(?=\w)", unseen, text[0]), page)
    return texts.replace("></td>", f">{unseen}</td>").replace("></div>", f">{unseen}</div>")


@EVERY_LAYOUT
@pytest.mark.parametrize("unseen", [*UNSEEN, *(f"&#{ord(unseen)};" for unseen in UNSEEN if unseen != "\x80")])
def test_what_is_not_seen_is_not_read(layout: Callable[[Sheet], str], unseen: str) -> None:
    """Not as a character, not as a reference, not in a quote and not as the text of an empty cell."""
    page = layout(printer.sheet(printer.dice(11), reviewers=4, missing=0.3, no_review=""))
    assert facts(read_page(sprinkled(page, unseen), url=ADDRESS)) == facts(read_page(page, url=ADDRESS))


@pytest.mark.parametrize("layout", [printer.text_a, printer.text_b, printer.text_flat])
@pytest.mark.parametrize("unseen", UNSEEN)
def test_what_is_not_seen_in_a_text_is_not_read_either(layout: Callable[[Sheet], str], unseen: str) -> None:
    """Before any word."""
    page = layout(printer.sheet(printer.dice(11)))
    assert facts(read_page(re.sub(r"\b(?=\w)", unseen, page))) == facts(read_page(page))


@pytest.mark.parametrize("layout", [printer.text_b, printer.html_divs, printer.html_table, printer.html_spans])
def test_what_joins_an_emoji_stays(layout: Callable[[Sheet], str]) -> None:
    """A family is one character, and a heart is red."""
    sheet = printer.sheet(printer.dice(12))
    left = replace(sheet.sides[0], tagline=f"For the {FAMILY} family")
    page = layout(replace(sheet, sides=(left, sheet.sides[1])))
    assert f"For the {FAMILY} family" in {tool.tagline for tool in read_page(page).tools}
