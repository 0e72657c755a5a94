"""What has to be done every night so that nothing has to be done by hand: each chore one function.

A chore takes the desk, says in a sentence what it did ("" for nothing), and can be done at any time and any number of
times. What is kept for how long is written here and nowhere else.
"""

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import delete
from sqlmodel import col

from newsletter.delivery.crew import forget_workers
from newsletter.delivery.event_tables import ProviderEvent
from newsletter.delivery.progress import on_its_way
from newsletter.delivery.session_lock import living
from newsletter.desk.backup import back_up, forget_old
from newsletter.desk.desk import Desk
from newsletter.desk.settling import settle_doubts
from newsletter.desk.sunset import let_the_sun_set
from newsletter.desk.tellings import forget as forget_old_notices
from newsletter.issues.wording import counted
from subscribers.address_change import UNDO_FOR, forget_addresses
from subscribers.expiry import expire_pending
from subscribers.letters import forget_old_letters
from subscribers.wishes import forget_wishes

#: How long a sign-up may wait for its confirmation before it is forgotten.
PENDING_FOR = timedelta(days=30)
#: How long the single words of providers are kept; what followed from them (states, suppressions) stays.
EVENTS_FOR = timedelta(days=400)
#: How long a notice is kept after what it told is over.
NOTICES_FOR = timedelta(days=400)

#: How long it is kept which dispatchers ran and called nobody: one that has just begun holds its lock a moment later.
WORKERS_FOR = timedelta(days=1)
#: How long it is kept who asked from which network, and which single mails went out.
ASKED_FOR = timedelta(days=30)


def forget_pending(desk: Desk) -> str:
    """Sign-ups that nobody confirmed. Not while an issue is on its way: its numbers are of the whole list."""
    with desk.transaction() as session:
        if on_its_way(session):
            return "An issue is on its way: unconfirmed sign-ups are looked at tomorrow."
        gone = expire_pending(session, desk.clock() - PENDING_FOR)
    return f"{counted(gone, 'sign-up')} forgotten: not confirmed in {PENDING_FOR.days} days." if gone else ""


def forget_asking(desk: Desk) -> str:
    """Forms that were sent long ago, the single mails that followed, and addresses that were changed for others."""
    with desk.transaction() as session:
        before = desk.clock() - ASKED_FOR
        gone = forget_wishes(session, before), forget_old_letters(session, before)
        forget_addresses(session, desk.clock() - UNDO_FOR)
    traces = f"{counted(sum(gone), 'trace')} of sign-ups of more than {ASKED_FOR.days} days ago forgotten."
    return traces if any(gone) else ""


def forget_events(desk: Desk) -> str:
    """What providers said long ago."""
    with desk.transaction() as session:
        old = delete(ProviderEvent).where(col(ProviderEvent.received_at) < desk.clock() - EVENTS_FOR)
        gone = session.connection().execute(old).rowcount
    return f"{counted(gone, 'event')} of more than {EVENTS_FOR.days} days ago forgotten." if gone else ""


def forget_notices(desk: Desk) -> str:
    """What there was to tell long ago, and to whom it was told."""
    with desk.transaction() as session:
        gone = forget_old_notices(session, desk.clock() - NOTICES_FOR)
    return f"{counted(gone, 'notice')} of more than {NOTICES_FOR.days} days ago forgotten." if gone else ""


def forget_dead_workers(desk: Desk) -> str:
    """Runs of dispatchers that are over and that no call in the ledger names; only a server has any."""
    if desk.engine.dialect.name != "postgresql":
        return ""
    with desk.transaction() as session:
        gone = forget_workers(session, living(session), desk.clock() - WORKERS_FOR)
    return f"{counted(gone, 'run')} of dispatchers without a call forgotten." if gone else ""


def maintain(desk: Desk) -> str:
    """Let SQLite keep its statistics fresh and its write-ahead log short; elsewhere the server does that itself."""
    if desk.engine.url.get_backend_name() == "sqlite":
        raw = desk.engine.raw_connection()
        try:
            raw.cursor().execute("pragma optimize")
            raw.cursor().execute("pragma wal_checkpoint(truncate)")
        finally:
            raw.close()
    return ""


def copy(desk: Desk) -> str:
    """The nightly backup, where a folder is named for it; the oldest copies go."""
    wanted = desk.config.backup
    if wanted.folder is None:
        return ""
    made = back_up(desk.engine, wanted.folder, desk.clock(), recipients=wanted.recipients)
    gone = forget_old(wanted.folder, wanted.keep)
    sentence = f"{made.file.name}: {made.size / 1e6:,.1f} MB, checked{', sealed' if wanted.recipients else ''}"
    return f"{sentence}; {len(gone)} old removed." if gone else f"{sentence}."


#: In this order: what is to be forgotten goes before the copy is made.
CHORES: dict[str, Callable[[Desk], str]] = {
    "sign-ups": forget_pending,
    "sunset": let_the_sun_set,  # before the letters that it looks at are forgotten
    "asking": forget_asking,
    "doubts": settle_doubts,
    "events": forget_events,
    "notices": forget_notices,
    "workers": forget_dead_workers,
    "database": maintain,
    "backup": copy,
}
