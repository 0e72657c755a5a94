"""Who did what: added, and never changed."""

from datetime import timedelta

import pytest
from desk_samples import furnished
from people import NOW
from sqlalchemy import Engine, text
from sqlmodel import select

from jobs.ticking import tick
from newsletter.database import transaction
from newsletter.desk import writing
from newsletter.desk.acts import Act, acts, note


def test_acts_and_the_steps_of_issues_are_one_story(engine: Engine) -> None:
    """Newest first, as many as are wanted."""
    here = furnished(engine)
    tick(here.desk)
    writing.approve(here.desk, "1", by="edna")
    with here.desk.transaction() as session:
        note(session, "subscribers export", "to list.csv", by="otto", now=NOW + timedelta(hours=1))
        found = [(one.by, one.what, one.about) for one in acts(session)]
        newest = acts(session, 1)

    assert found == [("otto", "subscribers export", "to list.csv"), ("edna", "issue approve", "issue 1")]
    assert [one.by for one in newest] == ["otto"]


@pytest.mark.parametrize("statement", ["update act set by = 'nobody'", "delete from act"])
def test_the_database_refuses_to_change_what_was_written_down(engine: Engine, statement: str) -> None:
    """Whoever asks, with whatever program."""
    with transaction(engine) as session:
        note(session, "subscribers export", "", by="otto", now=NOW)
    with pytest.raises(Exception, match="written down once and never changed"), transaction(engine) as session:
        session.connection().execute(text(statement))

    with transaction(engine) as session:
        assert [one.by for one in session.exec(select(Act))] == ["otto"]


def test_no_address_is_in_an_act(engine: Engine) -> None:
    """Whatever a note says."""
    with transaction(engine) as session:
        note(session, "suppressions remove", "ada@example.org asked by phone", by="otto", now=NOW)
        assert [one.about for one in session.exec(select(Act))] == ["(an address) asked by phone"]
