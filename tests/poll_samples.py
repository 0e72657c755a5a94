"""An issue that a provider took, and a poll of that provider, which is a fake of Mailgun."""

from datetime import datetime, timedelta

from delivery_samples import NOW, Ticks, answers, crowd, issue_on_its_way
from fake_events import BASE, FakeMailgun, mailgun_event
from sqlalchemy import Engine
from sqlmodel import Session, select

from newsletter.database import transaction
from newsletter.delivery import claims, ledger
from newsletter.delivery.event_tables import DeliveryState
from newsletter.delivery.poll_table import LastPoll
from newsletter.delivery.polling import Poller
from newsletter.providers.adapter import Account
from newsletter.providers.base import Outcome
from newsletter.providers.hooks import Kind
from newsletter.providers.mailgun_poll import MailgunPoll
from subscribers.subscriber import Subscriber
from subscribers.suppression import Reason, Suppression

SENT = NOW - timedelta(hours=2)  #: when the provider took it


def sent(engine: Engine, people: int = 5) -> list[str]:
    """An issue that the provider took two hours ago; the keys in the order of ids."""
    with transaction(engine) as session:
        crowd(session, people)
        batch = claims.claim(session, issue_on_its_way(session), 100, SENT, "mailgun:abc")
        assert batch is not None
        ledger.record(session, batch, answers(batch, Outcome.ACCEPTED), SENT)
        for person in session.exec(select(Subscriber)):
            person.confirmed_at = person.signed_up_at = SENT - timedelta(days=1)
        return [f"1-{ref}" for ref in session.exec(select(Subscriber.ref).order_by(Subscriber.id))]


def poller(engine: Engine, fake: FakeMailgun, now: datetime = NOW, ticks: Ticks | None = None) -> Poller:
    """Asks the fake, at this time."""
    poll = MailgunPoll(Account("key", address=BASE), "example.org")
    return Poller(engine, "mailgun", poll, fake, lambda: now, pause=(ticks or Ticks()).forward)


def delivered(keys: list[str], at: datetime = NOW - timedelta(hours=1, minutes=30)) -> FakeMailgun:
    """All of them were delivered, one each second."""
    return FakeMailgun([mailgun_event(key, at.timestamp() + place) for place, key in enumerate(keys)])


def states(engine: Engine) -> list[Kind | None]:
    """What is known of the deliveries."""
    with transaction(engine) as session:
        return list(session.exec(select(DeliveryState.state)))


def known(engine: Engine) -> LastPoll:
    """The row."""
    with transaction(engine) as session:
        return session.get_one(LastPoll, "mailgun")


def suppressed(session: Session) -> list[tuple[Reason, str]]:
    """Why, and on whose word."""
    return [(one.reason, one.by) for one in session.exec(select(Suppression))]
