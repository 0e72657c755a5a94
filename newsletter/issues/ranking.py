"""Which of two comparisons is the more interesting, by a stated rule and the same way every time.

A reader opens for a decision. So a page that could be read whole stands before one that was cut, and then points
decide: most for two tools that the panel tells apart, then for panels that are of two minds, then for the number of
voices. Equal points are parted by the key: an arbitrary rule, but a fixed one.
"""

from newsletter.comparisons.comparison import Comparison, Tool, Verdict

#: Points for a pair of verdicts that differ, whichever side has which.
CONTRAST = {
    frozenset((Verdict.SHIP, Verdict.SKIP)): 60,
    frozenset((Verdict.SHIP, Verdict.MIXED)): 40,
    frozenset((Verdict.MIXED, Verdict.SKIP)): 30,
}
SPLIT = 15  #: for each tool on which both a ship and a skip were given
VOICE = 3  #: for each review that can be quoted, up to VOICES of them
VOICES = 14
VOTED = 5  #: for each tool on which the community has voted


def interest(comparison: Comparison) -> int:
    """Points: how much there is to read in this comparison. Never negative."""
    left, right = comparison.tools
    contrast = CONTRAST.get(frozenset(comparison.verdicts), 0)
    gap = abs(left.panel.percent - right.panel.percent) // 4
    voices = min(sum(1 for _ in comparison.quotes()), VOICES)
    tools = sum(SPLIT * is_split(tool) + VOTED * (tool.votes is not None) for tool in comparison.tools)
    return contrast + gap + VOICE * voices + tools


def is_split(tool: Tool) -> bool:
    """Whether some reviewers ship the tool and others skip it; the percentage tells it, also on a cut page."""
    return 0 < tool.panel.percent < 100  # noqa: PLR2004


def rank(comparison: Comparison) -> tuple[bool, int, str]:
    """A sort key: the most interesting first."""
    return comparison.truncated, -interest(comparison), comparison.key
