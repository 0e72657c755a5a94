"""Collect: read sources into comparisons and put them on the shelf."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from newsletter.comparisons.comparison import Comparison
from newsletter.comparisons.shelf import Shelved, put
from newsletter.comparisons.source import Kind, Outcome, collect
from newsletter.desk.desk import Desk

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Collected:
    """What came of reading the sources."""

    outcomes: tuple[Outcome, ...]
    shelved: tuple[tuple[Comparison, Shelved], ...]

    @property
    def failures(self) -> tuple[str, ...]:
        """One sentence for everything that could not be read. Any of them means: this is not the whole week."""
        return tuple(failure for outcome in self.outcomes for failure in outcome.failures)

    @property
    def failed(self) -> bool:
        """Whether some source was not read, or not wholly."""
        return any(outcome.kind is Kind.FAILED for outcome in self.outcomes)

    @property
    def counts(self) -> dict[Shelved, int]:
        """How many are new, changed, unchanged, kept."""
        return dict.fromkeys(Shelved, 0) | dict(Counter(what for _, what in self.shelved))

    @property
    def summary(self) -> str:
        """The counts in a sentence."""
        if not self.outcomes:
            return "No source is configured; the shelf is as it was."
        counts = self.counts
        numbers = f"{counts[Shelved.NEW]} new, {counts[Shelved.CHANGED]} changed, {counts[Shelved.UNCHANGED]} as before"
        kept = f", {counts[Shelved.KEPT]} poorer than what is there" if counts[Shelved.KEPT] else ""
        return f"{numbers}{kept}."


def collect_all(
    desk: Desk,
    sources: Iterable[str],
    *,
    url: str | None = None,
    covered: bool = False,
    dry_run: bool = False,
    on_progress: Progress = lambda _done, _total: None,
) -> Collected:
    """Read every source, then shelve what was read, in one transaction; one that fails takes nothing from others."""
    outcomes = tuple(collect(source, url=url, on_progress=on_progress) for source in sources)
    found = [comparison for outcome in outcomes for comparison in outcome.comparisons]
    with desk.transaction() as session:
        now = desk.clock()
        shelved = tuple((comparison, put(session, comparison, now=now, covered=covered)) for comparison in found)
        if dry_run:
            session.rollback()
    return Collected(outcomes, shelved)
