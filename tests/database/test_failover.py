"""A second provider, and a provider that is not there any more: neither makes a second mail."""

from dataclasses import replace

import pytest
from delivery_samples import dispatcher_for_ten, state_of
from fake_provider import FakeProvider, Killed
from sqlalchemy import Engine, update
from sqlmodel import col

from newsletter.database import transaction
from newsletter.delivery import failover
from newsletter.delivery.batch import Batch
from newsletter.delivery.dispatch import Dispatcher
from newsletter.delivery.flight import Ending

ISSUE = 1


@pytest.fixture
def dispatcher(engine: Engine) -> Dispatcher:
    """Issue 1 on its way to ten people, four in a call; a first provider, and a second one."""
    return replace(
        dispatcher_for_ten(engine), provider=FakeProvider(name="first"), fallback=FakeProvider(name="second")
    )


def test_the_second_takes_what_the_first_certainly_did_not(dispatcher: Dispatcher) -> None:
    """The first cannot be reached: everybody is mailed once, by the second."""
    dispatcher.provider.always = "later"

    assert dispatcher.run(ISSUE)[0] is Ending.DONE
    assert sorted(dispatcher.fallback.log.values()) == [1] * 10
    assert state_of(dispatcher).accepted == 10


def test_the_first_is_used_while_it_works(dispatcher: Dispatcher) -> None:
    """The second is never called."""
    dispatcher.run(ISSUE)

    assert dispatcher.fallback.calls == []


def test_what_may_be_with_the_first_never_goes_to_the_second(dispatcher: Dispatcher) -> None:
    """Its answer was lost; later calls do not reach it at all."""
    dispatcher.provider.next_answers, dispatcher.provider.always = ["accept, answer lost"], "later"
    dispatcher.run(ISSUE)

    assert not set(dispatcher.provider.log) & set(dispatcher.fallback.log)
    assert (state_of(dispatcher).unknown, state_of(dispatcher).accepted) == (4, 6)


@pytest.mark.parametrize(
    ("trouble", "ending"), [("slow down", Ending.REFUSING), ("your account is suspended", Ending.HALTED)]
)
def test_neither_throttling_nor_a_bad_key_is_failure(dispatcher: Dispatcher, trouble: str, ending: Ending) -> None:
    """The first works, and says why it takes nothing now."""
    dispatcher.provider.always = trouble

    assert dispatcher.run(ISSUE)[0] is ending
    assert dispatcher.fallback.calls == []


def test_where_neither_can_be_reached_nobody_is_lost(dispatcher: Dispatcher) -> None:
    """The next run sends to everybody."""
    dispatcher.provider.always = dispatcher.fallback.always = "later"
    first = dispatcher.run(ISSUE)[0]
    dispatcher.provider.always = "accept"

    assert (first, dispatcher.run(ISSUE)[0]) == (Ending.REFUSING, Ending.DONE)
    assert sorted(dispatcher.provider.log.values()) == [1] * 10


@pytest.mark.parametrize("can", ["remembers", "answers_look_ups"])
def test_only_the_provider_that_had_a_batch_can_tell_what_became_of_it(dispatcher: Dispatcher, can: str) -> None:
    """The process died after the call, and another provider was set up since: it knows nothing of the batch."""
    dispatcher.provider.next_answers = ["accept, die after"]
    with pytest.raises(Killed):
        dispatcher.run(ISSUE)
    other = replace(dispatcher, provider=FakeProvider(name="other", **{can: True}), fallback=None)
    other.run(ISSUE)

    assert state_of(other).unknown == 4
    assert not set(dispatcher.provider.log) & set(other.provider.log)


def test_what_was_certainly_not_taken_goes_to_whoever_is_configured_now(dispatcher: Dispatcher) -> None:
    """It is in nobody's hands."""
    dispatcher.provider.always = "slow down"
    dispatcher.run(ISSUE)
    other = replace(dispatcher, provider=FakeProvider(name="other"), fallback=None)

    assert other.run(ISSUE)[0] is Ending.DONE
    assert sorted(other.provider.log.values()) == [1] * 10


def test_it_is_written_down_who_took_how_many_and_why_the_first_was_left(dispatcher: Dispatcher) -> None:
    """Its first call is taken; then it cannot be reached."""
    dispatcher.provider.next_answers, dispatcher.provider.always = ["accept"], "later"
    dispatcher.run(ISSUE)

    with transaction(dispatcher.engine) as session:
        assert failover.taken_by(session, ISSUE) == {"first": 4, "second": 6}
        assert [(one.provider, one.reason) for one in failover.of_issue(session, ISSUE)] == [("first", "later")]


def test_who_was_shown_to_have_it_counts_for_the_provider_that_is_in_doubt(dispatcher: Dispatcher) -> None:
    """As in the numbers of the issue."""
    dispatcher.provider.next_answers = ["accept, answer lost"]
    dispatcher.run(ISSUE)
    with transaction(dispatcher.engine) as session:
        session.execute(update(Batch).where(col(Batch.number) == 1).values(proved=3, status="unknown"))

        assert failover.taken_by(session, ISSUE) == {"first": 9}
