"""All that readers can get of an issue: the whole and its parts, rendered and checked; and as they were approved."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Protocol

from sqlmodel import Session

from newsletter.desk.desk import Desk
from newsletter.errors import IssueError
from newsletter.issues import approval, drafting, readers_said
from newsletter.issues.composition import Composition
from newsletter.issues.issue import Issue, edits_of
from newsletter.issues.manifest import Manifest
from newsletter.issues.months import Month, month_of
from newsletter.issues.part_words import Around, words_of
from newsletter.issues.parts import WHOLE, Part, Plan, plan
from newsletter.issues.week import parse
from newsletter.mail.part_findings import together
from newsletter.mail.preflight import check
from newsletter.mail.rendered import Finding, RenderedIssue, dump, load
from newsletter.mail.rendering import render

ROOM = 90 * 1024  #: bytes of HTML; Gmail clips above 100 KB, and the values of a reader come on top
MOST_EARLIER = 24  #: comparisons of earlier issues in a monthly mail, before anybody has looked at its size


@dataclass(frozen=True, slots=True)
class Edition:
    """An issue with all its parts."""

    whole: RenderedIssue
    parts: Mapping[str, RenderedIssue]
    manifest: Manifest
    digest: str  #: over everything in it that reaches a reader, and who gets which
    made_of: tuple[object, ...] = ()  #: what a fresh one was made of: equal means that nothing was changed since

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What the check says of the whole, and what it says of parts alone, each once; errors first."""
        return together(self.whole.findings, {name: part.findings for name, part in self.parts.items()})

    @property
    def contents(self) -> dict[str, str]:
        """The parts, for keeping."""
        return {name: dump(part) for name, part in self.parts.items()}


def words(desk: Desk, session: Session, issue: Issue) -> Composition:
    """The words of an issue as it was drafted last. Raises IssueError where it has no items."""
    return drafting.composition_of(session, issue, desk.config.publication)


def rendered(desk: Desk, session: Session, issue: Issue, name: str = WHOLE) -> RenderedIssue:
    """The issue, or one of its parts, as readers get it: the approved bytes where there are such, else a fresh render.

    A fresh one has its findings. Raises IssueError where there is no such part, or the bytes are not the approved ones.
    """
    return copies(desk, session, issue).rendered(name)


def edition(desk: Desk, session: Session, issue: Issue) -> Edition:
    """Everything of it: as approved, or made anew and checked. Raises IssueError where it has no items.

    Making it takes a tenth of a second a part: not while the database is locked for others.
    """
    if issue.digest is not None:
        kept = Kept(session, issue)
        listed = kept.manifest
        return Edition(kept.rendered(), {name: kept.rendered(name) for name in listed.parts}, listed, issue.digest)
    fresh = Fresh(desk, session, issue)
    whole, parts = fresh.rendered(), {name: fresh.rendered(name) for name in fresh.planned.parts}
    listed = replace(fresh.manifest, whole=whole.digest, parts={name: part.digest for name, part in parts.items()})
    return Edition(whole, parts, listed, listed.digest, fresh.made_of)


def made_of(desk: Desk, session: Session, issue: Issue) -> tuple[object, ...]:
    """What a render of this issue and of its parts depends on, besides settings and templates."""
    return Fresh(desk, session, issue).made_of


def manifest(desk: Desk, session: Session, issue: Issue) -> Manifest:
    """Who gets which part: as approved, or as it would be now. Raises IssueError where the issue has no items."""
    return copies(desk, session, issue).manifest


class Copies(Protocol):
    """An issue that somebody looks at: which parts it has, and who gets which, is found out once."""

    @property
    def manifest(self) -> Manifest:
        """Who gets which part."""
        ...

    def rendered(self, name: str = WHOLE) -> RenderedIssue:
        """The issue, or this part of it."""
        ...


def copies(desk: Desk, session: Session, issue: Issue) -> Copies:
    """As it was approved, else as it would be now. Raises IssueError where it has no items, or is damaged."""
    return Fresh(desk, session, issue) if issue.digest is None else Kept(session, issue)


class Kept:
    """What was approved, from the database."""

    def __init__(self, session: Session, issue: Issue) -> None:
        self._session, self._issue = session, issue

    @property
    def manifest(self) -> Manifest:
        """Who gets which part. Raises IssueError where that is not what was approved."""
        return approval.approved_parts(self._session, self._issue, _digest_of)

    def rendered(self, name: str = WHOLE) -> RenderedIssue:
        """The approved bytes. Raises IssueError where those that are stored are others."""
        if name == WHOLE:
            return load(approval.frozen(self._session, self._issue, _digest_of))
        return load(approval.frozen_part(self._session, self._issue, name, _digest_of))


class Fresh:
    """An issue that is not approved. Its words and its parts are worked out once, when they are first asked for."""

    def __init__(self, desk: Desk, session: Session, issue: Issue) -> None:
        self._desk, self._session, self._issue = desk, session, issue

    @cached_property
    def planned(self) -> Plan:
        """Its parts, and who gets which."""
        month = self._month.items if self._month else None
        readers = readers_said.read(self._issue.readers)
        return plan(self._around.items, self._desk.config.topics, month, readers)

    @cached_property
    def _month(self) -> Month | None:
        return month_of(self._session, self._issue)

    @cached_property
    def _words(self) -> Composition:
        return words(self._desk, self._session, self._issue)

    @cached_property
    def _around(self) -> Around:
        issue = self._issue
        return Around(
            issue.number,
            parse(issue.week),
            issue.date,
            drafting.chosen_of(self._session, issue),
            edits_of(issue),
            self._desk.config.publication,
            tuple((one.number, one.week) for one in (self._month or Month((), ())).issues),
        )

    @property
    def made_of(self) -> tuple[object, ...]:
        """What the renders depend on, besides settings and templates."""
        return self._issue.status, self._words, self.planned, self._around.earlier

    @property
    def manifest(self) -> Manifest:
        """Who would get which part; nothing has a digest yet."""
        slugs = tuple(topic.slug for topic in self._desk.config.topics)
        return Manifest("", dict.fromkeys(self.planned.parts, ""), slugs, self.planned.table)

    def rendered(self, name: str = WHOLE) -> RenderedIssue:
        """Made now, and checked. Raises IssueError where there is no such part."""
        desk = self._desk
        if name == WHOLE:
            made = render(self._words, desk.config.publication, templates=desk.templates)
            return replace(made, findings=check(made, self._words, desk.config.publication))
        if name not in self.planned.parts:
            raise IssueError(f"There is no part '{name}' of {self._issue.name}.")
        return fitted(self.planned.parts[name], self._around, desk.templates)


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


def _digest_of(content: str) -> str:
    """The digest of stored content; of content that is damaged beyond reading, one that matches nothing."""
    try:
        return load(content).digest
    except (ValueError, KeyError, TypeError):
        return ""
