"""Sign-ups that nobody ever confirmed: after some weeks they are forgotten, as if they had never been made.

Whoever never said yes is owed nothing and must not be kept (product reference 2.3; GDPR 5.1 e). Their row goes whole:
no issue was ever claimed for them, and signing up again begins anew. It goes sooner where the way back of
a changed address needs it (readdressing.py).
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete
from sqlmodel import Session, col

from subscribers.bookmarks import forget_bookmarks
from subscribers.consent import ConsentEvent
from subscribers.letters import forget_letters
from subscribers.signals import forget_sightings
from subscribers.subscriber import Subscriber, only_asked
from subscribers.votes import forget_votes


def expire_pending(session: Session, before: datetime) -> int:
    """Forget who is pending since before this moment (aware) and has never been anything else; how many.

    By the evidence and not by the row's own dates: those may come from an imported file.
    """
    ids = session.exec(only_asked(col(ConsentEvent.at) >= before)).all()
    for at in range(0, len(ids), 500):
        forget_requests(session, [one or 0 for one in ids[at : at + 500]])
    return len(ids)


def forget_requests(session: Session, ids: Sequence[int]) -> None:
    """Forget these people, who have only asked."""
    forget_letters(session, ids)
    forget_votes(session, ids)
    forget_bookmarks(session, ids)
    forget_sightings(session, ids)
    session.execute(delete(ConsentEvent).where(col(ConsentEvent.subscriber_id).in_(ids)))
    session.execute(delete(Subscriber).where(col(Subscriber.id).in_(ids)))
