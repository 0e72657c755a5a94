"""A compare page, as text or as HTML, read into a comparison.

One grammar of lines serves the two text flavours and HTML (product reference, part 1). What the page says twice and
differently is kept as problems; a page that was cut gives what is whole of it; what is no compare page is refused.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pydantic import ValidationError

from newsletter.comparisons.address import slugs_for, web_address
from newsletter.comparisons.comparison import Comparison, Panel, Problem, Review, Tool, Verdict, Votes, comparison_of
from newsletter.comparisons.page_attribution import Attributed, agrees, attribute
from newsletter.comparisons.page_cards import Card, Cards, find_cards, votes_in
from newsletter.comparisons.page_checks import page_problems, tool_problems
from newsletter.comparisons.page_html import is_html, read_html
from newsletter.comparisons.page_lines import Line, ends_sentence, text_lines, whole_sentences
from newsletter.comparisons.page_scorecard import Scorecard, is_footer, read_scorecard
from newsletter.comparisons.page_table import Table, count_in, find_table, scorecard_start, value_in
from newsletter.errors import NotAComparison

_LONGEST_LINE = 400  #: of a `Line` in comparison.py
_MOST_HEADINGS = 4  #: lines that can stand between two cells: a name, a role, a tool, half a score
_BUTTONS = ("visit", "view", "read more", "learn more", "details", "bookmark", "save", "vote", "try it", "share")


class Hints(NamedTuple):
    """What is known of a page besides its lines."""

    addresses: tuple[str, ...] = ()  #: where its address may stand, the surest first
    tools: tuple[tuple[str, str], ...] = ()  #: (slug, text) of links to tool pages
    ended: bool = False  #: the end of the page was seen
    open_line: bool = False  #: the last line may be half a line


class Parts(NamedTuple):
    """The page taken apart."""

    cards: Cards
    descriptions: tuple[str, str]
    table: Table | None
    scorecard: Scorecard | None
    last: Line
    footer: bool


def read_page(text: str, *, url: str | None = None, file_name: str | None = None) -> Comparison:
    """The comparison on this page. Raises NotAComparison with a sentence that names the line.

    Args:
        text: The page as text (either flavour) or as HTML.
        url: Its address, if known; it names the slugs.
        file_name: A name like "a-vs-b.html" names the slugs where no address does.
    """
    try:
        if is_html(text):
            return _read_html(text, url, file_name)
        return _read_text(text, url, file_name)
    except ValidationError as error:
        detail = error.errors()[0]
        place = ".".join(str(part) for part in detail["loc"])
        raise NotAComparison(f"Not a compare page, from line 1 on: {place} {detail['msg']}.") from None


def _read_text(text: str, url: str | None, file_name: str | None) -> Comparison:
    lines = text_lines(text)
    whole_last = text.endswith("\n") and bool(lines) and ends_sentence(lines[-1].text)
    addresses = tuple(address for address in (url, file_name) if address)
    return _read(lines, Hints(addresses, open_line=not whole_last), web_address(url))


def _read_html(text: str, url: str | None, file_name: str | None) -> Comparison:
    """The best of several ways to cut HTML into lines: the first without a fault, else the fullest."""
    html = read_html(text)
    addresses = tuple(address for address in (url, *html.addresses, file_name) if address)
    hints = Hints(addresses, html.tools, html.ended, open_line=not html.closed)
    link = next(filter(None, map(web_address, (url, *html.addresses))), None)
    found: list[Comparison] = []
    refusal: NotAComparison | None = None
    for lines in html.readings():
        try:
            found.append(_read(lines, hints, link))
        except NotAComparison as error:
            refusal = refusal or error
            if "panelship" not in "".join(line.text for line in lines).replace(" ", "").casefold():
                break  # no other way finds a card either
        else:
            if _fullness(found[-1])[0] and not found[-1].truncated:
                return found[-1]
    if not found:
        raise refusal or NotAComparison("Not a compare page: line 1 is the end, there is no text.")
    return max(found, key=_fullness)


def _fullness(comparison: Comparison) -> tuple[bool, int, int, int]:
    quotes = sum(1 for _ in comparison.quotes())
    told = sum(tool.panel.ship is not None for tool in comparison.tools)
    reviews = sum(len(tool.reviews) for tool in comparison.tools)
    faults = sum(not problem.code.startswith("slugs") for problem in comparison.problems)
    return quotes > 0 and told > 1 and not faults, quotes + reviews, told, -faults


def _read(lines: Sequence[Line], hints: Hints, link: str | None) -> Comparison:
    try:
        parts = _parts(lines)
    except NotAComparison:
        if hints.ended or not lines:
            raise
        return _comparison(_cut_parts(lines, hints), hints, link, cut=True)
    if hints.ended or _is_whole(parts, hints):
        return _comparison(parts, hints, link, cut=False)
    return _comparison(_cut_parts(lines, hints), hints, link, cut=True)


def _parts(lines: Sequence[Line], *, cut: bool = False, rest: str = "") -> Parts:
    """The page's parts; `rest` is what is left of a line that was cut: whole sentences of it are kept."""
    cards = find_cards(lines, cut=cut)
    begin = cards.second.core.end
    table = find_table(lines, begin, cards.names)
    below = scorecard_start(lines, table.end if table else begin)
    tails = [index for index in (table.start if table else None, below) if index is not None]
    stop = min(tails, default=len(lines))
    told = list(lines[begin:stop])
    if not tails:
        told = told[: next((i for i, line in enumerate(told) if is_footer(line, surely=True)), len(told))]
    first = _description(lines[cards.first.core.end : cards.second.start])
    second = _description(told)
    if cut and not tails:
        second = f"{second}\n{whole_sentences(rest)}".strip()
    scorecard = read_scorecard(lines[below + 1 :], cards.names) if below is not None else None
    after = scorecard.after if scorecard else lines[begin:]
    footer = any(is_footer(line, surely=scorecard is None) for line in after)
    return Parts(cards, (first, second), table, scorecard, lines[-1], footer)


def _cut_parts(lines: Sequence[Line], hints: Hints) -> Parts:
    """The parts of a page that ends too early: its last line is taken only as far as it is certainly whole."""
    if not hints.open_line:
        return _parts(lines, cut=True)
    parts = _parts(lines[:-1], cut=True, rest=lines[-1].text)
    return parts._replace(last=lines[-1])


def _is_whole(parts: Parts, hints: Hints) -> bool:
    """Whether the end was seen: a footer, or (after a whole line) a scorecard that holds what the panels say."""
    card = parts.scorecard
    if parts.footer or card is None:
        return parts.footer
    if card.groups and len(card.after) > _MOST_HEADINGS:
        return True
    if card.loose_quotes:
        return parts.last.text.endswith("”") and card.loose_quotes % 2 == 0
    if hints.open_line:
        return False
    panels = _panel(parts, 0), _panel(parts, 1)
    return all(map(_agrees, panels, attribute(card, panels, cut=False).reviews))


def _agrees(panel: Panel, reviews: Sequence[Review]) -> bool:
    ships = sum(review.verdict is Verdict.SHIP for review in reviews)
    return agrees(panel, ships, len(reviews) - ships)


def _comparison(parts: Parts, hints: Hints, link: str | None, *, cut: bool) -> Comparison:
    panels = _panel(parts, 0), _panel(parts, 1)
    card = parts.scorecard or Scorecard([], 0, [], reversed=False)
    if cut and card.groups and not card.after:
        card.groups[-1].cells[-1].quote = []  # it may go on behind the cut
    attributed = attribute(card, panels, cut=cut)
    slugs = slugs_for(parts.cards.names, list(hints.addresses), list(hints.tools))
    tools = [_tool(parts, side, (slugs.first, slugs.second)[side], panels[side], attributed) for side in (0, 1)]
    problems = [
        *parts.cards.problems,
        *page_problems(parts.cards, parts.table),
        *(problem for tool in tools for problem in tool_problems(tool, whole=not cut and not attributed.problems)),
        *attributed.problems,
        *slugs.problems,
        *_missing(parts, cut=cut),
    ]
    return comparison_of(
        *tools, reviewers=attributed.reviewers, url=link, truncated=cut, problems=tuple(dict.fromkeys(problems))
    )


def _tool(parts: Parts, side: int, slug: str, panel: Panel, attributed: Attributed) -> Tool:
    card = _cards(parts)[side]
    pricing = value_in(_row(parts, "pricing", side))
    return Tool(
        slug=slug,
        name=card.name,
        category=card.category,
        tagline=card.tagline or _row(parts, "best for", side) or card.name,
        description=parts.descriptions[side],
        entry=card.core.entry,
        pricing=pricing if pricing and len(pricing) <= _LONGEST_LINE else None,
        panel=panel,
        votes=_votes(card, _row(parts, "community", side)),
        reviews=attributed.reviews[side],
    )


def _panel(parts: Parts, side: int) -> Panel:
    """The panel: the percentage of the card, the counts of the table. The verdict follows from the percentage."""
    percent = _cards(parts)[side].core.percent
    count = count_in(_row(parts, "panel verdict", side))
    return Panel(
        verdict=Verdict.at(percent),
        percent=percent,
        ship=count.ship if count else None,
        skip=count.skip if count else None,
    )


def _votes(card: Card, row: str) -> Votes | None:
    """The card's votes, or the table's; the table may add how many they are."""
    here, there = card.core.votes, votes_in(row)
    if here and there and here.percent == there.percent:
        return Votes(percent=here.percent, count=here.count or there.count)
    return here or there


def _row(parts: Parts, label: str, side: int) -> str:
    table = parts.table
    if not table:
        return ""
    turned = table.names == parts.cards.names[::-1] != parts.cards.names
    return table.rows.get(label, ("", ""))[1 - side if turned else side]


def _cards(parts: Parts) -> tuple[Card, Card]:
    return parts.cards.first, parts.cards.second


def _description(lines: Sequence[Line]) -> str:
    """All lines, paragraph by paragraph, without a button at the end."""
    kept = [line.text for line in lines]
    while len(kept) > 1 and (kept[-1].casefold().rstrip(" →↗›»") in _BUTTONS or kept[-1][-1] in "→↗"):
        kept.pop()
    return "\n".join(kept)


def _missing(parts: Parts, *, cut: bool) -> Iterator[Problem]:
    if cut:
        where = f"line {parts.last.number}, {parts.last.excerpt}"
        yield Problem(code="truncated", message=f"The page was cut at {where}: what is whole was imported.")
    elif parts.scorecard is None:
        yield Problem(code="scorecard-missing", message="The page has no reviewer scorecard.")
    for side, card in enumerate(_cards(parts)):
        if not card.tagline:
            yield Problem(code="tagline-missing", message=f"{card.name}: the card has no tagline.")
        if len(_row(parts, "pricing", side)) > _LONGEST_LINE:
            yield Problem(code="pricing-missing", message=f"{card.name}: the pricing text is too long, and left out.")
