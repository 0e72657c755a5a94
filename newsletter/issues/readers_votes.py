"""How our readers voted on the tools of an issue: taken when it is drafted, and kept with its items.

So preview, check, test copy and approval show the same numbers, and a vote that comes later changes no issue before it
is drafted again. The mail shows them only where the site has no votes of its own.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace

from sqlmodel import Session

from newsletter.comparisons.comparison import Tool, Votes
from newsletter.issues.candidates import Chosen
from newsletter.issues.wording import numbered
from subscribers import votes

NO_VOTES = "No community votes yet"
Pair = tuple[Votes | None, Votes | None]  #: of the left and of the right tool


def said(found: Votes) -> str:
    """Votes as a cell shows them: "67% ship · 12 votes", without the number where it is not known."""
    ship = f"{found.percent}% ship"
    return ship if found.count is None else f"{ship} · {many(found)}"


def many(found: Votes) -> str:
    """How many there are: "12 votes"."""
    return numbered(found.count or 0, "vote", "votes")


def community(tool: Tool, ours: Votes | None = None) -> str:
    """What the community says of a tool: on the site, else our readers, and said so; no votes are no percentage."""
    if tool.votes is not None:
        return said(tool.votes)
    return f"Readers: {said(ours)}" if ours else NO_VOTES


def whose(tool: Tool, ours: Votes | None = None) -> str:
    """As a ballot shows it: our readers' votes also beside the site's, for readers look for what they said."""
    words = community(tool, ours)
    return f"{words}. Readers: {said(ours)}" if tool.votes and ours else words


def labelled(words: str) -> str:
    """The words of `community` or `whose` with one label before them: theirs, or "Community"."""
    return words if words == NO_VOTES or words.startswith("Readers: ") else f"Community: {words}"


def counted(session: Session, slugs: Iterable[str]) -> dict[str, Votes]:
    """How readers voted on these tools; a tool without votes is not in it."""
    found = votes.counts(session, sorted(set(slugs)))
    return {slug: votes_of(count) for slug, count in found.items()}


def votes_of(count: votes.Count) -> Votes:
    """The same as a percentage and a number, as a site tells votes."""
    return Votes(percent=count.percent, count=count.total)


def with_votes(session: Session, chosen: Sequence[Chosen]) -> tuple[Chosen, ...]:
    """The same items with the votes of this moment."""
    found = counted(session, (tool.slug for one in chosen for tool in one.comparison.tools))
    left_and_right = [tuple(found.get(tool.slug) for tool in one.comparison.tools) for one in chosen]
    return tuple(replace(one, voted=(left, right)) for one, (left, right) in zip(chosen, left_and_right, strict=True))


def text_of(voted: Pair) -> str | None:
    """For keeping: a percentage and a number for each tool that has votes; None where neither has."""
    return json.dumps([one and [one.percent, one.count] for one in voted]) if any(voted) else None


def read(text: str | None) -> Pair:
    """What `text_of` wrote."""
    left, right = (one and Votes(percent=one[0], count=one[1]) for one in json.loads(text or "[null, null]"))
    return left, right
