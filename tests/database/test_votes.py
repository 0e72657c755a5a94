"""Votes and bookmarks as they are kept and counted."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import people
import pytest
from people import LEFT_ON, NOW
from sqlalchemy import Engine, func
from sqlmodel import Session, select

from newsletter.database import transaction
from subscribers.bookmarks import MOST, Bookmark, bookmarks_of, remove, save, savers_of
from subscribers.consent import Evidence
from subscribers.erasure import erase
from subscribers.expiry import expire_pending
from subscribers.subscriber import Subscriber, confirm, require, unsubscribe
from subscribers.votes import Choice, Count, Vote, cast, counts, take_back, votes_of

HERON, ZURAW = "heron", "zuraw"
PAIR, OTHER = "heron-vs-zuraw", "heron-vs-patchwork"


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """The five characters."""
    with people.the_list(engine) as session:
        people.everybody(session)
        yield session


def voted(session: Session, name: str, tool: str, choice: Choice, comparison: str = PAIR, days: int = 0) -> Subscriber:
    """One of the characters votes."""
    person = require(session, f"{name}@example.org")
    cast(session, person.id or 0, comparison, tool, choice, NOW + timedelta(days=days))
    return person


def test_a_vote_can_be_changed_and_taken_back(session: Session) -> None:
    """The newest word counts, and no row stays of what was taken back."""
    ada = voted(session, "ada", HERON, Choice.SHIP)
    assert counts(session) == {HERON: Count(1, 0)}
    voted(session, "ada", HERON, Choice.SKIP, days=1)
    assert counts(session) == {HERON: Count(0, 1)}
    assert [(vote.choice, vote.at) for vote in votes_of(session, ada.id or 0)] == [
        (Choice.SKIP, NOW + timedelta(days=1))
    ]

    for _ in range(2):
        take_back(session, ada.id or 0, PAIR, HERON, NOW)
    assert (counts(session), votes_of(session, ada.id or 0)) == ({}, [])


def test_two_posts_at_once_are_one_vote(engine: Engine) -> None:
    """Eight threads, both choices: one row, whichever came last."""
    with transaction(engine) as session:
        ada = people.ada(session).id or 0
    together = Barrier(8)

    def post(number: int) -> None:
        together.wait(10)
        with transaction(engine) as session:
            cast(session, ada, PAIR, HERON, list(Choice)[number % 2], NOW)
            save(session, ada, HERON, "ship", 75, NOW)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(post, range(8)))
    with transaction(engine) as session:
        assert [session.exec(select(func.count()).select_from(table)).one() for table in (Vote, Bookmark)] == [1, 1]


def test_no_votes_are_not_nought_percent(session: Session) -> None:
    """A tool that nobody voted on is in no count; a half is rounded up."""
    voted(session, "ada", HERON, Choice.SKIP)

    assert counts(session, [HERON, ZURAW]) == {HERON: Count(0, 1)}
    assert [Count(ship, skip).percent for ship, skip in ((0, 1), (2, 1), (1, 7), (1, 0))] == [0, 67, 13, 100]


def test_a_reader_counts_once_for_a_tool_with_the_newest_word(session: Session) -> None:
    """A tool stands in many comparisons; taking the newest vote back makes the one before count again."""
    ada = voted(session, "ada", HERON, Choice.SHIP)
    voted(session, "ada", HERON, Choice.SKIP, OTHER, days=1)
    voted(session, "pia", HERON, Choice.SHIP, OTHER)
    assert counts(session, [HERON]) == {HERON: Count(1, 1)}

    take_back(session, ada.id or 0, OTHER, HERON, NOW)
    assert counts(session, [HERON]) == {HERON: Count(2, 0)}


def test_only_who_is_on_the_list_counts(session: Session) -> None:
    """Not who has not confirmed, has left or is suppressed; who comes back brings their vote along."""
    for name in ("ada", "ben", "cleo", "dov", "pia"):
        voted(session, name, HERON, Choice.SHIP)
    assert counts(session) == {HERON: Count(2, 0)}  # ada and pia

    unsubscribe(session, require(session, "ada@example.org"), Evidence("/u"), LEFT_ON)
    assert counts(session) == {HERON: Count(1, 0)}
    confirm(session, require(session, "ada@example.org"), Evidence("/back"), NOW)
    assert counts(session) == {HERON: Count(2, 0)}


def test_a_tool_is_kept_once_with_the_verdict_of_then(session: Session) -> None:
    """Keeping it again after the verdict changed must not hide the change."""
    ada = require(session, "ada@example.org").id or 0
    assert save(session, ada, HERON, "skip", 25, NOW)
    assert save(session, ada, HERON, "ship", 75, NOW + timedelta(days=1))
    save(session, ada, ZURAW, "ship", 100, NOW + timedelta(days=2))

    assert [(kept.tool, kept.verdict, kept.percent) for kept in bookmarks_of(session, ada)] == [
        (ZURAW, "ship", 100),
        (HERON, "skip", 25),
    ]
    remove(session, ada, ZURAW, NOW)
    assert [kept.tool for kept in bookmarks_of(session, ada)] == [HERON]


def test_nobody_keeps_more_than_a_page_can_show(session: Session) -> None:
    """What is kept already is no refusal."""
    ada = require(session, "ada@example.org").id or 0
    assert all(save(session, ada, f"tool-{number}", "ship", 75, NOW) for number in range(MOST))

    assert not save(session, ada, HERON, "ship", 75, NOW)
    assert save(session, ada, "tool-7", "ship", 75, NOW)
    assert len(bookmarks_of(session, ada)) == MOST


def test_who_keeps_one_of_these_tools_is_found_once(session: Session) -> None:
    """By id, as a question of its own or inside another."""
    ada, pia = (require(session, f"{name}@example.org").id or 0 for name in ("ada", "pia"))
    for who, tool in ((ada, HERON), (ada, ZURAW), (pia, ZURAW)):
        save(session, who, tool, "ship", 75, NOW)

    assert sorted(session.exec(savers_of([HERON, ZURAW]))) == [ada, pia]
    assert list(session.exec(savers_of([HERON, "other"]))) == [ada]
    assert list(session.exec(savers_of([]))) == []


def test_votes_and_bookmarks_go_with_the_person(session: Session) -> None:
    """Erased, or forgotten because they never confirmed."""
    for name in ("ada", "ben"):
        person = voted(session, name, HERON, Choice.SHIP)
        save(session, person.id or 0, HERON, "ship", 75, NOW)
    erase(session, require(session, "ada@example.org"), "/erase", NOW)
    assert expire_pending(session, NOW + timedelta(days=60)) == 1

    assert [session.exec(select(table)).all() for table in (Vote, Bookmark)] == [[], []]
