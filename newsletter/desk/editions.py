"""All that readers can get of an issue: the whole and its parts, rendered and checked; and as they were approved."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from sqlmodel import Session

from newsletter.desk.desk import Desk
from newsletter.errors import IssueError
from newsletter.issues import approval, drafting
from newsletter.issues.composition import Composition
from newsletter.issues.issue import Issue, edits_of
from newsletter.issues.manifest import Manifest
from newsletter.issues.months import Month, month_of
from newsletter.issues.part_words import Around, words_of
from newsletter.issues.parts import WHOLE, Part, Plan, plan
from newsletter.issues.week import parse
from newsletter.mail.preflight import check
from newsletter.mail.rendered import Finding, Level, RenderedIssue, dump, load
from newsletter.mail.rendering import render
from subscribers.choice import Choice

ROOM = 90 * 1024  #: bytes of HTML; Gmail clips above 100 KB, and the values of a reader come on top
MOST_EARLIER = 24  #: comparisons of earlier issues in a monthly mail, before anybody has looked at its size


@dataclass(frozen=True, slots=True)
class Edition:
    """An issue with all its parts."""

    whole: RenderedIssue
    parts: Mapping[str, RenderedIssue]
    manifest: Manifest
    made_of: tuple[object, ...] = ()  #: what a fresh one was made of: equal means that nothing was changed since

    @property
    def digest(self) -> str:
        """Over everything in it that reaches a reader, and who gets which."""
        return self.manifest.binding(self.whole.digest)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What the check says of the whole, and what it says of parts alone, each once; errors first."""
        of_all, own = {replace(one, place="") for one in self.whole.findings}, dict[Finding, list[str]]()
        for name, part in self.parts.items():
            for one in part.findings:
                if replace(one, place="") not in of_all:
                    own.setdefault(one, []).append(name)
        told = [replace(one, message=f"In {_where(names)}: {one.message}") for one, names in own.items()]
        return tuple(sorted((*self.whole.findings, *told), key=lambda one: tuple(Level).index(one.level)))

    @property
    def contents(self) -> dict[str, str]:
        """The parts, for keeping."""
        return {name: dump(part) for name, part in self.parts.items()}


def _where(names: list[str]) -> str:
    return f"the part '{names[0]}'" if len(names) == 1 else f"{len(names)} parts, as '{names[0]}'"


def words(desk: Desk, session: Session, issue: Issue) -> Composition:
    """The words of an issue as it was drafted last. Raises IssueError where it has no items."""
    return drafting.composition_of(session, issue, desk.config.publication)


def rendered(desk: Desk, session: Session, issue: Issue, name: str = WHOLE) -> RenderedIssue:
    """The issue, or one of its parts, as readers get it: the approved bytes where there are such, else a fresh render.

    A fresh one has its findings. Raises IssueError where there is no such part, or the bytes are not the approved ones.
    """
    if issue.digest is not None and name == WHOLE:
        return load(approval.frozen(session, issue, _digest_of))
    if issue.digest is not None:
        return load(approval.frozen_part(session, issue, name, _digest_of))
    if name == WHOLE:
        return _checked(desk, words(desk, session, issue))
    planned, around = _planned(desk, session, issue)
    if name not in planned.parts:
        raise IssueError(f"There is no part '{name}' of {issue.name}.")
    return fitted(planned.parts[name], around, desk.templates)


def edition(desk: Desk, session: Session, issue: Issue) -> Edition:
    """Everything of it: as approved, or made anew and checked. Raises IssueError where it has no items.

    Making it takes a fifth of a second a part: not while the database is locked for others.
    """
    if issue.digest is not None:
        listed = manifest(desk, session, issue)
        kept = {name: rendered(desk, session, issue, name) for name in listed.parts}
        return Edition(rendered(desk, session, issue), kept, listed)
    whole = _checked(desk, words(desk, session, issue))
    planned, around = _planned(desk, session, issue)
    parts = {name: fitted(part, around, desk.templates) for name, part in planned.parts.items()}
    digests = {name: part.digest for name, part in parts.items()}
    listed = _manifest(desk, planned, whole.digest, digests)
    return Edition(whole, parts, listed, made_of(desk, session, issue))


def made_of(desk: Desk, session: Session, issue: Issue) -> tuple[object, ...]:
    """What a render of this issue and of its parts depends on, besides settings and templates."""
    planned, around = _planned(desk, session, issue)
    return issue.status, words(desk, session, issue), planned, around.earlier


def manifest(desk: Desk, session: Session, issue: Issue) -> Manifest:
    """Who gets which part: as approved, or as it would be now. Raises IssueError where the issue has no items."""
    if issue.digest is not None:
        return approval.approved_parts(session, issue)
    planned, _ = _planned(desk, session, issue)
    return _manifest(desk, planned, "", dict.fromkeys(planned.parts, ""))


def part_for(desk: Desk, session: Session, issue: Issue, choice: Choice, *, changes_too: bool = False) -> str:
    """The part that readers get who chose this, with all changed verdicts besides if `changes_too`.

    Raises IssueError where there is nothing in it for them.
    """
    found = manifest(desk, session, issue).part_for(choice, changes_too=changes_too)
    if found is None:
        raise IssueError(f"Nothing of {issue.name} is for readers who chose {choice.words}: they get no mail.")
    return found


def _manifest(desk: Desk, planned: Plan, whole: str, digests: dict[str, str]) -> Manifest:
    return Manifest(whole, digests, tuple(topic.slug for topic in desk.config.topics), planned.table)


def _planned(desk: Desk, session: Session, issue: Issue) -> tuple[Plan, Around]:
    items, month = drafting.chosen_of(session, issue), month_of(session, issue)
    planned = plan(items, desk.config.topics, month.items if month else None)
    return planned, Around(
        issue.number,
        parse(issue.week),
        issue.date,
        items,
        edits_of(issue),
        desk.config.publication,
        tuple((one.number, one.week) for one in (month or Month((), ())).issues),
    )


def fitted(part: Part, around: Around, templates: Path, room: int = ROOM) -> RenderedIssue:
    """A part that a mail program shows whole: with fewer of the earlier comparisons where it is longer than `room`."""
    most = min(len(part.earlier), MOST_EARLIER)
    while True:
        spoken = words_of(part, around, most)
        fresh = render(spoken, around.publication, templates=templates)
        size = len(fresh.html.encode())
        if not most or size <= room:
            return replace(fresh, findings=check(fresh, spoken, around.publication))
        each = size // len(spoken.items)
        most = max(0, most + (room - size) // each)  # rounds away from nought: always fewer


def _checked(desk: Desk, spoken: Composition) -> RenderedIssue:
    fresh = render(spoken, desk.config.publication, templates=desk.templates)
    return replace(fresh, findings=check(fresh, spoken, desk.config.publication))


def _digest_of(content: str) -> str:
    """The digest of stored content; of content that is damaged beyond reading, one that matches nothing."""
    try:
        return load(content).digest
    except (ValueError, KeyError, TypeError):
        return ""
