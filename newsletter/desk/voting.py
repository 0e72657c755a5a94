"""What a reader says of tools: votes and bookmarks, as their pages show and change them.

Who is not on the list any more sees what is kept of them and takes it back, and adds nothing: their votes do not count.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from sqlmodel import Session

from newsletter.comparisons.comparison import Comparison, Panel, Tool
from newsletter.comparisons.shelf import latest, newest_with
from newsletter.desk.desk import Desk
from newsletter.issues.composing import links
from newsletter.issues.readers_votes import counted, whose
from subscribers import bookmarks, votes
from subscribers.subscriber import Subscriber
from subscribers.votes import Choice, Count, Vote

SAID = {Choice.SHIP: "Ship it", Choice.SKIP: "Skip it"}
NOT_READER = "Only who gets the newsletter votes and saves. Sign up to do so again."
FULL = f"You have saved {bookmarks.MOST} tools, and that is the most. Remove one first."
MOST_LISTED = 50  #: votes on one page


class Act(StrEnum):
    """What a button of these pages does."""

    SHIP = "ship"
    SKIP = "skip"
    BACK = "back"  #: take the vote back
    SAVE = "save"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Side:
    """One tool of a ballot."""

    tool: Tool
    url: str | None  #: of the tool, or of the comparison
    community: str  #: the votes in words: the site's, our readers', or both
    mine: Choice | None = None
    kept: bool = False


@dataclass(frozen=True, slots=True)
class Ballot:
    """One comparison to vote on."""

    comparison: Comparison
    sides: tuple[Side, Side]


@dataclass(frozen=True, slots=True)
class Tallied:
    """What readers say of one tool, for an editor."""

    slug: str
    name: str  #: empty where no page has it any more
    ship: int
    skip: int
    percent: int | None  #: None: no votes
    saved: int  #: how many readers


@dataclass(frozen=True, slots=True)
class Kept:
    """One bookmark: the tool as it is now, and its verdict as it was then."""

    slug: str
    name: str
    url: str | None
    now: Panel | None  #: None where no page has it any more
    was: str
    was_percent: int
    since: date

    @property
    def changed(self) -> bool:
        """Whether the verdict is another than when it was kept."""
        return self.now is not None and self.now.verdict != self.was


def tally(session: Session, slug: str | None = None) -> list[Tallied]:
    """How readers voted on every tool that has votes or was saved, or on this one; most votes first."""
    counts, kept = votes.counts(session, [slug] if slug else None), bookmarks.keepers(session)
    slugs = {one for one in (*counts, *kept) if slug in (None, one)}
    names = {tool.slug: tool.name for page in newest_with(session, slugs).values() for tool in page.tools}
    found = [_tallied(one, names.get(one, ""), counts.get(one), kept.get(one, 0)) for one in slugs]
    return sorted(found, key=lambda one: (-one.ship - one.skip, -one.saved, one.slug))


def _tallied(slug: str, name: str, count: Count | None, saved: int) -> Tallied:
    ship, skip, percent = (count.ship, count.skip, count.percent) if count else (0, 0, None)
    return Tallied(slug, name, ship, skip, percent, saved)


def ballot(desk: Desk, session: Session, key: str, who: Subscriber | None = None) -> Ballot | None:
    """The comparison of this key with the counts and, of a reader, what they said; None where there is none."""
    comparison = latest(session, key)
    if comparison is None:
        return None
    ours = counted(session, [tool.slug for tool in comparison.tools])
    mine = {vote.tool: vote.choice for vote in votes.votes_of(session, who.id or 0, key)} if who else {}
    kept = {one.tool for one in bookmarks.bookmarks_of(session, who.id or 0)} if who else set()
    page, urls = links(comparison, desk.config.publication.site_url)
    left, right = (
        Side(tool, url or page, whose(tool, ours.get(tool.slug)), mine.get(tool.slug), tool.slug in kept)
        for tool, url in zip(comparison.tools, urls, strict=True)
    )
    return Ballot(comparison, (left, right))


def take(desk: Desk, session: Session, who: Subscriber, key: str, slug: str, act: Act) -> tuple[bool, str]:
    """Do what a button says to one tool of one comparison: whether it was done, and a sentence for the reader."""
    comparison = latest(session, key)
    tool = comparison.tool(slug) if comparison else None
    if tool is None:
        return False, "There is no such tool here."
    mine, now = who.id or 0, desk.clock()
    if act is Act.REMOVE:
        return True, forget(desk, session, who, slug, tool.name)
    if act is Act.BACK:
        votes.take_back(session, mine, key, slug, now)
        return True, f"Your vote on {tool.name} is taken back."
    if not votes.may_vote(session, who):
        return False, NOT_READER
    if act is Act.SAVE:
        panel = tool.panel
        done = bookmarks.save(session, mine, slug, panel.verdict, panel.percent, now)
        return done, f"{tool.name} is in your bookmarks." if done else FULL
    votes.cast(session, mine, key, slug, Choice(act), now)
    return True, f"Your vote on {tool.name}: {SAID[Choice(act)]}."


def forget(desk: Desk, session: Session, who: Subscriber, slug: str, name: str) -> str:
    """Remove a bookmark, also one of a tool that is on no page any more: a sentence for the reader."""
    bookmarks.remove(session, who.id or 0, slug, desk.clock())
    return f"{name} is no longer in your bookmarks."


def kept_by(desk: Desk, session: Session, who: Subscriber) -> list[Kept]:
    """What a reader keeps, newest first, with the present verdicts."""
    mine, zone = bookmarks.bookmarks_of(session, who.id or 0), desk.config.publication.tz
    pages = newest_with(session, [one.tool for one in mine])
    found = []
    for one in mine:
        tool, url = _now(desk, pages.get(one.tool), one.tool)
        name, panel = (tool.name, tool.panel) if tool else (one.tool, None)
        since = one.at.astimezone(zone).date()
        found.append(Kept(one.tool, name, url, panel, one.verdict, one.percent, since))
    return found


def given_by(session: Session, who: Subscriber) -> Sequence[tuple[Vote, Comparison]]:
    """A reader's newest votes with their comparisons, newest first."""
    mine = list(reversed(votes.votes_of(session, who.id or 0)))[:MOST_LISTED]
    pages = {key: latest(session, key) for key in {vote.comparison for vote in mine}}
    return [(vote, page) for vote in mine if (page := pages[vote.comparison]) is not None]


def _now(desk: Desk, page: Comparison | None, slug: str) -> tuple[Tool | None, str | None]:
    """The tool as its newest page has it, and where it leads."""
    if page is None:
        return None, None
    found, urls = links(page, desk.config.publication.site_url)
    at = [tool.slug for tool in page.tools].index(slug)
    return page.tools[at], urls[at] or found
