"""The tables of what providers say afterwards, and how two things that were said become one.

Theory. Providers say everything at least once, in any order, and some of it a month late. So what was said is kept as
it came (`ProviderEvent`, once per provider and event id), and what is known of a delivery is a fold that asks neither
for order nor for number: a state that only rises, and for everything else the first time that it happened.

    accepted < deferred < soft-bounced < delivered < hard-bounced < complained

The database folds, in the statement that writes: two writers at once lose nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ClauseElement,
    ColumnElement,
    Executable,
    Index,
    String,
    UniqueConstraint,
    and_,
    bindparam,
    case,
    literal_column,
    or_,
    text,
)
from sqlmodel import Column, Field, Integer, Session, SQLModel, col, select

from newsletter.database import word
from newsletter.delivery import event_rows
from newsletter.providers.hooks import Kind
from subscribers.upsert import insert_for

#: The states of a delivery, rising.
STATES = (Kind.ACCEPTED, Kind.DEFERRED, Kind.SOFT_BOUNCED, Kind.DELIVERED, Kind.HARD_BOUNCED, Kind.COMPLAINED)
#: Those with which a delivery may end.
FINAL = STATES[2:]
#: What is no state, and the column with the first time of it. An automatic reply is kept as an event only.
TIMES = {kind: f"{kind}_at" for kind in (Kind.BLOCKED, Kind.DROPPED, Kind.UNSUBSCRIBED, Kind.OPENED, Kind.CLICKED)}
#: Spelled out: SQLite uses a partial index only where it reads the same words.
IS_SOFT = text(f"state = '{Kind.SOFT_BOUNCED}'")
IS_UNKNOWN = text(f"kind = '{Kind.UNKNOWN}'")

RANK: dict[Kind | None, int] = {None: 0} | {state: rank for rank, state in enumerate(STATES, start=1)}


class ProviderEvent(SQLModel, table=True):
    """One thing that a provider said. Added, never changed."""

    __tablename__ = "provider_event"
    __table_args__ = (
        UniqueConstraint("provider", "event_id"),
        Index("provider_event_delivery", "issue_id", "subscriber_id"),
        Index("provider_event_unknown", "received_at", sqlite_where=IS_UNKNOWN, postgresql_where=IS_UNKNOWN),
    )

    id: int | None = Field(default=None, primary_key=True)
    provider: str
    event_id: str  #: the provider's; a digest where that is long, odd or missing
    kind: Kind = Field(sa_type=word(Kind))
    word: str  #: the provider's own
    issue_id: int | None = None  #: this and the next: None where the key names no delivery of ours
    subscriber_id: int | None = None
    at: datetime  #: by the provider's clock
    received_at: datetime
    reason: str = ""  #: what the other side said, without addresses


class DeliveryState(SQLModel, table=True):
    """What is known of one delivery from all that was said of it."""

    __tablename__ = "delivery_state"
    __table_args__ = (
        Index("delivery_state_soft", "subscriber_id", sqlite_where=IS_SOFT, postgresql_where=IS_SOFT),
        {"sqlite_with_rowid": False},
    )

    issue_id: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    subscriber_id: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    state: Kind | None = Field(default=None, sa_type=word(Kind))
    state_at: datetime | None = None  #: when it was first in this state
    blocked_at: datetime | None = None  #: this and the following: the first time that it was said
    dropped_at: datetime | None = None
    unsubscribed_at: datetime | None = None
    opened_at: datetime | None = None
    clicked_at: datetime | None = None


Facts = dict[str, Any]  #: columns of DeliveryState
_NOTHING: Facts = dict.fromkeys(("state", "state_at", *TIMES.values()))


def facts(kind: Kind, at: datetime) -> Facts:
    """What one event says of its delivery; empty for what is neither a state nor a time."""
    if kind in RANK:
        return _NOTHING | {"state": kind, "state_at": at}
    return _NOTHING | {TIMES[kind]: at} if kind in TIMES else {}


def fold(one: Facts, other: Facts) -> Facts:
    """Both together. In any order, and as often as one likes."""
    higher, lower = sorted((one, other), key=lambda known: RANK[known["state"]], reverse=True)
    same = higher["state"] == lower["state"]
    first = {name: _first(one[name], other[name]) for name in TIMES.values()}
    state_at = _first(one["state_at"], other["state_at"]) if same else higher["state_at"]
    return {"state": higher["state"], "state_at": state_at, **first}


def _first(one: datetime | None, other: datetime | None) -> datetime | None:
    return min(one, other) if one and other else one or other


def said_before(session: Session, provider: str, ids: Iterable[str]) -> set[str]:
    """Which of these events of a provider are kept already."""
    return {one for (one,) in event_rows.look(session, _said, ids, provider=provider)}


def store(session: Session, rows: Sequence[Mapping[str, object]]) -> set[str]:
    """Keep these events of one provider, and say the ids of those that are new."""
    if not rows:
        return set()
    dialect = _dialect(session)
    if dialect != "sqlite":  # another writer may keep the same event between our look and our insert
        return set(session.connection().execute(_keep(dialect), rows).scalars())
    by_id = {str(row["event_id"]): row for row in rows}
    new = by_id.keys() - said_before(session, str(rows[0]["provider"]), by_id)
    mine = [row for name, row in by_id.items() if name in new]
    event_rows.run(session, _plain_keep(), SQLModel.metadata.tables["provider_event"], mine)
    return new


def raise_states(session: Session, rows: Sequence[Mapping[str, object]]) -> None:
    """Fold these facts (each with the ids of its delivery) into what is known."""
    event_rows.run(session, _raise(_dialect(session)), SQLModel.metadata.tables["delivery_state"], rows)


def _dialect(session: Session) -> str:
    return session.get_bind().dialect.name


def _said(ids: list[Any]) -> ClauseElement:
    mine = col(ProviderEvent.provider) == bindparam("provider", type_=String)
    return select(ProviderEvent.event_id).where(mine, col(ProviderEvent.event_id).in_(ids))


@lru_cache
def _plain_keep() -> ClauseElement:
    return insert_for("sqlite", "provider_event")


@lru_cache
def _keep(dialect: str) -> Executable:
    statement = insert_for(dialect, "provider_event").on_conflict_do_nothing()
    return statement.returning(statement.table.c.event_id)


@lru_cache
def _raise(dialect: str) -> ClauseElement:
    """The same fold as above, in SQL."""
    statement = insert_for(dialect, "delivery_state")
    old, new = statement.table.c, statement.excluded
    before, after = _rank("delivery_state"), _rank("excluded")
    earlier = and_(before == after, new.state_at < old.state_at)
    values = {
        "state": case((after > before, new.state), else_=old.state),
        "state_at": case((or_(after > before, earlier), new.state_at), else_=old.state_at),
        **{
            name: case((or_(old[name].is_(None), new[name] < old[name]), new[name]), else_=old[name])
            for name in TIMES.values()
        },
    }
    return statement.on_conflict_do_update(index_elements=["issue_id", "subscriber_id"], set_=values)


def _rank(whose: str) -> ColumnElement[int]:
    """Spelled out: as parameters, the same dozen words would be bound anew for every row."""
    ranks = " ".join(f"when '{state}' then {RANK[state]}" for state in STATES)
    return literal_column(f"case {whose}.state {ranks} else 0 end", Integer())
