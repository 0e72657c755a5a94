"""The sunset: who has been silent for long is asked once whether they still want this, and goes without an answer.

    silent ──asked──▶ question ──the letter was certainly taken──▶ question with a last day
                          │ any signal: no question any more            │ no signal by then
                          ▼                                             ▼
                        stays                                   lapsed: unsubscribed, and a button brings them back

Silence is what signals.py says, and never that a mail was not opened. The question is a letter and leaves as letters
do: at most once (letters.py). Whom it may not have reached, because it was refused or its answer was lost, is not let
go for not answering it, and is not asked again before they have been silent for as long once more.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, case, delete, exists, false, func, literal_column, or_, true, update
from sqlmodel import Field, Session, SQLModel, col, select

from subscribers.consent import ON_THE_LIST, ConsentEvent, Evidence, Kind, Status
from subscribers.letters import About, Letter, Post, owe
from subscribers.links import by_link
from subscribers.signals import last_signal, silent_since
from subscribers.subscriber import Subscriber, confirm, lapse, renew
from subscribers.suppression import Suppression, is_suppressed

SOURCE = "sunset"  #: of the consent event of who did not answer


class Question(SQLModel, table=True):
    """That somebody was asked whether they still want this, for as long as it is open or keeps them from another."""

    __tablename__ = "sunset_question"

    subscriber_id: int = Field(primary_key=True, foreign_key="subscriber.id")
    asked_at: datetime  #: when the letter was written down
    letter_id: int
    until: datetime | None = Field(default=None, index=True)  #: the last moment to answer; None: nobody waits for it


class Stay(StrEnum):
    """Where somebody stands who opens the link of the question."""

    ASKED = "asked"  #: on the list, and the question is open
    STAYS = "stays"  #: on the list, and it is not
    LAPSED = "lapsed"  #: was let go for not answering: the button brings them back
    GONE = "gone"  #: neither; the link has done its work


def silent(session: Session, before: datetime, most: int) -> Sequence[int]:
    """The ids of so many who may be asked: mailed until today, and no signal since this moment (aware). In their order.

    Reads the whole list where few are silent; for a session that holds nobody up.
    """
    ids = col(Subscriber.id)
    return [who or 0 for who in session.exec(select(ids).where(_may_ask(before)).order_by(ids).limit(most))]


def how_many_silent(session: Session, before: datetime) -> int:
    """How many such there are."""
    return session.exec(select(func.count()).select_from(Subscriber).where(_may_ask(before))).one()


def how_many_open(session: Session) -> int:
    """How many have been asked and still have time to answer."""
    return session.exec(select(func.count()).select_from(Question).where(col(Question.until).is_not(None))).one()


def asked_since(session: Session, moment: datetime) -> int:
    """How many were asked from this moment (aware) on; what is older than the letters are kept is not known."""
    mine = (Letter.about == About.STAY, col(Letter.made_at) >= moment)
    return session.exec(select(func.count()).select_from(Letter).where(*mine)).one()


def ask(session: Session, ids: Iterable[int], before: datetime, now: datetime, not_before: datetime) -> int:
    """Owe the question to each of these who is still silent; it leaves from `not_before` on (all aware). How many."""
    number = 0
    for who in ids:
        if session.exec(select(Subscriber).where(Subscriber.id == who, _may_ask(before))).first() is None:
            continue  # they did something since the look
        session.execute(delete(Question).where(col(Question.subscriber_id) == who))  # one of an earlier silence
        letter = owe(session, About.STAY, session.get_one(Subscriber, who), now, not_before)
        session.add(Question(subscriber_id=who, asked_at=now, letter_id=letter.id or 0))
        session.flush()
        number += 1
    return number


def see_what_arrived(session: Session, answer_in: timedelta) -> None:
    """Give a last moment to each question that was certainly taken; forget those that were never handed over."""
    # Letters are forgotten and SQLite gives their numbers away again: another letter of that number is no answer.
    whose = and_(col(Letter.subscriber_id) == col(Question.subscriber_id), col(Letter.about) == About.STAY)
    same = and_(col(Letter.id) == col(Question.letter_id), whose)
    found = select(Question, Letter).join(Letter, same).where(col(Question.until).is_(None))
    for question, letter in session.exec(found).all():
        if letter.post is Post.ACCEPTED:
            question.until = (letter.handed_at or letter.made_at) + answer_in
            session.add(question)
        elif letter.post is Post.DROPPED:
            session.delete(question)
    session.flush()


def let_go(session: Session, now: datetime, most: int = 500) -> tuple[int, int]:
    """Close so many questions whose time is over (`now` is aware): how many were closed, and how many lapsed by it."""
    over = select(Question).where(col(Question.until) <= now).order_by(col(Question.until)).limit(most)
    questions = session.exec(over.with_for_update()).all()
    lapsed = sum(_closed(session, question, now) for question in questions)
    return len(questions), lapsed


def standing(session: Session, subscriber: Subscriber | None) -> Stay:
    """Where they stand with the question."""
    if subscriber is None or is_suppressed(session, subscriber.fingerprint):
        return Stay.GONE
    if subscriber.status in ON_THE_LIST:
        return Stay.ASKED if session.get(Question, subscriber.id) else Stay.STAYS
    newest = select(ConsentEvent.kind).where(ConsentEvent.subscriber_id == subscriber.id)
    last = session.exec(newest.order_by(col(ConsentEvent.id).desc()).limit(1)).first()
    return Stay.LAPSED if subscriber.status is Status.UNSUBSCRIBED and last is Kind.LAPSED else Stay.GONE


def stay(session: Session, name: str, evidence: Evidence, now: datetime) -> Stay:
    """The yes of whom a link names: they stay, or are back after they lapsed. Said twice it is said once.

    STAYS or GONE. Raises FormerLink.
    """
    subscriber = by_link(session, name)
    if subscriber is None:
        return Stay.GONE
    was_asked = forget_question(session, subscriber)  # first: of this and of a lapse at the same moment one comes first
    session.refresh(subscriber)
    now_at = standing(session, subscriber)
    if now_at is Stay.STAYS and was_asked:
        renew(session, subscriber, evidence, now)
    if now_at is Stay.LAPSED:
        confirm(session, subscriber, evidence, now)
    return Stay.GONE if now_at is Stay.GONE else Stay.STAYS


def lay_aside(session: Session) -> None:
    """Wait for no answer to what was asked before: after a copy was put back, which knows of no later answer.

    Who was asked is not asked again for as long as ever, and does not lapse by it.
    """
    session.execute(update(Question).values(until=None, letter_id=0))


def forget_question(session: Session, subscriber: Subscriber) -> bool:
    """That they were asked. Whether they were."""
    theirs = delete(Question).where(col(Question.subscriber_id) == subscriber.id)
    return session.connection().execute(theirs).rowcount > 0


def _closed(session: Session, question: Question, now: datetime) -> bool:
    """Close one question; whether they lapsed by it."""
    subscriber = session.get_one(Subscriber, question.subscriber_id, populate_existing=True)
    asked, until = question.asked_at, question.until or now
    heard = last_signal(session, question.subscriber_id)
    session.delete(question)
    session.flush()
    answered = heard is not None and heard >= asked
    if answered or not _is_mailed(subscriber, now) or is_suppressed(session, subscriber.fingerprint):
        return False
    why = f"asked on {asked:%Y-%m-%d} whether they still want it, and no answer by {until:%Y-%m-%d}"
    return lapse(session, subscriber, Evidence(SOURCE, why), now)


def _is_mailed(subscriber: Subscriber, now: datetime) -> bool:
    """Whether they are on the list and on no break."""
    rested = subscriber.paused_until is not None and subscriber.paused_until <= now
    return subscriber.status is Status.ACTIVE or (subscriber.status is Status.PAUSED and rested)


def _may_ask(before: datetime) -> ColumnElement[bool]:
    """Who is mailed, has been silent since `before`, and was not asked since then either.

    A break counts as silence from its last day on. A CASE and no OR, so that the walk goes by ids (delivery/claims.py).
    """
    status = col(Subscriber.status)
    one: ColumnElement[int] = literal_column("1")
    rested = case((status == Status.PAUSED, col(Subscriber.paused_until) < before), else_=false())
    mailed = case((status == Status.ACTIVE, true()), else_=rested)
    asked = exists(one).where(
        col(Question.subscriber_id) == col(Subscriber.id),
        or_(col(Question.asked_at) >= before, col(Question.until).is_not(None)),
    )
    suppressed = exists(one).where(col(Suppression.fingerprint) == col(Subscriber.fingerprint))
    here = col(Subscriber.address).is_not(None)
    return and_(mailed, here, silent_since(before), ~asked, ~suppressed)
