"""The shelf: every version of every comparison, each once."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import Engine, event
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from newsletter.comparisons import shelf
from newsletter.comparisons.comparison import Comparison, Panel, Review, Tool, Verdict, comparison_of
from newsletter.comparisons.shelf import Shelved, ShelvedComparison
from newsletter.database import transaction

MONDAY = datetime(2026, 11, 16, 9, tzinfo=UTC)
URL = "https://compare.example.org/compare/lantern-3-vs-mo"


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """A session whose work is thrown away."""
    with Session(engine) as opened:
        yield opened
        opened.rollback()


def tool(slug: str, ships: int = 3, **facts: Any) -> Tool:
    """A tool that so many of four reviewers ship."""
    panel = Panel(verdict=Verdict.at(25 * ships), percent=25 * ships, ship=ships, skip=4 - ships)
    plain = {
        "slug": slug,
        "name": slug.title(),
        "category": "Models",
        "tagline": "Does it",
        "description": "It does. It is.",
    }
    return Tool.model_validate({**plain, "entry": "Free", "panel": panel, "pricing": "Free", **facts})


def pair(ships: int = 3, **rest: Any) -> Comparison:
    """Lantern 3 against Mo; so many ship Mo."""
    return comparison_of(tool("lantern-3"), tool("mo", ships), **rest)


def days(number: float) -> datetime:
    """So many days after Monday."""
    return MONDAY + timedelta(days=number)


def test_a_comparison_is_new_once(session: Session) -> None:
    """Importing again changes nothing."""
    assert shelf.put(session, pair(), now=MONDAY) is Shelved.NEW
    assert shelf.put(session, pair(), now=days(7)) is Shelved.UNCHANGED
    (row,) = shelf.versions(session, "lantern-3-vs-mo")
    assert (row.version, row.seen, row.comparison) == (1, MONDAY, pair())


def test_other_facts_are_a_further_version(session: Session) -> None:
    """And the earlier ones are kept."""
    shelf.put(session, pair(3), now=MONDAY)
    assert shelf.put(session, pair(1), now=days(7)) is Shelved.CHANGED
    first, second = shelf.versions(session, "lantern-3-vs-mo")
    assert [first.comparison, second.comparison] == [pair(3), pair(1)]
    assert shelf.latest(session, "lantern-3-vs-mo") == pair(1)
    assert shelf.version_at(session, first.id) == pair(3)


def test_a_verdict_may_go_back_to_what_it_was(session: Session) -> None:
    """That is a version too."""
    for number, ships in enumerate((3, 1, 3)):
        shelf.put(session, pair(ships), now=days(number))
    assert [row.version for row in shelf.versions(session, "lantern-3-vs-mo")] == [1, 2, 3]


def test_what_is_not_there_is_none_or_an_error(session: Session) -> None:
    """An unknown key, an unknown row."""
    assert shelf.latest(session, "a-vs-b") is None
    assert shelf.versions(session, "a-vs-b") == []
    with pytest.raises(KeyError):
        shelf.version_at(session, 47)


def test_problems_and_addresses_are_no_facts(session: Session) -> None:
    """An address learned later is filled in; one that is known stays."""
    shelf.put(session, pair(), now=MONDAY)
    assert shelf.put(session, pair(url=URL), now=days(1)) is Shelved.UNCHANGED
    assert shelf.put(session, pair(url="https://other.example.org/"), now=days(2)) is Shelved.UNCHANGED
    assert shelf.latest(session, "lantern-3-vs-mo").url == URL


def test_a_cut_page_never_replaces_a_whole_one(session: Session) -> None:
    """Not even with another verdict: the whole page will tell."""
    shelf.put(session, pair(), now=MONDAY)
    assert shelf.put(session, pair(1, truncated=True), now=days(1)) is Shelved.KEPT
    assert shelf.latest(session, "lantern-3-vs-mo") == pair()


def test_a_whole_page_replaces_a_cut_one(session: Session) -> None:
    """It tells more."""
    shelf.put(session, pair(truncated=True), now=MONDAY)
    assert shelf.put(session, pair(), now=days(1)) is Shelved.CHANGED


def bare(ships: int = 3) -> Comparison:
    """The same without counts, pricing and reviews."""
    tools = [
        one.model_copy(update={"pricing": None, "panel": Panel(verdict=one.panel.verdict, percent=one.panel.percent)})
        for one in pair(ships).tools
    ]
    return comparison_of(*tools)


def test_a_text_that_lost_the_table_does_not_replace_a_fuller_reading(session: Session) -> None:
    """Unless the verdict is another one."""
    review = Review(reviewer="Builder", verdict=Verdict.SHIP, quote="It holds.")
    full = comparison_of(tool("lantern-3", reviews=(review,)), tool("mo"), reviewers=("Builder",))
    shelf.put(session, full, now=MONDAY)
    assert shelf.put(session, bare(3), now=days(1)) is Shelved.KEPT
    assert shelf.put(session, bare(1), now=days(2)) is Shelved.CHANGED


def test_a_folder_with_both_readings_comes_to_rest(session: Session) -> None:
    """Importing it again changes nothing."""
    folder = [bare(), pair(), pair(truncated=True)]
    for comparison in folder:
        shelf.put(session, comparison, now=MONDAY)
    assert {shelf.put(session, comparison, now=days(1)) for comparison in folder} <= {Shelved.KEPT, Shelved.UNCHANGED}


def test_the_shelf_shows_the_latest_version_and_when_it_was_first_seen(session: Session) -> None:
    """Oldest comparison first."""
    shelf.put(session, comparison_of(tool("x"), tool("y")), now=days(1))
    shelf.put(session, pair(3), now=MONDAY)
    shelf.put(session, pair(1), now=days(7))
    lantern, xy = shelf.on_shelf(session)
    assert (lantern.comparison, lantern.version, lantern.first_seen, lantern.changed_at) == (
        pair(1),
        2,
        MONDAY,
        days(7),
    )
    assert (xy.comparison.key, xy.version, xy.changed_at, shelf.count(session)) == ("x-vs-y", 1, days(1), 2)
    assert shelf.version_at(session, lantern.row_id) == pair(1)


def test_the_shelf_can_be_seen_as_it_was(session: Session) -> None:
    """What came later is not on it; the zone of the question does not matter."""
    shelf.put(session, pair(3), now=MONDAY)
    shelf.put(session, pair(1), now=days(7))
    shelf.put(session, comparison_of(tool("x"), tool("y")), now=days(8))
    until = days(6.9).astimezone(timezone(timedelta(hours=-9)))
    (lantern,) = shelf.on_shelf(session, until=until)
    assert (lantern.comparison, lantern.changed_at) == (pair(3), MONDAY)


def test_a_feed_may_tell_that_it_was_seen_earlier(session: Session) -> None:
    """Never later than now, and never of a change."""
    shelf.put(session, pair(published=days(-30)), now=MONDAY)
    shelf.put(session, comparison_of(tool("x"), tool("y"), published=days(30)), now=MONDAY)
    shelf.put(session, pair(1, published=days(-30)), now=days(1))
    lantern, xy = shelf.on_shelf(session)
    assert (lantern.first_seen, lantern.changed_at, xy.first_seen) == (days(-30), days(1), MONDAY)


def test_what_readers_had_before_is_marked(session: Session) -> None:
    """A later version of it is news."""
    shelf.put(session, pair(3), now=MONDAY, covered=True)
    (before,) = shelf.on_shelf(session)
    shelf.put(session, pair(1), now=days(7))
    (after,) = shelf.on_shelf(session)
    assert (before.covered, before.covered_row) == (True, before.row_id)
    assert (after.covered, after.covered_row) == (False, before.row_id)


def test_a_version_may_be_marked_later_and_stays_marked(session: Session) -> None:
    """The migration may come second."""
    for covered in (False, True, False):
        shelf.put(session, pair(), now=MONDAY, covered=covered)
    assert next(shelf.on_shelf(session)).covered


def test_a_tool_of_the_same_name_under_another_slug_is_told(session: Session) -> None:
    """Perhaps a duplicate: the editor decides."""
    shelf.put(session, comparison_of(tool("mo-2", name="MO!"), tool("x")), now=MONDAY)
    shelf.put(session, comparison_of(tool("mo"), tool("y")), now=MONDAY)
    shelf.put(session, pair(), now=MONDAY)
    assert shelf.same_name(session, pair()) == ["mo-2-vs-x"]
    assert shelf.same_name(session, comparison_of(tool("p", name="→"), tool("q", name="←"))) == []


def test_no_version_stands_twice(session: Session) -> None:
    """Two importers at once: the database refuses the second."""
    shelf.put(session, pair(), now=MONDAY)
    (row,) = shelf.versions(session, "lantern-3-vs-mo")
    twin = ShelvedComparison(**row.model_dump(exclude={"id"}))
    session.add(twin)
    with pytest.raises(IntegrityError):
        session.flush()


def test_a_time_without_zone_is_refused(session: Session) -> None:
    """Before anything is written."""
    with pytest.raises(ValueError, match="no time zone"):
        shelf.put(session, pair(), now=datetime(2026, 11, 16))


def test_a_thousand_comparisons_are_one_question(engine: Engine) -> None:
    """Not one for each."""
    asked: list[str] = []
    with transaction(engine) as session:
        for number in range(50):
            shelf.put(session, comparison_of(tool(f"a-{number}"), tool("b")), now=MONDAY)
    event.listen(engine, "before_cursor_execute", lambda *event_: asked.append(event_[2]))
    with transaction(engine) as session:
        assert len(list(shelf.on_shelf(session))) == 50
    assert sum("comparison" in statement for statement in asked) == 1
