"""The list: who is on it, and how they come, rest and leave."""

from collections.abc import Iterator
from datetime import timedelta

import people
import pytest
from people import ADA, BACK_ON, BEN, CLEO, EVE, LEFT_ON, NOW, PAGE, PIA, SECRET
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from subscribers.consent import Evidence, Kind, events
from subscribers.errors import IllegalChange, UnknownSubscriber
from subscribers.subscriber import (
    Status,
    Subscriber,
    add,
    beginning,
    by_ref,
    clean_name,
    confirm,
    counts,
    find,
    page,
    pause,
    require,
    resume,
    unsubscribe,
)


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """An empty list."""
    with people.the_list(engine) as session:
        yield session


def kinds(session: Session, subscriber: Subscriber) -> list[Kind]:
    """What happened to them, oldest first."""
    return [event.kind for event in events(session, subscriber.id or 0)]


def test_who_signs_up_is_pending_until_they_confirm(session: Session) -> None:
    """Double opt-in: the address alone is no consent."""
    ben = people.ben(session)
    assert (ben.status, ben.confirmed_at) == (Status.PENDING, None)

    assert confirm(session, ben, Evidence("/confirm"), NOW)

    assert (ben.status, ben.confirmed_at, ben.status_since) == (Status.ACTIVE, NOW, NOW)
    assert kinds(session, ben) == [Kind.REQUESTED, Kind.CONFIRMED]


def test_confirming_twice_is_a_success_and_one_event(session: Session) -> None:
    """A link scanner or a second click does no harm."""
    ada = people.ada(session)

    assert not confirm(session, ada, Evidence("/confirm"), NOW)
    assert kinds(session, ada) == [Kind.CONFIRMED]


def test_signing_up_again_changes_nothing_for_who_is_active(session: Session) -> None:
    """The same row, name and history; a stranger who types the address learns and changes nothing."""
    ada = people.ada(session)

    again = add(session, ADA, PAGE, secret=SECRET, now=NOW, name="Somebody else")

    assert again is ada
    assert (ada.name, kinds(session, ada)) == ("Ada Njeri", [Kind.CONFIRMED])


def test_signing_up_again_does_not_end_a_pause(session: Session) -> None:
    """Only who holds the link can come back earlier."""
    pia = people.pia(session)

    add(session, PIA, PAGE, secret=SECRET, now=NOW)

    assert (pia.status, pia.paused_until) == (Status.PAUSED, BACK_ON)


def test_asking_twice_while_pending_leaves_two_requests(session: Session) -> None:
    """Each request is evidence; the limit on mails is counted from them."""
    ben = people.ben(session)

    add(session, BEN, PAGE, secret=SECRET, now=NOW)

    assert kinds(session, ben) == [Kind.REQUESTED, Kind.REQUESTED]


def test_who_left_comes_back_only_by_a_new_yes(session: Session) -> None:
    """A new request makes them pending, as any stranger; their confirmation makes them active."""
    cleo = people.cleo(session)
    with pytest.raises(IllegalChange, match="unsubscribed cannot be resumed"):
        resume(session, cleo, PAGE, NOW)

    add(session, CLEO, PAGE, secret=SECRET, now=NOW)
    assert cleo.status is Status.PENDING

    confirm(session, cleo, Evidence("/confirm"), NOW)
    assert (cleo.status, cleo.confirmed_at) == (Status.ACTIVE, NOW)


def test_leaving_works_from_everywhere_and_twice(session: Session) -> None:
    """Unsubscribing again is a success and keeps the first date."""
    everybody = people.everybody(session)

    changed = [unsubscribe(session, person, Evidence("/u"), NOW) for person in everybody.values()]

    assert changed == [True, True, False, True, True]
    assert counts(session)[Status.UNSUBSCRIBED] == 5
    assert everybody["cleo"].status_since == LEFT_ON


def test_a_pause_has_an_end_or_none_and_can_be_changed(session: Session) -> None:
    """Until a date, until further notice, and back."""
    pia = people.pia(session)
    pause(session, pia, PAGE, NOW, None)
    assert (pia.status, pia.paused_until) == (Status.PAUSED, None)

    assert resume(session, pia, PAGE, NOW)
    assert not resume(session, pia, PAGE, NOW)
    assert (pia.status, pia.paused_until) == (Status.ACTIVE, None)


def test_who_never_confirmed_cannot_pause(session: Session) -> None:
    """An illegal step is refused and changes nothing."""
    ben = people.ben(session)

    with pytest.raises(IllegalChange, match="pending cannot be paused"):
        pause(session, ben, PAGE, NOW, BACK_ON)

    assert (ben.status, ben.paused_until, kinds(session, ben)) == (Status.PENDING, None, [Kind.REQUESTED])


def test_leaving_ends_a_pause(session: Session) -> None:
    """Who left has no date on which they come back."""
    pia = people.pia(session)

    unsubscribe(session, pia, PAGE, NOW)

    assert pia.paused_until is None


def test_an_address_is_found_however_it_is_written(session: Session) -> None:
    """By its key; a stranger and nonsense are not found."""
    ada = people.ada(session)

    assert find(session, " ADA@Example.org ") is ada
    assert find(session, EVE) is None
    assert find(session, "not an address") is None
    assert by_ref(session, ada.ref) is ada


def test_an_unknown_address_is_told_without_repeating_it(session: Session) -> None:
    """The message may be logged (S-60)."""
    assert require(session, people.ada(session).address or "").name == "Ada Njeri"
    with pytest.raises(UnknownSubscriber) as refusal:
        require(session, EVE)

    assert "eve" not in str(refusal.value)


def test_one_mailbox_is_on_the_list_once(session: Session) -> None:
    """The database itself refuses a second row for an address."""
    ada = people.ada(session)
    twin = ada.model_dump(exclude={"id", "ref"}) | {"ref": "twin"}

    session.add(Subscriber(**twin))

    with pytest.raises(IntegrityError):
        session.flush()
    session.rollback()


def test_the_beginning_of_an_address_is_taken_literally_too(session: Session) -> None:
    """In any case, and nothing of what stands further behind."""
    everybody = people.everybody(session)

    assert beginning(session, " ADA@ex") == [everybody["ada"]]
    assert len(beginning(session, "", limit=3)) == 3
    assert list(beginning(session, "da@")) == list(beginning(session, "%")) == list(beginning(session, "_da")) == []


def test_counts_name_every_status(session: Session) -> None:
    """Also those that nobody has."""
    assert counts(session) == dict.fromkeys(Status, 0)

    people.everybody(session)

    assert counts(session) == {"pending": 1, "active": 2, "paused": 1, "unsubscribed": 1}


def test_pages_follow_each_other_without_gap_or_overlap(session: Session) -> None:
    """A page begins after the last id of the one before."""
    everybody = [person.id for person in people.everybody(session).values()]

    first = page(session, limit=2)
    second = page(session, after_id=first[-1].id or 0, limit=10)

    assert [person.id for person in (*first, *second)] == everybody
    assert [person.name for person in page(session, status=Status.PAUSED)] == ["Pia Lindqvist"]


def test_times_come_back_aware_and_in_utc(session: Session) -> None:
    """Whatever zone they were given in."""
    ada = people.ada(session)
    session.expire(ada)

    assert ada.signed_up_at == NOW - timedelta(weeks=10)
    assert ada.signed_up_at.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  Ada   Njeri ", "Ada Njeri"),
        ("Zofia Z\u0307ółkiewska", "Zofia Żółkiewska"),
        ("Ada\r\nBcc: ben@example.org", "Ada Bcc: ben@example.org"),
        ("Ada\u202egpj.exe", "Ada gpj.exe"),
        ("👩\u200d🚀", "👩\u200d🚀"),
        ("x" * 100, "x" * 80),
        ("=HYPERLINK(1)", "=HYPERLINK(1)"),
    ],
)
def test_a_name_is_one_harmless_line(typed: str, kept: str) -> None:
    """No line breaks, no direction tricks, no more than fits."""
    assert clean_name(typed) == kept == clean_name(kept)
