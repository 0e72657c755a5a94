"""To look for a text in addresses and names: two looks, side by side."""

from collections.abc import Callable

import people
import pytest
from sqlalchemy import Engine

from newsletter.database import reading
from subscribers.searching import search

Look = Callable[..., list[str | None]]


@pytest.fixture
def look(engine: Engine) -> Look:
    """A list where Cleo and Ben are called a little like Ada; and the addresses that a search in it finds."""
    with people.the_list(engine) as session:
        everybody = people.everybody(session)
        everybody["cleo"].name, everybody["ben"].name = "Adam", "Ida Adams"
        session.commit()

    def looked(text: str, limit: int = 50) -> list[str | None]:
        with reading(engine) as session, reading(engine) as beside:
            return [(person.address or "").partition("@")[0].lower() for person in search(session, text, beside, limit)]

    return looked


def test_a_search_takes_its_text_literally(look: Look) -> None:
    """By part of the address or the name; % and _ are no wild cards (S-57)."""
    assert (look("DOV@"), look("IDA AD"), len(look("example.org", 3))) == (["dov"], ["ben"], 3)
    assert look("%") == look("_") == look("nobody at all") == []


def test_a_search_shows_addresses_first_then_names_and_nobody_twice(look: Look) -> None:
    """Ada has it in both; then those whom only the name finds."""
    assert look("ada") == ["ada", "cleo", "ben"]


def test_a_search_ends_when_it_has_enough(look: Look) -> None:
    """From addresses alone, or with some of the names."""
    assert (look("ada", 1), look("ada", 2)) == (["ada"], ["ada", "cleo"])
