"""Who sends from a PostgreSQL database: locks of the session, that the server frees when its connection dies.

One alone holds the lock exclusively; several share it, and each holds one more under its own number (crew.py). The lock
has a connection of its own, and every turn of the dispatcher asks, in its own transaction, whether that still
holds it: a lost connection ends the run before the next claim, because another dispatcher may be at work by then.
"""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

from sqlalchemy import Connection, Engine, NullPool, TextClause, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from newsletter import postgresql
from newsletter.database import sentence
from newsletter.delivery.lineage import LINEAGE
from newsletter.errors import DatabaseError, DeliveryError

_KEY = {"locks": postgresql.LOCKS, "which": postgresql.DISPATCHER}
_TAKE = text("select pg_try_advisory_lock(:locks, :which), pg_backend_pid()")
_SHARE = text("select pg_try_advisory_lock_shared(:locks, :which), pg_backend_pid()")
_NUMBER = text("select pg_advisory_lock(:workers, :number)")
_LEAVE = text("select pg_advisory_unlock_all()")
_MINE = (
    "from pg_locks l where l.locktype = 'advisory' and l.classid = :locks and l.objid = :which and l.objsubid = 2 "
    "and l.granted and l.database = (select oid from pg_database where datname = current_database())"
)
_HELD = text(f"select {LINEAGE}, exists(select {_MINE} and l.pid = :pid)")
_HOLDER = text(
    f"select a.application_name, a.backend_start from pg_stat_activity a where a.pid in (select l.pid {_MINE})"  # noqa: S608
)
_LIVING = text(
    "select l.objid::bigint from pg_locks l where l.locktype = 'advisory' and l.classid = :workers and l.objsubid = 2 "
    "and l.granted and l.database = (select oid from pg_database where datname = current_database())"
)
_NAME = re.compile(r"newsletter (\d+)@(.*)")

Alone = Callable[[Session], bool]


@contextmanager
def held(engine: Engine, looks: int, apart: float, number: int | None = None) -> Iterator[Alone | None]:
    """Hold the lock: what tells in a session whether it is still held; None where another session has it.

    With a `number` it is shared with whoever shares it too; that number is shown to be alive meanwhile.

    What it tells raises DeliveryError where the server is in another history by now. Raises DatabaseError.
    """
    own = postgresql.engine_for(engine.url, poolclass=NullPool)
    options = {"isolation_level": "AUTOCOMMIT", postgresql.BESIDE: True}
    try:
        with own.connect().execution_options(**options) as connection:
            pid = _taken(connection, looks, apart, _TAKE if number is None else _SHARE)
            if pid and number is not None:
                connection.execute(_NUMBER, {"workers": postgresql.WORKERS, "number": number})
            yield _alone(connection, pid) if pid else None
            with suppress(DBAPIError):
                connection.execute(_LEAVE)
    except DBAPIError as error:
        raise DatabaseError(sentence(error, engine)) from error
    finally:
        own.dispose()


def holder(engine: Engine) -> tuple[int, str, datetime] | None:
    """Who holds it: process id (0 where it is not told), host, and since when; None where nobody does."""
    with engine.connect().execution_options(**{postgresql.BESIDE: True}) as connection:
        found = connection.execute(_HOLDER, _KEY).first()
    if found is None:
        return None
    named = _NAME.fullmatch(found.application_name or "")
    return int(named[1]) if named else 0, named[2] if named else "", found.backend_start.astimezone(UTC)


def living(session: Session) -> frozenset[int]:
    """The numbers of those that share the lock now."""
    return frozenset(session.connection().execute(_LIVING, {"workers": postgresql.WORKERS}).scalars())


def _taken(connection: Connection, looks: int, apart: float, how: TextClause) -> int:
    """The server's id of our session, or 0. Tried for a moment: a process that was killed leaves it a little later."""
    for look in range(looks):
        if look:
            time.sleep(apart)
        mine, pid = connection.execute(how, _KEY).one()
        if mine:
            return int(pid)
    return 0


def _alone(connection: Connection, pid: int) -> Alone:
    here = connection.execute(text(f"select {LINEAGE}")).scalar_one()

    def alone(session: Session) -> bool:
        lineage, mine = session.connection().execute(_HELD, {**_KEY, "pid": pid}).one()
        if lineage != here:
            raise DeliveryError(
                "Another server took over, or a copy was restored. Nothing more was sent; what was under way is not in "
                "this ledger. Run it again: it says what to do."
            )
        return bool(mine)

    return alone
