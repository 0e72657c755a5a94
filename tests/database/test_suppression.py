"""Addresses that must not be mailed, and people who want to be forgotten."""

from collections.abc import Iterator
from datetime import timedelta

import people
import pytest
from people import ADA, DOV, EVE, NOW, SECRET, print_of
from sqlalchemy import Engine
from sqlmodel import Session, SQLModel

from subscribers.consent import Evidence, Kind, Status, events
from subscribers.erasure import erase, facts
from subscribers.subscriber import add, by_ref, confirm, find, page, unsubscribe
from subscribers.suppression import (
    Reason,
    is_suppressed,
    lift,
    lifted,
    suppress,
    suppress_all,
    suppressed_counts,
    suppressions,
)


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """An empty list."""
    with people.the_list(engine) as session:
        yield session


def test_a_suppressed_address_is_known_however_it_is_written(session: Session) -> None:
    """By the fingerprint of its key."""
    people.dov(session)

    assert is_suppressed(session, print_of("DOV@Example.ORG"))
    assert not is_suppressed(session, print_of("ada@example.org"))


def test_the_first_reason_stays(session: Session) -> None:
    """A second event about the same address changes nothing."""
    people.dov(session)

    assert not suppress(session, print_of("dov@example.org"), Reason.COMPLAINT, NOW)
    assert [found.reason for found in suppressions(session)] == [Reason.HARD_BOUNCE]


def test_leaving_and_confirming_do_not_touch_a_suppression(session: Session) -> None:
    """It outlives the subscriber's life-cycle (invariant 8)."""
    dov = people.dov(session)
    unsubscribe(session, dov, Evidence("/u"), NOW)
    add(session, DOV, Evidence("/subscribe"), secret=SECRET, now=NOW)
    confirm(session, dov, Evidence("/confirm"), NOW)

    assert dov.status is Status.ACTIVE
    assert is_suppressed(session, dov.fingerprint)


def test_only_an_operator_lifts_a_suppression_and_it_is_written_down(session: Session) -> None:
    """Who, when, and what it had been."""
    dov = people.dov(session)

    assert lift(session, dov.fingerprint, NOW, by="olga", note="new mail server")
    assert not lift(session, dov.fingerprint, NOW, by="olga")

    [once] = lifted(session, dov.fingerprint)
    assert not is_suppressed(session, dov.fingerprint)
    assert (once.reason, once.by, once.lifted_at) == (Reason.HARD_BOUNCE, "olga", NOW)
    assert once.since == NOW - timedelta(days=3)


def test_many_are_suppressed_at_once(session: Session) -> None:
    """How many were new is told; pages follow each other by fingerprint."""
    found = [(ADA, Reason.MANUAL), (EVE, Reason.COMPLAINT), (ADA, Reason.COMPLAINT)]

    assert suppress_all(session, found, NOW, secret=SECRET, note="old list") == 2

    first, second = suppressions(session)
    assert suppressions(session, after=first.fingerprint) == [second]
    assert suppressed_counts(session) == dict.fromkeys(Reason, 0) | {Reason.MANUAL: 1, Reason.COMPLAINT: 1}


def test_the_facts_on_an_address_are_complete(session: Session) -> None:
    """What `subscribers show` prints, also for an address that is not on the list."""
    dov = people.dov(session)

    known, stranger = facts(session, DOV, SECRET), facts(session, EVE, SECRET)

    assert known.subscriber is dov
    assert [event.kind for event in known.events] == [Kind.CONFIRMED]
    assert known.suppression is not None
    assert (stranger.subscriber, stranger.events, stranger.suppression, stranger.lifted) == (None, (), None, ())


@pytest.mark.parametrize("who", ["ada", "ben", "cleo", "dov", "pia"])
def test_after_an_erasure_the_person_is_nowhere(engine: Engine, who: str) -> None:
    """Not the address nor the name, in any case, in any table; only hash and bare evidence stay (S-62)."""
    with people.the_list(engine) as session:
        person = people.everybody(session)[who]
        person.source, events(session, person.id or 0)[0].by = f"from {who}", who
        lift(session, person.fingerprint, NOW, by="olga", note=f"{who} wrote to us")
        erase(session, person, "command line", NOW)

    with engine.connect() as connection:
        tables = (table.select() for table in SQLModel.metadata.sorted_tables)
        dump = "\n".join(str(row) for table in tables for row in connection.execute(table)).casefold()

    assert f"'{who}" not in dump
    assert f"{who}@" not in dump
    assert f"from {who}" not in dump
    assert f"{who} wrote" not in dump
    assert print_of(f"{who}@example.org") in dump


def test_after_an_erasure_links_are_dead_and_the_evidence_is_bare(session: Session) -> None:
    """The row stays for the sums of past issues; its ref is another; nothing is found."""
    ada = people.ada(session)
    old_ref = ada.ref

    erase(session, ada, "/preferences", NOW)

    assert by_ref(session, old_ref) is None
    assert find(session, ADA) is None
    assert list(page(session)) == []
    assert (ada.status, ada.name, ada.address) == (Status.UNSUBSCRIBED, "", None)
    assert [event.kind for event in events(session, ada.id or 0)] == [Kind.CONFIRMED, Kind.ERASED]
    assert is_suppressed(session, print_of("ada@example.org"))


def test_erasing_keeps_an_older_reason_without_the_address(session: Session) -> None:
    """A complaint stays a complaint; only who it was is forgotten. Erasing twice is erasing once."""
    dov = people.dov(session)

    erase(session, dov, "command line", NOW)
    erase(session, dov, "command line", NOW)

    [kept] = suppressions(session)
    assert (kept.reason, kept.address) == (Reason.HARD_BOUNCE, None)
    assert len(events(session, dov.id or 0)) == 2


def test_who_was_erased_can_sign_up_as_somebody_new(session: Session) -> None:
    """A new row with a new history; the suppression is for an operator to lift."""
    ada = people.ada(session)
    erase(session, ada, "command line", NOW)

    again = add(session, ADA, Evidence("/subscribe"), secret=SECRET, now=NOW)

    assert again.id != ada.id
    assert again.status is Status.PENDING
    assert is_suppressed(session, again.fingerprint)
