"""Our readers' votes in an issue: taken when it is drafted, frozen with it, shown where the site has none."""

import pytest
from desk_samples import Place, furnished
from people import NOW
from sqlalchemy import Engine
from sqlmodel import Session

from newsletter.desk import sending, writing
from newsletter.desk.looking import message_for
from newsletter.issues.composition import Item
from subscribers.subscriber import require
from subscribers.votes import Choice, cast


@pytest.fixture
def here(engine: Engine) -> Place:
    """The five characters, and the sample week."""
    return furnished(engine)


def lead(here: Place, session: Session) -> Item:
    """The lead as it was drafted last."""
    return writing.words(here.desk, session, here.desk.find(session, "1")).items[0]


def vote(here: Place, tool: str, *choices: Choice) -> None:
    """Ada, then Pia votes on this tool, in a comparison of another week."""
    with here.desk.transaction() as session:
        for name, choice in zip(("ada", "pia"), choices, strict=False):
            cast(session, require(session, f"{name}@example.org").id or 0, "an-older-comparison", tool, choice, NOW)


def text(here: Place) -> str:
    """The issue's text, for nobody in particular."""
    return message_for(here.desk, "1")[0].text


def test_the_next_issue_shows_how_readers_voted_and_says_whose_votes_they_are(here: Place) -> None:
    """Only where the site has none: the lead's right side has 206 votes of its own."""
    writing.draft(here.desk)
    with here.desk.reading() as session:
        left, right = lead(here, session).comparison.tools
    assert (left.votes, bool(right.votes)) == (None, True)
    for tool in (left, right):
        vote(here, tool.slug, Choice.SHIP, Choice.SKIP)
    writing.draft(here.desk)

    assert "Readers: 50% ship · 2 votes" in text(here)
    assert text(here).count("Readers:") == 1


def test_votes_change_an_issue_only_where_it_is_drafted_again(here: Place) -> None:
    """Preview, check and approval show one number, and what is approved stays as it is."""
    writing.draft(here.desk)
    with here.desk.reading() as session:
        tool = lead(here, session).comparison.left.slug
    before = text(here)
    vote(here, tool, Choice.SHIP)
    assert (text(here), "No community votes yet" in before) == (before, True)

    _, final = writing.approve(here.desk, "1", by="test")
    vote(here, tool, Choice.SKIP, Choice.SKIP)
    sending.send(here.desk, "1", by="test", pause=lambda _: None)
    with here.desk.reading() as session:
        assert writing.rendered(here.desk, session, here.desk.find(session, "1")).digest == final.whole.digest
    assert "Readers:" not in text(here)
