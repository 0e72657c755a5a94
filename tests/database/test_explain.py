"""Did she get it, and why not?"""

from delivery_samples import NOW, answers, issue_on_its_way
from people import SECRET, add, everybody, parse
from sqlalchemy import Engine
from sqlmodel import Session

from newsletter.database import transaction
from newsletter.delivery.claims import claim
from newsletter.delivery.explain import fates
from newsletter.delivery.ledger import record
from newsletter.providers.base import Outcome
from subscribers.consent import Evidence


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
