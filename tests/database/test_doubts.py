"""Doubt about single people: who they are, and what a person's word does for them and for nobody else."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from delivery_samples import NOW, answers, crowd, dispatcher_for_ten, issue_on_its_way, state_of
from fake_provider import FakeProvider
from sqlalchemy import Engine
from sqlmodel import Session, select

from newsletter.database import transaction
from newsletter.delivery import claims, doubts, ledger
from newsletter.delivery.batch import Batch, BatchStatus, Resolution
from newsletter.delivery.dispatch import Dispatcher
from newsletter.delivery.evidence import prove_ids
from newsletter.delivery.progress import finish, progress
from newsletter.issues.issue import Command, Issue, IssueStatus, step
from newsletter.providers.base import Outcome

A, R, U = Outcome.ACCEPTED, Outcome.REFUSED, Outcome.UNKNOWN


def answered(session: Session, *outcomes: Outcome) -> Batch:
    """A batch of four of which the provider said so; its issue has ended, partly sent if it is so."""
    crowd(session, 4)
    batch = claims.claim(session, issue_on_its_way(session), 4, NOW, "fake")
    assert batch is not None
    ledger.record(session, batch, answers(batch, *outcomes), NOW)
    whole = finish(session, 1, NOW)
    step(session, session.get_one(Issue, 1), Command.FINISH if whole else Command.FINISH_PARTLY, NOW)
    return session.get_one(Batch, batch.id, populate_existing=True)


def ids(session: Session, batch: Batch) -> list[int]:
    """Who is in doubt."""
    return [one.id for one in doubts.people(session, batch)]


def sums(session: Session) -> tuple[int, int, int, int]:
    """Accepted, refused, unknown, under way."""
    state = progress(session, 1)
    assert state is not None
    assert state.adds_up
    return state.accepted, state.refused, state.unknown, state.under_way


def again(session: Session, batch: Batch) -> list[int]:
    """Whom the next attempt is for; takes it."""
    taken = ledger.take_again(session, session.get_one(Batch, batch.id, populate_existing=True), NOW)
    assert taken is not None
    return claims.member_ids(session, taken)


@pytest.mark.parametrize(
    ("outcomes", "doubted"), [((U, A), [1]), ((U,), [1, 2, 3, 4]), ((R, U, U, A), [2, 3]), ((A,), [])]
)
def test_who_is_in_doubt_is_listed(engine: Engine, outcomes: tuple[Outcome, ...], doubted: list[int]) -> None:
    """Single ones in a call that was accepted, or everybody in a call without an answer."""
    with transaction(engine) as session:
        batch = answered(session, *outcomes)

        assert ids(session, batch) == doubted
        assert [one.id for one in ledger.in_doubt(session)] == ([batch.id] if doubted else [])
        assert batch.in_doubt == len(doubted)


def test_whoever_was_shown_is_not_in_doubt_any_more(engine: Engine) -> None:
    """By an event, in a call without an answer."""
    with transaction(engine) as session:
        batch = answered(session, U)
        prove_ids(session, 1, [2], NOW, by="event")

        assert ids(session, session.get_one(Batch, batch.id, populate_existing=True)) == [1, 3, 4]


@pytest.mark.parametrize("outcomes", [(U, A), (U,), (R, U, U, A)])
def test_they_have_it_ends_the_doubt_about_all_of_them(engine: Engine, outcomes: tuple[Outcome, ...]) -> None:
    """Whoever was refused stays so, and nobody is sent anything."""
    with transaction(engine) as session:
        batch = answered(session, *outcomes)
        refused = outcomes.count(R)
        doubts.accept(session, batch, ids(session, batch), NOW, by="Mara", note="console")

        assert sums(session) == (4 - refused, refused, 0, 0)
        assert ledger.in_doubt(session) == []


def test_some_of_them_have_it(engine: Engine) -> None:
    """The others stay in doubt; the word is kept, with how many it was about."""
    with transaction(engine) as session:
        batch = answered(session, U)
        doubts.accept(session, batch, [1, 2], NOW, by="Mara", note="console")
        (word,) = session.exec(select(Resolution)).all()

        assert sums(session) == (2, 0, 2, 0)
        assert (word.by, word.note) == ("Mara", "console (2 of 4 people in doubt)")


@pytest.mark.parametrize(
    ("outcomes", "chosen", "left"),
    [
        ((U, A), [1], (3, 0, 0, 1)),
        ((U, U, A), [2], (2, 0, 1, 1)),
        ((R, U, U, A), [2, 3], (1, 1, 0, 2)),
        ((U,), [3], (0, 0, 3, 1)),
    ],
)
def test_who_certainly_was_not_sent_it_is_sent_it_alone(
    engine: Engine, outcomes: tuple[Outcome, ...], chosen: list[int], left: tuple[int, ...]
) -> None:
    """Nobody who has it, was refused, or stays in doubt is handed over with them; the call has a key of its own."""
    with transaction(engine) as session:
        batch = answered(session, *outcomes)
        doubts.send_again(session, batch, chosen, NOW, by="Mara", note="console")

        assert sums(session) == left
        assert again(session, batch) == chosen
        assert session.get_one(Batch, batch.id).call_key == f"{batch.key}:rest:1"


def test_whoever_was_shown_is_not_sent_it_with_the_others(engine: Engine) -> None:
    """An event named one of four; of the rest a person says that they were not sent it."""
    with transaction(engine) as session:
        batch = answered(session, U)
        prove_ids(session, 1, [2], NOW, by="event")
        batch = session.get_one(Batch, batch.id, populate_existing=True)
        doubts.send_again(session, batch, ids(session, batch), NOW, by="Mara", note="console")

        assert (sums(session), again(session, batch)) == ((1, 0, 0, 3), [1, 3, 4])


def test_a_whole_call_that_was_not_sent_keeps_its_key(engine: Engine) -> None:
    """If the person errs, a provider that honours it still makes no second mail."""
    with transaction(engine) as session:
        batch = answered(session, U)
        doubts.send_again(session, batch, [1, 2, 3, 4], NOW, by="Mara", note="console")

        assert again(session, batch) == [1, 2, 3, 4]
        assert session.get_one(Batch, batch.id).call_key == batch.key


def test_of_a_remainder_that_waits_more_can_be_sent(engine: Engine) -> None:
    """One is certainly not taken and waits; another, in doubt, was not sent either: both go out, nobody else."""
    with transaction(engine) as session:
        crowd(session, 4)
        batch = claims.claim(session, issue_on_its_way(session), 4, NOW, "fake")
        ledger.record(session, batch, answers(batch, U, Outcome.RETRY, A), NOW)
        batch = session.get_one(Batch, batch.id, populate_existing=True)
        doubts.send_again(session, batch, [1], NOW, by="Mara", note="console")

        assert (sums(session), again(session, batch)) == ((2, 0, 0, 2), [1, 2])


def by_word(session: Session, batch: Batch) -> None:
    """An operator says that they have it."""
    doubts.accept(session, batch, ids(session, batch), NOW, by="Mara", note="console")


def by_event(session: Session, batch: Batch) -> None:
    """The provider says so of each."""
    for one in ids(session, batch):
        prove_ids(session, 1, [one], NOW, by="event")


@pytest.mark.parametrize("close", [by_word, by_event])
@pytest.mark.parametrize(
    ("outcomes", "status"), [((U, A), IssueStatus.SENT), ((U,), IssueStatus.SENT), ((R, U, A), IssueStatus.PARTIAL)]
)
def test_an_issue_is_sent_when_its_last_doubt_is_closed(
    engine: Engine, close: Callable[[Session, Batch], None], outcomes: tuple[Outcome, ...], status: IssueStatus
) -> None:
    """Whoever closes it; unless somebody was refused."""
    with transaction(engine) as session:
        batch = answered(session, *outcomes)
        before = session.get_one(Issue, 1).status
        close(session, batch)

        assert (before, session.get_one(Issue, 1, populate_existing=True).status) == (IssueStatus.PARTIAL, status)


@pytest.mark.parametrize("name", ["reader1@example.org", "READER1@example.org", "ref", "key"])
def test_people_are_named_by_address_ref_or_key(engine: Engine, name: str) -> None:
    """As they stand in our listing, or in the provider's log."""
    with transaction(engine) as session:
        found = doubts.people(session, answered(session, U))
        keys = [f"1-{one.ref}" for one in found]
        wanted = {"ref": found[1].ref, "key": keys[1]}.get(name, name)

        assert doubts.chosen(found, [wanted, "nobody"], keys) == ([found[1]], [2])


def test_an_operator_and_the_dispatcher_bring_it_to_its_end(engine: Engine) -> None:
    """One lost inside an accepted call; it was not sent; the next run sends it to that one and nobody else."""
    provider = FakeProvider(next_answers=["lose one, accept the others"])
    dispatcher: Dispatcher = replace(dispatcher_for_ten(engine), provider=provider, batch_size=10)
    dispatcher.run(1)
    with transaction(engine) as session:
        (batch,) = ledger.in_doubt(session)
        doubts.send_again(session, batch, ids(session, batch), NOW, by="Mara", note="console")
    dispatcher.run(1)

    assert list(provider.log.values()) == [1] * 10
    assert (state_of(dispatcher).accepted, state_of(dispatcher).unknown) == (10, 0)


def test_a_batch_that_is_closed_again_is_closed_well(engine: Engine) -> None:
    """The second call of a batch that had been closed: the numbers add up and it is accepted."""
    with transaction(engine) as session:
        batch = answered(session, U, A)
        doubts.send_again(session, batch, [1], NOW, by="Mara", note="console")
        again(session, batch)
        batch = session.get_one(Batch, batch.id, populate_existing=True)
        ledger.record(session, batch, answers(batch, R)[:1], NOW)

        assert (sums(session), batch.status) == ((3, 1, 0, 0), BatchStatus.ACCEPTED)
