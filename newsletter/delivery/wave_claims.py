"""The claim of an issue that goes by waves: as claims.py does it for the whole list, for the wave that is open now.

Who is eligible is read and written down as ids in one transaction: (issue, subscriber) stays unique in the database,
and the wave's cursor, the batch, its deliveries and the counts of who was skipped move together, or not at all.
"""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, insert, not_, select, update
from sqlmodel import Session, col

from newsletter.delivery.batch import Batch, Delivery, Sending
from newsletter.delivery.claims import claim, eligible, known_reason, next_batch, why_not
from newsletter.delivery.waves import Wave, WaveMember
from subscribers.subscriber import Subscriber

_WHO = col(WaveMember.subscriber_id)


def claim_next(
    session: Session,
    issue_id: int,
    size: Callable[[str], int],
    now: datetime,
    provider: str = "",
    worker: int | None = None,
) -> Batch | None:
    """Fix the next batch: of the whole list, or of a wave that is open; at most of the `size` for what they get.

    None when nobody is left, or nobody whose hour has come. The caller commits before the first byte leaves. `worker`
    is whose it is, where several dispatchers share the ledger (crew.py).
    """
    if batch := claim(session, issue_id, size(""), now, provider, worker):
        return batch
    while (wave := _open(session, issue_id, now)) is not None:
        if batch := _claim(session, wave, size(wave.part), now, provider, worker):
            return batch
    return None


def _open(session: Session, issue_id: int, now: datetime) -> Wave | None:
    """The first wave that is open and not walked; locked where the database locks rows: two claims need two places."""
    mine = (col(Wave.issue_id) == issue_id, col(Wave.walked).is_(False), col(Wave.opens_at) <= now)
    query = select(Wave).where(*mine).order_by(col(Wave.number)).limit(1).with_for_update()
    return session.scalar(query.execution_options(populate_existing=True))


def _claim(session: Session, wave: Wave, size: int, now: datetime, provider: str, worker: int | None) -> Batch | None:
    who, after = _next(session, wave, size, now), wave.cursor
    wave.walked = len(who) < size
    wave.cursor = _end(session, wave) if wave.walked else who[-1]
    session.add(wave)
    batch = None
    if who:
        batch = next_batch(wave.issue_id, _newest(session, wave), after, now, provider, worker)
        batch.size, batch.upto, batch.part = len(who), who[-1], wave.part
        _store(session, batch, who)
    _count_skipped(session, wave, after, who)
    session.flush()
    return batch


def _members(wave: Wave) -> ColumnElement[bool]:
    return and_(col(WaveMember.issue_id) == wave.issue_id, col(WaveMember.wave) == wave.number)


def _next(session: Session, wave: Wave, size: int, now: datetime) -> list[int]:
    """The ids of the next people of this wave who may be mailed now."""
    here = and_(_members(wave), wave.cursor < _WHO)
    query = select(_WHO).join(Subscriber, col(Subscriber.id) == _WHO).where(here, eligible(now))
    return list(session.scalars(query.order_by(_WHO).limit(size)))


def _end(session: Session, wave: Wave) -> int:
    return session.scalar(select(func.max(_WHO)).where(_members(wave))) or wave.cursor


def _newest(session: Session, wave: Wave) -> int:
    highest = select(func.coalesce(func.max(col(Batch.number)), 0)).where(col(Batch.issue_id) == wave.issue_id)
    return session.scalar(highest) or 0


def _store(session: Session, batch: Batch, who: list[int]) -> None:
    session.add(batch)
    session.flush()
    rows = [{"issue_id": batch.issue_id, "subscriber_id": one, "batch_id": batch.id} for one in who]
    session.execute(insert(Delivery.metadata.tables["delivery"]), rows)


def _count_skipped(session: Session, wave: Wave, after: int, who: list[int]) -> None:
    """Add those whom the cursor passed to the sending's counts, by reason: everybody there who has no delivery."""
    delivered = select(col(Delivery.subscriber_id)).where(
        col(Delivery.issue_id) == wave.issue_id, col(Delivery.subscriber_id) == _WHO
    )
    passed = and_(_members(wave), after < _WHO, wave.cursor >= _WHO)
    all_ = session.scalar(select(func.count()).select_from(WaveMember).where(passed)) or 0
    if all_ == len(who):
        return
    why = why_not().label("reason")
    query = (
        select(why, func.count().label("number")).select_from(WaveMember).join(Subscriber, col(Subscriber.id) == _WHO)
    )
    skipped = session.execute(query.where(passed, not_(delivered.exists())).group_by("reason")).all()
    more = {reason: getattr(Sending, reason) + number for reason, number in map(known_reason, skipped)}
    # past the session's objects: batches in it are the dispatcher's, who keeps them for longer than the session
    session.connection().execute(update(Sending).where(col(Sending.issue_id) == wave.issue_id).values(more))
