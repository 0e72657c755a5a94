"""Where the panel split: the tools on which two reviewers are furthest apart."""

from collections.abc import Iterable
from dataclasses import dataclass

from newsletter.comparisons.comparison import Comparison, Review, Tool, Verdict
from newsletter.issues.composition import Item, Split
from newsletter.issues.edits import Edits
from newsletter.issues.quoting import BRIEF_QUOTE, quote_of
from newsletter.issues.wording import listed, number, opened

MOST = 3
_NAMED = 3  #: reviewers of one side who are named; more are counted


@dataclass(frozen=True, slots=True)
class _Dispute:
    comparison: Comparison
    tool: Tool
    pro: Review
    con: Review

    @property
    def rank(self) -> tuple[int, str, str]:
        """The widest gap first; where a score is missing there is no gap to measure."""
        known = self.pro.score is not None and self.con.score is not None
        gap = (self.pro.score or 0) - (self.con.score or 0) if known else 0
        return -gap, self.tool.slug, self.comparison.key


def splits(items: Iterable[Item], edits: Edits) -> tuple[Split, ...]:
    """The tools with the widest gap between a ship and a skip: each tool once, three at most.

    Their quotes are other sentences than those that the items show, as far as the reviews have more.
    """
    items = tuple(items)
    used = {quote.text for item in items for quote in item.quotes}
    widest: dict[str, _Dispute] = {}
    for dispute in sorted(_disputes(items), key=lambda dispute: dispute.rank):
        widest.setdefault(dispute.tool.slug, dispute)
    return tuple(_split(dispute, edits, used) for dispute in list(widest.values())[:MOST])


def measurable(items: Iterable[Item]) -> bool:
    """Whether every split panel of these items is known in full, so that one of them can be called the widest.

    A page that was cut, a review without a score or quote, or reviews that do not add up to the panel: then it is not.
    """
    return all(_known(item.comparison, tool) for item in items for tool in item.comparison.tools)


def _known(comparison: Comparison, tool: Tool) -> bool:
    if tool.panel.percent in (0, 100):
        return True
    whole = [review for review in tool.reviews if review.quote and review.score is not None]
    ships = sum(review.verdict is Verdict.SHIP for review in whole)
    adds_up = bool(whole) and abs(100 * ships / len(whole) - tool.panel.percent) <= 1
    return adds_up and len(whole) == len(tool.reviews) and not comparison.truncated


def split_sentence(tool: Tool) -> str:
    """Who stands against whom: "Founder skips what three others ship." Needs a review of either side."""
    ships = [review.reviewer for review in tool.reviews if review.verdict is Verdict.SHIP]
    skips = [review.reviewer for review in tool.reviews if review.verdict is Verdict.SKIP]
    if len(ships) == len(skips) == 1:
        return f"{ships[0]} ships what {skips[0]} skips."
    if len(skips) == 1:
        return f"{skips[0]} skips what {number(len(ships))} others ship."
    if len(ships) == 1:
        return f"{ships[0]} ships what {number(len(skips))} others skip."
    return opened(f"{_who(ships)} ship it, {_who(skips)} skip it.")


def _who(reviewers: list[str]) -> str:
    return listed(reviewers) if len(reviewers) <= _NAMED else number(len(reviewers))


def _disputes(items: Iterable[Item]) -> Iterable[_Dispute]:
    for item in items:
        for tool in item.comparison.tools:
            quoted = [review for review in tool.reviews if review.quote]
            ships = [review for review in quoted if review.verdict is Verdict.SHIP]
            skips = [review for review in quoted if review.verdict is Verdict.SKIP]
            if ships and skips:
                pro = max(ships, key=lambda review: review.score or 0)
                con = min(skips, key=lambda review: 100 if review.score is None else review.score)
                yield _Dispute(item.comparison, tool, pro, con)


def _split(dispute: _Dispute, edits: Edits, used: set[str]) -> Split:
    comparison, tool = dispute.comparison, dispute.tool
    return Split(
        key=comparison.key,
        tool=tool.name,
        panel=tool.panel,
        sentence=split_sentence(tool),
        pro=quote_of(comparison, tool, dispute.pro, BRIEF_QUOTE, edits, used),
        con=quote_of(comparison, tool, dispute.con, BRIEF_QUOTE, edits, used),
    )
