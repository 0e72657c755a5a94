"""An issue in words: what goes into the mail, before it looks like anything.

Made by `composing.py` from an issue and the shelf, taken by `newsletter.mail.rendering`. Everything that is cut to a
length is cut already; everything that differs per subscriber is missing on purpose.
"""

from datetime import date
from enum import StrEnum

from newsletter.comparisons.comparison import Comparison, Panel, Value, Verdict, Votes


class ItemKind(StrEnum):
    """A comparison's place in an issue."""

    LEAD = "lead"  #: in full: two cards, the decision table, the scorecard
    BRIEF = "brief"  #: both verdicts, the split, the strongest quote for and against
    CHANGE = "change"  #: readers had it before, and its verdict has changed since


class Quote(Value):
    """What one reviewer said of one tool, cut at the end of a sentence."""

    reviewer: str
    tool: str  #: the tool's name
    verdict: Verdict
    score: int | None
    text: str


class VerdictChange(Value):
    """One tool whose verdict is not what readers were told."""

    tool: str
    before: Panel
    after: Panel


class Item(Value):
    """One comparison in one issue."""

    kind: ItemKind
    headline: str
    comparison: Comparison
    texts: tuple[str, str]  #: left's and right's description, shortened at the end of a sentence
    taglines: tuple[str, str] = ("", "")  #: what each tool is, in one short line; a lead shows the whole tagline
    quotes: tuple[
        Quote, ...
    ] = ()  #: lead: in scorecard order; brief, change: the strongest for, then the strongest against
    changes: tuple[VerdictChange, ...] = ()  #: only of kind CHANGE, where it is never empty
    url: str | None = None  #: the page of the comparison, if it has an address
    tool_urls: tuple[str | None, str | None] = (None, None)
    voted: tuple[Votes | None, Votes | None] = (None, None)  #: how our readers voted on left and right

    @property
    def key(self) -> str:
        """The comparison's identity."""
        return self.comparison.key


class Split(Value):
    """Where the panel split: one tool, and the two reviewers furthest apart."""

    key: str  #: the comparison's
    tool: str
    panel: Panel
    sentence: str  #: "Founder skips what three others ship."
    pro: Quote
    con: Quote


class ToolVotes(Value):
    """How our readers voted on one tool of the issue before."""

    key: str  #: the comparison's: where the ballot is
    tool: str
    categories: tuple[str, ...]  #: of both tools of the comparison, by which it is in topics
    votes: Votes
    panel: Panel  #: as readers were told last
    sentence: str = ""  #: "Readers skip what the panel ships."; empty where they agree
    ship: int | None = None  #: how many of the votes; None in what was drafted before they were kept

    @property
    def split(self) -> str:
        """The counts as "4 ship / 7 skip"; empty where they are not known."""
        return "" if self.ship is None else f"{self.ship:,} ship / {(self.votes.count or 0) - self.ship:,} skip"

    @property
    def verdict(self) -> Verdict:
        """The readers', by the panel's rule."""
        return Verdict.at(self.votes.percent)


class ReadersVotes(Value):
    """How our readers voted on the issue before, as it was when this one was drafted."""

    number: int  #: of the issue before
    tools: tuple[ToolVotes, ...]  #: never empty; where readers and panel disagree first


class Composition(Value):
    """All words of one issue."""

    newsletter: str
    number: int
    week: str  #: ISO week, "2026-W47"
    date: date  #: what the masthead shows
    subject: str
    subject_alternatives: tuple[str, ...] = ()
    preheader: str
    preheader_alternatives: tuple[str, ...] = ()
    summary: str  #: the week in one line
    intro: str = ""  #: the editor's, in Markdown; may be empty
    items: tuple[Item, ...]
    splits: tuple[Split, ...] = ()
    readers: ReadersVotes | None = None  #: None: too few voted, or the editor leaves it out

    def of_kind(self, kind: ItemKind) -> tuple[Item, ...]:
        """The items of one kind, in order."""
        return tuple(item for item in self.items if item.kind is kind)
