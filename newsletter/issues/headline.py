"""Headlines, subject and preheader, by rules that only say what the panel said.

No winner is invented: equal percentages are "level", half and half is a tie. Names are shortened before the words are.
"""

from collections.abc import Callable, Iterator, Sequence

from newsletter.comparisons.comparison import Comparison, Tool, Verdict
from newsletter.issues.composition import VerdictChange
from newsletter.issues.shortening import cut_name, short_name

HEADLINE = 80  #: characters, at most
_ORDER = (Verdict.SHIP, Verdict.MIXED, Verdict.SKIP)
_WIDTHS = (36, 30, 24, 18, 14)

Names = tuple[str, str]  #: left's and right's, as they fit


def told_apart(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """The same with names for headings: a tool that has the name of another, earlier one is "another Footnote".

    Two of one name within one comparison keep it: their heading says that there are two.
    """
    first: dict[str, str] = {}
    renamed = []
    for one in comparisons:
        taken = {side: first.setdefault(_folded(tool), tool.slug) for side, tool in _sides(one)}
        others = {
            side: tool.model_copy(update={"name": f"another {tool.name}"})
            for side, tool in _sides(one)
            if taken[side] not in (one.left.slug, one.right.slug)
        }
        renamed.append(one.model_copy(update=others))
    return renamed


def _sides(comparison: Comparison) -> tuple[tuple[str, Tool], tuple[str, Tool]]:
    return ("left", comparison.left), ("right", comparison.right)


def _folded(tool: Tool) -> str:
    return " ".join(tool.name.split()).casefold()


def headline(comparison: Comparison, budget: int = HEADLINE, turn: int = 0) -> str:
    """What the panel says of the two, the more shipped one first: "Patchwork ships, Forkbeam does not".

    Most pairs both ship. So that a week of them does not read like a form, `turn` (the item's place) turns the phrase.
    """
    words = fitting(comparison, lambda names: _verdicts(comparison, names, turn), budget)
    return words or _nameless(comparison, budget)


def heading(comparison: Comparison, turn: int) -> str:
    """The headline of an item, which may begin with "Another Footnote"."""
    words = headline(comparison, turn=turn)
    return "A" + words[1:] if words.startswith("another ") else words


def change_headline(changes: Sequence[VerdictChange], budget: int = HEADLINE) -> str:
    """Which verdict is another than it was: "Patchwork slips from ship to mixed". There must be a change."""
    lines = [_moves(changes, width) for width in (budget, *_WIDTHS)]
    return next((line for line in lines if len(line) <= budget), lines[-1])


def versus(comparison: Comparison, budget: int) -> str:
    """The two names with "vs" between them, shortened to the budget; empty where they cannot be told apart in it."""
    return fitting(comparison, " vs ".join, budget)


def fitting(comparison: Comparison, words: Callable[[Names], str], budget: int) -> str:
    """The words with the longest names that fit the budget; empty where none do."""
    lines = (words(names) for names in _names(comparison))
    return next((line for line in lines if len(line) <= budget), "")


def _names(comparison: Comparison) -> Iterator[Names]:
    """The two names, ever shorter; only such as differ, for two tools may share a name or the beginning of one."""
    left, right = (" ".join(tool.name.split()) for tool in comparison.tools)
    variants: list[Names] = [(left, right)]
    variants += [(short_name(left, width), short_name(right, width)) for width in _WIDTHS]
    variants += [(cut_name(left, width), cut_name(right, width)) for width in _WIDTHS]
    yield from (names for names in variants if names[0].casefold() != names[1].casefold())


def _verdicts(comparison: Comparison, names: Names, turn: int) -> str:
    sides = sorted(zip(comparison.tools, names, strict=True), key=lambda side: _standing(side[0]))
    (one, first), (other, second) = sides
    match one.panel.verdict, other.panel.verdict:
        case Verdict.SHIP, Verdict.SHIP:
            return _both_ship((one, first), (other, second), turn)
        case Verdict.SHIP, Verdict.MIXED:
            return f"{first} ships, {second} ends in a tie"
        case Verdict.SHIP, _:
            return f"{first} ships, {second} does not"
        case Verdict.MIXED, Verdict.MIXED:
            return f"A tie for both {first} and {second}"
        case Verdict.MIXED, _:
            return f"A tie for {first}, a skip for {second}"
    return f"Neither {first} nor {second} ships"


def _both_ship(one: tuple[Tool, str], other: tuple[Tool, str], turn: int) -> str:
    (tool, first), (rival, second) = one, other
    high, low = tool.panel.percent, rival.panel.percent
    if high == low:
        phrases = (
            f"Both ship, level at {high}%: {first} and {second}",
            f"{first} and {second} both ship, level at {high}%",
            f"Level at {high}%: {first} and {second} both ship",
        )
    else:
        phrases = (
            f"Both ship: {first} at {high}%, {second} at {low}%",
            f"{first} ships at {high}%, {second} at {low}%",
            f"{first} and {second} both ship, {high}% to {low}%",
        )
    return phrases[turn % len(phrases)]


def _standing(tool: Tool) -> tuple[int, int, str]:
    return _ORDER.index(tool.panel.verdict), -tool.panel.percent, tool.slug


def _nameless(comparison: Comparison, budget: int) -> str:
    """For two tools that share a name."""
    words = {
        (Verdict.SHIP, Verdict.SHIP): "both ship",
        (Verdict.SHIP, Verdict.MIXED): "one ships, one ends in a tie",
        (Verdict.SHIP, Verdict.SKIP): "one ships, one does not",
        (Verdict.MIXED, Verdict.MIXED): "a tie for both",
        (Verdict.MIXED, Verdict.SKIP): "one tie, one skip",
        (Verdict.SKIP, Verdict.SKIP): "neither ships",
    }
    one, other = sorted(comparison.verdicts, key=_ORDER.index)
    end = f": {words[one, other]}"
    return f"Two by the name of {short_name(comparison.left.name, budget - len(end) - 19)}{end}"


def _moves(changes: Sequence[VerdictChange], width: int) -> str:
    moves = [(short_name(change.tool, width), change.before.verdict, change.after.verdict) for change in changes]
    if len(moves) == 1:
        name, old, new = moves[0]
        return f"{name} {_way(old, new)} from {old} to {new}"
    return ", ".join(f"{name} {_way(old, new)} to {new}" for name, old, new in moves)


def _way(old: Verdict, new: Verdict) -> str:
    return "slips" if _ORDER.index(new) > _ORDER.index(old) else "rises"
