"""Drafting: select, word and store the issue of a week; and do it again without losing what the editor changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete
from sqlmodel import Session, col

from newsletter.comparisons.shelf import version_at
from newsletter.config import Publication, Selection, Weekday
from newsletter.database import utc
from newsletter.errors import IllegalStep
from newsletter.issues import approval, readers_said
from newsletter.issues.candidates import Chosen, Selected
from newsletter.issues.composing import compose
from newsletter.issues.composition import Composition
from newsletter.issues.edits import Edits
from newsletter.issues.history import candidates, shown_tools
from newsletter.issues.issue import Issue, IssueItem, IssueStatus, edits_of, ensure, items_of, of_week, stays_cancelled
from newsletter.issues.readers_votes import read, text_of, with_votes
from newsletter.issues.selection import select
from newsletter.issues.week import Week, cutoff, parse
from newsletter.issues.wording import opened


@dataclass(frozen=True, slots=True)
class Rules:
    """The settings that an issue is made by."""

    publication: Publication
    selection: Selection
    day: Weekday = "thursday"  #: on which issues are dated


@dataclass(frozen=True, slots=True)
class Draft:
    """What drafting came to."""

    issue: Issue | None  #: None: a quiet week, in which nothing was made; `selected.quiet` says so
    composition: Composition | None
    selected: Selected  #: with the reason for every comparison that was looked at

    @property
    def skipped(self) -> str:
        """The sentence that says why there is no issue this week; empty where there is one."""
        return "" if self.issue else self.selected.quiet


def draft(session: Session, week: Week, rules: Rules, now: datetime) -> Draft:
    """Make the one issue of this week, or make it again. `now` is aware.

    In a quiet week nothing is made, and the result says so; an issue that exists already is not unmade by that.
    Raises IllegalStep where the week's issue is approved or further, IssueError where nothing is left to put in.
    """
    found = of_week(session, rules.publication.slug, week)
    if found:
        _require_draft(found)
    selected = preview(session, week, rules, now)
    if not selected.items and not found:
        return Draft(None, None, selected)
    issue, _ = ensure(session, rules.publication.slug, week, week.day(rules.day), now)
    _require_draft(issue)  # somebody else may have made it, and more, in the meantime
    composition = _store(session, issue, selected.items, rules, now)
    return Draft(issue, composition, selected)


def preview(session: Session, week: Week, rules: Rules, now: datetime) -> Selected:
    """What would be selected now, and why: reads, and changes nothing."""
    issue = of_week(session, rules.publication.slug, week)
    settings = rules.selection
    if issue and settings.quiet_week == "skip":
        settings = settings.model_copy(update={"quiet_week": "carry"})  # it exists: a short issue, not none
    return select(
        candidates(session, before=cutoff(week, rules.publication.tz, utc(now)), besides=issue.id if issue else None),
        week=week,
        zone=rules.publication.tz,
        now=now,
        rules=settings,
        edits=edits_of(issue) if issue else Edits(),
        shown=shown_tools(session, week, settings.tool_rest_weeks),
    )


def revise(
    session: Session, issue: Issue, edits: Edits, rules: Rules, now: datetime, *, by: str = ""
) -> tuple[Composition, str]:
    """Keep the editor's changes and make the issue anew: its words, and its items only where the edits concern them.

    The sentence says that an approval is void by it, and is empty where there was none (see `approval.edit`).
    """
    before = edits_of(issue)
    void = approval.edit(session, issue, edits, now, by=by)
    if _selecting(before) == _selecting(edits):
        return _store(session, issue, chosen_of(session, issue), rules, now), void
    made = draft(session, parse(issue.week), rules, now)
    return made.composition or composition_of(session, issue, rules.publication), void


def composition_of(session: Session, issue: Issue, publication: Publication) -> Composition:
    """The words of an issue as it is stored: the same for preview, check, test copy and approval."""
    return compose(
        chosen_of(session, issue),
        number=issue.number,
        week=parse(issue.week),
        date=issue.date,
        edits=edits_of(issue),
        publication=publication,
        readers=readers_said.read(issue.readers),
    )


def chosen_of(session: Session, issue: Issue) -> tuple[Chosen, ...]:
    """The stored items of an issue, in order, each in the version that it was drafted with."""
    return tuple(
        Chosen(
            item.kind,
            version_at(session, item.row_id),
            item.row_id,
            version_at(session, item.before_row_id) if item.before_row_id is not None else None,
            item.before_row_id,
            read(item.voted),
        )
        for item in items_of(session, issue)
    )


def _store(session: Session, issue: Issue, chosen: Sequence[Chosen], rules: Rules, now: datetime) -> Composition:
    chosen = with_votes(session, chosen)
    readers = readers_said.taken(session, issue, chosen)
    words = compose(
        chosen,
        number=issue.number,
        week=parse(issue.week),
        date=issue.date,
        edits=edits_of(issue),
        publication=rules.publication,
        readers=readers,
    )
    session.execute(delete(IssueItem).where(col(IssueItem.issue_id) == issue.id))
    for position, one in enumerate(chosen):
        session.add(_item(issue, position, one))
    issue.subject, issue.preheader, issue.updated_at = words.subject, words.preheader, utc(now)
    issue.readers = readers_said.text_of(readers)
    session.add(issue)
    session.flush()
    return words


def _item(issue: Issue, position: int, one: Chosen) -> IssueItem:
    return IssueItem(
        issue_id=issue.id or 0,
        position=position,
        kind=one.kind,
        key=one.key,
        row_id=one.row_id,
        before_row_id=one.before_row_id,
        voted=text_of(one.voted),
    )


def _selecting(edits: Edits) -> tuple[object, ...]:
    return edits.order, edits.pins, edits.drops, edits.lead


def _require_draft(issue: Issue) -> None:
    if issue.status is IssueStatus.DRAFT:
        return
    if issue.stays_cancelled:
        raise IllegalStep(stays_cancelled(issue))
    can = issue.status in (IssueStatus.APPROVED, IssueStatus.SCHEDULED, IssueStatus.CANCELLED)
    then = "Reopen it before drafting it again." if can else "It is not drafted again."
    raise IllegalStep(f"{opened(issue.name)} is {issue.state}. {then}")
