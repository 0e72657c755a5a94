"""How readers voted on the issue before: a short section at the end of the next one.

Taken when the issue is drafted and kept with it, as the votes on its own tools are (readers_votes.py). A tool that
fewer than LEAST readers voted on is not in it: a few votes say little of a tool, and much of those who gave them. What
is worth reading is where readers and panel disagree, so that comes first; then, and among these, the most votes.
"""

from collections.abc import Iterator, Mapping, Sequence

from sqlmodel import Session, col, select

from newsletter.comparisons.comparison import Comparison, Panel, Tool, Verdict
from newsletter.comparisons.shelf import version_at
from newsletter.issues.candidates import Chosen
from newsletter.issues.composition import ReadersVotes, ToolVotes
from newsletter.issues.headline import told_apart
from newsletter.issues.issue import OUT, Issue, items_of
from newsletter.issues.readers_votes import votes_of
from subscribers.votes import Count, counts

LEAST = 3  #: votes on a tool

_DISAGREE = {
    (Verdict.SHIP, Verdict.SKIP): "Readers ship what the panel skips.",
    (Verdict.SHIP, Verdict.MIXED): "The panel ties; readers ship it.",
    (Verdict.MIXED, Verdict.SHIP): "The panel ships it; readers tie.",
    (Verdict.MIXED, Verdict.SKIP): "The panel skips it; readers tie.",
    (Verdict.SKIP, Verdict.MIXED): "The panel ties; readers skip it.",
    (Verdict.SKIP, Verdict.SHIP): "Readers skip what the panel ships.",
}


def taken(session: Session, issue: Issue, chosen: Sequence[Chosen]) -> ReadersVotes | None:
    """How readers voted on all tools of the last issue that went out before this one; None where too few did.

    `chosen`: this issue's items; where they have another verdict on a tool, that is what readers are told by now.
    """
    last = _last(session, issue)
    if last is None:
        return None
    had = [version_at(session, item.row_id) for item in items_of(session, last)]
    votes = counts(session, sorted({tool.slug for one in had for tool in one.tools}))
    told = {tool.slug: tool.panel for one in chosen for tool in one.comparison.tools}
    return worded(last.number, had, votes, told)


def worded(
    number: int, had: Sequence[Comparison], votes: Mapping[str, Count], told: Mapping[str, Panel]
) -> ReadersVotes | None:
    """The section on the issue of this number, which had these comparisons. `votes` and `told`: by slug."""
    found = {tool.slug: _said(one, tool, votes[tool.slug], told) for one, tool in _enough(told_apart(had), votes)}
    ordered = sorted(found.items(), key=lambda one: (not one[1].sentence, -(one[1].votes.count or 0), one[0]))
    return ReadersVotes(number=number, tools=tuple(said for _, said in ordered)) if ordered else None


def text_of(said: ReadersVotes | None) -> str | None:
    """For keeping with the issue."""
    return said.model_dump_json() if said else None


def read(text: str | None) -> ReadersVotes | None:
    """What `text_of` wrote; nothing of an issue that was drafted before there was such a section."""
    return ReadersVotes.model_validate_json(text) if text else None


def _last(session: Session, issue: Issue) -> Issue | None:
    """The newest issue that went out before this one; a quiet week in between changes nothing."""
    mine = (Issue.newsletter == issue.newsletter, col(Issue.week) < issue.week, col(Issue.status).in_(OUT))
    return session.exec(select(Issue).where(*mine).order_by(col(Issue.week).desc()).limit(1)).first()


def _enough(had: Sequence[Comparison], votes: Mapping[str, Count]) -> Iterator[tuple[Comparison, Tool]]:
    for one in had:
        for tool in one.tools:
            if tool.slug in votes and votes[tool.slug].total >= LEAST:
                yield one, tool


def _said(one: Comparison, tool: Tool, votes: Count, told: Mapping[str, Panel]) -> ToolVotes:
    panel = told.get(tool.slug, tool.panel)
    return ToolVotes(
        key=one.key,
        tool="A" + tool.name[1:] if tool.name.startswith("another ") else tool.name,
        categories=tuple(side.category for side in one.tools),
        votes=votes_of(votes),
        ship=votes.ship,
        panel=panel,
        sentence=_DISAGREE.get((Verdict.at(votes.percent), panel.verdict), ""),
    )
