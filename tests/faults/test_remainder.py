"""What is left of a call: sent again alone, under keys of its own, wherever the process dies; and one bad address."""

import contextlib
from dataclasses import replace

import pytest
from delivery_samples import NOW, crowd, dispatcher_for_ten, state_of
from fake_provider import FakeProvider, Killed
from sqlalchemy import Engine

from newsletter.database import transaction
from newsletter.delivery.afterwards import ATTEMPTS
from newsletter.delivery.answers import NOBODY_KNOWS_WHOSE
from newsletter.delivery.batch import Sending
from newsletter.delivery.dispatch import Dispatcher
from newsletter.delivery.events import take
from newsletter.delivery.evidence import prove
from newsletter.delivery.explain import fates
from newsletter.delivery.flight import Ending
from newsletter.delivery.progress import Progress
from newsletter.providers.base import Answer, Directive, Outcome, OutgoingBatch, Receipt
from newsletter.providers.hooks import Event, Kind
from subscribers.consent import Evidence
from subscribers.subscriber import Subscriber, find, unsubscribe

MIXED = ["accept one, the others later", "refuse one, the others later", "accept one, lose one, the others later"]


def with_(engine: Engine, provider: FakeProvider, *, people: int = 10) -> Dispatcher:
    """A dispatcher with everybody in one call of this provider."""
    dispatcher = replace(dispatcher_for_ten(engine), batch_size=people, provider=provider)
    with transaction(engine) as session:
        crowd(session, people - 10, first=10)
        sending = session.get_one(Sending, 1)
        sending.last, sending.list_size = people, people
    return dispatcher


def until_done(dispatcher: Dispatcher) -> list[Progress]:
    """Run, and again after each death; what was seen on the way, all of which must add up."""
    seen: list[Progress] = []
    for _ in range(5):
        with contextlib.suppress(Killed):
            if dispatcher.run(1, on_progress=seen.append)[0] is Ending.DONE:
                break
    assert all(state.adds_up for state in [*seen, state_of(dispatcher)])
    return seen


def suffixes(provider: FakeProvider) -> list[str]:
    """The keys of its calls, without what they have in common."""
    return [key.removeprefix("issue:1:batch:1") for key, _ in provider.calls]


@pytest.mark.parametrize("can", [{"remembers": True}, {"answers_look_ups": True}, {}])
@pytest.mark.parametrize("first", MIXED)
def test_whom_a_call_left_out_gets_theirs_and_nobody_two(engine: Engine, first: str, can: dict[str, bool]) -> None:
    """At once, alone, under a key that the provider has not seen."""
    provider = FakeProvider(next_answers=[first], **can)
    dispatcher = with_(engine, provider)
    until_done(dispatcher)

    assert set(provider.log.values()) == {1}
    assert suffixes(provider) == ["", ":rest:1"]
    assert dispatcher.ticks() == 0
    assert (state_of(dispatcher).accepted, state_of(dispatcher).under_way) == (sum(provider.log.values()), 0)


@pytest.mark.parametrize("can", [{"remembers": True}, {"answers_look_ups": True}, {}])
@pytest.mark.parametrize("how", ["die before", "accept, die after", "accept, answer lost"])
def test_a_remainder_in_doubt_is_settled_as_a_call_of_its_own(engine: Engine, how: str, can: dict[str, bool]) -> None:
    """Whatever its answer, whoever was accepted before is never handed over again."""
    provider = FakeProvider(next_answers=["accept one, the others later", how], **can)
    dispatcher = with_(engine, provider)
    until_done(dispatcher)

    assert max(provider.log.values()) == 1
    assert state_of(dispatcher).unknown == (0 if can else 9)
    assert state_of(dispatcher).accepted == (10 if can else 1)


def test_a_remainder_shrinks_attempt_by_attempt(engine: Engine) -> None:
    """One more each time; each call has its own key, and tries that settle somebody are not counted."""
    provider = FakeProvider(next_answers=["accept one, the others later"] * 6)
    dispatcher = with_(engine, provider)
    until_done(dispatcher)

    assert list(provider.log.values()) == [1] * 10
    assert suffixes(provider) == ["", *(f":rest:{number}" for number in range(1, 7))]


def test_a_call_that_settles_hardly_anybody_ends_the_run_in_the_end(engine: Engine) -> None:
    """One of sixty at each attempt: the bound is reached, nobody is lost, and the next run goes on."""
    provider = FakeProvider(always="accept one, the others later", batch_size=60)
    dispatcher = with_(engine, provider, people=60)

    assert dispatcher.run(1)[0] is Ending.REFUSING
    assert (len(provider.calls), state_of(dispatcher).under_way) == (ATTEMPTS, 60 - ATTEMPTS)
    assert dispatcher.run(1)[0] is Ending.DONE
    assert list(provider.log.values()) == [1] * 60


def test_a_remainder_is_given_the_time_that_the_provider_asks_for(engine: Engine) -> None:
    """Some were taken, and "slow down": the rest goes out after that, and so does every other call."""

    class Throttling(FakeProvider):
        def send(self, batch: OutgoingBatch) -> Answer:
            answer = super().send(batch)
            return replace(answer, directive=Directive.SLOW_DOWN, wait=90.0) if len(self.calls) == 1 else answer

    provider = Throttling(next_answers=["accept one, the others later"])
    dispatcher = with_(engine, provider)
    until_done(dispatcher)

    assert dispatcher.ticks() == 90
    assert list(provider.log.values()) == [1] * 10


@pytest.mark.parametrize("then", ["accept, answer lost", "later", "slow down"])
def test_a_call_that_is_never_answered_under_its_key_is_for_the_next_run(engine: Engine, then: str) -> None:
    """Lost, and then again or put off, so the run ends; nobody has to say anything, and the next run settles it."""
    provider = FakeProvider(remembers=True, next_answers=["accept, answer lost", then, then])
    dispatcher = with_(engine, provider)

    assert dispatcher.run(1)[0] is Ending.REFUSING
    assert dispatcher.run(1)[0] is Ending.DONE
    assert (state_of(dispatcher).accepted, max(provider.log.values())) == (10, 1)


def test_a_refusal_in_doubt_does_not_keep_an_issue_from_its_end(engine: Engine) -> None:
    """It proves nothing about the first attempt, and asking again would not either: that is a person's."""
    provider = FakeProvider(remembers=True, next_answers=["accept, answer lost", *["one of you is wrong"] * 5])
    dispatcher = with_(engine, provider)

    assert dispatcher.run(1)[0] is Ending.DONE
    assert state_of(dispatcher).unknown == 10


def test_whoever_leaves_before_the_remainder_goes_out_is_skipped(engine: Engine) -> None:
    """Not refused by the provider: it never heard of them."""
    provider = FakeProvider(next_answers=["refuse one, the others later", "later", "later", "later"])
    dispatcher = with_(engine, provider)
    dispatcher.run(1)
    with transaction(engine) as session:
        unsubscribe(session, find(session, "reader5@example.org"), Evidence("/u"), NOW)
    until_done(dispatcher)
    state = state_of(dispatcher)

    assert (state.accepted, state.refused, state.skipped["left"]) == (8, 1, 1)


def run_while_an_event_tells(engine: Engine, dispatcher: Dispatcher) -> None:
    """In the pause of the run an event comes: the provider has the second reader."""

    def meanwhile(seconds: float) -> None:
        with transaction(engine) as session:
            prove(session, 1, [session.get_one(Subscriber, 2).ref], NOW, by="event")
        dispatcher.ticks.forward(seconds)

    replace(dispatcher, pause=meanwhile).run(1)


def test_an_event_about_somebody_settled_does_not_hold_the_remainder(engine: Engine) -> None:
    """One was lost on the way and is shown to be there: the others, certainly not taken, still go out."""
    provider = FakeProvider(next_answers=["accept one, lose one, the others later", "slow down"])
    dispatcher = with_(engine, provider)
    run_while_an_event_tells(engine, dispatcher)

    assert (state_of(dispatcher).accepted, sum(provider.log.values())) == (10, 9)


def test_an_event_about_somebody_in_the_remainder_holds_it(engine: Engine) -> None:
    """It "certainly was not taken", and was: nobody can tell of the others."""
    provider = FakeProvider(next_answers=["accept one, the others later", "slow down"])
    dispatcher = with_(engine, provider)
    run_while_an_event_tells(engine, dispatcher)

    assert (state_of(dispatcher).accepted, state_of(dispatcher).unknown) == (2, 8)


def test_whom_an_event_names_before_the_answer_puts_them_off_is_not_sent_it_again(engine: Engine) -> None:
    """The provider took it, said so in an event, and then "not now" in its answer: that one has it."""
    dispatcher = with_(engine, FakeProvider())

    class Hasty(FakeProvider):
        def send(self, batch: OutgoingBatch) -> Answer:
            if not self.calls:
                with transaction(engine) as session:
                    take(session, "fake", [Event(Kind.DELIVERED, batch.recipients[1].key, "e1", NOW, "delivered")], NOW)
            return super().send(batch)

    provider = Hasty(next_answers=["accept one, the others later"])
    replace(dispatcher, provider=provider).run(1)

    assert [key for key, _ in provider.calls] == ["issue:1:batch:1"]
    assert (state_of(dispatcher).accepted, state_of(dispatcher).unknown) == (2, 8)


def test_doubts_of_an_earlier_run_do_not_stop_the_others(engine: Engine) -> None:
    """Three were under way at a death; to repeat them is refused, which proves nothing. All the others get theirs."""
    provider = FakeProvider(remembers=True, next_answers=["accept, die after"] * 3)
    dispatcher = replace(with_(engine, provider, people=40), batch_size=4, in_flight=3)
    with pytest.raises(Killed):
        dispatcher.run(1)
    provider.bad = {f"reader{number}@example.org" for number in (0, 4, 8)}

    assert dispatcher.run(1)[0] is Ending.DONE
    assert (state_of(dispatcher).accepted, state_of(dispatcher).unknown) == (28, 12)
    assert set(provider.log.values()) == {1}


def test_single_doubts_in_a_row_open_the_breaker(engine: Engine) -> None:
    """A server that goes away after every message: it takes three, and no list is fed to it one by one."""

    class Vanishing(FakeProvider):
        def send(self, batch: OutgoingBatch) -> Answer:
            self.calls.append((batch.key, batch.attempt))
            kinds = [Outcome.UNKNOWN] + [Outcome.RETRY] * (len(batch.recipients) - 1)
            return Answer([Receipt(one.key, kind) for one, kind in zip(batch.recipients, kinds, strict=True)])

    dispatcher = with_(engine, Vanishing())

    assert dispatcher.run(1)[0] is Ending.BREAKER
    assert (state_of(dispatcher).unknown, state_of(dispatcher).under_way) == (3, 7)


@pytest.mark.parametrize("bad", [(0,), (199,), (17, 18), (3, 90, 150)])
def test_a_bad_address_costs_nobody_else_the_issue(engine: Engine, bad: tuple[int, ...]) -> None:
    """Two hundred in one call that is refused as a whole: in the end nobody but the bad ones is refused."""
    provider = FakeProvider(bad={f"reader{number}@example.org" for number in bad}, batch_size=200)
    dispatcher = with_(engine, provider, people=200)
    until_done(dispatcher)

    assert list(provider.log.values()) == [1] * (200 - len(bad))
    assert (state_of(dispatcher).refused, state_of(dispatcher).accepted) == (len(bad), 200 - len(bad))
    assert len(provider.calls) <= 2 + len(bad) * 16


def test_each_piece_has_a_key_of_its_own(engine: Engine) -> None:
    """Under one key a provider that remembers it would say "accepted" to the second piece, and mail nobody of it."""
    provider = FakeProvider(remembers=True, bad={"reader1@example.org", "reader6@example.org"})
    dispatcher = with_(engine, provider)
    until_done(dispatcher)

    assert sorted(provider.log.values()) == [1] * 8
    assert (state_of(dispatcher).accepted, state_of(dispatcher).refused) == (8, 2)


def why(engine: Engine, number: int) -> str:
    """What the reader of this number is told."""
    with transaction(engine) as session:
        return fates(session, find(session, f"reader{number}@example.org"))[0].why


def test_only_whose_address_it_was_is_told_so(engine: Engine) -> None:
    """The reason stands with the one person whose call was refused."""
    until_done(with_(engine, FakeProvider(bad={"reader3@example.org"})))

    assert why(engine, 3) == "refused by fake: one of you is wrong"
    assert {why(engine, number) for number in (2, 4, 9)} == {"accepted by fake"}


def test_a_refusal_of_a_repeated_piece_is_not_believed_because_another_was_accepted(engine: Engine) -> None:
    """The piece was taken before its sender died: who is in it has the issue, or is in doubt, and is never refused."""
    answers = ["one of you is wrong", "accept, die after", "refuse", "accept"]
    provider = FakeProvider(remembers=True, next_answers=answers)
    dispatcher = with_(engine, provider)
    until_done(dispatcher)

    assert list(provider.log.values()) == [1] * 10
    assert (state_of(dispatcher).accepted, state_of(dispatcher).unknown, state_of(dispatcher).refused) == (5, 5, 0)


def test_a_content_that_nobody_wants_is_not_searched_for_one_address(engine: Engine) -> None:
    """One call, then two, four and eight pieces, all refused: fifteen calls for two hundred people, and the breaker."""
    provider = FakeProvider(always="one of you is wrong", batch_size=200)
    dispatcher = with_(engine, provider, people=200)

    assert dispatcher.run(1)[0] is Ending.BREAKER
    assert (len(provider.calls), state_of(dispatcher).refused) == (15, 200)
    assert why(engine, 7).endswith(NOBODY_KNOWS_WHOSE)


@pytest.mark.parametrize("at", range(1, 8))
@pytest.mark.parametrize("how", ["die before", "accept, die after", "accept, answer lost"])
@pytest.mark.parametrize("can", [{"remembers": True}, {"answers_look_ups": True}, {}])
def test_a_search_that_is_cut_short_doubles_nobody(engine: Engine, at: int, how: str, can: dict[str, bool]) -> None:
    """At any of its calls; with a key or a look-up nobody but the bad one and one lost piece can stay in doubt."""

    class Cut(FakeProvider):
        def send(self, batch: OutgoingBatch) -> Answer:
            if len(self.calls) == at and not self.next_answers and "cut" not in self.name:
                self.next_answers, self.name = [how], "fake, cut"
            return super().send(batch)

        @property
        def capabilities(self) -> object:
            return replace(super().capabilities, name="fake")

    provider = Cut(bad={"reader6@example.org"}, **can)
    dispatcher = with_(engine, provider)
    until_done(dispatcher)
    state = state_of(dispatcher)

    assert max(provider.log.values(), default=0) <= 1
    assert state.accepted <= sum(provider.log.values()) <= state.accepted + state.unknown
    assert state.under_way == 0
