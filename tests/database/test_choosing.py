"""What a reader chose: kept with them, with evidence, in files, and gone when they are."""

from io import BytesIO, StringIO

import pytest
from people import NOW, SECRET, everybody, the_list
from sqlalchemy import Engine
from sqlmodel import Session

from subscribers.choice import EVERYTHING, Choice, Frequency
from subscribers.consent import Kind, events
from subscribers.erasure import erase
from subscribers.errors import IllegalChange
from subscribers.preferences import choice_of, choose, chosen
from subscribers.subscriber import Subscriber, find
from subscribers.transfer import Terms, export_csv, import_csv

MONTHLY = Choice.of("models,tools", "monthly")
TERMS = Terms("the old system", "its form of 2025", "Mara", consented=True)


def ada(session: Session) -> Subscriber:
    """Ada, on a list of the five."""
    return everybody(session)["ada"]


def test_a_choice_is_kept_with_its_evidence(engine: Engine) -> None:
    """Where they said so, and what; saying it again changes nothing."""
    with the_list(engine) as session:
        person = ada(session)
        told = [choose(session, person, MONTHLY, "/preferences", NOW) for _ in range(2)]
        last = events(session, person.id or 0)[-1]

        assert (told, choice_of(person)) == ([True, False], MONTHLY)
        assert (last.kind, last.status, last.source, last.wording) == (
            Kind.CHOSE, person.status, "/preferences", MONTHLY.words,
        )  # fmt: skip


def test_whoever_is_on_a_break_stays_on_it(engine: Engine) -> None:
    """Choosing is no coming back."""
    with the_list(engine) as session:
        pia = everybody(session)["pia"]
        before = pia.paused_until
        choose(session, pia, MONTHLY, "/preferences", NOW)

        assert (pia.status, pia.paused_until, choice_of(pia)) == ("paused", before, MONTHLY)


@pytest.mark.parametrize("name", ["ben", "cleo"])
def test_whoever_is_not_on_the_list_chooses_nothing(engine: Engine, name: str) -> None:
    """Neither before their yes nor after their no."""
    with the_list(engine) as session:
        person = everybody(session)[name]
        with pytest.raises(IllegalChange):
            choose(session, person, MONTHLY, "/preferences", NOW)

        assert choice_of(person) == EVERYTHING


def test_it_goes_when_they_are_forgotten(engine: Engine) -> None:
    """From the row, and from the words of the evidence."""
    with the_list(engine) as session:
        person = ada(session)
        choose(session, person, MONTHLY, "/preferences", NOW)
        erase(session, person, "/erase", NOW)
        session.expire_all()

        assert choice_of(person) == EVERYTHING
        assert not [event for event in events(session, person.id or 0) if "models" in event.wording]


def test_it_travels_with_the_list(engine: Engine) -> None:
    """An export is read back with what people chose."""
    with the_list(engine) as session:
        choose(session, ada(session), MONTHLY, "/preferences", NOW)
        out = StringIO()
        export_csv(session, out)
        moved = out.getvalue().replace("Ada@example.org", "moved@example.org").encode()
        import_csv(session, BytesIO(moved), TERMS, secret=SECRET, now=NOW)

        assert choice_of(find(session, "moved@example.org")) == MONTHLY


def test_a_file_changes_nothing_of_what_somebody_chose_here(engine: Engine) -> None:
    """Their own word counts more than another system's; a word that nobody knows is refused with its row."""
    rows = b"email,topics,frequency\nada@example.org,gaming,changes\nnew@example.org,models,daily\n"
    with the_list(engine) as session:
        choose(session, ada(session), MONTHLY, "/preferences", NOW)
        report = import_csv(session, BytesIO(rows), TERMS, secret=SECRET, now=NOW)

        assert choice_of(find(session, "ada@example.org")) == MONTHLY
        assert (find(session, "new@example.org"), report.counts["refused"]) == (None, 1)


def test_the_choices_of_who_is_on_the_list_are_counted(engine: Engine) -> None:
    """Ada and Dov are on it, Pia on a break; Ben and Cleo do not count."""
    with the_list(engine) as session:
        choose(session, ada(session), MONTHLY, "/preferences", NOW)

        assert chosen(session) == {EVERYTHING: 2, MONTHLY: 1}
        assert MONTHLY.frequency is Frequency.MONTHLY
