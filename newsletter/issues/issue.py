"""An issue: its tables, and the steps of its life.

Theory. An issue is one numbered week. It is a draft until somebody approves its exact bytes; from then on nothing may
change that is not a step in the table below. Steps are commands, so one that the table does not have is refused and
changes nothing. Every step is a compare-and-set on the status: of two hands that take the same step, one sees one row
changed and the other none. A sent issue has no steps left; it is a fact.

    draft ─▶ approved ─▶ scheduled ─▶ sending ⇄ paused ─▶ sent | partial
      ▲         │            │           │         │
      └─reopen──┴────────────┘           │         │       anything before sent ─▶ cancelled ─▶ draft, by reopen,
      ▲                                  └────┬────┘                                            if nothing was claimed
      └──────────── cancelled ◀───────────────┘

A partial issue is not the end: it is sent once its last doubt is closed and everybody has it, or taken up again where
somebody certainly was not sent theirs.

Two things need more than the table knows, and the caller (who can see the ledger) says them with `claimed`: a cancelled
issue of which any delivery was ever claimed stays cancelled, and its comparisons stay told (see `approval`).
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, cast

from sqlalchemy import CursorResult, UniqueConstraint, func, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, Session, SQLModel, col, select

from newsletter.database import utc, word
from newsletter.errors import IllegalStep, IssueError
from newsletter.issues.composition import ItemKind
from newsletter.issues.edits import Edits
from newsletter.issues.week import Week, parse
from newsletter.issues.wording import listed, opened


class IssueStatus(StrEnum):
    """Where an issue is in its life."""

    DRAFT = "draft"  #: selected and written; everything can be changed
    APPROVED = "approved"  #: its bytes are frozen
    SCHEDULED = "scheduled"  #: it has a time; undo works until the first message
    SENDING = "sending"
    PAUSED = "paused"  #: sending, and stopped on purpose
    SENT = "sent"  #: everybody in the audience was dealt with
    PARTIAL = "partial"  #: ended, and some of the audience did not get it
    CANCELLED = "cancelled"


class Command(StrEnum):
    """What can be asked of an issue."""

    APPROVE = "approve"
    SCHEDULE = "schedule"
    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    FINISH = "finish"
    FINISH_PARTLY = "finish partly"
    REOPEN = "reopen"
    CANCEL = "cancel"
    TAKE_UP = "take up"  #: a doubt was closed as "not sent": the rest of a partial issue can go on


#: It reached readers, or began to.
OUT = (IssueStatus.SENDING, IssueStatus.PAUSED, IssueStatus.SENT, IssueStatus.PARTIAL)
_TRIES = 10
_S, _C = IssueStatus, Command

ISSUE_STEPS: dict[tuple[IssueStatus, Command], IssueStatus] = {
    (_S.DRAFT, _C.APPROVE): _S.APPROVED,
    (_S.DRAFT, _C.CANCEL): _S.CANCELLED,
    (_S.APPROVED, _C.SCHEDULE): _S.SCHEDULED,
    (_S.APPROVED, _C.REOPEN): _S.DRAFT,
    (_S.APPROVED, _C.CANCEL): _S.CANCELLED,
    (_S.SCHEDULED, _C.START): _S.SENDING,
    (_S.SCHEDULED, _C.REOPEN): _S.DRAFT,
    (_S.SCHEDULED, _C.CANCEL): _S.CANCELLED,
    (_S.SENDING, _C.PAUSE): _S.PAUSED,
    (_S.SENDING, _C.FINISH): _S.SENT,
    (_S.SENDING, _C.FINISH_PARTLY): _S.PARTIAL,
    (_S.SENDING, _C.CANCEL): _S.CANCELLED,
    (_S.PAUSED, _C.RESUME): _S.SENDING,
    (_S.PAUSED, _C.FINISH): _S.SENT,  # the answer to the last batch may come in after the pause
    (_S.PAUSED, _C.FINISH_PARTLY): _S.PARTIAL,
    (_S.PAUSED, _C.CANCEL): _S.CANCELLED,
    (_S.CANCELLED, _C.REOPEN): _S.DRAFT,
    (_S.PARTIAL, _C.TAKE_UP): _S.PAUSED,
    (_S.PARTIAL, _C.FINISH): _S.SENT,  # its last doubt was closed, and everybody has it
}


#: What a person can ask for in each status, in the words of the command line; the table above has the steps behind it.
OFFERS: dict[IssueStatus, tuple[str, ...]] = {
    _S.DRAFT: ("edit", "approve", "cancel"),
    _S.APPROVED: ("schedule", "send", "edit", "reopen", "cancel"),
    _S.SCHEDULED: ("send", "edit", "reopen", "cancel"),
    _S.SENDING: ("send", "pause", "cancel"),
    _S.PAUSED: ("resume", "cancel"),
    _S.CANCELLED: ("reopen",),
    _S.SENT: (),
    _S.PARTIAL: (),
}
_DONE = {
    _C.APPROVE: "approved",
    _C.SCHEDULE: "scheduled",
    _C.START: "sent",
    _C.PAUSE: "paused",
    _C.RESUME: "resumed",
    _C.FINISH: "finished",
    _C.FINISH_PARTLY: "finished",
    _C.TAKE_UP: "taken up again",
    _C.REOPEN: "reopened",
    _C.CANCEL: "cancelled",
}


class Issue(SQLModel, table=True):
    """One numbered week of a newsletter."""

    __table_args__ = (UniqueConstraint("newsletter", "week"), UniqueConstraint("newsletter", "number"))

    id: int | None = Field(default=None, primary_key=True)
    newsletter: str  #: the publication's slug
    number: int
    week: str  #: ISO week, "2026-W47"
    date: date  #: what the masthead shows
    status: IssueStatus = Field(default=IssueStatus.DRAFT, sa_type=word(IssueStatus))
    subject: str = ""
    preheader: str = ""
    edits: str = "{}"  #: the editor's, as JSON; read it with `edits_of`
    digest: str | None = None  #: of the frozen render, from approval on
    approved_by: str | None = None
    approved_at: datetime | None = None
    scheduled_at: datetime | None = None
    readers: str | None = None  #: how readers had voted on the issue before when it was drafted, as JSON
    wall_time: str | None = None  #: like "2026-11-26T08:00", where it is to reach everybody at that time of theirs
    created_at: datetime
    updated_at: datetime

    @property
    def name(self) -> str:
        """Like "issue 12 (2026-W47)", for messages."""
        return f"issue {self.number} ({self.week})"

    @property
    def state(self) -> str:
        """Its status as a sentence says it: "a draft", "partly sent", else the status itself."""
        return {_S.DRAFT: "a draft", _S.PARTIAL: "partly sent"}.get(self.status, str(self.status))

    @property
    def stays_cancelled(self) -> bool:
        """Whether it was cancelled when some readers had it: its render is kept then (see `approval.cancel`)."""
        return self.status is IssueStatus.CANCELLED and self.digest is not None

    @property
    def starts_at(self) -> datetime | None:
        """When it is to start, aware UTC: SQLite gives times back without their zone."""
        at = self.scheduled_at
        return at.replace(tzinfo=UTC) if at and at.tzinfo is None else at


class IssueItem(SQLModel, table=True):
    """A comparison's place in an issue, by the version that was on the shelf when it was drafted."""

    __tablename__ = "issue_item"
    __table_args__ = (UniqueConstraint("issue_id", "key"),)

    id: int | None = Field(default=None, primary_key=True)
    issue_id: int = Field(foreign_key="issue.id", index=True)
    position: int  #: from 0
    kind: ItemKind = Field(sa_type=word(ItemKind))
    key: str = Field(index=True)
    row_id: int = Field(foreign_key="comparison.id")
    before_row_id: int | None = Field(default=None, foreign_key="comparison.id")  #: of a change: what readers had
    #: From approval on, what no other live issue may hold: the key, or key and row of a verdict change.
    reserved: str | None = Field(default=None, unique=True)
    voted: str | None = None  #: how our readers had voted on both tools when it was drafted, as JSON


class IssueStep(SQLModel, table=True):
    """A step that was taken; never changed."""

    __tablename__ = "issue_step"

    id: int | None = Field(default=None, primary_key=True)
    issue_id: int = Field(foreign_key="issue.id", index=True)
    command: Command = Field(sa_type=word(Command))
    before: IssueStatus = Field(sa_type=word(IssueStatus))
    after: IssueStatus = Field(sa_type=word(IssueStatus))
    at: datetime
    by: str = ""


def step(
    session: Session, issue: Issue, command: Command, now: datetime, *, by: str = "", claimed: bool = False
) -> IssueStatus:
    """Take one step of the life-cycle; returns the new status. `claimed`: some delivery of it was ever claimed.

    Raises IllegalStep, and changes nothing, where the table has no such step from the status in the database.
    """
    before = issue.status
    claimed = claimed or issue.stays_cancelled
    after = ISSUE_STEPS.get((before, command))
    if after is None or (before is IssueStatus.CANCELLED and claimed):
        raise IllegalStep(_refusal(issue, command, claimed=claimed))
    unchanged_until_now = (col(Issue.id) == issue.id) & (col(Issue.status) == before)
    take = update(Issue).where(unchanged_until_now).values(status=after, updated_at=utc(now))
    if cast("CursorResult[Any]", session.execute(take)).rowcount != 1:
        session.refresh(issue)
        raise IllegalStep(f"{opened(issue.name)} is {issue.status} by now: somebody was quicker. Nothing was changed.")
    session.add(IssueStep(issue_id=issue.id or 0, command=command, before=before, after=after, at=now, by=by))
    session.flush()
    session.refresh(issue)
    return after


def possible(status: IssueStatus, *, claimed: bool = False) -> list[Command]:
    """The steps that an issue in this status can take."""
    if status is IssueStatus.CANCELLED and claimed:
        return []
    return [command for (before, command) in ISSUE_STEPS if before is status]


def steps_of(session: Session, issue: Issue) -> Sequence[IssueStep]:
    """Every step that the issue took, oldest first."""
    question = select(IssueStep).where(IssueStep.issue_id == issue.id).order_by(col(IssueStep.id))
    return session.exec(question).all()


def ensure(session: Session, newsletter: str, week: Week, day: date, now: datetime) -> tuple[Issue, bool]:
    """The one issue of this week, and whether it was made just now; its number is the next one.

    The unique constraints decide, not the look before: whoever comes second finds the first one's issue.
    """
    for _ in range(_TRIES):
        if found := of_week(session, newsletter, week):
            return found, False
        number = _highest_number(session, newsletter) + 1
        issue = Issue(
            newsletter=newsletter, number=number, week=str(week), date=day, created_at=utc(now), updated_at=now
        )
        try:
            with session.begin_nested():
                session.add(issue)
        except IntegrityError:
            continue  # another process took this week, or this number: look again
        return issue, True
    raise IssueError(f"Others are making issues all the time: none for {week} could be made. Try again.")


def _highest_number(session: Session, newsletter: str) -> int:
    return session.exec(select(func.max(Issue.number)).where(Issue.newsletter == newsletter)).one() or 0


def of_week(session: Session, newsletter: str, week: Week) -> Issue | None:
    """The issue of this week, if there is one."""
    return session.exec(select(Issue).where(Issue.newsletter == newsletter, Issue.week == str(week))).first()


def find(session: Session, newsletter: str, which: str) -> Issue:
    """The issue of this number ("12") or week ("2026-W47"). Raises IssueError that says what there is."""
    which = which.strip().removeprefix("#")
    if which.isascii() and which.isdigit():
        question = select(Issue).where(Issue.newsletter == newsletter, Issue.number == int(which[:9]))
        found = session.exec(question).first()
    else:
        found = of_week(session, newsletter, parse(which))
    if found is None:
        numbers = [str(issue.number) for issue in issues(session, newsletter)[:3]]
        there = (
            f"The newest {'is' if len(numbers) == 1 else 'are'} {listed(numbers)}" if numbers else "There is none yet"
        )
        raise IssueError(f"There is no issue {which}. {there}; 'newsletter issue list' shows all.")
    return found


def issues(session: Session, newsletter: str) -> Sequence[Issue]:
    """All issues, newest first."""
    question = select(Issue).where(Issue.newsletter == newsletter).order_by(col(Issue.number).desc())
    return session.exec(question).all()


def items_of(session: Session, issue: Issue) -> Sequence[IssueItem]:
    """The items of an issue, in order."""
    question = select(IssueItem).where(IssueItem.issue_id == issue.id).order_by(col(IssueItem.position))
    return session.exec(question).all()


def edits_of(issue: Issue) -> Edits:
    """What the editor changed."""
    return Edits.model_validate_json(issue.edits)


def _refusal(issue: Issue, command: Command, *, claimed: bool) -> str:
    if claimed and issue.status is IssueStatus.CANCELLED:
        return stays_cancelled(issue)
    if issue.status is IssueStatus.SENT:
        left = "Nothing is left to cancel" if command is Command.CANCEL else "Nothing more can be done with it"
        return f"{opened(issue.name)} is sent already. {left}."
    able = OFFERS[issue.status]
    now = f"Possible now: {', '.join(able)}."
    if issue.status is IssueStatus.PARTIAL:
        now = f"Nobody is left to mail; who was refused or is in doubt: newsletter issue status {issue.number}"
    is_so = _DONE[command] == issue.status
    return f"{opened(issue.name)} is {issue.state}{' already' if is_so else f'; it cannot be {_DONE[command]}'}. {now}"


def stays_cancelled(issue: Issue) -> str:
    """The sentence that this issue is at its end, though nobody may have all of it."""
    return f"{opened(issue.name)} is cancelled, and stays cancelled because some readers may have it."
