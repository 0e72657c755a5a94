"""The places of one issue, as they fill: caps inside the issue, rest across issues, and who may pass over them."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import IntEnum

from newsletter.comparisons.comparison import Comparison
from newsletter.config import Selection
from newsletter.issues.candidates import Candidate, Shown
from newsletter.issues.ranking import rank
from newsletter.issues.week import Week
from newsletter.issues.wording import counted


class Standing(IntEnum):
    """How a comparison queues for a place; smaller comes first."""

    PINNED = 0  #: the editor said so; rest and caps do not apply, the ledger does
    CHANGED = 1  #: readers had it, and a verdict has changed since
    NEW = 2  #: first seen in this week
    LATE = 3  #: first seen earlier, in no issue yet, at most `keep_weeks` old
    OLD = 4  #: older than that: only to fill a quiet week
    OUT = 5  #: not this week; the reason says why


@dataclass(frozen=True, slots=True)
class Applicant:
    """A candidate with its standing and the sentence that explains it."""

    candidate: Candidate
    standing: Standing
    reason: str
    seen: Week
    change: bool = False  #: it would be an item of kind CHANGE

    @property
    def key(self) -> str:
        """The comparison's identity."""
        return self.candidate.key

    @property
    def turn(self) -> tuple[Standing, str, tuple[bool, int, str]]:
        """When it may take a place: by standing, the older week first among the late, then by interest."""
        waiting = str(self.seen) if self.standing in (Standing.LATE, Standing.OLD) else ""
        return self.standing, waiting, rank(self.candidate.comparison)


@dataclass(slots=True)
class Places:
    """Who has a place, and why others were refused one."""

    rules: Selection
    week: Week
    resting: dict[str, Shown]  #: by slug: the nearest issue that showed the tool, where that is near enough
    taken: dict[str, Applicant] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)

    def offer(self, applicant: Applicant, most: int) -> None:
        """Give the applicant a place, or note why not. `most`: how many places may be taken by now."""
        objection = self._objection(applicant, most)
        if objection and applicant.standing is not Standing.PINNED:
            self.refused[applicant.key] = objection
            return
        self.refused.pop(applicant.key, None)
        reason = f"{applicant.reason}, although {objection}" if objection else applicant.reason
        self.taken[applicant.key] = replace(applicant, reason=reason)

    def _objection(self, applicant: Applicant, most: int) -> str:
        if len(self.taken) >= most:
            return f"the issue is full ({self.rules.most})"
        comparison = applicant.candidate.comparison
        crowded = self._tool_crowded(comparison) or self._category_crowded(comparison)
        return crowded or ("" if applicant.change else self._rested(comparison))

    def _tool_crowded(self, comparison: Comparison) -> str:
        most = self.rules.most_per_tool
        for tool in comparison.tools:
            if sum(tool.slug in slugs(other) for other in self._inside()) >= most:
                return (
                    f"{tool.name} is in this issue already (at most {'once' if most == 1 else counted(most, 'time')})"
                )
        return ""

    def _category_crowded(self, comparison: Comparison) -> str:
        most = self.rules.most_per_category
        for category in sorted(categories(comparison)):
            if most and sum(category in categories(other) for other in self._inside()) >= most:
                return f"{category} has its share of this issue (at most {counted(most, 'item')})"
        return ""

    def _rested(self, comparison: Comparison) -> str:
        """A change of verdict is not asked: it is what a reader of the tool waits for."""
        for tool in comparison.tools:
            if shown := self.resting.get(tool.slug):
                away = self.week.since(shown.week)
                where = (
                    f"was in issue {shown.number} {counted(away, 'week')} ago"
                    if away > 0
                    else (f"is in issue {shown.number} of {shown.week}")
                )
                return f"{tool.name} {where} (rests {counted(self.rules.tool_rest_weeks, 'week')})"
        return ""

    def _inside(self) -> list[Comparison]:
        return [applicant.candidate.comparison for applicant in self.taken.values()]


def resting(shown: Iterable[Shown], week: Week, weeks: int) -> dict[str, Shown]:
    """The tools that rest in this week: those in an issue so many weeks away at most, before or after."""
    near = [one for one in shown if 0 < abs(week.since(one.week)) <= weeks]
    near.sort(key=lambda one: (-abs(week.since(one.week)), one.week, one.number))
    return {one.slug: one for one in near}


def slugs(comparison: Comparison) -> set[str]:
    """Both tools' identities."""
    return {tool.slug for tool in comparison.tools}


def categories(comparison: Comparison) -> set[str]:
    """One or two categories; a pair that spans two counts in both."""
    return {tool.category for tool in comparison.tools}
