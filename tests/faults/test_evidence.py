"""What closes a doubt, and what does not."""

import pytest
from delivery_samples import NOW, answers, crowd, issue_on_its_way
from sqlalchemy import Engine
from sqlmodel import Session

from newsletter.database import transaction
from newsletter.delivery import claims, ledger, recovery
from newsletter.delivery.batch import Batch, BatchStatus
from newsletter.providers.base import Outcome


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


@pytest.mark.parametrize("found", [[Outcome.ACCEPTED, Outcome.RETRY], [Outcome.ACCEPTED], [Outcome.RETRY], []])
def test_a_look_up_that_finds_a_part_leaves_the_doubt(engine: Engine, found: list[Outcome]) -> None:
    """One of two is there, or it speaks of one only: neither "accepted" nor "send again" would be true for both."""
    with transaction(engine) as session:
        batch = in_doubt(session)
        receipts = answers(batch, *found)[: len(found)] if found else []

        assert recovery.settle(session, batch, receipts, NOW) is BatchStatus.UNKNOWN
