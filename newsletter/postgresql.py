"""PostgreSQL: connections, turns, and what its errors mean.

Theory. Every rule of this house was proved where transactions that write come one after the other, as on SQLite. Here
they take turns as well, by a lock that ends with the transaction: what holds there holds here, two claims cannot
collide, and nothing is ever rolled back because somebody else was quicker (with SERIALIZABLE, a webhook and a claim
abort each other). A turn is some milliseconds. What only reads waits for nobody, and sees one moment. Rows that two
turns could not share are locked all the same (`for update`).
"""

import os
import socket
from collections.abc import Mapping
from functools import partial
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DataError, DBAPIError

from newsletter.errors import DatabaseError

#: The name under which our advisory locks are kept ("WVNL"), and the locks: transactions take turns by the first.
LOCKS, TURN, DISPATCHER = 0x57564E4C, 1, 2
#: Beside them, the locks that dispatchers hold under their own numbers.
WORKERS = LOCKS + 1
#: Seconds to wait for a turn, a lock or a connection: as long as for SQLite's.
PATIENCE = 5
#: Seconds after which a machine that answers nothing is gone, for the server as for us. Without them the system
#: decides: some two hours for who is silent, and the turn of a machine that lost its power stops all others so long.
SILENT, ASK_EVERY, ASK = 15, 5, 3
GONE = SILENT + ASK_EVERY * ASK
#: Seconds that a process may stand still in its turn before the server takes it away: a frozen one stops all others.
STILL = 60
#: Execution options: this transaction only reads; this one is a lock's own. Neither waits for a turn.
READS, BESIDE = "only_reads", "beside_others"

#: A claim that a crash takes back is a second mail: the server's own choice counts only where it is as strict.
_TUNE = """
    select set_config('lock_timeout', %s, false),
           set_config('synchronous_commit',
                      case current_setting('synchronous_commit') when 'remote_apply' then 'remote_apply' else 'on' end,
                      false),
           set_config('tcp_keepalives_idle', %s, false),
           set_config('tcp_keepalives_interval', %s, false),
           set_config('tcp_keepalives_count', %s, false),
           set_config('tcp_user_timeout', %s, false),
           set_config('timezone', 'UTC', false)
"""
#: The same for our end of the connection: names of libpq. https://www.postgresql.org/docs/15/libpq-connect.html
_OUR_END = {
    "keepalives_idle": SILENT,
    "keepalives_interval": ASK_EVERY,
    "keepalives_count": ASK,
    "tcp_user_timeout": 1000 * GONE,
}
_ONE_MOMENT = "set transaction isolation level repeatable read, read only"
_TAKE_TURN = (
    "select set_config('idle_in_transaction_session_timeout', '{still}ms', true), "
    f"pg_advisory_xact_lock({LOCKS}, {TURN})"
)


def name_here() -> str:
    """How this process calls itself to the server: like "newsletter 4711@host"."""
    return f"newsletter {os.getpid()}@{socket.gethostname()}"[:63]


def engine_for(url: URL, patience: float = PATIENCE, still: float = STILL, **options: Any) -> Engine:
    """An engine for this URL, whose transactions take turns. Raises DatabaseError where the driver is missing.

    `patience`: how many seconds a transaction waits for its turn, or for a row. `still`: how many seconds one that has
    its turn may do nothing before the server ends it.
    """
    wanted = {"connect_timeout": PATIENCE, "application_name": name_here(), **_OUR_END}
    arguments = {name: value for name, value in wanted.items() if name not in url.query}
    try:
        engine = create_engine(
            url.set(drivername="postgresql"),
            hide_parameters=True,
            pool_pre_ping=True,
            isolation_level="READ COMMITTED",
            connect_args=arguments,
            **options,
        )
    except ImportError:
        raise DatabaseError(
            "PostgreSQL needs a driver that is not installed: pip install 'weekly-verdicts[postgres]' (or psycopg)."
        ) from None
    event.listen(engine, "connect", partial(_tune, patience=patience))
    event.listen(engine, "begin", partial(_take_turn, still=still))
    event.listen(engine, "handle_error", _without_detail)
    return engine


_NOT_AVAILABLE = "55P03"
#: What to say, by the beginning of the SQLSTATE; without one there is no connection.
_LOST = (
    "The connection to the database {where} was lost, or cannot be made: {cause}. See that the server runs, and run "
    "it again: what was under way is looked up, not guessed."
)
_SENTENCES: Mapping[str, str] = {
    "42P01": "The database {where} has no tables yet, or older ones. Run 'newsletter db upgrade'.",
    "42703": "The database {where} has no tables yet, or older ones. Run 'newsletter db upgrade'.",
    "42501": "The role of {where} may not do this: {cause}. docs/postgresql.md says what it needs.",
    _NOT_AVAILABLE: "The database {where} is busy: another process is writing for too long. Try again.",
    "40": "Another process changed the same in the database {where}. Nothing was changed. Try again.",
    "25006": "The database {where} takes no changes: it is a standby, or read-only. Nothing was changed.",
    "3D000": "There is no database {where}. docs/postgresql.md says how to make it.",
    "25P03": "This process stood still in the middle of a change, so the database {where} took it back. Nothing was "
    "changed. Run it again.",
    "28": "The database {where} does not let us in: {cause}. docs/postgresql.md says where the password belongs.",
    "22": "The database {where} cannot keep a value: {cause}. Nothing was changed.",
    "53": "The database {where} is out of disk, memory or connections: {cause}. Nothing was changed.",
    "57": _LOST,
    "08": _LOST,
}


def sentence(error: DBAPIError, where: str) -> str:
    """What is wrong, where, and what to do; the values of a row are never in it."""
    state = str(getattr(error.orig, "sqlstate", None) or ("22" if isinstance(error, DataError) else "08"))
    words = next((words for begins, words in _SENTENCES.items() if state.startswith(begins)), "")
    return (words or "The database {where} refused: {cause}. Nothing was changed.").format(
        where=where, cause=_cause(error)
    )


def _cause(error: DBAPIError) -> str:
    """The server's own words, on one line and without the detail that quotes a row."""
    primary = getattr(getattr(error.orig, "diag", None), "message_primary", None)
    lines = str(primary or error.orig).strip().splitlines() or ["no reason was given"]
    return " ".join(lines[0].split()).rstrip(".")


def is_busy(error: DBAPIError) -> bool:
    """Whether it is only that somebody else was writing for too long."""
    return getattr(error.orig, "sqlstate", None) == _NOT_AVAILABLE


def _tune(connection: Any, _record: Any, *, patience: float) -> None:
    with connection.cursor() as cursor:
        lasting = (str(SILENT), str(ASK_EVERY), str(ASK), f"{GONE}s")
        cursor.execute(_TUNE, (f"{max(1, round(1000 * patience))}ms", *lasting))
    connection.commit()


def _take_turn(connection: Connection, *, still: float) -> None:
    options = connection.get_execution_options()
    if not options.get(BESIDE):
        turn = _TAKE_TURN.format(still=max(1, round(1000 * still)))
        connection.exec_driver_sql(_ONE_MOMENT if options.get(READS) else turn)


def _without_detail(context: ExceptionContext) -> None:
    """Take "Key (address)=(…)" out of an error: hide_parameters does not hide it (security reference, S-60)."""
    cause, error = context.original_exception, context.sqlalchemy_exception
    diagnosis = getattr(cause, "diag", None)
    if getattr(diagnosis, "message_detail", None) is None or error is None:
        return
    whole = str(cause)
    cause.args = (getattr(diagnosis, "message_primary", None) or type(cause).__name__,)
    error.args = tuple(str(arg).replace(whole, str(cause.args[0])) for arg in error.args)
