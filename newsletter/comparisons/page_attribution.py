"""Which cell of the scorecard is about which tool.

Two cells under a reviewer are the first and the second tool. One cell alone is placed by what the page says at it, or
else by the panels: where only one way of placing all lone cells gives the counts (or percentages) that the page tells,
that way is right. Otherwise the cell is dropped and said: a quote is never put to the wrong tool.
"""

from collections.abc import Iterator, Sequence
from itertools import product
from typing import NamedTuple

from newsletter.comparisons.comparison import Panel, Problem, Review, Verdict
from newsletter.comparisons.page_scorecard import Cell, Group, Scorecard

_MOST_LONE = 40
_LONGEST_NAME = 200


class Attributed(NamedTuple):
    """Reviews of the first and the second tool, reviewers in page order, and what could not be told."""

    reviews: tuple[tuple[Review, ...], tuple[Review, ...]]
    reviewers: tuple[str, ...]
    problems: tuple[Problem, ...]


class _Placed(NamedTuple):
    reviewer: str
    tool: int
    cell: Cell


def attribute(card: Scorecard, panels: tuple[Panel, Panel], *, cut: bool) -> Attributed:
    """The scorecard's reviews, each with its tool; with `cut` the page ends within the scorecard."""
    problems: list[Problem] = []
    if card.loose_quotes:
        problems.append(
            _problem("quotes-unattributed", f"The text names no reviewers: {card.loose_quotes} quotes left out.")
        )
    if card.reversed:
        problems.append(_problem("scorecard-unreadable", "Quotes stand above their scores: the scorecard is left out."))
        return Attributed(((), ()), (), tuple(problems))
    placed, lone = _place(_named(card.groups, problems), problems)
    last = card.groups[-1].reviewer if cut and card.groups else None
    placed += _place_at_the_cut(lone, panels, problems, last) if cut else _place_lone(placed, lone, panels, problems)
    reviews = tuple(tuple(_reviews(placed, tool, problems)) for tool in (0, 1))
    held = {review.reviewer for side in reviews for review in side}
    order = tuple(dict.fromkeys(group.reviewer for group in card.groups if group.reviewer in held))
    return Attributed((reviews[0], reviews[1]), order, tuple(problems))


def agrees(panel: Panel, ship: int, skip: int) -> bool:
    """Whether so many ships and skips are what the panel says: by its counts, or else by its percentage."""
    if panel.ship is not None and panel.skip is not None:
        return (ship, skip) == (panel.ship, panel.skip)
    return rounds_to(panel.percent, ship, ship + skip)


def rounds_to(percent: int, ship: int, total: int) -> bool:
    """Whether the percentage is that of so many ships, rounded half up or half to even."""
    return total > 0 and abs(200 * ship - 2 * percent * total) <= total


def _named(groups: Sequence[Group], problems: list[Problem]) -> Iterator[tuple[str, Group]]:
    seen: dict[str, list[Cell]] = {}
    for group in groups:
        name = group.reviewer
        if not name or len(name) > _LONGEST_NAME:
            problems.append(_problem("scorecard-unreadable", "A cell has no reviewer above it: it is left out."))
        elif name not in seen:
            seen[name] = group.cells
            yield name, group
        elif seen[name] != group.cells:
            problems.append(_problem("reviewer-repeated", f"{name} stands twice in the scorecard: the first counts."))


def _place(
    groups: Iterator[tuple[str, Group]], problems: list[Problem]
) -> tuple[list[_Placed], list[tuple[str, Cell, bool]]]:
    placed: list[_Placed] = []
    lone: list[tuple[str, Cell, bool]] = []
    for name, group in groups:
        cells = _without_empty(group.cells)
        tools = [cell.tool for cell in cells]
        if len(cells) == 1 and not cells[0].absent and tools == [None]:
            lone.append((name, cells[0], group.noted))
        elif len(cells) <= 2 and None not in tools and len(set(tools)) == len(tools):  # noqa: PLR2004
            placed += [_Placed(name, cell.tool, cell) for cell in cells if cell.tool is not None]
        elif len(cells) == 2:  # noqa: PLR2004
            placed += [_Placed(name, tool, cell) for tool, cell in enumerate(cells)]
        elif len(cells) > 2:  # noqa: PLR2004
            told = f"{name} has {len(cells)} cells in the scorecard for two tools: they are left out."
            problems.append(_problem("scorecard-unreadable", told))
    return [item for item in placed if not item.cell.absent], lone


def _without_empty(cells: list[Cell]) -> list[Cell]:
    """Of three cells, one that says "no review" right below a score without a quote is that quote's place."""
    if len(cells) <= 2:  # noqa: PLR2004
        return cells
    return [
        cell
        for index, cell in enumerate(cells)
        if not (cell.absent and index and not cells[index - 1].absent and not cells[index - 1].quote)
    ]


def _place_lone(
    placed: Sequence[_Placed],
    lone: Sequence[tuple[str, Cell, bool]],
    panels: tuple[Panel, Panel],
    problems: list[Problem],
) -> list[_Placed]:
    tools = _unique(placed, [cell for _, cell, _ in lone], panels) if len(lone) <= _MOST_LONE else {}
    found: list[_Placed] = []
    for name, cell, noted in lone:
        tool = tools.get(cell.verdict) if tools is not None else 0 if noted else None
        if tool is None:
            problems.append(_unattributed(name))
        else:
            found.append(_Placed(name, tool, cell))
    return found


def _place_at_the_cut(
    lone: Sequence[tuple[str, Cell, bool]], panels: tuple[Panel, Panel], problems: list[Problem], last: str | None
) -> list[_Placed]:
    """A last cell is the first tool's if both panels are equally large: nobody is missing. Its quote was cut."""
    sizes = [(panel.ship or 0) + (panel.skip or 0) for panel in panels]
    found = [
        _Placed(name, 0, Cell(cell.verdict, cell.score))
        for name, cell, _ in lone
        if name == last and sizes[0] == sizes[1] > 0
    ]
    problems += [_unattributed(name) for name, _, _ in lone if name not in {item.reviewer for item in found}]
    return found


def _unique(
    placed: Sequence[_Placed], lone: Sequence[Cell], panels: tuple[Panel, Panel]
) -> dict[Verdict | None, int] | None:
    """The tool of all lone ships and that of all lone skips; None: the page's panels decide nothing.

    Without a unique placing the dict lacks the verdict.
    """
    ships, skips = (sum(cell.verdict is verdict for cell in lone) for verdict in (Verdict.SHIP, Verdict.SKIP))
    held = [[sum(p.tool == tool and p.cell.verdict is v for p in placed) for v in _BOTH] for tool in (0, 1)]
    ways = [
        (ship, skip)
        for ship, skip in product(range(ships + 1), range(skips + 1))
        if agrees(panels[0], held[0][0] + ship, held[0][1] + skip)
        and agrees(panels[1], held[1][0] + ships - ship, held[1][1] + skips - skip)
    ]
    if len(ways) != 1:
        return None if len(ways) > 1 and panels[0].ship is None else {}
    return {
        verdict: 0 if there == number else 1
        for verdict, number, there in zip(_BOTH, (ships, skips), ways[0], strict=True)
        if there in (0, number)
    }


_BOTH = (Verdict.SHIP, Verdict.SKIP)


def _reviews(placed: Sequence[_Placed], tool: int, problems: list[Problem]) -> Iterator[Review]:
    for item in placed:
        if item.tool != tool:
            continue
        if item.cell.verdict is None:
            told = f"{item.reviewer}'s verdict on one tool is neither ship nor skip: it is left out."
            problems.append(_problem("review-unreadable", told))
            continue
        quote = unquoted("\n".join(item.cell.quote))
        yield Review(reviewer=item.reviewer, verdict=item.cell.verdict, score=item.cell.score, quote=quote or None)


def unquoted(text: str) -> str:
    """The text without the quotation marks around all of it."""
    for opening, closing in ("“”", '""', "«»"):
        inner = text[1:-1]
        if text == opening + inner + closing and not {opening, closing} & set(inner):
            return inner.strip()
    return text


def _unattributed(name: str) -> Problem:
    return _problem("review-unattributed", f"{name} reviewed one tool, and the page does not tell which: left out.")


def _problem(code: str, message: str) -> Problem:
    return Problem(code=code, message=message)
