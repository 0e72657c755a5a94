"""What closes a doubt, and what does not."""

import pytest
from delivery_samples import NOW, answers, crowd, issue_on_its_way
from sqlalchemy import Engine
from sqlmodel import Session, select

from newsletter.database import transaction
from newsletter.delivery import claims, ledger, recovery
from newsletter.delivery.batch import Batch, BatchStatus, DeliveryException, Resolution
from newsletter.delivery.evidence import prove
from newsletter.delivery.progress import progress
from newsletter.providers.base import Outcome
from subscribers.subscriber import Subscriber


def in_doubt(session: Session) -> Batch:
    """A batch of two whose answer nobody heard."""
    crowd(session, 2)
    batch = claims.claim(session, issue_on_its_way(session), 10, NOW)
    assert batch is not None
    ledger.doubt(session, batch)
    session.refresh(batch)
    return batch


def test_evidence_does_not_reopen_a_closed_batch(engine: Engine) -> None:
    """The answer came, and somebody says "not sent" of what was accepted: nothing changes, and they are told."""
    with transaction(engine) as session:
        batch = in_doubt(session)
        ledger.record(session, batch, answers(batch, Outcome.ACCEPTED), NOW)

        assert ledger.resolve(session, batch, BatchStatus.CLAIMED, NOW, by="Mara") is False
        assert session.get_one(Batch, batch.id, populate_existing=True).status is BatchStatus.ACCEPTED


@pytest.mark.parametrize("found", [[Outcome.UNKNOWN, Outcome.RETRY], [Outcome.ACCEPTED], [Outcome.RETRY], []])
def test_a_look_up_that_does_not_tell_of_everybody_leaves_the_doubt(engine: Engine, found: list[Outcome]) -> None:
    """It does not know of one of two, or speaks of one only: nothing is sent again."""
    with transaction(engine) as session:
        batch = in_doubt(session)
        receipts = answers(batch, *found)[: len(found)] if found else []

        assert recovery.settle(session, batch, receipts, NOW) is BatchStatus.UNKNOWN


def test_a_look_up_that_accounts_for_everybody_closes_the_doubt(engine: Engine) -> None:
    """One is there and one was refused: that is all there is to know."""
    with transaction(engine) as session:
        batch = in_doubt(session)

        status = recovery.settle(session, batch, answers(batch, Outcome.ACCEPTED, Outcome.REFUSED), NOW)

        assert (status, sums(session)) == (BatchStatus.ACCEPTED, (1, 1, 0))


def test_whoever_a_look_up_finds_is_not_in_doubt_any_more(engine: Engine) -> None:
    """The other one still is, and the batch is not sent again."""
    with transaction(engine) as session:
        batch = in_doubt(session)

        recovery.settle(session, batch, answers(batch, Outcome.ACCEPTED, Outcome.UNKNOWN), NOW)

        assert sums(session) == (1, 0, 1)


@pytest.mark.parametrize("shown_before", [True, False])
def test_whom_a_look_up_certainly_does_not_find_is_sent_theirs_alone(engine: Engine, shown_before: bool) -> None:
    """The other one is there, perhaps by an event as well, and is never handed over again."""
    with transaction(engine) as session:
        batch = in_doubt(session)
        ada, bo = refs(session)
        if shown_before:
            prove(session, 1, [ada], NOW, by="event")
        status = recovery.settle(session, batch, answers(batch, Outcome.ACCEPTED, Outcome.RETRY), NOW)
        again = ledger.take_again(session, session.get_one(Batch, batch.id), NOW)

        assert (status, again.call_key) == (BatchStatus.CLAIMED, f"{batch.key}:rest:1")
        assert [member.ref for member in claims.members(session, again)] == [bo]


def test_an_event_for_everybody_closes_the_doubt(engine: Engine) -> None:
    """One after the other, in any order, each as often as it comes; the evidence is kept."""
    with transaction(engine) as session:
        batch = in_doubt(session)
        ada, bo = refs(session)

        assert [prove(session, 1, [ref], NOW, by="event") for ref in (bo, bo, "nobody", ada, ada)] == [1, 0, 0, 1, 0]
        assert (sums(session), batch.status) == ((2, 0, 0), BatchStatus.ACCEPTED)
        assert [found.by for found in session.exec(select(Resolution))] == ["event"]


def test_an_event_for_one_leaves_the_doubt_about_the_other(engine: Engine) -> None:
    """That the provider has one says nothing of the next."""
    with transaction(engine) as session:
        batch = in_doubt(session)
        prove(session, 1, refs(session)[:1], NOW, by="event")

        assert (sums(session), batch.status) == ((1, 0, 1), BatchStatus.UNKNOWN)


def test_what_an_event_showed_is_not_sent_again_on_a_look_ups_word(engine: Engine) -> None:
    """The provider contradicts itself: nobody can tell, and the batch is held."""
    with transaction(engine) as session:
        batch = in_doubt(session)
        prove(session, 1, refs(session)[:1], NOW, by="event")

        assert recovery.settle(session, batch, answers(batch, Outcome.RETRY), NOW) is BatchStatus.UNKNOWN


def test_a_batch_that_waits_for_another_attempt_is_held_when_an_event_shows_it(engine: Engine) -> None:
    """It "certainly was not taken", and then somebody in it got it."""
    with transaction(engine) as session:
        batch = in_doubt(session)
        ledger.resolve(session, batch, BatchStatus.CLAIMED, NOW, by="Mara", note="the console shows nothing")
        prove(session, 1, refs(session)[:1], NOW, by="event")

        assert session.get_one(Batch, batch.id, populate_existing=True).status is BatchStatus.UNKNOWN


def test_an_event_mends_a_refusal_that_was_none(engine: Engine) -> None:
    """The provider said no to one of two, and delivered to them."""
    with transaction(engine) as session:
        batch = in_doubt(session)
        ledger.record(session, batch, answers(batch, Outcome.ACCEPTED, Outcome.REFUSED), NOW)
        before = sums(session)
        prove(session, 1, refs(session)[1:], NOW, by="event")

        assert (before, sums(session)) == ((1, 1, 0), (2, 0, 0))


def test_evidence_does_not_change_whom_a_replay_is_for(engine: Engine) -> None:
    """The same bytes under the same key, and its answer closes the batch."""
    with transaction(engine) as session:
        batch = in_doubt(session)
        prove(session, 1, refs(session)[:1], NOW, by="event")
        again = ledger.take_again(session, batch, NOW)

        assert [member.ref for member in claims.members(session, again)] == refs(session)
        assert ledger.record(session, again, answers(again, Outcome.UNKNOWN, Outcome.ACCEPTED), NOW)
        assert sums(session) == (2, 0, 0)


def test_events_of_a_call_that_is_under_way_wait_for_its_answer(engine: Engine) -> None:
    """They come before the answer as a rule, and a row for each would double the cost of a sending."""
    with transaction(engine) as session:
        crowd(session, 2)
        claims.claim(session, issue_on_its_way(session), 10, NOW)

        assert prove(session, 1, refs(session), NOW, by="event") == 0
        assert session.exec(select(DeliveryException)).all() == []


def refs(session: Session) -> list[str]:
    """Everybody's ref, in the order of ids."""
    return list(session.exec(select(Subscriber.ref).order_by(Subscriber.id)))


def sums(session: Session) -> tuple[int, int, int]:
    """How many are accepted, refused and unknown; everybody is accounted for."""
    state = progress(session, 1)
    assert state.adds_up
    return state.accepted, state.refused, state.unknown
