"""The claim: who is in the next call, fixed before the call, and who of them is handed over at an attempt.

Consent and suppression are looked at in the claiming transaction, once for everybody that it walks past: the cursor,
the batch, its deliveries and the counts of who was skipped move together, or not at all (DESIGN, invariants 5 to 8).

The statements are built once, and run on the session's connection: both cost more than what they do for a recipient.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    Executable,
    Integer,
    Row,
    String,
    and_,
    bindparam,
    case,
    delete,
    exists,
    false,
    func,
    insert,
    literal_column,
    not_,
    select,
    true,
    type_coerce,
    update,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.orm import make_transient_to_detached
from sqlmodel import Session, col

from newsletter.database import UtcTime
from newsletter.delivery.addressing import Member, Members
from newsletter.delivery.batch import Batch, Delivery, DeliveryException, Sending
from newsletter.errors import DeliveryError
from newsletter.providers.base import Outcome
from subscribers.address_change import AddressChange
from subscribers.links import LINK_NAME
from subscribers.subscriber import Status, Subscriber
from subscribers.suppression import Suppression

_ID = col(Subscriber.id)
_NOW = bindparam("now", type_=UtcTime())
_ISSUE, _BATCH = bindparam("issue", type_=Integer()), bindparam("batch", type_=Integer())


def eligible(now: datetime | ColumnElement[datetime]) -> ColumnElement[bool]:
    """Consent and suppression, in the words of the claim. A pause ends when its date has come.

    A CASE and no OR, so that the walk over the list goes by ids: given an OR, SQLite looks both statuses up in their
    index and sorts everybody at every claim (70 µs a recipient instead of 1).
    """
    status = col(Subscriber.status)
    rested = case((status == Status.PAUSED, col(Subscriber.paused_until) <= now), else_=false())
    return and_(case((status == Status.ACTIVE, true()), else_=rested), not_(_suppressed()))


def _suppressed() -> ColumnElement[bool]:
    """Whether the list of suppressions knows them: their index alone says so, since no column is asked for."""
    return exists(literal_column("1")).where(col(Suppression.fingerprint) == col(Subscriber.fingerprint))


def why_not() -> ColumnElement[str]:
    """The reason why somebody is not mailed, given that they are not: a column of `Sending`."""
    return case((_suppressed(), "suppressed"), else_=sql_cast(col(Subscriber.status), String))


_WALK = and_(bindparam("after") < _ID, bindparam("upto") >= _ID)
_BATCHES = Batch.metadata.tables["batch"]
_NUMBER = select(func.coalesce(func.max(Batch.number), 0)).where(col(Batch.issue_id) == _ISSUE).scalar_subquery()
_WHERE = select(col(Sending.cursor), col(Sending.last), _NUMBER.label("number")).where(col(Sending.issue_id) == _ISSUE)
_WHERE = _WHERE.with_for_update(of=Sending)  # two claims must not begin at one place
_NEW = insert(_BATCHES)
_SIZED = (
    update(_BATCHES)
    .where(_BATCHES.c.id == _BATCH)
    .values({"size": bindparam("new_size"), "upto": bindparam("new_upto")})
)
_NONE = delete(_BATCHES).where(_BATCHES.c.id == _BATCH)
_FIX = (
    insert(Delivery.metadata.tables["delivery"])
    .from_select(
        ["issue_id", "subscriber_id", "batch_id"],
        select(_ISSUE, _ID, _BATCH).where(_WALK, eligible(_NOW)).order_by(_ID).limit(bindparam("size")),
    )
    .execution_options(preserve_rowcount=True)
)  # else it is told on SQLite alone
_NEWEST = select(func.max(col(Delivery.subscriber_id))).where(col(Delivery.issue_id) == _ISSUE)
_IS_IN_IT = exists().where(col(Delivery.issue_id) == _ISSUE, col(Delivery.subscriber_id) == _ID)
_SKIPPED = (
    select(why_not().label("reason"), func.count().label("number"))
    .select_from(Subscriber)
    .where(_WALK, not_(_IS_IN_IT))
    .group_by("reason")
)
_REASONS = ("pending", "paused", "unsubscribed", "suppressed")
_MOVE = (
    update(Sending.metadata.tables["sending"])
    .where(col(Sending.issue_id) == _ISSUE)
    .values(
        {"cursor": bindparam("upto"), **{name: getattr(Sending, name) + bindparam(f"n_{name}") for name in _REASONS}}
    )
)


_MEANT = select(_ID.label("id")).where(_WALK, eligible(_NOW)).order_by(_ID).limit(bindparam("size")).cte("meant")
_COUNT = func.count(_MEANT.c.id)
_GIVEN = [column for column in _BATCHES.c if column.name not in ("id", "size", "upto")]
_MADE = (
    insert(_BATCHES)
    .from_select(
        [*(column.name for column in _GIVEN), "size", "upto"],
        select(
            *(sql_cast(bindparam(f"new_{column.name}", type_=column.type), column.type) for column in _GIVEN),
            _COUNT,
            case((bindparam("size") > _COUNT, bindparam("upto")), else_=func.max(_MEANT.c.id)),
        ).having(_COUNT > 0),
    )
    .returning(_BATCHES.c.id, _BATCHES.c.size, _BATCHES.c.upto)
    .cte("made")
)
_FIXED = (
    insert(Delivery.metadata.tables["delivery"])
    .from_select(
        ["issue_id", "subscriber_id", "batch_id"],
        select(_ISSUE, _MEANT.c.id, _MADE.c.id).select_from(_MEANT.join(_MADE, true())),
    )
    .cte("fixed")
)
#: The same as `_NEW`, `_FIX`, `_NEWEST` and `_SIZED`, at once: on a server each statement is a way there and back.
_AT_ONCE = select(_MADE.c.id, _MADE.c.size, _MADE.c.upto).add_cte(_FIXED)


def _run(session: Session, statement: Executable, values: Mapping[str, object]) -> CursorResult[Any]:
    return session.connection().execute(statement, values)


def claim(
    session: Session, issue_id: int, size: int, now: datetime, provider: str = "", worker: int | None = None
) -> Batch | None:
    """Fix the next batch of at most `size` subscribers, and move the cursor past everybody looked at.

    None when nobody is left. The caller commits before the first byte leaves. A second delivery to anybody is an error
    of the database's.
    """
    place = _run(session, _WHERE, {"issue": issue_id}).one_or_none()
    if place is None or place.cursor >= place.last:
        return None
    batch = next_batch(issue_id, place.number, place.cursor, now, provider, worker)
    return _with_members(session, batch, size, place.last, now)


def next_batch(issue_id: int, newest: int, after: int, now: datetime, provider: str, worker: int | None) -> Batch:
    """The batch behind the `newest`, for people behind the id `after`; without a member yet, and not stored."""
    number = newest + 1
    return Batch(
        issue_id=issue_id,
        number=number,
        key=f"issue:{issue_id}:batch:{number}",
        claimed_at=now,
        attempted_at=now,
        provider=provider,
        worker=worker,
        after=after,
        upto=after,
    )


def _with_members(session: Session, batch: Batch, size: int, last: int, now: datetime) -> Batch | None:
    """Store the batch and its deliveries, one insert for all of them; nothing if there are none."""
    (_fix_at_once if session.get_bind().dialect.name == "postgresql" else _fix)(session, batch, size, last, now)
    walk = {"issue": batch.issue_id, "batch": batch.id, "after": batch.after, "upto": batch.upto}
    _move(session, walk, batch.upto - batch.after - batch.size)
    if not batch.size:
        return None
    make_transient_to_detached(batch)
    session.add(batch)  # as a row that is known already
    return batch


def _fix(session: Session, batch: Batch, size: int, last: int, now: datetime) -> None:
    (batch.id,) = _run(session, _NEW, batch.model_dump(exclude={"id"})).inserted_primary_key or (None,)
    walk = {"issue": batch.issue_id, "batch": batch.id, "after": batch.after, "upto": last}
    batch.size = _run(session, _FIX, {**walk, "now": now, "size": size}).rowcount
    batch.upto = last if batch.size < size else _run(session, _NEWEST, walk).scalar_one()
    _run(session, _SIZED if batch.size else _NONE, {"batch": batch.id, "new_size": batch.size, "new_upto": batch.upto})


def _fix_at_once(session: Session, batch: Batch, size: int, last: int, now: datetime) -> None:
    given = {f"new_{name}": value for name, value in batch.model_dump(exclude={"id", "size", "upto"}).items()}
    walk = {"issue": batch.issue_id, "after": batch.after, "upto": last, "now": now, "size": size}
    made = _run(session, _AT_ONCE, {**given, **walk}).one_or_none()
    batch.id, batch.size, batch.upto = (made.id, made.size, made.upto) if made else (None, 0, last)


def _move(session: Session, walk: dict[str, int | None], others: int) -> None:
    """Move the cursor and count who was skipped; `others` are ids on the way that are nobody's in this batch."""
    skipped = dict.fromkeys(_REASONS, 0)
    if others:
        skipped |= dict(map(known_reason, _run(session, _SKIPPED, walk)))
    _run(session, _MOVE, {**walk, **{f"n_{name}": number for name, number in skipped.items()}})


_DAMAGED = "A status on the list is damaged. 'newsletter doctor' names the row; mend it, then send again."


def known_reason(skipped: Row[Any]) -> tuple[str, int]:
    """Why so many people were skipped. Raises DeliveryError for a status that is none: nobody is passed over unseen."""
    reason, number = str(skipped.reason), int(skipped.number)
    if reason not in _REASONS:
        raise DeliveryError(_DAMAGED)
    return reason, number


def require_known_statuses(session: Session) -> None:
    """Raises DeliveryError where a status on the list is none: nobody could say whether they are to be mailed."""
    statuses = session.scalars(select(type_coerce(col(Subscriber.status), String)).distinct())
    if not {*statuses} <= {str(status) for status in Status}:
        raise DeliveryError(_DAMAGED)


def not_eligible(session: Session, now: datetime) -> dict[str, int]:
    """How many on the list may not be mailed now, by reason: suppressed, pending, paused, unsubscribed."""
    why = why_not().label("reason")
    query = select(why, func.count()).select_from(Subscriber).where(not_(eligible(now))).group_by("reason")
    return {str(reason): number for reason, number in session.execute(query)}


_SET_APART = exists().where(
    col(DeliveryException.issue_id) == col(Delivery.issue_id),
    col(DeliveryException.subscriber_id) == col(Delivery.subscriber_id),
    col(DeliveryException.set_apart),  # and nothing else: neither a receipt nor evidence changes whom a call was for
)
#: As text that begins with the day: a day is cut from it in Python, which is cheaper than a date for each.
_SINCE = sql_cast(func.coalesce(col(Subscriber.confirmed_at), col(Subscriber.signed_up_at)), String)
_BATCH_OF = and_(
    col(Delivery.issue_id) == _ISSUE,
    col(Delivery.batch_id) == _BATCH,
    col(Delivery.subscriber_id) > bindparam("after"),
    col(Delivery.subscriber_id) <= bindparam("upto"),
)
_IN_ORDER = col(Delivery.subscriber_id)  # not by the subscriber's own id: SQLite would sort
_IT_IS = col(Delivery.subscriber_id) == _ID
_TOLD = (col(Subscriber.ref), func.coalesce(col(Subscriber.address), ""), col(Subscriber.name), _SINCE, LINK_NAME)
_MEMBERS = select(*_TOLD).join(Delivery, _IT_IS).where(_BATCH_OF).order_by(_IN_ORDER)
_NOT_SET_APART = _MEMBERS.where(not_(_SET_APART))
_LINE: Any = literal_column("'\n'")  # bound, it would be copied for each row: that doubles the cost
#: The same as one row of texts, with a line for each member.
_AS_TEXTS = (
    select(*(func.aggregate_strings(one, _LINE) for one in (sql_cast(col(Delivery.subscriber_id), String), *_TOLD)))
    .join_from(Delivery, Subscriber, _IT_IS)
    .where(_BATCH_OF)
)
#: Whoever has another address since the batch was claimed.
_READDRESSED = (
    select(col(Subscriber.ref))
    .join(AddressChange, col(AddressChange.subscriber_id) == _ID)
    .where(bindparam("after") < _ID, bindparam("upto") >= _ID)
    .where(col(AddressChange.changed_at) > bindparam("since", type_=UtcTime()))
)
_IDS = select(col(Delivery.subscriber_id)).where(_BATCH_OF, not_(_SET_APART)).order_by(_IN_ORDER)


def members(session: Session, batch: Batch) -> Members:
    """Who is handed over with a batch, in the order of ids; whoever was set apart before an attempt is not.

    The same at every attempt that may have reached the provider; so of a batch in doubt, whoever has another address
    since has none: the call cannot be repeated as it was.
    """
    found = _members_now(session, batch)
    if not batch.doubtful:
        return found
    walk = {"after": batch.after, "upto": batch.upto, "since": batch.claimed_at}
    elsewhere = set(_run(session, _READDRESSED, walk).scalars())
    return Members.of([one._replace(address="") if one.ref in elsewhere else one for one in found])


def _members_now(session: Session, batch: Batch) -> Members:
    if is_thinned(batch):
        return _one_by_one(session, _NOT_SET_APART, batch)
    found = _together(_run(session, _AS_TEXTS, _walk(batch)).one(), batch.size)
    return found or _one_by_one(session, _MEMBERS, batch)


def _together(texts: Sequence[str | None], size: int) -> Members | None:
    """The members from texts with a line for each, ids first: half of what a thousand rows cost.

    None where they could not be told apart: a value has a line end in it, or the database took another order.
    """
    if None in texts:
        return None
    ids, *columns = (text.split("\n") for text in cast("Sequence[str]", texts))
    order = list(map(int, ids))
    if order != sorted(order) or any(len(column) != size for column in columns):
        return None
    return Members(*columns)


def _one_by_one(session: Session, query: Executable, batch: Batch) -> Members:
    return Members.of(cast("list[Member]", _run(session, query, _walk(batch)).all()))


def is_thinned(batch: Batch) -> bool:
    """Whether anybody may have been set apart."""
    return bool(batch.generation or batch.left or batch.proved)


def member_ids(session: Session, batch: Batch) -> list[int]:
    """The ids of `members`, in the same order."""
    return list(_run(session, _IDS, _walk(batch)).scalars())


def _walk(batch: Batch) -> dict[str, int | None]:
    return {"issue": batch.issue_id, "batch": batch.id, "after": batch.after, "upto": batch.upto}


def set_apart(session: Session, batch: Batch, now: datetime) -> None:
    """Before a batch is tried again: whoever left, paused or was suppressed meanwhile is not in it any more.

    Only for a batch that was certainly not taken: one in doubt has to be repeated as it was, or not at all.
    """
    allowed = set(session.scalars(select(_ID).where(batch.after < _ID, batch.upto >= _ID, eligible(now))))
    gone = [one for one in member_ids(session, batch) if one not in allowed]
    why = "Left, paused or was suppressed before it could be sent."
    issue, number = batch.issue_id, batch.id or 0
    session.add_all(
        DeliveryException(
            issue_id=issue,
            subscriber_id=one,
            batch_id=number,
            outcome=Outcome.REFUSED,
            reason=why,
            set_apart=True,
            skipped=True,
        )
        for one in gone
    )
    batch.left += len(gone)
    session.add(batch)
    session.flush()
