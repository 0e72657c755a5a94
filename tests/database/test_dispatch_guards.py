"""What stops the dispatcher, what slows it down, and how a doubt is settled."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from delivery_samples import NOW, Ticks, crowd, dispatcher_for_ten, issue_on_its_way, state_of
from fake_provider import FakeProvider, Killed
from sqlalchemy import Engine
from sqlmodel import select

from newsletter.database import transaction
from newsletter.delivery import ledger
from newsletter.delivery.batch import Resolution
from newsletter.delivery.dispatch import Dispatcher
from newsletter.delivery.flight import REFUSALS, Ending
from newsletter.delivery.mark import PostMark
from newsletter.delivery.throttle import Throttle
from newsletter.errors import DeliveryError

ISSUE = 1
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def dispatcher(engine: Engine) -> Dispatcher:
    """A dispatcher for an issue on its way to ten people, four in a call."""
    return dispatcher_for_ten(engine)


def told(dispatcher: Dispatcher, *answers: str, **can: bool) -> Dispatcher:
    """The same with a provider that answers so."""
    return replace(dispatcher, provider=FakeProvider(next_answers=list(answers), **can))


def after_a_death(dispatcher: Dispatcher, how: str, **can: bool) -> Dispatcher:
    """The process died in its second call; an hour has passed."""
    dying = told(dispatcher, "accept", how, **can)
    with pytest.raises(Killed):
        dying.run(ISSUE)
    return replace(dying, clock=lambda: LATER)


def test_an_account_problem_halts_the_issue_and_says_why(dispatcher: Dispatcher) -> None:
    """A revoked key: nobody is lost, nothing more is tried."""
    halted = told(dispatcher, "your account is suspended")

    assert halted.run(ISSUE) == (Ending.HALTED, "your account is suspended")
    assert (len(halted.provider.calls), state_of(halted).under_way) == (1, 4)


def test_after_a_halt_the_same_batch_goes_on(dispatcher: Dispatcher) -> None:
    """A person mended the key: everybody gets one message."""
    halted = told(dispatcher, "your account is suspended")
    halted.run(ISSUE)
    halted.run(ISSUE)

    assert list(halted.provider.log.values()) == [1] * 10


def test_a_throttled_provider_is_given_the_time_it_asks_for(dispatcher: Dispatcher) -> None:
    """Two minutes: no call is made before they are over."""
    slow = told(dispatcher, "slow down")
    slow.run(ISSUE)

    assert slow.ticks() >= 120
    assert list(slow.provider.log.values()) == [1] * 10


def test_a_rate_is_kept(dispatcher: Dispatcher) -> None:
    """Two recipients a second: ten take at least four seconds, for the last four may start at once."""
    slow = replace(dispatcher, throttle=type(dispatcher.throttle)(per_second=2.0))
    slow.run(ISSUE)

    assert 4 <= slow.ticks() < 6


def test_a_call_refused_for_one_address_is_cut_until_it_is_found(dispatcher: Dispatcher) -> None:
    """In two, then the half that was refused in two: one refused, nine accepted, each call under a key of its own."""
    split = replace(dispatcher, provider=FakeProvider(bad={"reader2@example.org"}))
    split.run(ISSUE)

    assert [key.removeprefix("issue:1:batch:1") for key, _ in split.provider.calls if "batch:1" in key] == [
        "",
        ":rest:1:piece:1",
        ":rest:1:piece:2",
        ":rest:2:piece:1",
        ":rest:2:piece:2",
    ]
    assert (state_of(split).refused, state_of(split).accepted) == (1, 9)


def test_many_refusals_open_the_breaker(engine: Engine, dispatcher: Dispatcher) -> None:
    """A hundred refused in a row is not a hundred bad addresses."""
    with transaction(engine) as session:
        crowd(session, 200)
        issue = issue_on_its_way(session, number=2)
    wrong = replace(told(dispatcher, *["refuse"] * 100), batch_size=25)
    ending, why = wrong.run(issue)

    assert ending is Ending.BREAKER
    assert f"refused {REFUSALS} of {REFUSALS}" in why


def test_a_late_issue_waits_for_a_person(dispatcher: Dispatcher) -> None:
    """Three days after its start it is not news any more."""
    late = replace(dispatcher, clock=lambda: NOW + timedelta(days=3))

    assert late.run(ISSUE)[0] is Ending.STALE
    assert not late.provider.calls


def test_the_switch_stops_everything_between_two_calls(dispatcher: Dispatcher, tmp_path: Path) -> None:
    """A file: it works without a database, a web page or a password."""
    switch = tmp_path / "stop-sending"
    switch.touch()
    stopped = replace(dispatcher, halted=switch.exists)

    assert stopped.run(ISSUE)[0] is Ending.STOPPED
    switch.unlink()
    assert stopped.run(ISSUE)[0] is Ending.DONE


@pytest.mark.parametrize(("how", "sent_again"), [("die before", True), ("accept, die after", False)])
def test_a_look_up_settles_a_doubt(dispatcher: Dispatcher, how: str, sent_again: bool) -> None:
    """What the provider certainly does not have is sent again; what it has is accepted. Nobody gets two."""
    asked = after_a_death(dispatcher, how, answers_look_ups=True)
    asked.run(ISSUE)

    assert list(asked.provider.log.values()) == [1] * 10
    assert state_of(asked).accepted == 10
    assert (("issue:1:batch:2", 2) in asked.provider.calls) is sent_again


def test_a_look_up_leaves_its_word(dispatcher: Dispatcher) -> None:
    """What closed the doubt stands in the ledger."""
    asked = after_a_death(dispatcher, "accept, die after", answers_look_ups=True)
    asked.run(ISSUE)

    with transaction(dispatcher.engine) as session:
        assert [(row.by, row.status) for row in session.exec(select(Resolution))] == [("look-up", "accepted")]


def test_a_look_up_waits_until_no_request_can_be_taken_any_more(dispatcher: Dispatcher) -> None:
    """Asked at once, a provider that accepts late would say no and then mail."""
    asked = after_a_death(dispatcher, "accept, die after", answers_look_ups=True)
    at_once = replace(asked, clock=lambda: NOW)
    at_once.run(ISSUE)

    assert at_once.ticks() >= 60


def test_a_young_claim_is_not_taken_up(dispatcher: Dispatcher) -> None:
    """Its owner may be alive: the key is used again only when its request is over."""
    keyed = after_a_death(dispatcher, "accept, die after", remembers=True)
    at_once = replace(keyed, clock=lambda: NOW)
    at_once.run(ISSUE)

    assert at_once.ticks() >= 60
    assert list(at_once.provider.log.values()) == [1] * 10


def test_a_key_that_may_be_forgotten_is_not_used_again(dispatcher: Dispatcher) -> None:
    """A day later the provider may mail the same key anew: the batch is held."""
    keyed = after_a_death(dispatcher, "accept, die after", remembers=True)
    day_after = replace(keyed, clock=lambda: NOW + timedelta(days=1))
    day_after.run(ISSUE)

    assert max(day_after.provider.log.values()) == 1
    assert state_of(day_after).unknown == 4


@pytest.mark.parametrize("then", [-120, 0, 120])
def test_a_key_whose_age_a_clock_that_was_set_back_hides_is_not_used_again(dispatcher: Dispatcher, then: int) -> None:
    """Set back by two hours, it shows a young key for two hours too long; also when it has caught up, minutes later."""
    keyed = after_a_death(dispatcher, "accept, die after", remembers=True)
    replace(keyed, clock=lambda: NOW - timedelta(hours=2)).run(ISSUE)
    replace(keyed, clock=lambda: NOW + timedelta(minutes=then)).run(ISSUE)

    assert ("issue:1:batch:2", 2) not in keyed.provider.calls
    assert (state_of(keyed).accepted, state_of(keyed).unknown) == (6, 4)


def test_a_clock_that_is_set_back_between_claim_and_post_stops_the_post(dispatcher: Dispatcher) -> None:
    """Within the run that claimed it, too."""
    moments = iter([NOW, NOW, NOW] + [NOW - timedelta(hours=1)] * 100)
    turned = replace(told(dispatcher, remembers=True), clock=lambda: next(moments, NOW))
    turned.run(ISSUE)

    assert ("issue:1:batch:1", 1) not in turned.provider.calls


def test_a_process_that_slept_does_not_post(dispatcher: Dispatcher) -> None:
    """Claimed, asleep for an hour, awake: somebody may have taken the batch up."""
    moments = iter([NOW, NOW, NOW] + [LATER] * 100)
    sleepy = replace(dispatcher, clock=lambda: next(moments))
    sleepy.run(ISSUE)

    assert ("issue:1:batch:1", 1) not in sleepy.provider.calls
    assert state_of(sleepy).unknown >= 4


def test_a_lost_answer_is_repeated_under_its_key_in_the_same_run(dispatcher: Dispatcher) -> None:
    """After the longest request; the provider answers what it answered before."""
    keyed = told(dispatcher, "accept, answer lost", remembers=True)
    keyed.run(ISSUE)

    assert list(keyed.provider.log.values()) == [1] * 10
    assert state_of(keyed).accepted == 10


@pytest.mark.sqlite
def test_a_restored_backup_does_not_send(dispatcher: Dispatcher, tmp_path: Path) -> None:
    """The database of before the send, put back after it: the mark beside it remembers."""
    backup = (tmp_path / "newsletter.db").read_bytes()
    dispatcher.run(ISSUE)
    dispatcher.engine.dispose()
    (tmp_path / "newsletter.db").write_bytes(backup)

    with pytest.raises(DeliveryError, match="older than the last post"):
        dispatcher.run(ISSUE)
    assert max(dispatcher.provider.log.values()) == 1


@pytest.mark.sqlite
def test_a_half_sent_ledger_without_its_mark_does_not_send(dispatcher: Dispatcher, tmp_path: Path) -> None:
    """Copied to another machine, say: somebody must know what happened since."""
    dispatcher.run(ISSUE, stop=lambda: len(dispatcher.provider.calls) == 1)
    (tmp_path / "newsletter.db.posted").unlink()

    with pytest.raises(DeliveryError, match="restored or copied"):
        dispatcher.run(ISSUE)


@pytest.mark.sqlite
def test_an_operators_word_lets_a_restored_ledger_go_on(dispatcher: Dispatcher, tmp_path: Path) -> None:
    """The only way on, and it is said aloud."""
    dispatcher.run(ISSUE, stop=lambda: len(dispatcher.provider.calls) == 1)
    (tmp_path / "newsletter.db.posted").unlink()
    with transaction(dispatcher.engine) as session:
        PostMark(dispatcher.engine).accept(session)

    assert dispatcher.run(ISSUE)[0] is Ending.DONE


@pytest.mark.sqlite
def test_a_mark_that_is_garbage_holds_everything(dispatcher: Dispatcher, tmp_path: Path) -> None:
    """What cannot be read is not guessed."""
    (tmp_path / "newsletter.db.posted").write_text("who knows")

    with pytest.raises(DeliveryError, match="not a mark of ours"):
        dispatcher.run(ISSUE)


def test_several_calls_at_once_reach_everybody_once(engine: Engine, dispatcher: Dispatcher) -> None:
    """Four threads, twenty-five batches."""
    with transaction(engine) as session:
        crowd(session, 100)
        issue = issue_on_its_way(session, number=2)
    wide = replace(told(dispatcher), in_flight=4)

    assert wide.run(issue)[0] is Ending.DONE
    assert list(wide.provider.log.values()) == [1] * 100


def test_an_operator_closes_a_doubt_by_hand(dispatcher: Dispatcher) -> None:
    """Evidence from the provider's console: not sent. The batch is tried again."""
    held = told(dispatcher, "lost, and never taken")
    held.run(ISSUE)
    with transaction(dispatcher.engine) as session:
        (batch,) = ledger.in_doubt(session, ISSUE)
        assert ledger.resolve(session, batch, "claimed", NOW, by="Mara", note="not in the console") is True
    held.run(ISSUE)

    assert state_of(held).accepted == 10


@pytest.mark.sqlite
def test_a_death_before_the_first_post_does_not_look_like_a_restore(dispatcher: Dispatcher) -> None:
    """The mark is made before the first claim, so the next run simply goes on."""
    dying = told(dispatcher, "die before", remembers=True)
    with pytest.raises(Killed):
        dying.run(ISSUE)
    PostMark(dispatcher.engine).path.write_text("0\n")  # the claim was committed, its mark was not written
    dying.run(ISSUE)

    assert list(dying.provider.log.values()) == [1] * 10


@pytest.mark.sqlite
@pytest.mark.parametrize("content", ["", "\0" * 20])
def test_a_mark_whose_maker_died_before_writing_it_holds_nothing(
    dispatcher: Dispatcher, tmp_path: Path, content: str
) -> None:
    """Nothing had been claimed, so it is made again."""
    (tmp_path / "newsletter.db.posted").write_text(content)

    assert dispatcher.run(ISSUE)[0] is Ending.DONE
    assert list(dispatcher.provider.log.values()) == [1] * 10


@pytest.mark.sqlite
def test_an_empty_mark_beside_a_half_sent_issue_holds_it(dispatcher: Dispatcher, tmp_path: Path) -> None:
    """Somebody emptied it."""
    dispatcher.provider.next_answers = ["accept", "slow down"]
    dispatcher.run(ISSUE, stop=lambda: len(dispatcher.provider.calls) > 0)
    (tmp_path / "newsletter.db.posted").write_text("")

    with pytest.raises(DeliveryError, match="restored or copied"):
        dispatcher.run(ISSUE)


@pytest.mark.sqlite
def test_a_mark_that_cannot_be_written_posts_nothing_and_loses_nobody(dispatcher: Dispatcher, tmp_path: Path) -> None:
    """A folder takes its place just before it is written: the next run, without the folder, sends the batch."""
    mark = tmp_path / "newsletter.db.posted"
    dispatcher.run(ISSUE, stop=lambda: True)
    before = mark.read_text()
    ending, why = dispatcher.run(ISSUE, stop=lambda: mark.is_file() and (mark.unlink(), mark.mkdir()) is None)
    mark.rmdir()
    mark.write_text(before)

    assert (ending, dispatcher.provider.calls) == (Ending.REFUSING, [])
    assert "cannot be written" in why
    assert dispatcher.run(ISSUE)[0] is Ending.DONE
    assert list(dispatcher.provider.log.values()) == [1] * 10


@pytest.mark.sqlite
def test_a_mark_that_cannot_be_read_holds_everything(dispatcher: Dispatcher, tmp_path: Path) -> None:
    """A folder has its name."""
    (tmp_path / "newsletter.db.posted").mkdir()

    with pytest.raises(DeliveryError, match="cannot be read"):
        dispatcher.run(ISSUE)
    assert dispatcher.provider.calls == []


class Creeping(Ticks):
    """A clock that goes on by itself, a little at every look."""

    step: float = 0.0

    def __call__(self) -> float:
        """The time in seconds."""
        self.now += self.step
        return self.now


@pytest.mark.sqlite
@pytest.mark.parametrize("step", [number / 20 for number in range(1, 40)])
def test_a_rate_ends_no_run_early(engine: Engine, step: float) -> None:
    """The moment may pass between the look at what to claim and the look at how long to wait."""
    dispatcher, time = dispatcher_for_ten(engine), Creeping()
    time.step = step
    ending, _ = replace(dispatcher, throttle=Throttle(per_second=2.0), ticks=time, pause=time.forward).run(ISSUE)

    assert (ending, state_of(dispatcher).to_claim) == (Ending.DONE, 0)
