"""Waves: the audience of an issue that leaves at one wall time everywhere, by the instant at which it is theirs.

Who is in which wave is written down when the issue begins, once, for everybody on the list: whoever changes their time
zone on the way is in no second wave and falls out of none. The list itself counts as walked from the beginning
(`Sending.cursor`), so that nothing but a wave can claim; each wave has a cursor of its own. Consent is looked at when a
wave claims, as always.

    list = accepted + refused + unknown + under way + skipped + ahead in all waves          at every commit
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone

from sqlalchemy import Column, Integer, String, and_, column, delete, exists, func, insert, literal, select, values
from sqlmodel import Field, Session, SQLModel, col

from newsletter.delivery.batch import Delivery, Sending
from newsletter.local_time import Quiet, awake
from subscribers.subscriber import Subscriber


class Wave(SQLModel, table=True):
    """Everybody who is to be written to from one instant on."""

    issue_id: int = Field(primary_key=True, foreign_key="sending.issue_id")
    number: int = Field(primary_key=True)  #: from 1, in the order of opening
    opens_at: datetime
    ahead: int  #: minutes that their clocks are ahead of UTC then
    size: int  #: people of any status
    cursor: int = 0  #: up to this id it has been walked
    walked: bool = False  #: to its end


class WaveMember(SQLModel, table=True):
    """Somebody's wave: kept until the issue is through, and for whoever was not mailed after that."""

    __tablename__ = "wave_member"
    __table_args__ = {"sqlite_with_rowid": False}

    issue_id: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    wave: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    subscriber_id: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))


Opening = tuple[datetime, int]  #: an instant, and how many minutes clocks are ahead of UTC there


def lay(session: Session, sending: Sending, opens: Callable[[str], Opening]) -> None:
    """Put everybody on the list of a sending that has just begun into a wave; `opens` says when, by their time zone."""
    listed = col(Subscriber.id) <= sending.last
    zones = session.scalars(select(col(Subscriber.zone)).where(listed).distinct()).all()
    opening = {zone: opens(zone) for zone in zones}
    waves = {one: number for number, one in enumerate(sorted(set(opening.values())), start=1)}
    if not waves:
        return
    table = values(column("zone", String), column("wave", Integer), name="given")
    known = table.data([(zone, waves[one]) for zone, one in opening.items()]).cte("zones")
    chosen = select(literal(sending.issue_id), known.c.wave, col(Subscriber.id)).join_from(
        Subscriber, known, known.c.zone == col(Subscriber.zone)
    )
    names = ["issue_id", "wave", "subscriber_id"]
    session.execute(insert(WaveMember).from_select(names, chosen.where(listed)))
    mine = col(WaveMember.issue_id) == sending.issue_id
    query = select(col(WaveMember.wave), func.count().label("size")).where(mine).group_by(col(WaveMember.wave))
    sizes = {row.wave: row.size for row in session.execute(query)}
    for (opens_at, minutes), number in waves.items():
        session.add(
            Wave(issue_id=sending.issue_id, number=number, opens_at=opens_at, ahead=minutes, size=sizes[number])
        )
    sending.cursor = sending.last
    session.add(sending)
    session.flush()


def let_sleep(session: Session, issue_id: int, quiet: Quiet, now: datetime) -> None:
    """A run begins: whoever's turn has come, but whose clock is in the quiet hours now, waits for their end.

    As after a pause, or a night without a machine: their hour came, and is over.
    """
    for wave in waves_of(session, issue_id):
        at = awake(now, timezone(timedelta(minutes=wave.ahead)), quiet)
        if not wave.walked and wave.opens_at <= now < at:
            wave.opens_at = at
            session.add(wave)
    session.flush()


def waves_of(session: Session, issue_id: int) -> Sequence[Wave]:
    """The waves of an issue in the order of opening; none where it goes to everybody at once."""
    query = select(Wave).where(col(Wave.issue_id) == issue_id).order_by(col(Wave.number))
    return session.scalars(query.execution_options(populate_existing=True)).all()


def next_opening(session: Session, issue_id: int) -> datetime | None:
    """When the first wave that is not walked opens, or has opened; None where none is left."""
    query = select(func.min(col(Wave.opens_at))).where(col(Wave.issue_id) == issue_id, col(Wave.walked).is_(False))
    return session.scalar(query)


def ahead(session: Session, issue_id: int) -> int:
    """How many people are in waves, and not walked past yet; any status."""
    place = and_(col(Wave.issue_id) == col(WaveMember.issue_id), col(Wave.number) == col(WaveMember.wave))
    query = select(func.count()).select_from(WaveMember).join(Wave, place)
    left = query.where(col(WaveMember.issue_id) == issue_id, col(WaveMember.subscriber_id) > col(Wave.cursor))
    return session.scalar(left.where(col(Wave.walked).is_(False))) or 0


def wave_of(session: Session, issue_id: int, subscriber_id: int) -> Wave | None:
    """The wave that somebody is in; None where there are none, or where they were mailed and it is over."""
    place = and_(col(Wave.issue_id) == col(WaveMember.issue_id), col(Wave.number) == col(WaveMember.wave))
    mine = (col(WaveMember.issue_id) == issue_id, col(WaveMember.subscriber_id) == subscriber_id)
    return session.scalar(select(Wave).join(WaveMember, place).where(*mine))


def forget(session: Session, issue_id: int) -> None:
    """Take the waves of an issue away of which nothing was ever claimed."""
    session.execute(delete(WaveMember).where(col(WaveMember.issue_id) == issue_id))
    session.execute(delete(Wave).where(col(Wave.issue_id) == issue_id))


def tidy(session: Session, issue_id: int) -> None:
    """The issue is through: whoever has a delivery needs no place in a wave any more."""
    theirs = exists().where(
        col(Delivery.issue_id) == col(WaveMember.issue_id), col(Delivery.subscriber_id) == col(WaveMember.subscriber_id)
    )
    session.execute(delete(WaveMember).where(col(WaveMember.issue_id) == issue_id, theirs))
