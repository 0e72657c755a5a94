"""Several dispatchers on one PostgreSQL ledger: whose an open batch is, what may be taken over, how fast all go.

Theory. The ledger is the queue: a claim moves the one cursor, so two dispatchers never hold the same people. Each has a
number, holds a lock of that number with its session, and writes it on what it claims. A batch that is open belongs to
its dispatcher as long as that lock is held and no call of it is long over; the server frees it when the process or its
connection dies. Then, and only then, somebody else writes their own number on it and goes the way of every doubt
(recovery.py): what was certainly not posted is posted, anything else waits until no call of the dead can be under way,
and is settled by evidence. Whoever lost its lock and lives claims nothing more; its answers are fenced by the attempt.

The rate is one row (GCRA): whoever claims moves its moment forward, in the claiming transaction, by the server's clock.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, exists, func, not_, text
from sqlmodel import Field, Session, SQLModel, col, select
from sqlmodel.sql.expression import SelectOfScalar

from newsletter.delivery.batch import OPEN, Batch, BatchStatus
from newsletter.providers.base import Capabilities

#: Seconds between two looks at what others have left.
MIND_EVERY = 1.0
#: So long after its last moment a call of somebody who lives is taken over: a frozen process keeps its lock. Should it
#: wake, it posts nothing that is so old (calling.py), and what it says is fenced by the attempt. Clocks may differ.
FROZEN = timedelta(minutes=1)


class Worker(SQLModel, table=True):
    """One run of a dispatcher beside others: never changed, and never used again."""

    number: int | None = Field(default=None, primary_key=True)
    name: str  #: process and host, like "4711@sender-2"
    began_at: datetime


class Pace(SQLModel, table=True):
    """The moment from which the next call of all dispatchers may start: one row."""

    what: str = Field(primary_key=True)
    ready_at: datetime


_LEFT = text("select coalesce(extract(epoch from ready_at - clock_timestamp()), 0) from pace where what = 'sending'")
_SPEND = text("""
    insert into pace (what, ready_at) values ('sending', clock_timestamp() + make_interval(secs => :cost))
    on conflict (what) do update
        set ready_at = greatest(pace.ready_at, clock_timestamp()) + make_interval(secs => :cost)
""")


@dataclass(slots=True)
class Crew:
    """One dispatcher among others."""

    number: int
    others: Callable[[Session], frozenset[int]]  #: the numbers of those that live, without ours
    per_second: float = 0.0  #: recipients that all of them together may hand over in a second; 0: no limit
    minded_at: float = field(default=float("-inf"))  #: when it was last looked what others left (monotonic)

    def own(self, session: Session, batch: Batch) -> None:
        """Write down that this batch is ours, in the transaction that takes it."""
        if batch.worker != self.number:
            batch.worker = self.number
            session.add(batch)

    def take_over(
        self, session: Session, issue_id: int, known: Mapping[str, Capabilities], now: datetime
    ) -> list[Batch]:
        """Make ours whatever is open and nobody's who lives, or so old that its owner must be frozen; oldest first."""
        others = self.others(session)
        found = [*session.exec(_open(issue_id, not_(_is_of(others | {self.number}))))]
        theirs = session.exec(_open(issue_id, _is_of(others)).where(col(Batch.status) == BatchStatus.SENDING))
        found += [one for one in theirs if one.provider in known and _is_overdue(one, known[one.provider], now)]
        for batch in found:
            self.own(session, batch)
        session.flush()
        return found

    def others_send(self, session: Session, issue_id: int) -> bool:
        """Whether a living one still has calls: if it dies, they are ours. What nobody knows of is not waited for."""
        theirs = _open(issue_id, _is_of(self.others(session))).where(col(Batch.status) != BatchStatus.UNKNOWN)
        return session.exec(theirs.limit(1)).first() is not None

    def left(self, session: Session) -> float:
        """Seconds until the next call may start."""
        return max(0.0, float(session.execute(_LEFT).scalar() or 0.0)) if self.per_second else 0.0

    def spend(self, session: Session, recipients: int) -> None:
        """A call of so many recipients starts when this transaction commits; the next waits for its share of time."""
        if self.per_second:
            session.execute(_SPEND, {"cost": recipients / self.per_second})


def forget_workers(session: Session, living: Collection[int], before: datetime) -> int:
    """Drop the numbers of dispatchers that began before this moment (aware), are dead, and have no call in the ledger.

    How many. A number is never given twice, so nothing can mean one that is gone.
    """
    theirs = exists().where(col(Batch.worker) == col(Worker.number))
    dead = (col(Worker.began_at) < before, col(Worker.number).not_in(sorted(living)), ~theirs)
    return session.connection().execute(delete(Worker).where(*dead)).rowcount


def _is_overdue(batch: Batch, can: Capabilities, now: datetime) -> bool:
    """Whether even a call that was made as late as it may be is over, and its owner has not said so for a while."""
    return now > batch.attempted_at + 2 * can.longest_request + FROZEN


def _is_of(workers: frozenset[int]) -> ColumnElement[bool]:
    return func.coalesce(col(Batch.worker), 0).in_(sorted(workers))


def _open(issue_id: int, whose: ColumnElement[bool]) -> SelectOfScalar[Batch]:
    mine = (Batch.issue_id == issue_id, col(Batch.status).in_((BatchStatus.CLAIMED, *OPEN)), whose)
    return select(Batch).where(*mine).order_by(col(Batch.number)).execution_options(populate_existing=True)
