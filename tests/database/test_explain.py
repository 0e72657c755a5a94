"""Did she get it, and why not?"""

from datetime import timedelta

import pytest
from delivery_samples import NOW, answers, issue_on_its_way
from people import SECRET, add, everybody, parse
from sqlalchemy import Engine
from sqlmodel import Session

from newsletter.database import transaction
from newsletter.delivery.claims import claim
from newsletter.delivery.events import take
from newsletter.delivery.explain import LAPSED, Fate, fates
from newsletter.delivery.ledger import record
from newsletter.providers.base import Outcome
from newsletter.providers.hooks import Event, Kind
from subscribers.consent import Evidence
from subscribers.subscriber import confirm, lapse, unsubscribe


def why(session: Session, **people: object) -> dict[str, str]:
    """The newest issue's sentence for each of these people."""
    return {name: fates(session, person)[0].why for name, person in people.items()}


def test_everybody_on_the_list_has_a_reason(engine: Engine) -> None:
    """Ada got it; each of the others has a reason of their own."""
    with transaction(engine) as session:
        people = everybody(session)
        issue = issue_on_its_way(session)
        batch = claim(session, issue, 10, NOW, "fake")
        record(session, batch, answers(batch, Outcome.ACCEPTED), NOW)
        claim(session, issue, 10, NOW)

        assert why(session, **people) == {
            "ada": "accepted by fake",
            "ben": "had not confirmed the sign-up",
            "cleo": "had left",
            "dov": "was suppressed (hard-bounce)",
            "pia": "was taking a break",
        }


def test_who_joined_too_late_is_told_so(engine: Engine) -> None:
    """The list is closed when the issue begins."""
    with transaction(engine) as session:
        everybody(session)
        issue_on_its_way(session)
        late = add(session, parse("late@example.org"), Evidence("/subscribe"), secret=SECRET, now=NOW, confirmed=True)

        assert "joined after" in fates(session, late)[0].why


def test_who_is_still_to_come_has_no_answer_yet(engine: Engine) -> None:
    """The cursor has not passed them."""
    with transaction(engine) as session:
        ada = everybody(session)["ada"]
        issue_on_its_way(session)

        fate = fates(session, ada)[0]
        assert (fate.got_it, fate.why) == (None, "is still to come")


def test_who_left_before_their_turn_is_told_so(engine: Engine) -> None:
    """Nothing is promised that will not be."""
    with transaction(engine) as session:
        cleo = everybody(session)["cleo"]
        issue_on_its_way(session)

        assert why(session, cleo=cleo)["cleo"] == "had left; their turn, to be passed over, is still to come"


def test_whoever_lapsed_is_not_said_to_have_left(engine: Engine) -> None:
    """They said nothing: before their turn and after it. Who leaves after coming back has left."""
    with transaction(engine) as session:
        ada = everybody(session)["ada"]
        zoe = add(session, parse("zoe@example.org"), Evidence("/subscribe"), secret=SECRET, now=NOW, confirmed=True)
        for person in (ada, zoe):
            lapse(session, person, Evidence("sunset"), NOW - timedelta(days=2))
        confirm(session, zoe, Evidence("/stay"), NOW - timedelta(days=1))
        unsubscribe(session, zoe, Evidence("/u"), NOW)
        issue = issue_on_its_way(session)
        before = why(session, ada=ada, zoe=zoe)
        claim(session, issue, 10, NOW, "fake")
        claim(session, issue, 10, NOW)

        assert before["ada"] == f"{LAPSED}; their turn, to be passed over, is still to come"
        assert why(session, ada=ada, zoe=zoe) == {"ada": LAPSED, "zoe": "had left"}


def test_a_refusal_is_told_in_the_providers_words(engine: Engine) -> None:
    """One recipient of an accepted batch was refused."""
    with transaction(engine) as session:
        ada = everybody(session)["ada"]
        add(session, parse("zoe@example.org"), Evidence("/subscribe"), secret=SECRET, now=NOW, confirmed=True)
        batch = claim(session, issue_on_its_way(session), 10, NOW, "fake")
        receipts = answers(batch, Outcome.REFUSED, Outcome.ACCEPTED)
        record(session, batch, receipts, NOW)

        fate = fates(session, ada)[0]
        assert (fate.got_it, fate.why) == (False, "refused by fake: no reason given")


def test_doubt_is_told_as_doubt(engine: Engine) -> None:
    """Neither yes nor no."""
    with transaction(engine) as session:
        ada = everybody(session)["ada"]
        batch = claim(session, issue_on_its_way(session), 10, NOW, "fake")
        record(session, batch, answers(batch, Outcome.UNKNOWN), NOW)

        fate = fates(session, ada)[0]
        assert fate.got_it is None
        assert "not sent again on a guess" in fate.why


def told(session: Session, *said: tuple[Kind, int, str]) -> Fate:
    """What Ada is told of an accepted issue, after these events: kind, minutes, the other side's reason."""
    ada = everybody(session)["ada"]
    batch = claim(session, issue_on_its_way(session), 10, NOW, "fake")
    record(session, batch, answers(batch, Outcome.ACCEPTED), NOW)
    events = [
        Event(kind, f"1-{ada.ref}", f"e{minutes}", NOW + timedelta(minutes=minutes), kind, reason)
        for kind, minutes, reason in said
    ]
    take(session, "fake", events, NOW)
    return fates(session, ada)[0]


LATER = {
    Kind.ACCEPTED: (True, ""),
    Kind.OPENED: (True, ""),
    Kind.DEFERRED: (None, "; deferred 09:03: full; the provider goes on trying"),
    Kind.SOFT_BOUNCED: (False, "; bounced 09:03, perhaps only for now: full"),
    Kind.DELIVERED: (True, "; delivered 09:03"),
    Kind.HARD_BOUNCED: (False, "; bounced 09:03: full"),
    Kind.COMPLAINED: (True, "; delivered, and reported as spam by its reader 09:03"),
    Kind.BLOCKED: (False, "; blocked 09:03: full"),
    Kind.DROPPED: (False, "; dropped 09:03 without a try, for the address is on the provider's own list: full"),
}


@pytest.mark.parametrize("kind", LATER)
def test_the_providers_later_word_is_told(engine: Engine, kind: Kind) -> None:
    """After what the ledger knows; whether they have it follows from it."""
    with transaction(engine) as session:
        fate = told(session, (kind, 3, "full"))

        assert (fate.got_it, fate.why) == (LATER[kind][0], "accepted by fake" + LATER[kind][1])


def test_of_several_words_the_weightiest_is_told_with_its_own_reason(engine: Engine) -> None:
    """It bounced in the end, whatever came before; the reason is not that of the deferral."""
    with transaction(engine) as session:
        said = ((Kind.HARD_BOUNCED, 9, "mailbox does not exist"), (Kind.DEFERRED, 3, "busy"), (Kind.BLOCKED, 4, "spam"))

        assert told(session, *said).why == "accepted by fake; bounced 09:09: mailbox does not exist"


def test_a_word_of_another_day_is_told_with_its_day(engine: Engine) -> None:
    """The column beside it shows when the issue was handed over."""
    with transaction(engine) as session:
        said = (Kind.SOFT_BOUNCED, 3 * 24 * 60, "")

        assert told(session, said).why.endswith("bounced 15 Nov 09:00, perhaps only for now: no reason given")
