"""A daily cap that grows: a new account or address earns its reputation slowly (providers' pages on warming up).

The plan is a list of recipients a day, from the first day on which anything went out through that provider; after its
last day there is no cap. Days are UTC. Counted is what was claimed, whatever became of it.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time

from sqlalchemy import func
from sqlmodel import Session, col, select

from newsletter.delivery.batch import Batch


def left_today(session: Session, plan: Sequence[int], provider: str, now: datetime) -> int | None:
    """How many more recipients may be claimed for this provider today; None: as many as there are."""
    if not plan:
        return None
    mine, claimed = col(Batch.provider) == provider, col(Batch.claimed_at)
    first = session.exec(select(func.min(claimed)).where(mine)).one()
    today = now.astimezone(UTC).date()
    cap = cap_on(plan, (today - _date(first, now)).days)
    if cap is None:
        return None
    midnight = datetime.combine(today, time.min, UTC)
    spent = session.exec(select(func.coalesce(func.sum(Batch.size), 0)).where(mine, claimed >= midnight)).one()
    return max(0, cap - spent)


def cap_on(plan: Sequence[int], day: int) -> int | None:
    """The cap of the n-th day, counted from 0; None after the plan."""
    return plan[max(0, day)] if day < len(plan) else None


def _date(first: datetime | None, now: datetime) -> date:
    return (first or now).astimezone(UTC).date()
