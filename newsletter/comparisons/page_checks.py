"""What a page says twice, and differently. Everything is reported, nothing is guessed, nothing stops the import."""

from collections.abc import Iterator

from newsletter.comparisons.comparison import Problem, Tool, Verdict
from newsletter.comparisons.page_attribution import rounds_to
from newsletter.comparisons.page_cards import Card, Cards, votes_in
from newsletter.comparisons.page_table import Table, count_in


def tool_problems(tool: Tool, *, whole: bool) -> Iterator[Problem]:
    """Where a tool's panel contradicts itself, or (of a whole page) its reviews. For pages and feeds alike."""
    panel = tool.panel
    if panel.ship is not None and panel.skip is not None:
        total = panel.ship + panel.skip
        if not rounds_to(panel.percent, panel.ship, total):
            yield _problem("percent-disagrees", f"{tool.name}: {panel.percent}% is not {panel.split}.")
        ships = sum(review.verdict is Verdict.SHIP for review in tool.reviews)
        if whole and tool.reviews and (ships, len(tool.reviews) - ships) != (panel.ship, panel.skip):
            said = f"{ships} ship / {len(tool.reviews) - ships} skip"
            yield _problem("reviews-disagree", f"{tool.name}: the panel is {panel.split}, the reviews are {said}.")
    if panel.verdict is not Verdict.at(panel.percent):
        yield _problem("verdict-disagrees", f"{tool.name}: {panel.verdict.capitalize()} at {panel.percent}%.")


def page_problems(cards: Cards, table: Table | None) -> Iterator[Problem]:
    """Where the cards contradict themselves or the decision table."""
    if table and table.names and set(table.names) != set(cards.names):
        yield _problem(
            "table-names-disagree", f"The decision table is about {' and '.join(table.names)}, the cards are not."
        )
    for side, card in enumerate((cards.first, cards.second)):
        row = {label: values[side] for label, values in table.rows.items()} if table else {}
        yield from _word_problems(card, row)
        yield from _row_problems(card, row)


def _word_problems(card: Card, row: dict[str, str]) -> Iterator[Problem]:
    count = count_in(row.get("panel verdict", ""))
    said = Verdict.at(card.core.percent)
    for word, place in ((card.word, "card"), (count.word if count else None, "decision table")):
        if word and word is not said:
            message = f"{card.name}: the {place} says {word.capitalize()} at {card.core.percent}%, which is {said}."
            yield _problem("verdict-disagrees", message)
    if row.get("panel verdict") and not count:
        yield _problem("table-unreadable", f"{card.name}: the decision table's panel verdict cannot be read.")


def _row_problems(card: Card, row: dict[str, str]) -> Iterator[Problem]:
    for label, code, here in (
        ("best for", "tagline-disagrees", card.tagline),
        ("category", "category-disagrees", card.category),
    ):
        if row.get(label) and here and row[label].casefold() != here.casefold():
            yield _problem(code, f"{card.name}: the card says “{here[:100]}”, the table “{row[label][:100]}”.")
    votes, told = card.core.votes, votes_in(row.get("community", ""))
    if row.get("community") and (votes and votes.percent) != (told and told.percent):
        here, there = (f"{v.percent}%" if v else "no votes" for v in (votes, told))
        yield _problem("votes-disagree", f"{card.name}: the card says {here}, the decision table {there}.")


def _problem(code: str, message: str) -> Problem:
    return Problem(code=code, message=message)
