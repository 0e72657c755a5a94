"""What a change of address means for what was mailed before it, and for lists that still name the old one."""

import io
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from delivery_samples import answers, issue_on_its_way
from desk_samples import place
from fake_provider import FakeProvider
from people import ADA, NOW, SECRET, ada, print_of
from sqlalchemy import Engine
from sqlmodel import Session

from newsletter.database import transaction
from newsletter.delivery import claims, ledger
from newsletter.delivery.batch import Batch
from newsletter.delivery.events import take
from newsletter.delivery.poll_keeping import keep
from newsletter.providers.base import Outcome
from newsletter.providers.hooks import Event, Kind
from newsletter.providers.polls import Found
from newsletter.web.changing_address import ChangingAddress
from newsletter.web.client import Clients
from newsletter.web.gathering import Gathering
from newsletter.web.pages import Pages
from subscribers.address import parse
from subscribers.address_change import ask
from subscribers.consent import Evidence
from subscribers.readdressing import carry_out, undo
from subscribers.subscriber import Subscriber, add, counts, find
from subscribers.suppression import is_suppressed
from subscribers.transfer import Terms, import_csv

NEW, OLD = print_of("new@example.org"), print_of("ada@example.org")
LATER = NOW + timedelta(hours=3)


def mailed(session: Session, issue: int, at: datetime = NOW, outcome: Outcome = Outcome.ACCEPTED) -> Batch:
    """This issue was handed over to everybody, and the provider answered so."""
    batch = claims.claim(session, issue_on_its_way(session, issue), 10, at, "fake")
    assert batch is not None
    ledger.record(session, batch, answers(batch, outcome), at)
    return batch


def moved(session: Session, reader: Subscriber, address: str = "new@example.org", at: datetime = LATER) -> None:
    """They have this address since then."""
    change = ask(session, reader, parse(address), secret=SECRET, now=at)
    assert carry_out(session, change, Evidence("/address"), at)


def said(session: Session, kind: Kind, issue: int, reader: Subscriber, days: int = 1) -> None:
    """The provider says so, days after the change."""
    at = LATER + timedelta(days=days)
    take(session, "fake", [Event(kind, f"{issue}-{reader.ref}", f"e-{issue}-{kind}", at, "", "")], at)


@pytest.mark.parametrize("kind", [Kind.HARD_BOUNCED, Kind.COMPLAINED])
def test_a_late_word_about_the_old_address_suppresses_the_old_one(engine: Engine, kind: Kind) -> None:
    """However late it comes: the new one goes on being mailed."""
    with transaction(engine) as session:
        reader = ada(session)
        mailed(session, 1)
        moved(session, reader)
        said(session, kind, 1, reader, days=33)

        assert (is_suppressed(session, OLD), is_suppressed(session, NEW)) == (True, False)


def test_a_word_about_the_new_address_suppresses_the_new_one(engine: Engine) -> None:
    """What is handed over after the change is about the address that they have."""
    with transaction(engine) as session:
        reader = ada(session)
        moved(session, reader)
        mailed(session, 1, LATER + timedelta(hours=1))
        said(session, Kind.HARD_BOUNCED, 1, reader)

        assert (is_suppressed(session, OLD), is_suppressed(session, NEW)) == (False, True)


def test_each_of_several_addresses_is_judged_by_what_was_mailed_to_it(engine: Engine) -> None:
    """Old, new, and the old again by an undoing: the bounce belongs to the one in the middle."""
    with transaction(engine) as session:
        reader = ada(session)
        change = ask(session, reader, parse("new@example.org"), secret=SECRET, now=NOW)
        carry_out(session, change, Evidence("/address"), NOW)
        mailed(session, 1, NOW + timedelta(hours=1))
        assert undo(session, change, Evidence("/address-back"), LATER)
        said(session, Kind.HARD_BOUNCED, 1, reader)

        assert (reader.address, is_suppressed(session, OLD), is_suppressed(session, NEW)) == (ADA.display, False, True)


def test_soft_bounces_of_the_old_address_do_not_count_for_the_new_one(engine: Engine) -> None:
    """Two there and one here are not three."""
    with transaction(engine) as session:
        reader = ada(session)
        for issue in (1, 2):
            mailed(session, issue)
        moved(session, reader)
        mailed(session, 3, LATER + timedelta(hours=1))
        for issue in (1, 2, 3):
            said(session, Kind.SOFT_BOUNCED, issue, reader)

        assert (is_suppressed(session, OLD), is_suppressed(session, NEW)) == (False, False)


def test_whoever_unsubscribed_by_an_old_mail_has_left(engine: Engine) -> None:
    """It is the same person, who does not want it."""
    with transaction(engine) as session:
        reader = ada(session)
        mailed(session, 1)
        moved(session, reader)
        said(session, Kind.UNSUBSCRIBED, 1, reader)

        assert reader.status == "unsubscribed"


def test_a_poll_that_names_an_address_means_whoever_had_it_then(engine: Engine) -> None:
    """A bounce of the new address from before it was theirs is not about our mail."""
    with transaction(engine) as session:
        reader = ada(session)
        mailed(session, 1)
        moved(session, reader)
        early, late = (Event(Kind.HARD_BOUNCED, "", f"p-{at:%H}", at, "", "") for at in (NOW, LATER))
        keep(session, "fake", [Found(early, address="new@example.org")], LATER)
        assert not is_suppressed(session, NEW)
        keep(session, "fake", [Found(late, address="new@example.org")], LATER)

        assert is_suppressed(session, NEW)


def test_a_batch_that_is_claimed_goes_to_the_address_of_the_moment(engine: Engine) -> None:
    """The change comes between the claim and the call, or before another try of what was certainly not taken."""
    with transaction(engine) as session:
        reader = ada(session)
        batch = mailed(session, 1, outcome=Outcome.RETRY)
        moved(session, reader)

        assert list(claims.members(session, batch).addresses) == ["new@example.org"]


def test_a_batch_in_doubt_is_repeated_neither_to_the_old_nor_to_the_new_address(engine: Engine) -> None:
    """The call cannot be repeated as it was: it stays unknown, and says why."""
    with transaction(engine) as session:
        reader = ada(session)
        batch = mailed(session, 1, outcome=Outcome.UNKNOWN)
        assert list(claims.members(session, batch).addresses) == [ADA.display]
        moved(session, reader)

        assert batch.doubtful
        assert list(claims.members(session, batch).addresses) == [""]
        assert FakeProvider().log == {}


def test_a_batch_in_doubt_is_not_repeated_with_links_of_a_later_set(engine: Engine) -> None:
    """Changed and undone since: the address is the same again, and the call would not be."""
    with transaction(engine) as session:
        reader = ada(session)
        batch = mailed(session, 1, outcome=Outcome.UNKNOWN)
        change = ask(session, reader, parse("new@example.org"), secret=SECRET, now=LATER)
        assert carry_out(session, change, Evidence("/address"), LATER)
        assert undo(session, change, Evidence("/address-back"), LATER)

        [one] = claims.members(session, batch)
        assert (one.address, one.link) == ("", f"{reader.ref}-2")


def test_a_batch_that_was_not_taken_goes_out_with_the_links_of_the_moment(engine: Engine) -> None:
    """Nobody has the ones from before the change, which have ended."""
    with transaction(engine) as session:
        reader = ada(session)
        batch = mailed(session, 1, outcome=Outcome.RETRY)
        assert list(claims.members(session, batch).links) == [reader.ref]
        moved(session, reader)

        assert list(claims.members(session, batch).links) == [f"{reader.ref}-1"]


def test_an_old_file_does_not_bring_the_old_address_back(engine: Engine) -> None:
    """Last month's list is imported again: one reader, at the new address."""
    with transaction(engine) as session:
        moved(session, ada(session))
        rows = io.BytesIO(b"email\nAda@example.org\nnew@example.org\n")
        terms = Terms(source="list.csv", by="olga", wording="2026-01", consented=True)
        report = import_csv(session, rows, terms, secret=SECRET, now=LATER)

        assert (report.counts["left"], report.counts["unchanged"], report.counts["added"]) == (1, 1, 0)
        assert find(session, ADA) is None
        assert sum(counts(session).values()) == 1


def test_whoever_signs_up_with_the_address_in_the_same_moment_has_it(engine: Engine) -> None:
    """Their row is written and not committed when the button is pressed: the change waits, and is off."""
    here = place(engine)
    room = ChangingAddress(
        here.desk, Pages(here.desk.templates, here.desk.config.publication), Gathering(list), Clients(())
    )
    with transaction(engine) as session:
        reader = ada(session)
        ref = ask(session, reader, parse("new@example.org"), secret=SECRET, now=NOW).ref
    with ThreadPoolExecutor(1) as pool:
        with transaction(engine) as session:
            add(session, parse("new@example.org"), Evidence("/subscribe"), secret=SECRET, now=NOW)
            pressed = pool.submit(room._do, ref, room._carry_out)
            with pytest.raises(TimeoutError):
                pressed.result(timeout=0.5)
        assert pressed.result(timeout=20) is False
    with transaction(engine) as session:
        assert (find(session, ADA) is None, counts(session)["pending"]) == (False, 1)
