"""The characters of the tests, and ways to put them on a list.

Ada is active, Ben pending, Cleo unsubscribed, Dov suppressed after a hard bounce, Pia paused; Eve is the stranger.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine
from sqlmodel import Session, SQLModel

from newsletter.database import transaction
from subscribers.address import fingerprint, parse
from subscribers.consent import Evidence
from subscribers.subscriber import Subscriber, add, pause, unsubscribe
from subscribers.suppression import Reason, suppress

NOW = datetime(2026, 11, 12, 8, 0, tzinfo=UTC)
SECRET = b"a secret for tests, 32 bytes long"
PAGE = Evidence("/subscribe", "2026-01")
ADA, BEN, CLEO, DOV, EVE, PIA = (parse(f"{name}@example.org") for name in ("Ada", "ben", "cleo", "dov", "eve", "pia"))
LEFT_ON = NOW - timedelta(days=30)
BACK_ON = NOW + timedelta(days=42)


def ada(session: Session) -> Subscriber:
    """Ada Njeri, active since ten weeks."""
    return add(session, ADA, PAGE, secret=SECRET, now=NOW - timedelta(weeks=10), name="Ada Njeri", confirmed=True)


def ben(session: Session) -> Subscriber:
    """Ben, who asked yesterday and has not confirmed."""
    return add(session, BEN, PAGE, secret=SECRET, now=NOW - timedelta(days=1), name="Ben Sørensen")


def cleo(session: Session) -> Subscriber:
    """Cleo, who left on LEFT_ON."""
    person = add(session, CLEO, PAGE, secret=SECRET, now=NOW - timedelta(weeks=20), name="Cleo", confirmed=True)
    unsubscribe(session, person, Evidence("/u"), LEFT_ON)
    return person


def dov(session: Session) -> Subscriber:
    """Dov, active and suppressed after a hard bounce."""
    person = add(session, DOV, PAGE, secret=SECRET, now=NOW - timedelta(weeks=9), name="Dov", confirmed=True)
    suppress(session, person.fingerprint, Reason.HARD_BOUNCE, NOW - timedelta(days=3), address=DOV.display)
    return person


def pia(session: Session) -> Subscriber:
    """Pia, who is paused until BACK_ON."""
    person = add(session, PIA, PAGE, secret=SECRET, now=NOW - timedelta(weeks=8), name="Pia Lindqvist", confirmed=True)
    pause(session, person, Evidence("/preferences"), NOW - timedelta(days=2), BACK_ON)
    return person


def everybody(session: Session) -> dict[str, Subscriber]:
    """All five who are on the list, by their first names."""
    return {make.__name__: make(session) for make in (ada, ben, cleo, dov, pia)}


def print_of(address: str) -> str:
    """The fingerprint of this address."""
    return fingerprint(parse(address).key, SECRET)


@contextmanager
def the_list(engine: Engine) -> Iterator[Session]:
    """A session on an empty list, in one transaction."""
    SQLModel.metadata.create_all(engine)
    with transaction(engine) as session:
        yield session
