"""What an import did, or would do: numbers, reasons, line numbers; never the rows themselves (S-44)."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TextIO

from subscribers.sheet import writer

MOST_REASONS = 100  #: reasons that are told apart; what comes later is counted under "other reasons"


class Outcome(StrEnum):
    """What became of a row; each row has exactly one."""

    ADDED = "added"  #: new on the list
    UPDATED = "updated"  #: was there; the name is new
    UNCHANGED = "unchanged"  #: was there
    LEFT = "left"  #: had unsubscribed and stays so
    SUPPRESSED = "suppressed"  #: must not be mailed and stays so
    REFUSED = "refused"  #: cannot be read


@dataclass(slots=True)
class Why:
    """One reason: how many rows, and the line numbers of the first of them."""

    outcome: Outcome
    reason: str
    rows: int = 0
    lines: list[int] = field(default_factory=list)


@dataclass(slots=True)
class ImportReport:
    """What an import did, or in a dry run would do. The counts of all outcomes add up to the rows of the file."""

    dry_run: bool
    examples: int = 5  #: line numbers kept for each reason
    details: TextIO | None = None  #: a file that gets line, outcome and reason of every row that was not added
    counts: dict[Outcome, int] = field(default_factory=lambda: dict.fromkeys(Outcome, 0))
    whys: dict[tuple[Outcome, str], Why] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Name the columns of the details."""
        if self.details:
            writer(self.details).writerow(("line", "outcome", "reason"))

    @property
    def rows(self) -> int:
        """How many rows the file had, blank lines and the header aside."""
        return sum(self.counts.values())

    def count(self, line: int, outcome: Outcome, reason: str = "") -> None:
        """Take down what became of the row in this line, and why."""
        self.counts[outcome] += 1
        if not reason:
            return
        if len(self.whys) >= MOST_REASONS and (outcome, reason) not in self.whys:
            reason = "other reasons"
        why = self.whys.setdefault((outcome, reason), Why(outcome, reason))
        why.rows += 1
        if len(why.lines) < self.examples:
            why.lines.append(line)
        if self.details:
            writer(self.details).writerow([line, outcome.value, reason])

    def count_added(self, rows: int) -> None:
        """Take down that so many rows are new on the list."""
        self.counts[Outcome.ADDED] += rows

    def sentences(self) -> Iterator[str]:
        """The reasons in words, the refused rows first."""
        order = list(reversed(Outcome))
        for why in sorted(self.whys.values(), key=lambda why: (order.index(why.outcome), -why.rows)):
            lines = ", ".join(str(line) for line in why.lines)
            more = ", …" if why.rows > len(why.lines) else ""
            yield f"{why.outcome}: {why.rows:,} × {why.reason} (line {lines}{more})"
