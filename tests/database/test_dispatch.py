"""The dispatcher: everybody once, whatever the provider does and wherever the process dies."""

import fcntl
import os
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from delivery_samples import NOW, dispatcher_for_ten, issue_on_its_way, state_of
from fake_provider import FakeProvider, Killed
from people import everybody
from sqlalchemy import Engine, update
from sqlmodel import col

from newsletter.database import engine_for, transaction
from newsletter.delivery.dispatch import Dispatcher
from newsletter.delivery.flight import Ending
from newsletter.delivery.lock import holder, only_dispatcher
from newsletter.delivery.progress import Progress
from newsletter.errors import DeliveryError
from newsletter.issues.issue import Issue, IssueStatus
from subscribers.consent import Evidence
from subscribers.erasure import erase
from subscribers.subscriber import find, unsubscribe
from subscribers.suppression import Reason, suppress

ISSUE = 1


@pytest.fixture
def dispatcher(engine: Engine) -> Dispatcher:
    """A dispatcher for an issue on its way to ten people, four in a call."""
    return dispatcher_for_ten(engine)


def until_done(dispatcher: Dispatcher) -> Dispatcher:
    """Run, and run again after every death, as an operator would; the provider stays the same."""
    for _ in range(20):
        try:
            if dispatcher.run(ISSUE)[0] is Ending.DONE:
                return dispatcher
        except Killed:
            continue
    raise AssertionError("it never came to an end")


def test_everybody_gets_one_message(dispatcher: Dispatcher) -> None:
    """Ten people in three calls."""
    assert dispatcher.run(ISSUE)[0] is Ending.DONE

    assert list(dispatcher.provider.log.values()) == [1] * 10
    assert state_of(dispatcher).accepted == 10


def test_running_it_again_sends_nothing(dispatcher: Dispatcher) -> None:
    """A second run finds nobody left."""
    dispatcher.run(ISSUE)
    dispatcher.run(ISSUE)

    assert len(dispatcher.provider.calls) == 3


@pytest.mark.parametrize("how", ["die before", "accept, die after"])
@pytest.mark.parametrize("call", [0, 1, 2])
def test_invariant_5_a_death_at_any_call_doubles_nobody_under_a_key(
    dispatcher: Dispatcher, how: str, call: int
) -> None:
    """The provider honours the key: the batch is sent again, and nobody gets two, and nobody is lost."""
    keyed = replace(dispatcher, provider=FakeProvider(remembers=True, next_answers=["accept"] * call + [how]))

    until_done(keyed)

    assert list(keyed.provider.log.values()) == [1] * 10
    assert state_of(keyed).accepted == 10


@pytest.mark.parametrize("how", ["die before", "accept, die after"])
def test_invariant_7_without_a_key_the_batch_in_doubt_is_held(dispatcher: Dispatcher, how: str) -> None:
    """Whether it was accepted or not: it is not sent again on a guess, and it is shown as unknown."""
    keyless = replace(dispatcher, provider=FakeProvider(next_answers=["accept", how]))

    until_done(keyless)

    assert max(keyless.provider.log.values()) == 1
    assert state_of(keyless).unknown == 4
    assert state_of(keyless).accepted == 6


def test_a_lost_answer_is_unknown_and_not_repeated(dispatcher: Dispatcher) -> None:
    """The provider took it and did not say so."""
    dispatcher.provider.next_answers = ["accept, answer lost"]

    dispatcher.run(ISSUE)

    assert max(dispatcher.provider.log.values()) == 1
    assert state_of(dispatcher).unknown == 4


def test_an_answer_that_names_nobody_is_unknown(dispatcher: Dispatcher) -> None:
    """An empty answer says nothing about anybody."""
    dispatcher.provider.next_answers = ["answer nonsense"]

    dispatcher.run(ISSUE)

    assert state_of(dispatcher).unknown == 4


def test_what_was_certainly_not_taken_is_tried_again(dispatcher: Dispatcher) -> None:
    """Two times later, then accepted: one message each."""
    dispatcher.provider.next_answers = ["later", "later"]

    dispatcher.run(ISSUE)

    assert list(dispatcher.provider.log.values()) == [1] * 10
    assert dispatcher.provider.calls[:3] == [("issue:1:batch:1", 1), ("issue:1:batch:1", 2), ("issue:1:batch:1", 3)]


def test_a_provider_that_takes_nothing_ends_the_run_and_loses_nobody(dispatcher: Dispatcher) -> None:
    """After some tries the run says so; the next one goes on and reaches everybody."""
    dispatcher.provider.next_answers = ["later"] * 3

    assert dispatcher.run(ISSUE)[0] is Ending.REFUSING
    assert state_of(dispatcher).under_way == 4
    assert dispatcher.run(ISSUE)[0] is Ending.DONE
    assert list(dispatcher.provider.log.values()) == [1] * 10


def test_a_refused_batch_is_closed(dispatcher: Dispatcher) -> None:
    """It is counted as refused and not tried again."""
    dispatcher.provider.next_answers = ["refuse"]

    dispatcher.run(ISSUE)

    assert (state_of(dispatcher).refused, state_of(dispatcher).accepted) == (4, 6)


def test_stop_acts_between_two_batches_and_the_next_run_goes_on(dispatcher: Dispatcher) -> None:
    """Asked to stop after the first call."""
    ending, _ = dispatcher.run(ISSUE, stop=lambda: len(dispatcher.provider.calls) == 1)

    assert (ending, state_of(dispatcher).accepted) == (Ending.STOPPED, 4)
    assert dispatcher.run(ISSUE)[0] is Ending.DONE
    assert state_of(dispatcher).accepted == 10


def test_a_pause_by_somebody_else_acts_within_one_batch(dispatcher: Dispatcher) -> None:
    """The status is read in the claiming transaction."""

    def pause(_: Progress) -> None:
        with transaction(dispatcher.engine) as session:
            session.execute(update(Issue).where(col(Issue.id) == ISSUE).values(status=IssueStatus.PAUSED))

    assert dispatcher.run(ISSUE, on_progress=pause)[0] is Ending.PAUSED
    assert len(dispatcher.provider.calls) == 1


def test_who_was_erased_between_claim_and_call_is_not_mailed(dispatcher: Dispatcher) -> None:
    """The batch keeps its members; one of them has no address any more."""
    dispatcher.provider.next_answers = ["later"] * 3
    dispatcher.run(ISSUE)
    with transaction(dispatcher.engine) as session:
        erase(session, find(session, "reader1@example.org"), "a page", NOW)

    dispatcher.run(ISSUE)

    assert (state_of(dispatcher).accepted, state_of(dispatcher).skipped["left"]) == (9, 1)


def test_an_unreachable_list_ends_at_once(engine: Engine, dispatcher: Dispatcher) -> None:
    """Nobody is eligible: everybody is counted as skipped, and no call is made."""
    with transaction(engine) as session:
        everybody(session)
        issue = issue_on_its_way(session, number=2)
        for number in range(10):
            erase(session, find(session, f"reader{number}@example.org"), "a page", NOW)

    dispatcher.run(issue)

    assert len(dispatcher.provider.calls) == 1  # Ada, and nobody else


def test_only_one_dispatcher_runs_on_a_database(engine: Engine) -> None:
    """The second is told so, and can run when the first has ended."""
    with only_dispatcher(engine), pytest.raises(DeliveryError, match="Another process"), only_dispatcher(engine):
        pass

    with only_dispatcher(engine):
        pass


def test_invariant_8_who_leaves_before_the_next_attempt_is_not_mailed(dispatcher: Dispatcher) -> None:
    """The batch was certainly not taken; one of its members leaves and one complains before it is tried again."""
    dispatcher.provider.next_answers = ["later"] * 3
    dispatcher.run(ISSUE)
    with transaction(dispatcher.engine) as session:
        unsubscribe(session, find(session, "reader0@example.org"), Evidence("/u"), NOW)
        suppress(session, find(session, "reader1@example.org").fingerprint, Reason.COMPLAINT, NOW)
    dispatcher.run(ISSUE)

    assert len(dispatcher.provider.log) == 8
    assert (state_of(dispatcher).accepted, state_of(dispatcher).skipped["left"]) == (8, 2)


def test_whoever_is_refused_learns_which_process_sends_and_since_when(engine: Engine) -> None:
    """Its number is enough to stop it; looking does not take the lock away from anybody."""
    assert holder(engine) is None
    with only_dispatcher(engine):
        found = holder(engine)
        with pytest.raises(DeliveryError, match=f"kill {os.getpid()} "), only_dispatcher(engine):
            pass

    assert found is not None
    assert found.pid == os.getpid()
    assert datetime.now(UTC) - found.since < timedelta(minutes=1)
    assert holder(engine) is None


@pytest.mark.sqlite
def test_a_look_at_the_lock_stops_no_sender(engine: Engine, tmp_path: Path) -> None:
    """Somebody who looks has it, shared, for a moment: the sender tries again."""
    with only_dispatcher(engine):
        pass
    handle = os.open(tmp_path / "newsletter.db.lock", os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_SH)
    threading.Timer(0.05, os.close, [handle]).start()

    with only_dispatcher(engine):
        assert holder(engine) is not None


@pytest.mark.sqlite
def test_one_file_has_one_lock_by_whatever_name(engine: Engine, tmp_path: Path) -> None:
    """The same database through a link: still one dispatcher."""
    (tmp_path / "link.db").symlink_to(tmp_path / "newsletter.db")
    other = engine_for(f"sqlite:///{tmp_path / 'link.db'}")

    with only_dispatcher(engine), pytest.raises(DeliveryError), only_dispatcher(other):
        pass
