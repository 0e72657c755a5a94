"""Whom the provider refused, by name: as many as the numbers say."""

from dataclasses import replace

from delivery_samples import dispatcher_for_ten, state_of
from fake_provider import FakeProvider
from sqlalchemy import Engine, update
from sqlmodel import col

from newsletter.database import transaction
from newsletter.delivery.refusals import NO_REASON, Refused, refused
from newsletter.providers.base import Answer, Outcome, OutgoingBatch, Receipt
from subscribers.subscriber import Subscriber

ISSUE = 1


class OneByOne(FakeProvider):
    """Refuses the second of each call, for a reason of its own."""

    def send(self, batch: OutgoingBatch) -> Answer:
        """A receipt each."""
        keys = [one.key for one in batch.recipients]
        bad = [Receipt(keys[1], Outcome.REFUSED, "", "No such mailbox.")]
        return Answer([Receipt(keys[0], Outcome.ACCEPTED), *bad, *(Receipt(key, Outcome.ACCEPTED) for key in keys[2:])])


def of(engine: Engine) -> list[Refused]:
    """Who was refused in issue 1."""
    with transaction(engine) as session:
        return refused(session, ISSUE)


def test_who_was_refused_alone_is_named_with_the_reason(engine: Engine) -> None:
    """Ten people, four in a call: one of each call."""
    dispatcher = replace(dispatcher_for_ten(engine), provider=OneByOne())
    dispatcher.run(ISSUE)
    found = of(engine)

    assert [(one.address, one.batch, one.reason) for one in found] == [
        ("reader1@example.org", 1, "No such mailbox."),
        ("reader5@example.org", 2, "No such mailbox."),
        ("reader9@example.org", 3, "No such mailbox."),
    ]
    assert len(found) == state_of(dispatcher).refused
    assert found[0].at is not None


def test_a_whole_call_that_was_refused_names_everybody_in_it(engine: Engine) -> None:
    """With the reason that the call had; the others are not there."""
    dispatcher = replace(dispatcher_for_ten(engine), provider=FakeProvider(next_answers=["accept", "refuse"]))
    dispatcher.run(ISSUE)

    assert [one.address for one in of(engine)] == [f"reader{number}@example.org" for number in (4, 5, 6, 7)]
    assert {one.reason for one in of(engine)} == {"refuse"}
    assert len(of(engine)) == state_of(dispatcher).refused


def test_who_was_erased_since_is_counted_and_not_named(engine: Engine) -> None:
    """The row stays, the address is gone."""
    dispatcher = replace(dispatcher_for_ten(engine), provider=OneByOne())
    dispatcher.run(ISSUE)
    with transaction(engine) as session:
        session.execute(update(Subscriber).where(col(Subscriber.id) == 2).values(address=None))

    assert [one.address for one in of(engine)] == ["", "reader5@example.org", "reader9@example.org"]
    assert NO_REASON not in {one.reason for one in of(engine)}
