"""The night settles doubts of issues that are over by evidence, and sends nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from desk_samples import Place, furnished
from fake_provider import FakeProvider, Killed
from sqlalchemy import Engine
from sqlmodel import col, select

from newsletter.delivery.batch import Batch, BatchStatus, Resolution
from newsletter.delivery.events import take
from newsletter.desk import doubting, sending, writing
from newsletter.desk.settling import ASK_FOR, settle_doubts
from newsletter.errors import ProviderError
from newsletter.issues.issue import Command, IssueStatus, step
from newsletter.providers.base import Receipt
from newsletter.providers.hooks import Event, Kind


@pytest.fixture
def here(engine: Engine) -> Place:
    """The week's issue is approved, and goes to Ada by a provider that remembers nothing."""
    here = furnished(engine)
    here.desk = replace(here.desk, provider=FakeProvider())
    writing.draft(here.desk)
    writing.approve(here.desk, "1", by="Mara")
    return here


def ended(here: Place, how: str) -> None:
    """The issue goes out, and the answer to its one call was lost; two hours later somebody looks."""
    here.provider.next_answers = [how]
    sending.send(here.desk, "1", by="Mara", pause=lambda _: None)
    here.clock.forward(hours=2)


def state(here: Place) -> tuple[IssueStatus, int]:
    """Where the issue is, and how many are in doubt."""
    with here.desk.reading() as session:
        status = here.desk.find(session, "1").status
    return status, sum(one.people for one in doubting.in_doubt(here.desk))


def key(here: Place) -> str:
    """Of Ada's delivery."""
    [found] = [
        key for doubt in doubting.in_doubt(here.desk) for _, key in doubting.people(here.desk, doubt.batch.id or 0)[1]
    ]
    return found


def test_a_look_up_that_finds_it_ends_the_doubt_and_the_issue_is_sent(here: Place) -> None:
    """With whose word it was; and nothing left again."""
    ended(here, "accept, answer lost")
    assert state(here) == (IssueStatus.PARTIAL, 1)
    here.provider.answers_look_ups = True

    assert settle_doubts(here.desk) == "1 delivery no longer in doubt, 0 still."
    assert (state(here), len(here.provider.calls)) == ((IssueStatus.SENT, 0), 1)
    with here.desk.reading() as session:
        assert [one.by for one in session.exec(select(Resolution))] == ["look-up"]
    assert settle_doubts(here.desk) == ""


def test_what_it_certainly_does_not_have_is_told_and_left_to_a_person(here: Place) -> None:
    """Nothing leaves, nothing is called refused, and the issue is as it was (invariant 7)."""
    ended(here, "lose")
    here.provider.answers_look_ups = True
    said = settle_doubts(here.desk)
    sending.due(here.desk)

    assert said == "fake certainly does not have 1: 'newsletter unknown list'."
    assert (state(here), len(here.provider.calls)) == ((IssueStatus.PARTIAL, 1), 1)


def test_events_that_were_kept_while_a_dead_sender_held_the_call_end_the_doubt(here: Place) -> None:
    """They came while the call was open, when they prove nothing; then it was cancelled, and nobody sent after that."""
    here.provider.next_answers = ["accept, die after"]
    with pytest.raises(Killed):
        sending.send(here.desk, "1", by="Mara", pause=lambda _: None)
    with here.desk.transaction() as session:
        batch = session.exec(select(Batch)).one()
        [only] = here.provider.log
        take(session, "fake", [Event(Kind.DELIVERED, only, "e1", here.clock(), "delivered")], here.clock())
        assert batch.status is BatchStatus.SENDING
        step(session, here.desk.find(session, "1"), Command.CANCEL, here.clock(), by="Mara")
    here.clock.forward(hours=2)

    assert settle_doubts(here.desk) == "1 delivery no longer in doubt, 0 still."
    assert state(here) == (IssueStatus.CANCELLED, 0)


@pytest.mark.parametrize("when", ["too early", "too late"])
def test_a_provider_is_asked_only_while_its_word_is_worth_something(here: Place, when: str) -> None:
    """Not while a call may still be under way, and not when it has forgotten."""
    ended(here, "accept, answer lost")
    here.provider.answers_look_ups = True
    here.clock.now += ASK_FOR if when == "too late" else timedelta(hours=-2, minutes=1)
    settle_doubts(here.desk)

    assert state(here) == (IssueStatus.PARTIAL, 1)


def test_what_another_provider_was_handed_is_not_asked_of_this_one(here: Place) -> None:
    """It knows nothing of it, and whatever it says is no evidence."""
    ended(here, "lose")
    other = FakeProvider(answers_look_ups=True, name="other")
    other.log[key(here)] = 1

    assert settle_doubts(replace(here.desk, provider=other)) == ""
    assert state(here) == (IssueStatus.PARTIAL, 1)


def test_the_fallback_is_asked_about_what_it_was_handed(here: Place) -> None:
    """Each provider about its own."""
    ended(here, "accept, answer lost")
    here.provider.answers_look_ups = True
    desk = replace(here.desk, provider=FakeProvider(name="new"), fallback=here.provider)

    assert "no longer in doubt" in settle_doubts(desk)


class Away(FakeProvider):
    """Cannot be asked now."""

    def look_up(self, _batch_key: str, _delivery_keys: object) -> list[Receipt]:
        """Say why."""
        raise ProviderError("fake cannot be reached.")


def test_a_provider_that_cannot_be_asked_is_told_and_asked_the_next_night(here: Place) -> None:
    """One that is away harms no other chore."""
    ended(here, "accept, answer lost")
    here.provider.answers_look_ups = True

    assert (
        settle_doubts(replace(here.desk, provider=Away(answers_look_ups=True)))
        == "fake could not be asked: fake cannot be reached."
    )
    assert "no longer in doubt" in settle_doubts(here.desk)


@dataclass
class Listed(FakeProvider):
    """Writes down what it is asked about."""

    asked: list[str] = field(default_factory=list)

    def look_up(self, batch_key: str, delivery_keys: Sequence[str]) -> Sequence[Receipt]:
        """It has nobody."""
        self.asked.append(batch_key)
        return super().look_up(batch_key, delivery_keys)


def more(here: Place, number: int, provider: str = "fake") -> None:
    """As many calls of this provider, each before all that there are, whose answers were lost too."""
    with here.desk.transaction() as session:
        first = session.exec(select(Batch).order_by(col(Batch.attempted_at))).first()
        assert first is not None
        for place in range(1, number + 1):
            at, name = first.attempted_at - timedelta(seconds=place), f"{provider}-{place}"
            same = {"issue_id": first.issue_id, "size": 1, "status": BatchStatus.UNKNOWN, "provider": provider}
            session.add(Batch(**same, key=name, number=len(provider) * 1000 + place, claimed_at=at, attempted_at=at))


def test_of_250_doubts_each_has_its_turn_within_three_nights(here: Place) -> None:
    """A hundred a night, what has waited longest first; then it begins anew."""
    ended(here, "lose")
    more(here, 249)
    provider = Listed(answers_look_ups=True)
    nights = []
    for _ in range(3):
        settle_doubts(replace(here.desk, provider=provider))
        nights.append(provider.asked)
        provider.asked = []
        here.clock.forward(hours=24)

    assert [len(night) for night in nights] == [100] * 3
    assert len({call for night in nights for call in night}) == 250
    assert set(nights[2][-50:]) <= set(nights[0])


def test_a_provider_that_is_away_holds_up_nothing_that_another_knows(here: Place) -> None:
    """Its doubts have had their turn all the same, so they do not stand in front every night."""
    ended(here, "accept, answer lost")
    more(here, 100, "gone")
    here.provider.answers_look_ups = True
    desk = replace(here.desk, provider=Away(answers_look_ups=True, name="gone"), fallback=here.provider)

    assert settle_doubts(desk) == "gone could not be asked: fake cannot be reached."
    here.clock.forward(hours=24)
    assert "1 delivery no longer in doubt, 100 still." in settle_doubts(desk)


def test_an_issue_on_its_way_is_left_to_its_sender(here: Place) -> None:
    """The next run settles what can be; until then its open call is its own."""
    here.provider.next_answers = ["accept, die after"]
    with pytest.raises(Killed):
        sending.send(here.desk, "1", by="Mara", pause=lambda _: None)
    here.provider.answers_look_ups = True
    here.clock.forward(hours=2)

    assert settle_doubts(here.desk) == ""
    with here.desk.reading() as session:
        assert session.exec(select(Batch.status)).one() is BatchStatus.SENDING
