"""The ledger: whom a claim takes, what a receipt may change, and that nobody is lost or mailed twice."""

import pytest
from delivery_samples import NOW, answers, crowd, issue_on_its_way
from people import SECRET, add, everybody, parse
from sqlalchemy import Engine, insert
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, select

from newsletter.database import transaction
from newsletter.delivery.batch import Batch, BatchStatus, Delivery, DeliveryException
from newsletter.delivery.claims import claim, members, not_eligible
from newsletter.delivery.ledger import (
    begin,
    begun,
    doubt,
    open_batches,
    record,
    take_again,
)
from newsletter.delivery.progress import finish, progress
from newsletter.errors import DeliveryError
from newsletter.issues.issue import Issue
from newsletter.providers.base import Outcome, Receipt
from subscribers.consent import Evidence
from subscribers.subscriber import find, unsubscribe
from subscribers.suppression import Reason, suppress


def claimed(session: Session, issue: int, size: int = 10) -> Batch:
    """The next batch, which there must be."""
    batch = claim(session, issue, size, NOW)
    assert batch is not None
    return batch


def test_a_claim_takes_who_is_active_and_nobody_else(engine: Engine) -> None:
    """Ben has not confirmed, Cleo has left, Dov is suppressed, Pia rests: Ada is mailed."""
    with transaction(engine) as session:
        everybody(session)
        batch = claimed(session, issue_on_its_way(session))

        assert [person.address for person in members(session, batch)] == ["Ada@example.org"]


def test_invariant_8_who_leaves_before_the_claim_is_not_claimed(engine: Engine) -> None:
    """Consent and suppression are read in the claiming transaction, not at the start."""
    with transaction(engine) as session:
        crowd(session, 3)
        issue = issue_on_its_way(session)
        gone, bounced = find(session, "reader0@example.org"), find(session, "reader1@example.org")
        unsubscribe(session, gone, Evidence("/u"), NOW)
        suppress(session, bounced.fingerprint, Reason.COMPLAINT, NOW)
        batch = claimed(session, issue)

        assert [person.address for person in members(session, batch)] == ["reader2@example.org"]


def test_invariant_5_the_database_refuses_a_second_delivery_to_the_same_person(engine: Engine) -> None:
    """Not our code, the primary key: whatever goes wrong above it."""
    with transaction(engine) as session:
        crowd(session, 1)
        issue = issue_on_its_way(session)
        batch = claimed(session, issue)
        again = insert(Delivery).values(issue_id=issue, subscriber_id=1, batch_id=batch.id)

        with pytest.raises(IntegrityError), session.begin_nested():
            session.execute(again)


def test_claims_walk_the_list_once(engine: Engine) -> None:
    """Seven people in batches of three: three, three, one, and then nobody."""
    with transaction(engine) as session:
        crowd(session, 7)
        issue = issue_on_its_way(session)
        sizes = [batch.size for _ in range(3) if (batch := claim(session, issue, 3, NOW))]

        assert sizes == [3, 3, 1]
        assert claim(session, issue, 3, NOW) is None
        assert len(session.exec(select(Delivery)).all()) == 7


def test_invariant_6_the_sum_holds_at_every_step(engine: Engine) -> None:
    """List = accepted + refused + unknown + under way + skipped + still to claim, from the first claim to the end."""
    with transaction(engine) as session:
        everybody(session)
        crowd(session, 6)
        issue = issue_on_its_way(session)
        seen = [progress(session, issue)]
        for outcome in (Outcome.ACCEPTED, Outcome.REFUSED, Outcome.UNKNOWN):
            batch = claimed(session, issue, 2)
            seen.append(progress(session, issue))
            record(session, batch, answers(batch, outcome), NOW)
            seen.append(progress(session, issue))

        assert all(state and state.adds_up and state.list_size == 11 for state in seen)
        assert (seen[-1].accepted, seen[-1].refused, seen[-1].unknown, seen[-1].skipped_in_all) == (2, 2, 2, 4)


def test_whoever_joins_after_the_start_gets_the_next_issue(engine: Engine) -> None:
    """The list is as long as it was when the issue began."""
    with transaction(engine) as session:
        crowd(session, 2)
        issue = issue_on_its_way(session)
        add(session, parse("late@example.org"), Evidence("/subscribe"), secret=SECRET, now=NOW, confirmed=True)

        assert claimed(session, issue).size == 2


def test_a_pause_ends_when_its_date_has_come(engine: Engine) -> None:
    """Pia rests until BACK_ON; a claim after it takes her."""
    with transaction(engine) as session:
        pia = everybody(session)["pia"]
        issue = issue_on_its_way(session)
        batch = claim(session, issue, 10, pia.paused_until)

        assert batch is not None
        assert {person.address for person in members(session, batch)} == {"Ada@example.org", "pia@example.org"}


def test_one_recipient_may_fare_otherwise_than_the_batch(engine: Engine) -> None:
    """Two accepted, one refused: the batch is accepted, the exception is a row."""
    with transaction(engine) as session:
        crowd(session, 3)
        batch = claimed(session, issue_on_its_way(session))
        record(session, batch, answers(batch, Outcome.REFUSED, Outcome.ACCEPTED), NOW)

        state = progress(session, batch.issue_id)
        assert (state.accepted, state.refused) == (2, 1)
        assert session.exec(select(DeliveryException.subscriber_id)).all() == [1]


def test_whom_an_accepted_call_left_out_is_the_remainder(engine: Engine) -> None:
    """Certainly not taken: they are handed over again, alone, under a key that the provider has not seen."""
    with transaction(engine) as session:
        crowd(session, 2)
        batch = claimed(session, issue_on_its_way(session))
        left = members(session, batch)[:1]
        record(session, batch, answers(batch, Outcome.RETRY, Outcome.ACCEPTED), NOW)
        state = progress(session, batch.issue_id)
        again = take_again(session, session.get_one(Batch, batch.id), NOW)

        assert (state.accepted, state.under_way, state.adds_up) == (1, 1, True)
        assert (list(members(session, again)), again.call_key) == (list(left), f"{batch.key}:rest:1")


def test_not_taken_inside_a_repetition_is_doubt(engine: Engine) -> None:
    """An earlier attempt may have been taken: "not now" says nothing about it."""
    with transaction(engine) as session:
        crowd(session, 2)
        batch = claimed(session, issue_on_its_way(session))
        doubt(session, batch)
        session.refresh(batch)
        again = take_again(session, batch, NOW)
        record(session, again, answers(again, Outcome.RETRY, Outcome.ACCEPTED), NOW)

        assert progress(session, batch.issue_id).unknown == 1


def test_an_answer_that_is_too_short_is_doubt(engine: Engine) -> None:
    """A provider that names one of two recipients has said nothing that can be trusted."""
    with transaction(engine) as session:
        crowd(session, 2)
        batch = claimed(session, issue_on_its_way(session))
        record(session, batch, answers(batch, Outcome.ACCEPTED)[:1], NOW)

        assert session.get_one(Batch, batch.id).status is BatchStatus.UNKNOWN


def test_a_batch_that_was_certainly_not_taken_waits_for_another_attempt(engine: Engine) -> None:
    """It is parked as claimed; the next attempt has the same members and the same key."""
    with transaction(engine) as session:
        crowd(session, 2)
        batch = claimed(session, issue_on_its_way(session))
        before = [person.ref for person in members(session, batch)], batch.key
        record(session, batch, answers(batch, Outcome.RETRY), NOW)
        again = take_again(session, batch, NOW)

        assert again is not None
        assert (again.attempt, again.status, again.doubtful) == (2, BatchStatus.SENDING, False)
        assert ([person.ref for person in members(session, again)], again.key) == before


def test_a_refusal_after_doubt_proves_nothing(engine: Engine) -> None:
    """The first attempt may have been accepted: the batch stays unknown."""
    with transaction(engine) as session:
        crowd(session, 1)
        batch = claimed(session, issue_on_its_way(session))
        doubt(session, batch)
        session.refresh(batch)
        again = take_again(session, batch, NOW)
        record(session, again, answers(again, Outcome.REFUSED), NOW)

        assert session.get_one(Batch, batch.id, populate_existing=True).status is BatchStatus.UNKNOWN


def test_a_late_receipt_of_an_older_attempt_changes_nothing(engine: Engine) -> None:
    """The attempt number fences it."""
    with transaction(engine) as session:
        crowd(session, 1)
        batch = claimed(session, issue_on_its_way(session))
        old = Batch(**batch.model_dump())
        take_again(session, batch, NOW)

        assert record(session, old, answers(old, Outcome.REFUSED), NOW) is False
        assert session.get_one(Batch, batch.id, populate_existing=True).status is BatchStatus.SENDING


def test_a_closed_batch_stays_closed(engine: Engine) -> None:
    """A second answer to the same attempt does not reopen or turn it."""
    with transaction(engine) as session:
        crowd(session, 1)
        batch = claimed(session, issue_on_its_way(session))

        assert record(session, batch, answers(batch, Outcome.ACCEPTED), NOW) is True
        assert record(session, batch, answers(batch, Outcome.REFUSED), NOW) is False


def test_two_hands_cannot_take_up_the_same_batch(engine: Engine) -> None:
    """Compare and set: the second finds that the attempt is not the one it saw."""
    with transaction(engine) as session:
        crowd(session, 1)
        batch = claimed(session, issue_on_its_way(session))
        seen = Batch(**batch.model_dump())

        assert take_again(session, batch, NOW) is not None
        assert take_again(session, seen, NOW) is None


def test_an_issue_ends_only_when_nobody_is_left(engine: Engine) -> None:
    """Nobody claimed: not over. One batch under way: not over. All accepted: over, and whole."""
    with transaction(engine) as session:
        crowd(session, 1)
        issue = issue_on_its_way(session)
        ends = [finish(session, issue, NOW)]
        batch = claimed(session, issue)
        ends.append(finish(session, issue, NOW))
        record(session, batch, answers(batch, Outcome.ACCEPTED), NOW)

        assert [*ends, finish(session, issue, NOW)] == [None, None, True]
        assert open_batches(session, issue) == []


def test_an_issue_with_somebody_unknown_ends_partial(engine: Engine) -> None:
    """Nothing is left to do, and it is not whole."""
    with transaction(engine) as session:
        crowd(session, 1)
        issue = issue_on_its_way(session)
        batch = claimed(session, issue)
        record(session, batch, answers(batch, Outcome.UNKNOWN), NOW)

        assert finish(session, issue, NOW) is False


def test_a_ledger_that_began_with_other_bytes_is_not_gone_on_with(engine: Engine) -> None:
    """Invariant 4 at the last door: the digest that was approved is the digest that is sent."""
    with transaction(engine) as session:
        issue = issue_on_its_way(session)

        with pytest.raises(DeliveryError, match="other content"):
            begin(session, issue, "another digest", NOW)


def test_before_the_first_claim_nothing_has_begun(engine: Engine) -> None:
    """Only a claimed delivery makes a cancelled issue final."""
    with transaction(engine) as session:
        crowd(session, 1)
        number = issue_on_its_way(session)
        issue = session.get_one(Issue, number)

        assert begun(session, issue) is False
        claimed(session, number)
        assert begun(session, issue) is True


def test_who_may_not_be_mailed_is_counted_by_reason(engine: Engine) -> None:
    """What an operator sees before sending."""
    with transaction(engine) as session:
        everybody(session)

        assert not_eligible(session, NOW) == {"pending": 1, "paused": 1, "unsubscribed": 1, "suppressed": 1}


def test_what_a_provider_says_is_kept_by_every_database(engine: Engine) -> None:
    """Half a character, a line end, a zero: a receipt that cannot be written down would be doubt."""
    with transaction(engine) as session:
        crowd(session, 1)
        batch = claimed(session, issue_on_its_way(session))
        record(session, batch, [Receipt("key-0", Outcome.REFUSED, reason="no\0\ud800\nthanks")], NOW)

        assert session.get_one(Batch, batch.id, populate_existing=True).reason == "no ? thanks"


@pytest.mark.sqlite
def test_sqlite_commits_with_full_durability(engine: Engine) -> None:
    """A power cut must not take back a claim: that would be a second mail."""
    with engine.connect() as connection:
        assert connection.exec_driver_sql("pragma synchronous").scalar() == 2
        assert connection.exec_driver_sql("pragma journal_mode").scalar() == "wal"
