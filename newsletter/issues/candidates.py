"""What selection is given, and what it gives back."""

from dataclasses import dataclass
from datetime import datetime

from newsletter.comparisons.comparison import Comparison, Tool, Verdict, Votes
from newsletter.issues.composition import ItemKind
from newsletter.issues.week import Week


@dataclass(frozen=True, slots=True)
class Told:
    """The version of a comparison that readers had last, and where. Without a week: before this newsletter's time."""

    comparison: Comparison
    row_id: int | None = None
    week: Week | None = None
    number: int | None = None

    @property
    def place(self) -> str:
        """Like "issue 11 (2026-W45)"; what was covered before our time is in no issue of ours."""
        return f"issue {self.number} ({self.week})" if self.week else "an issue from before our records"

    @property
    def rank(self) -> tuple[bool, str, int]:
        """A sort key: later is greater."""
        return self.week is not None, str(self.week or ""), self.number or 0


@dataclass(frozen=True, slots=True)
class Candidate:
    """One comparison on the shelf, in its latest version."""

    comparison: Comparison
    row_id: int  #: of this version
    version: int
    first_seen: datetime  #: of the comparison, aware
    changed_at: datetime  #: of this version, aware; that of the first version is `first_seen`
    told: Told | None = None  #: None: readers never had it

    @property
    def key(self) -> str:
        """The comparison's identity."""
        return self.comparison.key


@dataclass(frozen=True, slots=True)
class Shown:
    """A tool that an issue showed, or will: its items are reserved or consumed."""

    slug: str
    week: Week
    number: int
    name: str = ""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A comparison with its place in the issue."""

    kind: ItemKind
    comparison: Comparison
    row_id: int
    before: Comparison | None = None  #: of kind CHANGE: what readers had
    before_row_id: int | None = None
    voted: tuple[Votes | None, Votes | None] = (None, None)  #: by our readers, when the issue was drafted

    @property
    def key(self) -> str:
        """The comparison's identity."""
        return self.comparison.key

    @property
    def changed(self) -> tuple[tuple[Tool, Tool], ...]:
        """Before and after of each tool whose verdict is not the one that readers had."""
        return changed_tools(self.before, self.comparison) if self.before else ()


@dataclass(frozen=True, slots=True)
class Decision:
    """Why one comparison is in the issue, or is not."""

    key: str
    title: str
    chosen: bool
    reason: str  #: one sentence, "left out: …" where it is not in


@dataclass(frozen=True, slots=True)
class Selected:
    """The items of a week in order, and the reason for every comparison that was looked at."""

    week: Week
    items: tuple[Chosen, ...]
    decisions: tuple[Decision, ...]
    quiet: str = ""  #: a sentence where there is no issue this week
    notes: tuple[str, ...] = ()  #: what the editor should look at


def changed_tools(before: Comparison, after: Comparison) -> tuple[tuple[Tool, Tool], ...]:
    """The tools whose verdict word differs: as they were, as they are."""
    pairs = zip(before.tools, after.tools, strict=True)
    return tuple((old, new) for old, new in pairs if old.panel.verdict is not new.panel.verdict)


def last_told(candidates: tuple[Candidate, ...]) -> dict[str, tuple[Verdict, Told]]:
    """What readers were last told of each tool, in whichever comparison that was: slug → verdict and place."""
    latest: dict[str, tuple[Verdict, Told]] = {}
    known = [candidate.told for candidate in candidates if candidate.told]
    for told in sorted(known, key=lambda told: (*told.rank, told.comparison.key)):
        latest.update({tool.slug: (tool.panel.verdict, told) for tool in told.comparison.tools})
    return latest
