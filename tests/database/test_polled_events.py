"""What a poll finds, and what follows for deliveries and people."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from delivery_samples import NOW
from fake_events import FakeMailgun, mailgun_event
from poll_samples import SENT, poller, sent, states, suppressed
from sqlalchemy import Engine
from sqlmodel import select

from newsletter.database import transaction
from newsletter.delivery.batch import Batch
from newsletter.delivery.event_tables import DeliveryState, ProviderEvent
from newsletter.delivery.events import take
from newsletter.delivery.poll_keeping import Kept, keep
from newsletter.providers.hooks import Event, Incoming, Kind
from newsletter.providers.mailgun_hook import MailgunHook
from newsletter.providers.polls import Found
from subscribers.subscriber import Subscriber
from subscribers.suppression import Reason, Suppression, lift


def bounce(key: str) -> dict[str, object]:
    """No such mailbox."""
    at = (NOW - timedelta(minutes=9)).timestamp()
    return mailgun_event(key, at, "failed", severity="permanent", reason="bounce")


def by_hook(item: dict[str, object]) -> Sequence[Event]:
    """The same event, as the webhook has it."""
    body = {"signature": {"token": "t" * 50, "timestamp": "1"}, "event-data": item}
    return MailgunHook().parse(Incoming({}, json.dumps(body).encode()))


def bounced_by_hook(engine: Engine) -> dict[str, object]:
    """The first bounces, and the webhook says so; the event, as a poll finds it too."""
    bounced = bounce(sent(engine)[0])
    with transaction(engine) as session:
        take(session, "mailgun", by_hook(bounced), NOW)
    return bounced


def test_an_event_by_hook_and_by_poll_counts_once(engine: Engine) -> None:
    """Mailgun's two ways give it different ids: one moment, one kind and one delivery are one event."""
    bounced = bounced_by_hook(engine)

    assert poller(engine, FakeMailgun([bounced])).run().kept == Kept(known=1)
    assert states(engine) == [Kind.HARD_BOUNCED]


def test_a_lifted_suppression_stays_lifted_when_the_poll_says_what_the_hook_said(engine: Engine) -> None:
    """What was heard before is no news after the operator's word."""
    bounced = bounced_by_hook(engine)
    with transaction(engine) as session:
        lift(session, session.exec(select(Suppression.fingerprint)).one(), NOW, by="Mara")
    poller(engine, FakeMailgun([bounced])).run()

    with transaction(engine) as session:
        assert suppressed(session) == []


def test_an_unknown_kind_is_kept_and_counted(engine: Engine) -> None:
    """Of ours, and of nobody's; never an error."""
    at = (NOW - timedelta(minutes=9)).timestamp()
    strange = [mailgun_event(key, at, "teleported") for key in (sent(engine)[0], "")]
    told = poller(engine, FakeMailgun(strange)).run()

    assert (told.kept, told.trouble) == (Kept(new=1, unknown=2, others=1), "")


def test_other_mail_of_the_account_is_counted_and_not_kept(engine: Engine) -> None:
    """It has no key of ours."""
    told = poller(engine, FakeMailgun([mailgun_event("", (NOW - timedelta(minutes=9)).timestamp())])).run()

    assert told.kept == Kept(others=1)
    with transaction(engine) as session:
        assert session.exec(select(ProviderEvent)).all() == []


def about(name: str = "p0", kind: Kind = Kind.HARD_BOUNCED, address: str = "", at: datetime = NOW) -> Found:
    """What a poll found without our key."""
    return Found(Event(kind, "", f"{kind}:{at.timestamp()}", at, str(kind)), name, address)


def test_a_message_is_known_by_the_id_that_the_provider_gave(engine: Engine) -> None:
    """The second of the batch."""
    sent(engine)
    with transaction(engine) as session:
        kept = keep(session, "mailgun", [about("p1", Kind.DELIVERED), about("p9", Kind.DELIVERED)], NOW)
        (state,) = session.exec(select(DeliveryState))

    assert (kept, state.subscriber_id, state.state) == (Kept(new=1, others=1), 2, Kind.DELIVERED)


def test_an_id_of_another_provider_is_nobody(engine: Engine) -> None:
    """Ids are unique at one provider only; "mail" is not "mailgun"."""
    sent(engine)
    with transaction(engine) as session:
        assert [keep(session, name, [about()], NOW).others for name in ("other", "mail")] == [1, 1]


@pytest.mark.parametrize(
    ("kind", "reasons"),
    [
        (Kind.HARD_BOUNCED, [(Reason.HARD_BOUNCE, "provider:mailgun")]),
        (Kind.COMPLAINED, [(Reason.COMPLAINT, "provider:mailgun")]),
        (Kind.BLOCKED, []),
        (Kind.SOFT_BOUNCED, []),
    ],
)
def test_an_address_alone_suppresses_and_proves_nothing(engine: Engine, kind: Kind, reasons: list[object]) -> None:
    """No state, no evidence; the address is in no event."""
    sent(engine)
    found = [about("", kind, "Reader0@Example.org")]
    with transaction(engine) as session:
        kept = [keep(session, "mailgun", found, NOW) for _ in range(2)]

        assert kept == [Kept(new=1), Kept(known=1)]
        assert suppressed(session) == reasons
        assert session.exec(select(DeliveryState)).all() == []
        assert "reader0" not in str(session.exec(select(ProviderEvent)).one()).lower()


@pytest.mark.parametrize("address", ["nobody@example.org", "", "no address", "a@b@c", "x" * 5000], ids=range(5))
def test_an_address_that_is_not_on_the_list_is_no_error(engine: Engine, address: str) -> None:
    """Counted, and not kept."""
    sent(engine)
    with transaction(engine) as session:
        assert keep(session, "mailgun", [about("", address=address)], NOW) == Kept(others=1)
        assert session.exec(select(ProviderEvent)).all() == []


@pytest.mark.parametrize("at", [SENT - timedelta(days=2), SENT - timedelta(hours=1)], ids=["before-yes", "before-mail"])
def test_a_bounce_from_before_our_mail_is_not_ours(engine: Engine, at: datetime) -> None:
    """Another sender's with the same account, or of a time before they said yes."""
    sent(engine)
    with transaction(engine) as session:
        assert keep(session, "mailgun", [about("", address="reader0@example.org", at=at)], NOW).others == 1
        assert suppressed(session) == []


def test_an_old_entry_of_a_list_does_not_undo_an_operators_word(engine: Engine) -> None:
    """The list holds it for ever; only a newer one counts."""
    sent(engine)
    old = about("", address="reader0@example.org", at=NOW - timedelta(hours=1))
    with transaction(engine) as session:
        keep(session, "mailgun", [old], NOW)
        lift(session, session.exec(select(Suppression.fingerprint)).one(), NOW, by="Mara")
        keep(session, "mailgun", [replace(old, event=replace(old.event, event_id="other"))], NOW)
        assert suppressed(session) == []
        keep(session, "mailgun", [about("", address="reader0@example.org", at=NOW + timedelta(hours=1))], NOW)
        assert suppressed(session) == [(Reason.HARD_BOUNCE, "provider:mailgun")]


def test_a_bounce_from_before_their_newest_yes_does_not_suppress(engine: Engine) -> None:
    """They have confirmed since, and that mail arrived."""
    sent(engine)
    with transaction(engine) as session:
        session.get_one(Subscriber, 1).confirmed_at = NOW
        kept = keep(session, "mailgun", [about("", address="reader0@example.org", at=NOW - timedelta(hours=1))], NOW)

        assert (kept, suppressed(session)) == (Kept(others=1), [])


def test_ids_that_are_not_one_for_each_say_nothing(engine: Engine) -> None:
    """Their order is all that joins them to people."""
    sent(engine)
    with transaction(engine) as session:
        session.exec(select(Batch)).one().provider_ids = b"p0\np1"
        session.flush()

        assert keep(session, "mailgun", [about("p1")], NOW) == Kept(others=1)
