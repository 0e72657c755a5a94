"""Waves: the audience of an issue of which not everybody gets the same at once: by the instant, and by what they get.

Who is in which wave is written down when the issue begins, once, for everybody on the list: whoever changes their time
zone or their choice on the way is in no second wave and falls out of none. The list itself counts as walked from the
beginning (`Sending.cursor`), so that nothing but a wave can claim; each wave has a cursor of its own. Consent is looked
at when a wave claims, as always. For whom there is nothing in the issue is in no wave: they are skipped at once.

    list = accepted + refused + unknown + under way + skipped + ahead in all waves          at every commit
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from sqlalchemy import (
    CTE,
    Column,
    ColumnElement,
    Integer,
    String,
    and_,
    case,
    cast,
    column,
    delete,
    exists,
    false,
    func,
    insert,
    literal,
    select,
    type_coerce,
    values,
)
from sqlmodel import Field, Session, SQLModel, col

from newsletter.delivery.batch import Delivery, Sending
from newsletter.delivery.claims import eligible, why_not
from newsletter.local_time import Quiet, awake
from subscribers.choice import Choice
from subscribers.subscriber import Subscriber


class Wave(SQLModel, table=True):
    """Everybody who is to be written to from one instant on, and gets the same."""

    issue_id: int = Field(primary_key=True, foreign_key="sending.issue_id")
    number: int = Field(primary_key=True)  #: from 1, in the order of opening
    opens_at: datetime
    ahead: int  #: minutes that their clocks are ahead of UTC then
    size: int  #: people of any status
    part: str = ""  #: of the issue, that is theirs; empty: the whole
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
Turn = Callable[[str], Opening]  #: by a time zone
_Place = tuple[datetime, int, str]  #: the same with the part of the issue
_ZONE = col(Subscriber.zone)
#: What somebody chose, as text: a word that nobody knows must not stop an issue.
CHOSEN = (col(Subscriber.topics), type_coerce(col(Subscriber.frequency), String).label("frequency"))
AT_ONCE = 2_000  #: groups of people in one statement: it has five values for each


@dataclass(frozen=True, slots=True)
class Places:
    """Who is where: when it is somebody's turn, by their time zone; and what they get, by their choice."""

    opens: Turn
    part: Callable[[Choice, bool], str | None] = lambda *_: ""  #: None: there is nothing for them
    keen: ColumnElement[bool] = field(default_factory=false)  #: of a subscriber: wants all changed verdicts besides


def choices(session: Session, last: int, keen: ColumnElement[bool]) -> set[tuple[Choice, bool]]:
    """What those on the list up to this id chose, each once, with whether they want all changed verdicts besides."""
    more = _flag(keen)
    query = select(*CHOSEN, more).where(col(Subscriber.id) <= last).distinct()
    return {(Choice.stored(topics, often), bool(flag)) for topics, often, flag in session.execute(query)}


def lay(session: Session, sending: Sending, places: Places, now: datetime, at_once: int = AT_ONCE) -> None:
    """Put everybody on the list of a sending that has just begun into a wave, or among those whom it skips.

    `at_once`: so many groups of alike people are dealt with in one statement.
    """
    listed, more = col(Subscriber.id) <= sending.last, _flag(places.keen)
    groups = session.execute(select(_ZONE, *CHOSEN, more).where(listed).distinct()).all()
    found = {group: _place(places, *group) for group in groups}
    waves = {one: number for number, one in enumerate(sorted({one for one in found.values() if one}), start=1)}
    rows = [(*group, waves[place] if place else None) for group, place in found.items()]
    laid = [row for row in rows if row[-1] is not None]
    for at in range(0, len(laid), at_once):
        known = _given(laid[at : at + at_once])
        chosen = select(literal(sending.issue_id), known.c.wave, col(Subscriber.id)).join_from(
            Subscriber, known, _same(known, more)
        )
        names = ["issue_id", "wave", "subscriber_id"]
        session.execute(insert(WaveMember).from_select(names, chosen.where(listed)))
    left = [row for row in rows if row[-1] is None]
    for at in range(0, len(left), at_once):
        _skip(session, sending, _given(left[at : at + at_once]), more, now)
    _keep(session, sending, waves)


def _keep(session: Session, sending: Sending, waves: dict[_Place, int]) -> None:
    """Write the waves down; from now on nothing but a wave can claim."""
    mine = col(WaveMember.issue_id) == sending.issue_id
    query = select(col(WaveMember.wave), func.count().label("size")).where(mine).group_by(col(WaveMember.wave))
    sizes = {row.wave: row.size for row in session.execute(query)}
    session.add_all(
        Wave(issue_id=sending.issue_id, number=number, opens_at=at, ahead=minutes, size=sizes[number], part=part)
        for (at, minutes, part), number in waves.items()
    )
    sending.cursor = sending.last
    session.add(sending)
    session.flush()


def _place(places: Places, zone: str, topics: str, often: str, more: int) -> _Place | None:
    part = places.part(Choice.stored(topics, often), bool(more))
    return None if part is None else (*places.opens(zone), part)


def _flag(keen: ColumnElement[bool]) -> ColumnElement[int]:
    return case((keen, 1), else_=0)


def _given(rows: Sequence[tuple[str, str, str, int, int | None]]) -> CTE:
    """These groups of people as a table beside theirs.

    Cast, for without a type SQLite looks through all of it for each person, and not into an index.
    """
    columns = [column(name, String) for name in ("zone", "topics", "frequency")]
    table = values(*columns, column("more", Integer), column("wave", Integer), name="given")
    given = table.data([(zone, topics, str(often), *rest) for zone, topics, often, *rest in rows]).cte("given")
    return select(*(cast(one, one.type).label(one.key) for one in given.c)).cte("groups")


def _same(known: CTE, more: ColumnElement[int]) -> ColumnElement[bool]:
    theirs = (col(Subscriber.zone), col(Subscriber.topics), type_coerce(col(Subscriber.frequency), String))
    same = (known.c.zone == theirs[0], known.c.topics == theirs[1], known.c.frequency == theirs[2])
    return and_(*same, known.c.more == more)


def _skip(session: Session, sending: Sending, known: CTE, more: ColumnElement[int], now: datetime) -> None:
    """Count those of whose choice there is nothing, each by the first reason that keeps them from getting it."""
    why = case((eligible(now), "unchosen"), else_=why_not()).label("reason")
    query = select(why, func.count()).select_from(Subscriber).join(known, _same(known, more))
    for reason, number in session.execute(query.where(col(Subscriber.id) <= sending.last).group_by("reason")):
        setattr(sending, reason, getattr(sending, reason) + number)


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


def ahead(session: Session, issue_id: int, who: ColumnElement[bool] | None = None) -> int:
    """How many people are in waves, and not walked past yet: of any status, or of those whom `who` is true of."""
    place = and_(col(Wave.issue_id) == col(WaveMember.issue_id), col(Wave.number) == col(WaveMember.wave))
    query = select(func.count()).select_from(WaveMember).join(Wave, place)
    if who is not None:
        query = query.join(Subscriber, col(Subscriber.id) == col(WaveMember.subscriber_id)).where(who)
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
