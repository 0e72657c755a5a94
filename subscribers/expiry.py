"""Sign-ups that nobody ever confirmed: after some weeks they are forgotten, as if they had never been made.

Whoever never said yes is owed nothing and must not be kept (product reference 2.3; GDPR 5.1 e). Their row goes whole:
no issue was ever claimed for them, and signing up again begins anew.
"""

from datetime import datetime

from sqlalchemy import delete, exists, or_, select
from sqlmodel import Session, col

from subscribers.bookmarks import forget_bookmarks
from subscribers.consent import ConsentEvent, Status
from subscribers.letters import forget_letters
from subscribers.signals import forget_sightings
from subscribers.subscriber import Subscriber
from subscribers.votes import forget_votes


def expire_pending(session: Session, before: datetime) -> int:
    """Forget who is pending since before this moment (aware) and has never been anything else; how many.

    By the evidence and not by the row's own dates: those may come from an imported file.
    """
    theirs = col(ConsentEvent.subscriber_id) == col(Subscriber.id)
    more = or_(col(ConsentEvent.status) != Status.PENDING, col(ConsentEvent.at) >= before)
    waits = col(Subscriber.status) == Status.PENDING
    never = select(col(Subscriber.id)).where(waits, exists().where(theirs), ~exists().where(theirs, more))
    ids = list(session.execute(never).scalars())
    for at in range(0, len(ids), 500):
        some = ids[at : at + 500]
        forget_letters(session, some)
        forget_votes(session, some)
        forget_bookmarks(session, some)
        forget_sightings(session, some)
        session.execute(delete(ConsentEvent).where(col(ConsentEvent.subscriber_id).in_(some)))
        session.execute(delete(Subscriber).where(col(Subscriber.id).in_(some)))
    return len(ids)
