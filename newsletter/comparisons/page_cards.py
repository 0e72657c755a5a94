"""The upper half of a compare page: its title and its two cards.

A card is found by its core, the five or six lines around "Panel ship"; names, taglines and categories stand before
it. What stands after it is the description, whatever its lines look like: only the next card or the tail ends it.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import combinations, product
from typing import NamedTuple

from newsletter.comparisons.comparison import Problem, Verdict, Votes
from newsletter.comparisons.page_lines import Line
from newsletter.errors import NotAComparison

_MOST_CORES = 6  #: two, and a few that a description may contain
_MOST_ABOVE = 7  #: lines above a core among which its name is looked for
_LONGEST_CATEGORY = 100
_LONGEST_NAME = 400  #: of a `Line` in comparison.py
_PERCENT = re.compile(r"(\d{1,3})\s?%(?:\s?ship)?", re.IGNORECASE)
_NO_VOTES = re.compile(r"[—–-]+|n/?a|no (?:community )?votes(?: yet)?|0 votes", re.IGNORECASE)
_VOTE_COUNT = re.compile(r"(\d[\d,.\u2009 ]{0,12}) ?votes?", re.IGNORECASE)
_CRUMB = re.compile(r"(?:.{0,40}[/›>»] ?)?compare ?[/›>»] ?", re.IGNORECASE)
_VERDICTS = {str(verdict): verdict for verdict in Verdict}

#: The orders in which a core is found. First: both text flavours. The others: `<dl>` and small tables.
_SHAPES = (
    ("percent", "panel ship", "votes", "community", "count", "entry", "ENTRY"),
    ("panel ship", "percent", "community", "votes", "ENTRY", "entry"),
    ("panel ship", "community", "ENTRY", "percent", "votes", "entry"),
    ("percent", "votes", "entry", "panel ship", "community", "ENTRY"),
    ("percent", "panel ship", "votes", "community", "ENTRY"),
)
UNKNOWN_ENTRY = "Unknown"


class Core(NamedTuple):
    """The middle of a card: lines[start:end]."""

    start: int
    end: int
    percent: int
    votes: Votes | None
    entry: str


class Card(NamedTuple):
    """One tool as its card shows it; its description is lines[core.end:] up to whatever follows."""

    start: int  #: the first line of the card
    category: str
    name: str
    tagline: str  #: may be empty
    word: Verdict | None
    core: Core


class Titles(NamedTuple):
    """What may be the page's title."""

    claims: list[str]  #: under "AI tool comparison", and the breadcrumb: these must agree with the cards
    all: list[str]  #: the same, and any "… vs …" above the cards


class Cards(NamedTuple):
    """Both cards, and where they contradict the title."""

    first: Card
    second: Card
    problems: tuple[Problem, ...]

    @property
    def names(self) -> tuple[str, str]:
        """Both names in page order."""
        return self.first.name, self.second.name


def find_cards(lines: Sequence[Line], *, cut: bool = False) -> Cards:
    """The two cards; with `cut`, the second may end after "Panel ship". Raises NotAComparison, naming the line."""
    cores = list(_cores(lines, cut=cut))
    titles = _titles(lines[: cores[0].start] if cores else lines)
    for one, other in combinations(cores, 2):
        if cards := _fitting(lines, one, other, titles):
            return Cards(*cards, _title_problems(titles, cards))
    for one, other in combinations(cores, 2):
        first, second = (list(_readings(lines, core, floor)) for core, floor in ((one, 0), (other, one.end)))
        if first and second:
            return Cards(first[0], second[0], _title_problems(titles, (first[0], second[0])))
    raise NotAComparison(_refusal(lines, cores))


def votes_in(text: str) -> Votes | None:
    """Community votes in words like "80%", "80% · 12 votes" or "No community votes yet"."""
    percent, count = _PERCENT.search(text), _VOTE_COUNT.search(text)
    number = int(re.sub(r"\D", "", count[1])) if count else None
    if not percent or int(percent[1]) > 100 or number == 0:  # noqa: PLR2004
        return None
    return Votes(percent=int(percent[1]), count=number)


def is_title(text: str, names: tuple[str, str]) -> bool:
    """Whether the text is "{first} vs {second}". Never split at " vs ": a name may contain it."""
    whole, first, second = (part.casefold() for part in (text, *names))
    middle = whole[len(first) : len(whole) - len(second)].strip()
    return whole.startswith(first) and whole.endswith(second) and middle in ("vs", "vs.", "versus", "v")


def _cores(lines: Sequence[Line], *, cut: bool) -> Iterator[Core]:
    found = index = 0
    while index < len(lines) and found < _MOST_CORES:
        if core := _core_at(lines, index):
            yield core
            found, index = found + 1, core.end
        else:
            index += 1
    if cut and (core := _core_at_the_cut(lines)):
        yield core


def _core_at(lines: Sequence[Line], index: int) -> Core | None:
    if not (_percent(lines[index]) is not None or lines[index].says("panel ship")):
        return None
    return next((core for shape in _SHAPES if (core := _match(shape, lines, index))), None)


def _match(shape: Sequence[str], lines: Sequence[Line], start: int) -> Core | None:
    index, percent, votes, entry = start, 0, "", UNKNOWN_ENTRY
    for part in shape:
        if part in ("votes", "count"):
            for _ in range(2):
                if index < len(lines) and _is_votes(lines[index], counted=part == "count"):
                    votes, index = f"{votes} {lines[index].text}", index + 1
            continue
        if index >= len(lines):
            return None
        if part == "percent":
            if (number := _percent(lines[index])) is None:
                return None
            percent = number
        elif part == "entry":
            entry = lines[index].text
        elif not lines[index].says(part.lower()):
            return None
        index += 1
    return Core(start, index, percent, votes_in(votes), entry) if len(entry) <= 100 else None  # noqa: PLR2004


def _core_at_the_cut(lines: Sequence[Line]) -> Core | None:
    """A page may end within the core: then what was there counts, from "Panel ship" on."""
    for index in range(max(1, len(lines) - 4), len(lines)):
        percent = _percent(lines[index - 1])
        if percent is not None and lines[index].says("panel ship"):
            votes = " ".join(line.text for line in lines[index + 1 :] if _is_votes(line))
            return Core(index - 1, len(lines), percent, votes_in(votes), UNKNOWN_ENTRY)
    return None


def _percent(line: Line) -> int | None:
    if len(line.text) > 12 or not (match := _PERCENT.fullmatch(line.text)):  # noqa: PLR2004
        return None
    return int(match[1]) if int(match[1]) <= 100 else None  # noqa: PLR2004


def _is_votes(line: Line, *, counted: bool = False) -> bool:
    if len(line.text) > 40:  # noqa: PLR2004
        return False
    if _VOTE_COUNT.search(line.text):
        return True
    return not counted and bool(_PERCENT.match(line.text) or _NO_VOTES.fullmatch(line.text))


def _readings(lines: Sequence[Line], core: Core, floor: int) -> Iterator[Card]:
    """What stands before a core, the usual order first: category, name, tagline, perhaps the verdict's word."""
    above = lines[max(floor, core.start - _MOST_ABOVE) : core.start]
    word = _VERDICTS.get(above[-1].text.casefold()) if above else None
    for skipped, said in ((1, word), (0, None)) if word else ((0, None),):
        rest = above[: len(above) - skipped]
        if len(rest) >= 3:  # noqa: PLR2004
            yield from _card(lines, core, floor, (rest[-3], rest[-2].text, rest[-1].text), said)
        if len(rest) >= 2:  # noqa: PLR2004
            yield from _card(lines, core, floor, (rest[-2], rest[-1].text, ""), said)


def _loose_readings(lines: Sequence[Line], core: Core, floor: int) -> Iterator[Card]:
    """The same with anything in between, for a title to confirm: a badge before the name, a line more."""
    above = lines[max(floor, core.start - _MOST_ABOVE) : core.start]
    words = [line for line in above if line.text.casefold() in _VERDICTS]
    said = _VERDICTS[words[-1].text.casefold()] if words else None
    plain = [line for line in above if line not in words]
    for at in range(len(plain) - 1, 0, -1):
        tagline = plain[at + 1].text if at + 1 < len(plain) else ""
        yield from _card(lines, core, floor, (plain[at - 1], plain[at].text, tagline), said)


def _card(
    lines: Sequence[Line], core: Core, floor: int, texts: tuple[Line, str, str], word: Verdict | None
) -> Iterator[Card]:
    category, name, tagline = texts
    if len(category.text) > _LONGEST_CATEGORY or max(len(name), len(tagline)) > _LONGEST_NAME:
        return
    if category.text.casefold() in _VERDICTS:
        return
    start = lines.index(category, max(floor, core.start - _MOST_ABOVE), core.start)
    if start > floor and len(lines[start - 1].text) == 1:
        start -= 1  # the logo's placeholder, one letter
    yield Card(start, category.text, name, tagline, word, core)


def _fitting(lines: Sequence[Line], one: Core, other: Core, titles: Titles) -> tuple[Card, Card] | None:
    for readings in (_readings, _loose_readings):
        pairs = product(readings(lines, one, 0), list(readings(lines, other, one.end)))
        for first, second in pairs:
            if any(is_title(title, (first.name, second.name)) for title in titles.all):
                return first, second
    return None


def _titles(lines: Sequence[Line]) -> Titles:
    head = lines[:60]
    under = [head[i + 1].text for i, line in enumerate(head[:-1]) if line.says("ai tool comparison")]
    crumbs = [_CRUMB.sub("", line.text, count=1) for line in head if _CRUMB.match(line.text)]
    split = [f"{head[i - 1].text} vs {head[i + 1].text}" for i in range(1, len(head) - 1) if head[i].says("vs", "vs.")]
    others = [line.text for line in head if len(line.text) < 1_000]  # noqa: PLR2004
    claims = [claim for claim in dict.fromkeys((*under, *crumbs)) if " vs" in claim.casefold()]
    return Titles(claims, [text for text in (*claims, *split, *others) if " vs" in text.casefold()])


def _title_problems(titles: Titles, cards: tuple[Card, Card]) -> tuple[Problem, ...]:
    names = cards[0].name, cards[1].name
    wrong = [claim for claim in titles.claims if not is_title(claim, names)]
    if not titles.all:
        return (Problem(code="title-missing", message="The page has no title above its cards."),)
    if not wrong and any(is_title(title, names) for title in titles.all):
        return ()
    message = f"The title reads “{(wrong or titles.all)[0][:200]}”, the cards are {names[0]} and {names[1]}."
    return (Problem(code="title-disagrees", message=message),)


def _refusal(lines: Sequence[Line], cores: Sequence[Core]) -> str:
    if not lines:
        return "Not a compare page: line 1 is the end, there is no text."
    last = lines[-1]
    if not cores:
        anchor = next((line for line in lines if line.says("panel ship")), None)
        if anchor:
            return (
                f"Not a compare page: line {anchor.number}, {anchor.excerpt}, does not stand between a percentage "
                "and “Community” as on a tool's card."
            )
        return (
            f"Not a compare page: no tool's card (“75%”, “Panel ship”) between line {lines[0].number}, "
            f"{lines[0].excerpt}, and line {last.number}."
        )
    core = lines[cores[-1].start]
    if len(cores) == 1:
        return (
            f"Only one tool's card, at line {core.number}: the page ends at line {last.number}, {last.excerpt}, "
            "before the second. A comparison needs both; read the whole page."
        )
    return f"Not a compare page: line {core.number}, {core.excerpt}, has no card's category, name and tagline above."
