"""Where a sending stands, read from batch rows: deliveries are never counted (dispatch reference, section 2)."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, update
from sqlalchemy import select as sql_select
from sqlmodel import Session, col, select

from newsletter.delivery import claims, waves
from newsletter.delivery.batch import Batch, BatchStatus, Sending
from newsletter.issues.issue import Command, Issue, IssueStatus, step
from subscribers.subscriber import Subscriber

#: Why somebody is skipped: columns of `Sending`.
REASONS = ("pending", "paused", "unsubscribed", "suppressed", "unchosen")


@dataclass(frozen=True, slots=True)
class Progress:
    """Where the sending of an issue stands; every number is a count of subscribers."""

    list_size: int
    accepted: int
    refused: int
    unknown: int
    under_way: int
    skipped: dict[str, int]
    to_claim: int

    @property
    def skipped_in_all(self) -> int:
        """Everybody who is not mailed, for whatever reason."""
        return sum(self.skipped.values())

    @property
    def adds_up(self) -> bool:
        """Invariant 6: nobody is lost."""
        closed = self.accepted + self.refused + self.unknown + self.under_way
        return self.list_size == closed + self.skipped_in_all + self.to_claim


def progress(session: Session, issue_id: int, *, counted: bool = True) -> Progress | None:
    """Where an issue stands, from its batch rows: deliveries are never counted. None if it has not begun.

    Who is still to come is `counted` on the list, which costs a walk over it, or is what the other numbers leave.
    """
    sending = session.get(Sending, issue_id, populate_existing=True)
    if sending is None:
        return None
    sums = (
        func.sum(Batch.size),
        func.sum(Batch.refused),
        func.sum(Batch.unknown),
        func.sum(Batch.proved),
        func.sum(Batch.left),
    )
    query = sql_select(col(Batch.status), *sums).where(col(Batch.issue_id) == issue_id).group_by(col(Batch.status))
    count: dict[str, int] = dict.fromkeys(BatchStatus, 0)
    refused = unknown = proved = left = 0
    for status, size, some_refused, some_unknown, some_proved, some_left in session.execute(query):
        count[status] = size - some_refused - some_unknown - some_left - some_proved  # who fares as the batch does
        left, proved = left + some_left, proved + some_proved
        refused, unknown = refused + some_refused, unknown + some_unknown
    skipped = {reason: getattr(sending, reason) for reason in REASONS}
    skipped["left"] = left
    known = sum(count.values()) + refused + unknown + proved + sum(skipped.values())
    return Progress(
        list_size=sending.list_size,
        accepted=count[BatchStatus.ACCEPTED] + proved,
        refused=count[BatchStatus.REFUSED] + refused,
        unknown=count[BatchStatus.UNKNOWN] + unknown,
        under_way=count[BatchStatus.SENDING] + count[BatchStatus.CLAIMED],
        skipped=skipped,
        to_claim=_ahead(session, sending) if counted else sending.list_size - known,
    )


def _ahead(session: Session, sending: Sending) -> int:
    ids = col(Subscriber.id)
    query = select(func.count()).select_from(Subscriber).where(ids > sending.cursor, ids <= sending.last)
    return session.exec(query).one() + waves.ahead(session, sending.issue_id)


def passed_over(session: Session, issue_id: int, now: datetime) -> int:
    """How many of those who are still to come may not be mailed as things are now: the claim would skip them.

    It looks at everybody who is to come: half a second for a million.
    """
    sending = session.get(Sending, issue_id)
    if sending is None:
        return 0
    ids = col(Subscriber.id)
    query = select(func.count()).select_from(Subscriber).where(ids > sending.cursor, ids <= sending.last)
    mailed = session.exec(query.where(claims.eligible(now))).one() + waves.ahead(
        session, issue_id, claims.eligible(now)
    )
    return _ahead(session, sending) - mailed


def on_its_way(session: Session) -> bool:
    """Whether any issue has begun and is not over; a paused one may go on, one that was cancelled does not."""
    begun = select(Sending.issue_id).join(Issue, col(Issue.id) == col(Sending.issue_id))
    open_ = begun.where(col(Sending.finished_at).is_(None), Issue.status != IssueStatus.CANCELLED)
    return session.exec(open_.limit(1)).first() is not None


def finish(session: Session, issue_id: int, now: datetime) -> bool | None:
    """Close the ledger of an issue that has nothing left to do.

    True: everybody on the list was accepted or skipped. False: somebody was refused or is unknown (the issue ended
    partial). None: there is still work, nothing was changed.
    """
    state = progress(session, issue_id)
    if state is None or state.to_claim or state.under_way:
        return None
    session.execute(update(Sending).where(col(Sending.issue_id) == issue_id).values(finished_at=now))
    waves.tidy(session, issue_id)
    return not (state.refused or state.unknown)


def complete(session: Session, issue_id: int, now: datetime, *, by: str) -> bool:
    """An issue that had ended partial is sent once nobody is in doubt or refused any more. Whether it is that now."""
    issue = session.get(Issue, issue_id, populate_existing=True)
    if issue is None or issue.status is not IssueStatus.PARTIAL:
        return False
    state = progress(session, issue_id, counted=False)
    if state is None or state.refused or state.unknown or state.under_way or state.to_claim:
        return False
    step(session, issue, Command.FINISH, now, by=by)
    return True
