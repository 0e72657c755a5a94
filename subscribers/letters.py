"""Single mails that one person is owed: the question whether they want the newsletter (still), and the welcome.

A letter is written down first, then claimed and committed, then handed over: at most once. One whose answer was lost
stays "handed over" and is never repeated, for a second question to somebody who did not ask is what an attacker wants;
whoever misses theirs can sign up again. At most one question a day and address, three in all: security reference, S-49.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import delete, func
from sqlmodel import Field, Session, SQLModel, col, select

from subscribers.address_change import OPEN_FOR, UNDO_FOR, AddressChange, can_change
from subscribers.columns import word
from subscribers.consent import ON_THE_LIST, Status
from subscribers.signals import last_signal
from subscribers.subscriber import Subscriber
from subscribers.suppression import is_suppressed
from subscribers.tokens import CONFIRM_DAYS

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
QUESTIONS, QUESTIONS_IN = 3, timedelta(days=30)  #: letters to one address that nobody has confirmed, and in what time
LATEST = timedelta(days=2)  #: a letter that could not be handed over by then is not wanted any more


class About(StrEnum):
    """What a letter says."""

    CONFIRM = "confirm"  #: somebody asked for the newsletter: was it you?
    ALREADY = "already"  #: you are on the list already
    STAY = "stay"  #: nothing was heard from you for long: do you still want this?
    WELCOME = "welcome"  #: you are on the list now; the newest issue is in it
    NEW_ADDRESS = "new-address"  #: somebody wants to get it here instead: was it you? Goes to the new address
    OLD_ADDRESS = "old-address"  #: you get it elsewhere now; goes to the old address


#: Letters that a stranger can cause.
ASKED = (About.CONFIRM, About.ALREADY, About.NEW_ADDRESS)
#: Who still wants what it says.
WANTED = {
    About.CONFIRM: (Status.PENDING,),
    About.ALREADY: ON_THE_LIST,
    About.WELCOME: (Status.ACTIVE,),
    About.STAY: ON_THE_LIST,
    About.NEW_ADDRESS: ON_THE_LIST,
    About.OLD_ADDRESS: tuple(Status),  # whoever took it away cannot leave, or sign up again, past the notice
}
#: How long the link of a letter works. That of STAY is a setting of the newsletter (`sunset.answer_days`).
WORKS_FOR = {About.CONFIRM: CONFIRM_DAYS, About.NEW_ADDRESS: OPEN_FOR, About.OLD_ADDRESS: UNDO_FOR}


class Post(StrEnum):
    """Where a letter is."""

    WAITING = "waiting"
    HANDED = "handed over"  #: and nobody knows more: never repeated
    ACCEPTED = "accepted"
    REFUSED = "refused"
    DROPPED = "dropped"  #: nobody wanted it any more


class Letter(SQLModel, table=True):
    """One single mail."""

    id: int | None = Field(default=None, primary_key=True)
    about: About = Field(sa_type=word(About))
    subscriber_id: int = Field(foreign_key="subscriber.id", index=True)
    fingerprint: str = Field(index=True)  #: of its address: what is counted
    made_at: datetime
    post: Post = Field(default=Post.WAITING, sa_type=word(Post), index=True)
    not_before: datetime  #: a provider that is away is asked later
    handed_at: datetime | None = Field(default=None, index=True)
    tries: int = 0
    change_id: int | None = Field(default=None, foreign_key="address_change.id")  #: of address, that it is about


def owe(
    session: Session,
    about: About,
    subscriber: Subscriber,
    now: datetime,
    not_before: datetime | None = None,
    *,
    change: AddressChange | None = None,
) -> Letter:
    """Write down that they are to get this, not before that moment (aware), by default at once.

    `change`: the change of address that it is about.
    """
    prints = {About.NEW_ADDRESS: change and change.fingerprint, About.OLD_ADDRESS: change and change.old_fingerprint}
    letter = Letter(
        about=about,
        subscriber_id=subscriber.id or 0,
        fingerprint=prints.get(about) or subscriber.fingerprint,
        change_id=change.id if change else None,
        made_at=now,
        not_before=not_before or now,
    )
    session.add(letter)
    session.flush()
    return letter


def may_ask(session: Session, print_: str, now: datetime) -> bool:
    """Whether this address may get one more letter that a stranger can cause."""
    mine = (Letter.fingerprint == print_, col(Letter.about).in_(ASKED), Letter.post != Post.DROPPED)
    times = session.exec(select(Letter.made_at).where(*mine, Letter.made_at > now - QUESTIONS_IN)).all()
    return len(times) < QUESTIONS and not any(moment > now - DAY for moment in times)


def claim(session: Session, now: datetime, asked_an_hour: int) -> tuple[Letter, Subscriber] | None:
    """The next letter to be handed over, and to whom: from now on it counts as handed over. None: nothing to do.

    `asked_an_hour`: so many that strangers can cause leave in any hour. What nobody wants any more is dropped here.
    """
    due: list[Any] = [Letter.post == Post.WAITING, Letter.not_before <= now]
    if _asked_lately(session, now) >= asked_an_hour:
        due.append(col(Letter.about).not_in(ASKED))
    nobody_waits = col(Letter.about) == About.STAY  # whoever sits before a form is served first
    for letter in session.exec(select(Letter).where(*due).order_by(nobody_waits, col(Letter.id)).limit(100)).all():
        whom = session.get_one(Subscriber, letter.subscriber_id)
        session.add(letter)
        if not _wanted(session, letter, whom, now):
            letter.post = Post.DROPPED
            continue
        letter.post, letter.handed_at, letter.tries = Post.HANDED, now, letter.tries + 1
        session.flush()
        return letter, whom
    session.flush()
    return None


def settle(session: Session, letter_id: int, post: Post, not_before: datetime | None = None) -> None:
    """Write down what became of a letter; WAITING with a time (aware) is for one that was certainly not taken."""
    letter = session.get(Letter, letter_id)
    if letter is None:  # erased meanwhile
        return
    letter.post = post
    if post is Post.WAITING:
        letter.handed_at, letter.not_before = None, not_before or letter.not_before
    session.add(letter)
    session.flush()


def letters(session: Session, subscriber_id: int) -> list[Letter]:
    """The letters to one subscriber, oldest first."""
    mine = select(Letter).where(Letter.subscriber_id == subscriber_id).order_by(col(Letter.id))
    return list(session.exec(mine))


def bound_for(session: Session, letter: Letter, whom: Subscriber) -> str | None:
    """The address that a letter was made for; None where nobody has it any more, or it is not known any more."""
    change = session.get(AddressChange, letter.change_id) if letter.change_id else None
    if change is not None:
        return change.address if letter.about is About.NEW_ADDRESS else change.old_address
    return whom.address if letter.fingerprint == whom.fingerprint else None


def forget_letters(session: Session, subscriber_ids: Iterable[int]) -> None:
    """Those of these subscribers, who are being forgotten themselves."""
    session.execute(delete(Letter).where(col(Letter.subscriber_id).in_(list(subscriber_ids))))


def forget_old_letters(session: Session, before: datetime) -> int:
    """Those from before this moment (aware); how many."""
    return session.connection().execute(delete(Letter).where(col(Letter.made_at) < before)).rowcount


def waiting(session: Session, now: datetime) -> bool:
    """Whether any letter is to be handed over now."""
    due = select(Letter.id).where(Letter.post == Post.WAITING, Letter.not_before <= now)
    return session.exec(due.limit(1)).first() is not None


def _asked_lately(session: Session, now: datetime) -> int:
    lately = (col(Letter.handed_at) > now - HOUR, col(Letter.about).in_(ASKED))
    return session.exec(select(func.count()).select_from(Letter).where(*lately)).one()


def _wanted(session: Session, letter: Letter, whom: Subscriber, now: datetime) -> bool:
    """Whether it still says something true to somebody who may be mailed."""
    fits = bound_for(session, letter, whom) and whom.status in WANTED[letter.about] and letter.made_at > now - LATEST
    if not fits or is_suppressed(session, letter.fingerprint):
        return False
    if letter.about is About.NEW_ADDRESS:
        return can_change(session, session.get_one(AddressChange, letter.change_id), now)
    return letter.about is not About.STAY or (last_signal(session, whom.id or 0) or letter.made_at) <= letter.made_at
