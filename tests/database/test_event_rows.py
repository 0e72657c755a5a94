"""Statements about hundreds of values at once, run by the driver."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, SQLModel, select

from newsletter.database import transaction
from newsletter.delivery.event_rows import MOST, SIZES, Plain
from newsletter.delivery.event_tables import ProviderEvent, said_before, store
from newsletter.delivery.evidence import pieces
from newsletter.providers.hooks import Kind

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)


def row(name: str) -> dict[str, object]:
    """One event of nobody's."""
    known = {"provider": "fake", "event_id": name, "kind": Kind.DELIVERED, "word": "ok", "reason": ""}
    return {**known, "issue_id": None, "subscriber_id": None, "at": NOW, "received_at": NOW}


def some_kept(session: Session, number: int) -> list[str]:
    """So many events, kept."""
    names = [f"event-{place}" for place in range(number)]
    store(session, [row(name) for name in names])
    return names


@pytest.mark.parametrize("number", [0, 1, 2, 8, 9, 61, MOST, MOST + 1, 2 * MOST + 61])
def test_every_value_is_looked_for_whatever_their_number(engine: Engine, number: int) -> None:
    """Also where a piece is filled up with its last value."""
    with transaction(engine) as session:
        names = some_kept(session, number)

        assert said_before(session, "fake", [*names, "another"]) == set(names)
        assert said_before(session, "somebody else", names) == set()


def test_what_is_kept_by_the_driver_reads_as_what_sqlalchemy_keeps(engine: Engine) -> None:
    """Times with their zone, words as words, nothing as nothing."""
    with transaction(engine) as session:
        store(session, [row("by the driver")])
        session.add(ProviderEvent(**row("by sqlalchemy")))
    with transaction(engine) as session:
        one, other = (found.model_dump(exclude={"id", "event_id"}) for found in session.exec(select(ProviderEvent)))

        assert one == other
        assert (one["at"], one["kind"], one["issue_id"]) == (NOW, Kind.DELIVERED, None)


def test_an_event_is_new_once_also_within_one_call(engine: Engine) -> None:
    """By the ids that `store` says."""
    with transaction(engine) as session:
        assert store(session, [row("a"), row("a"), row("b")]) == {"a", "b"}
        assert store(session, [row("b"), row("c")]) == {"c"}


def test_a_naive_time_is_refused_as_sqlalchemy_refuses_it(engine: Engine) -> None:
    """Not stored as if it were UTC."""
    plain = Plain(SQLModel.metadata.tables["provider_event"], engine.dialect)

    with pytest.raises(ValueError, match="naive"):
        plain.row({**row("a"), "at": NOW.replace(tzinfo=None)})


def test_a_piece_fits_the_largest_spelling() -> None:
    """Else nobody would look for what is left over."""
    assert max(SIZES) == MOST == len(next(pieces(range(10 * MOST))))
