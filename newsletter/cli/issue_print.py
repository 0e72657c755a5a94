"""How issues are shown on a terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from newsletter.cli.output import Told, as_json, rows, say
from newsletter.delivery.progress import Progress
from newsletter.desk.editions import Edition
from newsletter.desk.sending import Audience
from newsletter.issues.composition import Composition
from newsletter.issues.drafting import Draft
from newsletter.issues.issue import Issue, IssueStatus
from newsletter.issues.wording import counted, listed, numbered
from newsletter.mail.rendered import Level
from newsletter.providers.base import Capabilities

KB = 1024
FOR_EVER = 3650  #: days
MOST_NAMED = 14  #: parts in a sentence


def name(issue: Issue) -> str:
    """The issue as messages begin with it: Issue 3 (2026-W47)."""
    return f"Issue {issue.number} ({issue.week})"


def row(issue: Issue) -> dict[str, Any]:
    """One line of the listing."""
    return {
        "number": issue.number,
        "week": issue.week,
        "status": str(issue.status),
        "subject": issue.subject,
        "approved_by": issue.approved_by or "",
        "digest": Told((issue.digest or "")[:12], issue.digest),
    }


def draft(made: Draft, *, json_wanted: bool) -> None:
    """What went in, what did not, and why."""
    decisions = [
        {"in": Told("yes" if one.chosen else "no", one.chosen), "comparison": one.key, "why": one.reason}
        for one in made.selected.decisions
    ]
    if json_wanted:
        words = (
            made.composition.model_dump(mode="json", include={"subject", "preheader", "summary"})
            if made.composition
            else {}
        )
        number = made.issue.number if made.issue else None
        as_json(
            {"issue": number, "skipped": made.skipped, **words, "decisions": decisions, "notes": made.selected.notes}
        )
        return
    rows(
        decisions,
        json_wanted=False,
        nothing="Nothing on the shelf by then; 'newsletter comparisons import SOURCE' adds.",
    )
    say("", *made.selected.notes)
    if made.issue is None or made.composition is None:
        say(made.skipped)
        return
    _words(made.composition)
    number = made.issue.number
    say("", f"{name(made.issue)} is drafted.", f"Look at it:  newsletter issue render {number}")
    say(f"Change it:   newsletter issue edit {number} --help", f"Approve it:  newsletter issue approve {number}")


def issue(found: Issue, words: Composition, history: list[dict[str, Any]], *, json_wanted: bool) -> None:
    """One issue: its words, its items, its history."""
    items = [
        {"item": place, "kind": str(item.kind), "comparison": item.key, "headline": item.headline}
        for place, item in enumerate(words.items, start=1)
    ]
    if json_wanted:
        as_json(
            {
                **row(found),
                **words.model_dump(mode="json", exclude={"items", "splits"}),
                "items": items,
                "steps": history,
            }
        )
        return
    say(f"{name(found)} is {found.state}.")
    _words(words)
    rows(items, json_wanted=False, nothing="No items.", title="\nItems")
    rows(history, json_wanted=False, nothing="", title="\nSteps") if history else None


def _words(words: Composition) -> None:
    say("", f"Subject    {words.subject}", *(f"  or       {line}" for line in words.subject_alternatives))
    say(f"Preheader  {words.preheader}", f"Summary    {words.summary}")
    if words.readers:
        of = f"{numbered(len(words.readers.tools), 'tool', 'tools')} of issue {words.readers.number}"
        say(f"Readers    how they voted on {of}")


def sizes(made: Edition) -> dict[str, Any]:
    """How large it is, in bytes, and the parts of it that readers can choose."""
    return {
        "html_bytes": len(made.whole.html.encode()),
        "text_bytes": len(made.whole.text.encode()),
        "digest": made.digest,
        "parts": {name: len(part.html.encode()) for name, part in made.parts.items()},
    }


def parts(made: Edition) -> list[str]:
    """The parts of it that readers can choose, in a sentence; nothing where everybody gets the whole."""
    if not made.parts:
        return []
    by_name = {name: len(part.html.encode()) / KB for name, part in made.parts.items()}
    number = numbered(len(by_name), "part", "parts")
    if len(by_name) <= MOST_NAMED:
        said = listed([f"{name} ({size:.1f} KB)" for name, size in by_name.items()])
        return [f"With it {number} for readers' choices: {said}."]
    span = f"{min(by_name.values()):.1f} to {max(by_name.values()):.1f} KB"
    return [f"With it {number} for readers' choices, of {span}; 'newsletter issue check N --json' names them."]


def findings(found: Issue, rendered: Edition) -> None:
    """What the preflight says, and a verdict in one line."""
    listing = [
        {"level": str(finding.level), "what": finding.message, "where": finding.place} for finding in rendered.findings
    ]
    rows(listing, json_wanted=False, nothing="Nothing to say.")
    number = {level: sum(finding.level is level for finding in rendered.findings) for level in Level}
    size = sizes(rendered)
    verdict = "cannot be approved yet" if number[Level.ERROR] else "can be approved"
    said = f"{counted(number[Level.ERROR], 'error')}, {counted(number[Level.WARNING], 'warning')}"
    kilobytes = f"{size['html_bytes'] / KB:.1f} KB of HTML, {size['text_bytes'] / KB:.1f} KB of text"
    say("", f"{name(found)} {verdict}: {said}; {kilobytes}.", *parts(rendered))


def audience(found: Issue, would: Audience, *, goes: str = "goes to") -> None:
    """To how many it goes, or would, and who is left out."""
    left_out = ", ".join(f"{number:,} {reason}" for reason, number in sorted(would.excluded.items()))
    whom = numbered(would.eligible, "person", "people")
    say(f"{name(found)} {goes} {whom}." + (f" Not to: {left_out}." if left_out else ""))


def question(found: Issue, state: Progress | None, would: Audience, sure: int = 0, passed: int = 0) -> str:
    """Before a sending: say what there is to know, and return what is asked.

    `sure`: in doubt, and found out by it; `passed`: of those who are to come, who may not be mailed.
    """
    if state is None:
        audience(found, would)
        return f"Send {found.name} to {numbered(would.eligible, 'person', 'people')}?"
    if first := state.under_way + sure:
        whom = numbered(first, "person", "people")
        say(f"{name(found)}: of {whom} it is found out first whether they have it.")
    if state.unknown > sure:
        are = numbered(state.unknown - sure, "is unknown and stays so", "are unknown and stay so")
        say(f"{name(found)}: {are}. See: newsletter unknown list")
    have = numbered(state.accepted, "has", "have")
    return f"{name(found)}: {have} it; send to the remaining {max(0, state.to_claim - passed) + first:,}?"


def danger(can: Capabilities) -> list[str]:
    """What --after-restore risks with this provider."""
    said = "Going on makes those calls again that were made after the copy was taken."
    if can.remembers_keys_for is None:
        return [said, f"{can.name} honours no key: WHOEVER WAS IN THEM GETS A SECOND COPY."]
    days = can.remembers_keys_for.days
    long = f"for {days} days" if 1 <= days < FOR_EVER else "for good" if days else "for less than a day"
    return [said, f"{can.name} honours its key {long}: what it took within that time is not mailed again."]


def progress(found: Issue, state: Progress, later: Mapping[str, int] | None = None, passed: int = 0) -> None:
    """Where a sending stands, as a table that adds up; below it, what the provider said later of how many.

    `passed`: of those who are to come, who may not be mailed as things are.
    """
    passed = min(passed, state.to_claim)
    counted = {
        "accepted": state.accepted,
        "refused": state.refused,
        "unknown": state.unknown,
        "under way": state.under_way,
        **{f"skipped: {reason}": number for reason, number in state.skipped.items()},
        "not sent" if found.status is IssueStatus.CANCELLED else "still to come": state.to_claim - passed,
        "to be passed over": passed,
    }
    listing = [{"outcome": what, "people": number} for what, number in counted.items() if number or what == "accepted"]
    rows([*listing, {"outcome": "on the list", "people": state.list_size}], json_wanted=False, nothing="")
    if later:
        said = ", ".join(f"{number:,} {what}" for what, number in later.items())
        say("", f"The provider says of those accepted: {said}.")
    say("", f"{name(found)} is {found.state}.")


def status(
    found: Issue,
    state: Progress | None,
    would: Audience | None,
    *,
    json_wanted: bool,
    then: Sequence[str],
    later: Mapping[str, int] | None = None,
    passed: int = 0,
    **more: Any,
) -> None:
    """The status of an issue, begun or not; `then`: what comes next, `more`: for programs only.

    `passed`: of those who are to come, who may not be mailed as things are.
    """
    if json_wanted:
        counts = {part: getattr(state, part) for part in Progress.__slots__} if state else {}
        told = {"provider_says": dict(later or {})}
        eligible = would.eligible if would else None
        counts |= {"to_be_passed_over": passed} if state else {}
        as_json({**row(found), **counts, **told, **more, "eligible_now": eligible, "next": list(then)})
    elif state:
        progress(found, state, later, passed)
    else:
        say(f"{name(found)} is {found.state}; nothing of it has been sent.")
        if would and found.status is not IssueStatus.CANCELLED:
            audience(found, would, goes="would now go to")
    if not json_wanted:
        say(*then)
