"""Which comparisons make the issue of a week, and why each other one does not.

Selection goes by ledger, not by clock (product reference, 3.2): what readers had is never chosen again, however its
dates move; times only bound and order. Every comparison gets exactly one `Standing`, they queue up in that order, and
each takes a place unless the issue is full, a cap is reached or a tool rests. Three things are not obvious:

* Verdict changes come before new comparisons, but fill at most half of the issue while others wait: a correction must
  not be put off for ever, and a review of everything at once must not push out the news.
* A change is news only if readers do not know it: where the same tool was shown since with the verdict it has now,
  in whichever comparison, it was told.
* Nothing depends on the order of the input.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from newsletter.comparisons.comparison import Verdict
from newsletter.comparisons.shelf import folded
from newsletter.config import Selection
from newsletter.issues.candidates import Candidate, Chosen, Decision, Selected, Shown, Told, changed_tools, last_told
from newsletter.issues.composition import ItemKind
from newsletter.issues.edits import Edits
from newsletter.issues.places import Applicant, Places, Standing, resting
from newsletter.issues.week import Week, cutoff, week_of
from newsletter.issues.wording import counted, listed


def select(
    candidates: Iterable[Candidate],
    *,
    week: Week,
    zone: ZoneInfo,
    now: datetime,
    rules: Selection,
    edits: Edits | None = None,
    shown: Iterable[Shown] = (),
) -> Selected:
    """The items of this ISO week, and a reason for every candidate. `now` is aware; neither input needs an order."""
    edits = edits or Edits()
    latest = _latest(candidates)
    judge = _Judge(week, zone, cutoff(week, zone, now), rules, edits, last_told(latest))
    applicants = sorted((judge.applicant(candidate) for candidate in latest), key=lambda applicant: applicant.turn)
    places = Places(rules, week, resting(shown, week, rules.tool_rest_weeks))
    _fill(places, applicants)
    return _result(places, applicants, edits)


@dataclass(frozen=True, slots=True)
class _Judge:
    """Gives every candidate its standing."""

    week: Week
    zone: ZoneInfo
    cutoff: datetime
    rules: Selection
    edits: Edits
    last: dict[str, tuple[Verdict, Told]]

    def applicant(self, candidate: Candidate) -> Applicant:
        """The candidate with its one standing. A pin lifts it over rest and caps, not over the ledger or a drop."""
        seen = week_of(candidate.first_seen, self.zone)
        standing, reason = self._standing(candidate, seen)
        change = standing is Standing.CHANGED
        if candidate.key in (*self.edits.pins, self.edits.lead) and candidate.key not in self.edits.drops:
            out = standing is Standing.OUT
            standing = Standing.OUT if out else Standing.PINNED
            reason = f"pinned, but {reason}" if out else f"pinned by the editor ({reason})"
        return Applicant(candidate, standing, reason, seen, change)

    def _standing(self, candidate: Candidate, seen: Week) -> tuple[Standing, str]:
        if candidate.key in self.edits.drops:
            return Standing.OUT, "dropped by the editor"
        if candidate.first_seen >= self.cutoff:
            return Standing.OUT, f"first seen in {seen}, after this issue's time"
        if candidate.told:
            return self._again(candidate, candidate.told)
        age, keep = self.week.since(seen), self.rules.keep_weeks
        if age == 0:
            return Standing.NEW, "new this week"
        if age <= keep:
            return Standing.LATE, f"carried over from {seen}"
        return Standing.OLD, f"first seen in {seen}; what is unused is kept for {counted(keep, 'week')}"

    def _again(self, candidate: Candidate, told: Told) -> tuple[Standing, str]:
        """Readers had it: news only where a verdict is another than the one they were told last."""
        changed = changed_tools(told.comparison, candidate.comparison)
        if not changed:
            return Standing.OUT, f"it was in {told.place}, and its verdicts have not changed"
        if candidate.changed_at >= self.cutoff:
            return Standing.OUT, f"it was in {told.place}, and its verdict changed after this issue's time"
        fresh = [(old, new) for old, new in changed if self.last[new.slug][0] is not new.panel.verdict]
        if not fresh:
            elsewhere = self.last[changed[0][1].slug][1].place
            return Standing.OUT, f"it was in {told.place}, and {elsewhere} told its change of verdict"
        news = listed([f"{new.name} was {old.panel.verdict} and is {new.panel.verdict}" for old, new in fresh])
        return Standing.CHANGED, f"verdict changed since {told.place}: {news}"


def _fill(places: Places, applicants: Sequence[Applicant]) -> None:
    most = places.rules.most
    queue = {standing: [one for one in applicants if one.standing is standing] for standing in Standing}
    for applicant in queue[Standing.PINNED]:
        places.offer(applicant, most)
    half = min(len(places.taken) + most // 2, most)
    for applicant in queue[Standing.CHANGED]:
        places.offer(applicant, half)
    for applicant in (*queue[Standing.NEW], *queue[Standing.LATE], *queue[Standing.CHANGED]):
        if applicant.key not in places.taken:
            places.offer(applicant, most)
    if places.rules.quiet_week == "fill":
        for applicant in queue[Standing.OLD]:
            if len(places.taken) < places.rules.fewest:
                places.offer(replace(applicant, reason=f"fills a quiet week; {applicant.reason}"), most)


def _result(places: Places, applicants: Sequence[Applicant], edits: Edits) -> Selected:
    quiet = _quiet(places)
    order = [] if quiet else _in_order(places.taken, edits)
    lead = _lead(order, edits)
    items = tuple(_chosen(applicant, lead) for applicant in order)
    decisions = [_decision(places.taken.get(one.key, one), places, quiet, lead) for one in applicants]
    decisions.sort(key=lambda decision: not decision.chosen)
    return Selected(places.week, items, tuple(decisions), quiet, _notes(items, edits))


def _quiet(places: Places) -> str:
    count, fewest = len(places.taken), places.rules.fewest
    if count and (count >= fewest or places.rules.quiet_week != "skip"):
        return ""
    ready = f"only {counted(count, 'comparison')} {'is' if count == 1 else 'are'}" if count else "no comparison is"
    return f"No issue for {places.week}: {ready} ready, and an issue needs {counted(fewest if count else 1, 'item')}."


def _in_order(taken: dict[str, Applicant], edits: Edits) -> list[Applicant]:
    """The lead, then what is pinned, then the editor's order, then that of the rules, with verdict changes last."""
    place = {key: at for at, key in enumerate(dict.fromkeys((*edits.order, *edits.pins)))}

    def position(one: Applicant) -> tuple[bool, int, bool, object]:
        return one.key not in edits.pins, place.get(one.key, len(place)), one.change, one.turn

    order = sorted(taken.values(), key=position)
    lead = _lead(order, edits)
    return sorted(order, key=lambda one: one.key != lead)


def _lead(order: Sequence[Applicant], edits: Edits) -> str:
    """The editor's lead, else the first whole page in order, else the first cut one; never a change of verdict."""
    able = [one for one in order if not one.change]
    whole = [one for one in able if not one.candidate.comparison.truncated]
    chosen = [one for one in able if one.key == edits.lead]
    return next((one.key for one in (*chosen, *whole, *able)), "")


def _chosen(applicant: Applicant, lead: str) -> Chosen:
    candidate = applicant.candidate
    if applicant.change and candidate.told:
        told = candidate.told
        return Chosen(ItemKind.CHANGE, candidate.comparison, candidate.row_id, told.comparison, told.row_id)
    kind = ItemKind.LEAD if applicant.key == lead else ItemKind.BRIEF
    return Chosen(kind, candidate.comparison, candidate.row_id)


def _decision(applicant: Applicant, places: Places, quiet: str, lead: str) -> Decision:
    title, key = applicant.candidate.comparison.title, applicant.key
    if key in places.taken and not quiet:
        return Decision(key, title, chosen=True, reason=f"{'the lead: ' if key == lead else ''}{applicant.reason}")
    if key in places.taken:
        return Decision(key, title, chosen=False, reason=f"left out: {quiet[0].lower()}{quiet[1:-1]}")
    return Decision(key, title, chosen=False, reason=f"left out: {places.refused.get(key, applicant.reason)}")


def _notes(items: Sequence[Chosen], edits: Edits) -> tuple[str, ...]:
    """What the editor should look at: edits without effect, and two tools that may be one."""
    inside = {item.key: item for item in items}
    named = dict.fromkeys((*edits.pins, *edits.order, *edits.headlines, *([edits.lead] if edits.lead else [])))
    idle = [f"{key} is named in the edits and is not in this issue." for key in named if key not in inside]
    if edits.lead in inside and inside[edits.lead].kind is ItemKind.CHANGE:
        idle.append(f"{edits.lead} is a change of verdict, which cannot be the lead.")
    return (*idle, *_twins(items))


def _twins(items: Sequence[Chosen]) -> list[str]:
    """Tools of one name under several slugs: names do repeat, so this is a question and no rule."""
    by_name: dict[str, dict[str, str]] = {}
    for item in items:
        for tool in item.comparison.tools:
            by_name.setdefault(folded(tool.name), {})[tool.slug] = tool.name
    return [
        f"{listed(sorted(same))} have the same name, {min(same.values())}. Is one a duplicate?"
        for _, same in sorted(by_name.items())
        if len(same) > 1
    ]


def _latest(candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """One candidate for each key, the latest version, in the order of keys."""
    by_key: dict[str, Candidate] = {}
    for candidate in sorted(candidates, key=lambda candidate: (candidate.key, candidate.version, candidate.row_id)):
        by_key[candidate.key] = candidate
    return tuple(by_key.values())
