"""Which provider took how many, and why the first was left: what somebody wants to know the morning after."""

from datetime import datetime

from sqlalchemy import case, func
from sqlmodel import Field, Session, SQLModel, col, select

from newsletter.delivery.batch import Batch, BatchStatus, DeliveryException
from newsletter.providers.base import Outcome


class Failover(SQLModel, table=True):
    """A call that the first provider certainly did not take went to the second. Added, never changed."""

    id: int | None = Field(default=None, primary_key=True)
    issue_id: int = Field(foreign_key="issue.id", index=True)
    at: datetime
    provider: str  #: that was left, as in the ledger
    reason: str  #: what was heard of it last


def note(session: Session, batch: Batch, now: datetime) -> None:
    """Write down that this batch leaves its provider, which did not take it."""
    session.add(Failover(issue_id=batch.issue_id, at=now, provider=batch.provider, reason=batch.reason))
    session.flush()


def of_issue(session: Session, issue_id: int) -> list[Failover]:
    """Why a provider was left in this issue, oldest first."""
    return list(session.exec(select(Failover).where(Failover.issue_id == issue_id).order_by(col(Failover.id))))


def taken_by(session: Session, issue_id: int) -> dict[str, int]:
    """How many people each provider took of this issue, by its name in the ledger."""
    status, first = col(Batch.status), func.min(Batch.id)
    people = case(
        (status == BatchStatus.ACCEPTED, Batch.size - Batch.refused - Batch.unknown - Batch.left),
        else_=Batch.proved,
    )
    mine = select(Batch.provider, func.sum(people)).where(Batch.issue_id == issue_id)
    found = session.exec(mine.group_by(col(Batch.provider)).order_by(first))
    taken = {provider: int(number) for provider, number in found}
    had, has = col(DeliveryException.provider), col(Batch.provider)
    moved = select(had, has, func.count()).join(Batch, col(Batch.id) == col(DeliveryException.batch_id))
    accepted = (col(Batch.issue_id) == issue_id, col(DeliveryException.outcome) == Outcome.ACCEPTED)
    apart = moved.where(*accepted, had != "", had != has).group_by(had, has)
    for before, after, number in session.exec(apart):  # accepted before what was left went to another
        taken[before] = taken.get(before, 0) + number
        taken[after] -= number
    return {provider: number for provider, number in taken.items() if number}
