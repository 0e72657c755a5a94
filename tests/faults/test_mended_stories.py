"""Stories that once broke a promise: somebody leaves between attempts, a doubt is split, a post is late."""

from dataclasses import replace
from datetime import timedelta

from delivery_samples import NOW, dispatcher_for_ten, state_of
from fake_provider import FakeProvider
from sqlalchemy import Engine

from newsletter.database import transaction
from newsletter.delivery import claims, recovery
from newsletter.delivery.calling import Caller
from newsletter.delivery.dispatch import Dispatcher
from newsletter.mail.message import MessageBuilder
from newsletter.providers.base import Answer, Capabilities, Outcome, OutgoingBatch, all_alike
from subscribers.consent import Evidence
from subscribers.subscriber import find, unsubscribe


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
        Caller({"slow": Slow()}, dispatcher.builder, lambda: NOW + timedelta(seconds=59)).call(
            batch, dispatcher.addressing.columns(claims.members(session, batch))
        )
        recovery.place(stock := recovery.Stock(), session, {"slow": Slow.capabilities}, batch, NOW)

    asked = timedelta(seconds=stock.to_look_up[0][0])
    assert not posted or asked >= posted[0] + longest
