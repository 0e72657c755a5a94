"""Stories that once broke a promise: somebody leaves between attempts, a doubt is split, a post is late."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from delivery_samples import NOW, crowd, dispatcher_for_ten, state_of
from fake_provider import FakeProvider, Killed
from sqlalchemy import Engine
from sqlmodel import Session, select

from newsletter.database import transaction
from newsletter.delivery import claims, recovery
from newsletter.delivery.batch import Batch, BatchStatus, Sending
from newsletter.delivery.calling import Caller
from newsletter.delivery.dispatch import Dispatcher
from newsletter.delivery.evidence import prove
from newsletter.delivery.flight import Ending
from newsletter.errors import DeliveryError
from newsletter.mail.message import MessageBuilder
from newsletter.providers.base import Answer, Capabilities, Outcome, OutgoingBatch, Receipt, all_alike
from subscribers.consent import Evidence
from subscribers.subscriber import Subscriber, find, unsubscribe


def somebody_leaves_between_two_attempts(engine: Engine, dial: str) -> tuple[Dispatcher, int]:
    """Not now; reader1 leaves; the second attempt goes without them and its answer is lost; the third is a replay."""
    provider = FakeProvider(remembers=True, next_answers=["later"])
    dispatcher = replace(dispatcher_for_ten(engine), provider=provider)
    dispatcher.run(1, stop=lambda: bool(provider.calls))
    with transaction(engine) as session:
        left = find(session, "reader1@example.org")
        unsubscribe(session, left, Evidence("/u"), NOW)
    provider.next_answers = [dial]
    dispatcher.run(1)
    return dispatcher, provider.log[dispatcher.addressing.key(left.ref)]


def test_whoever_left_before_a_retry_is_not_mailed_by_the_replay(engine: Engine) -> None:
    """A replay must have the recipients of the attempt in doubt, not those of the claim (invariant 8)."""
    _, mailed = somebody_leaves_between_two_attempts(engine, "lost on the way")

    assert mailed == 0


def test_whoever_left_before_a_retry_is_not_called_accepted(engine: Engine) -> None:
    """Nine were mailed; the ledger must not say ten."""
    dispatcher, _ = somebody_leaves_between_two_attempts(engine, "accept, answer lost")

    assert state_of(dispatcher).accepted == sum(dispatcher.provider.log.values())


def test_a_batch_in_doubt_is_not_split(engine: Engine) -> None:
    """Its first attempt was taken and the answer lost; the replay is refused as a whole: that proves nothing."""
    dials = ["accept, answer lost", "accept", "accept", "one of you is wrong"]
    provider = FakeProvider(remembers=True, next_answers=dials)
    replace(dispatcher_for_ten(engine), provider=provider).run(1)

    assert max(provider.log.values()) == 1


def test_a_look_up_waits_for_the_request_that_was_posted_last(engine: Engine) -> None:
    """Posted 59 s after its claim, it may be taken until 119 s; nobody may ask before that and believe "nothing"."""
    longest = timedelta(seconds=60)
    dispatcher = dispatcher_for_ten(engine)
    posted: list[timedelta] = []

    class Slow:
        capabilities = Capabilities("slow", 100, longest_request=longest, answers_look_ups=True)

        def fits(self, _builder: MessageBuilder) -> int:
            return 100

        def send(self, batch: OutgoingBatch) -> Answer:
            posted.append(timedelta(seconds=59))
            return Answer(all_alike(batch, Outcome.UNKNOWN))

    with transaction(engine) as session:
        batch = claims.claim(session, 1, 4, NOW, "slow")
        Caller({"slow": Slow()}, lambda _: dispatcher.builder, lambda: NOW + timedelta(seconds=59)).call(
            batch, dispatcher.addressing.columns(claims.members(session, batch))
        )
        recovery.place(stock := recovery.Stock(), session, {"slow": Slow.capabilities}, batch, NOW)

    asked = timedelta(seconds=stock.to_look_up[0][0])
    assert not posted or asked >= posted[0] + longest


@dataclass
class Meanwhile:
    """Time passes, and the first time something happens."""

    dispatcher: Dispatcher
    what: Callable[[Session], object]
    done: bool = False
    always: bool = False  #: or every time

    def __call__(self, seconds: float) -> None:
        """Wait."""
        if self.always or not self.done:
            self.done = True
            with transaction(self.dispatcher.engine) as session:
                self.what(session)
        self.dispatcher.ticks.forward(seconds)


def first_ref(session: Session) -> str:
    """Of the oldest subscriber."""
    return session.exec(select(Subscriber.ref).order_by(Subscriber.id)).first()


def prove_the_first(session: Session) -> None:
    """An event: the provider has theirs."""
    prove(session, 1, [first_ref(session)], NOW, by="event")


def run_with(dispatcher: Dispatcher, provider: FakeProvider, what: Callable[[Session], object]) -> FakeProvider:
    """A run with this provider in which something happens during the first wait; every count must hold afterwards."""
    pause = Meanwhile(dispatcher, what)
    replace(dispatcher, provider=provider, pause=pause).run(1)
    assert pause.done
    return provider


def test_an_event_that_comes_while_a_batch_is_parked_is_not_overwritten(engine: Engine) -> None:
    """The provider said "later", and then delivered to somebody in the call: it is not made a second time."""
    dispatcher = dispatcher_for_ten(engine)
    provider = run_with(dispatcher, FakeProvider(next_answers=["later"]), prove_the_first)

    assert [key for key, _ in provider.calls].count("issue:1:batch:1") == 1
    assert state_of(dispatcher).unknown == 3


@pytest.mark.parametrize("outcome", [Outcome.RETRY, Outcome.REFUSED])
def test_an_event_that_comes_while_a_batch_is_asked_about_counts(engine: Engine, outcome: Outcome) -> None:
    """The look-up then says that there is nothing, or that all were refused: nobody is mailed again."""
    dispatcher = dispatcher_for_ten(engine)

    class Forgetful(FakeProvider):
        def look_up(self, _batch_key: str, delivery_keys: Sequence[str]) -> Sequence[Receipt]:
            return [Receipt(key, outcome) for key in delivery_keys]

    provider = Forgetful(answers_look_ups=True, next_answers=["accept, answer lost"])
    run_with(dispatcher, provider, prove_the_first)

    assert max(provider.log.values()) == 1
    assert state_of(dispatcher).accepted == (10 - 3)


def test_whom_a_look_up_finds_refused_is_counted_as_refused(engine: Engine) -> None:
    """Through the dispatcher, which has the batch from a moment before."""
    dispatcher = dispatcher_for_ten(engine)

    class Strict(FakeProvider):
        def look_up(self, _batch_key: str, delivery_keys: Sequence[str]) -> Sequence[Receipt]:
            found = [Receipt(key, Outcome.ACCEPTED) for key in delivery_keys]
            return [replace(found[0], outcome=Outcome.REFUSED), *found[1:]]

    provider = Strict(answers_look_ups=True, next_answers=["accept, answer lost"])
    replace(dispatcher, provider=provider).run(1)

    assert (state_of(dispatcher).accepted, state_of(dispatcher).refused) == (9, 1)


@pytest.mark.sqlite
def test_a_backup_from_before_a_further_attempt_is_seen(engine: Engine, tmp_path: Path) -> None:
    """The call had been made ready before the backup, and was posted after it: its number alone would not show that."""
    dispatcher = dispatcher_for_ten(engine)
    dispatcher.provider.next_answers = ["your account is suspended"]
    dispatcher.run(1)
    engine.dispose()
    copy = (tmp_path / "newsletter.db").read_bytes()
    dispatcher.run(1)
    engine.dispose()
    for path in tmp_path.glob("newsletter.db-*"):
        path.unlink()
    (tmp_path / "newsletter.db").write_bytes(copy)

    with pytest.raises(DeliveryError, match="Was it restored"):
        dispatcher.run(1)
    assert max(dispatcher.provider.log.values()) == 1


def test_nothing_is_said_to_a_provider_about_nobody(engine: Engine) -> None:
    """Everybody in a parked call leaves: it is closed without a call, and nobody stays in doubt."""
    dispatcher = dispatcher_for_ten(engine)

    def everybody_leaves(session: Session) -> None:
        for person in session.exec(select(Subscriber)):
            unsubscribe(session, person, Evidence("/u"), NOW)

    provider = run_with(dispatcher, FakeProvider(next_answers=["slow down"]), everybody_leaves)

    assert len(provider.calls) == 1
    assert (state_of(dispatcher).unknown, state_of(dispatcher).skipped_in_all) == (0, 10)


def test_readers_who_leave_do_not_trip_the_breaker(engine: Engine) -> None:
    """They were not refused by the provider, and the issue is not "partly sent" for them."""
    dispatcher = replace(dispatcher_for_ten(engine), batch_size=100)
    with transaction(engine) as session:
        crowd(session, 90, first=10)
        session.get_one(Sending, 1).last += 90
        session.get_one(Sending, 1).list_size += 90

    def most_leave(session: Session) -> None:
        for person in session.exec(select(Subscriber).where(Subscriber.id <= 60)):
            unsubscribe(session, person, Evidence("/u"), NOW)

    provider = run_with(dispatcher, FakeProvider(next_answers=["later"]), most_leave)

    assert (sum(provider.log.values()), state_of(dispatcher).refused) == (40, 0)
    assert state_of(dispatcher).skipped["left"] == 60


@pytest.mark.parametrize("odd", ["\ud800", "two\nlines"])
def test_an_odd_id_from_the_provider_harms_nobody(engine: Engine, odd: str) -> None:
    """Half a character cannot be stored, and a line break would move everybody after it."""
    dispatcher = dispatcher_for_ten(engine)

    class Odd(FakeProvider):
        def send(self, batch: OutgoingBatch) -> Answer:
            receipts = [Receipt(one.key, Outcome.ACCEPTED, odd, odd) for one in batch.recipients]
            return replace(super().send(batch), receipts=receipts)

    replace(dispatcher, provider=Odd()).run(1)

    with transaction(engine) as session:
        stored = session.exec(select(Batch.provider_ids)).all()
    assert state_of(dispatcher).accepted == 10
    assert [len(ids.split(b"\n")) for ids in stored] == [4, 4, 2]


def test_whom_a_replay_is_for_does_not_change_with_what_is_learned(engine: Engine) -> None:
    """Somebody leaves before the second attempt, which is lost; an event names them; the third is as the second."""
    dispatcher = dispatcher_for_ten(engine)
    sizes: list[int] = []

    class Counting(FakeProvider):
        def send(self, batch: OutgoingBatch) -> Answer:
            sizes.append(len(batch.recipients))
            return super().send(batch)

    def leave_then_prove(session: Session) -> None:
        first = session.get_one(Subscriber, 1)
        if session.get_one(Batch, 1).status is BatchStatus.UNKNOWN:
            prove_the_first(session)
        unsubscribe(session, first, Evidence("/u"), NOW)

    pause = Meanwhile(dispatcher, leave_then_prove, always=True)
    provider = Counting(remembers=True, next_answers=["later", "lost on the way"])
    replace(dispatcher, provider=provider, pause=pause).run(1)

    assert sizes == [4, 3, 4, 2, 3]
    assert max(provider.log.values()) == 1


@pytest.mark.parametrize("can", ["remembers", "answers_look_ups", "neither"])
def test_halves_whose_answers_are_lost_are_not_repeated_as_a_whole(engine: Engine, can: str) -> None:
    """The whole was refused, both halves were taken: under the whole's key the provider has never kept anything."""
    dispatcher = replace(dispatcher_for_ten(engine), batch_size=10)
    dials = ["one of you is wrong", "accept, answer lost", "accept, answer lost"]
    provider = FakeProvider(next_answers=dials, **{can: True} if can != "neither" else {})
    replace(dispatcher, provider=provider).run(1)

    assert max(provider.log.values()) == 1
    assert state_of(dispatcher).unknown == (10 if can == "neither" else 0)


@pytest.mark.parametrize("at", [1, 2])
def test_a_death_between_the_halves_makes_no_second_mail(engine: Engine, at: int) -> None:
    """After the first half or after the second; then another process goes on."""
    dispatcher = replace(dispatcher_for_ten(engine), batch_size=10)
    dials = ["one of you is wrong", "accept", "accept", "accept"]
    dials[at] = "accept, die after"
    provider = FakeProvider(remembers=True, next_answers=dials)
    with pytest.raises(Killed):
        replace(dispatcher, provider=provider).run(1)
    replace(dispatcher, provider=provider).run(1)

    assert sorted(provider.log.values()) == [1] * 10
    assert state_of(dispatcher).accepted == 10


def test_whom_a_call_left_out_for_now_is_sent_a_moment_later(engine: Engine) -> None:
    """Throttled inside an accepted call, as Amazon does it: certainly not taken, and not left in doubt."""
    dispatcher = replace(dispatcher_for_ten(engine), batch_size=10)

    class Half(FakeProvider):
        def send(self, batch: OutgoingBatch) -> Answer:
            middle = (len(batch.recipients) + 1) // 2
            super().send(replace(batch, recipients=batch.recipients[:middle]))
            later = [Receipt(one.key, Outcome.RETRY, "", "throttled") for one in batch.recipients[middle:]]
            return Answer([*(Receipt(one.key, Outcome.ACCEPTED) for one in batch.recipients[:middle]), *later])

    provider = Half()
    replace(dispatcher, provider=provider).run(1)

    assert max(provider.log.values()) == 1
    assert state_of(dispatcher).accepted == sum(provider.log.values()) == 10
    assert [key for key, _ in provider.calls][:3] == [f"issue:1:batch:1{rest}" for rest in ("", ":rest:1", ":rest:2")]


@pytest.mark.parametrize("dial", ["accept, answer lost", "accept, die after"])
def test_whom_a_call_left_out_has_a_key_of_their_own_that_is_repeated(engine: Engine, dial: str) -> None:
    """Half of a call is put off; their own call is taken and its answer lost: it is repeated, and no other is."""
    dispatcher = replace(dispatcher_for_ten(engine), batch_size=10)

    class Half(FakeProvider):
        def send(self, batch: OutgoingBatch) -> Answer:
            first = not self.calls
            answer = super().send(replace(batch, recipients=batch.recipients[:5]) if first else batch)
            later = [Receipt(one.key, Outcome.RETRY, "", "throttled") for one in batch.recipients[5:]]
            return Answer([*answer.receipts, *later]) if first else answer

    provider = Half(remembers=True, next_answers=["accept", dial])
    for _ in range(2):
        with contextlib.suppress(Killed):
            replace(dispatcher, provider=provider).run(1)

    assert sorted(provider.log.values()) == [1] * 10
    assert [key for key, _ in provider.calls] == ["issue:1:batch:1", *["issue:1:batch:1:rest:1"] * 2]
    assert state_of(dispatcher).accepted == 10


def test_a_refusal_of_a_half_in_doubt_proves_nothing(engine: Engine) -> None:
    """Both halves were taken, and the process died; on the repetition the second is refused as a whole."""
    dispatcher = replace(dispatcher_for_ten(engine), batch_size=10)
    wrong = "one of you is wrong"
    provider = FakeProvider(remembers=True, next_answers=[wrong, "accept", "accept, die after", "accept", wrong])
    for _ in range(2):
        with contextlib.suppress(Killed):
            replace(dispatcher, provider=provider).run(1)

    assert sorted(provider.log.values()) == [1] * 10
    assert (state_of(dispatcher).refused, state_of(dispatcher).unknown) == (0, 5)


def test_an_adapter_with_a_fault_of_ours_ends_no_run(engine: Engine) -> None:
    """A header that no parser expected: those in the call are in doubt, and the run goes on or is held."""
    dispatcher = dispatcher_for_ten(engine)

    class Faulty(FakeProvider):
        def send(self, batch: OutgoingBatch) -> Answer:
            if not self.calls:
                super().send(batch)
                raise OverflowError("a year too far")
            return super().send(batch)

    provider = Faulty()
    replace(dispatcher, provider=provider).run(1)

    assert max(provider.log.values()) == 1
    assert (state_of(dispatcher).unknown, state_of(dispatcher).accepted) == (4, 6)


def test_a_provider_that_answers_nothing_is_not_fed_the_whole_list(engine: Engine) -> None:
    """An hour of errors would put everybody in doubt; three calls do."""
    dispatcher = replace(dispatcher_for_ten(engine), batch_size=1)
    provider = FakeProvider(always="accept, answer lost")

    ending, why = replace(dispatcher, provider=provider).run(1)

    assert (ending, len(provider.calls)) == (Ending.BREAKER, 3)
    assert "without an answer" in why
