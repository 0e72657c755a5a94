"""Choosing what one gets: kept with the reader, and written down as evidence of what they asked for."""

from collections import Counter
from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from subscribers.choice import EVERYTHING, Choice
from subscribers.consent import ON_THE_LIST, Evidence, Kind, after, record
from subscribers.subscriber import Subscriber


def choice_of(subscriber: Subscriber) -> Choice:
    """What this reader wants; everything, every week, where they never said."""
    return Choice.stored(subscriber.topics, subscriber.frequency)


def choose(
    session: Session,
    subscriber: Subscriber,
    choice: Choice,
    source: str,
    now: datetime,
    by: str = "",
    note: str = "",
) -> bool:
    """From now on they get this. False where that is what they get already.

    `by`: who wrote it down for them, and `note` how they asked, where they did not choose themselves.
    Counts from the next issue that begins. Raises IllegalChange for who never confirmed, or has left.
    """
    status = after(subscriber.status, Kind.CHOSE) or subscriber.status
    if choice == choice_of(subscriber):
        return False
    subscriber.topics, subscriber.frequency = choice.text, choice.frequency
    session.add(subscriber)
    session.flush()
    record(
        session,
        subscriber.id or 0,
        Kind.CHOSE,
        status,
        Evidence(source, f"{choice.words}; {note}" if note.strip() else choice.words, by),
        now,
        print_=subscriber.fingerprint,
    )
    return True


def forget_choice(subscriber: Subscriber) -> None:
    """As if they had never chosen: where somebody is erased."""
    subscriber.topics, subscriber.frequency = EVERYTHING.text, EVERYTHING.frequency


def chosen(session: Session) -> dict[Choice, int]:
    """How many of those who are on the list, or on a break from it, want what; the most wanted first."""
    topics, frequency = col(Subscriber.topics), col(Subscriber.frequency)
    here = col(Subscriber.status).in_(ON_THE_LIST)
    query = select(topics, frequency, func.count()).where(here).group_by(topics, frequency)
    found = Counter[Choice]()
    for text, often, number in session.exec(query):
        found[Choice.stored(text, often)] += number
    return dict(found.most_common())
