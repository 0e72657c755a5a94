"""Many rows at once: the same statements for every driver."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, inspect, select
from sqlalchemy.dialects.postgresql.psycopg import dialect as psycopg

from subscribers.bulk import MANY, Marks, Shelved, _inserting, _looking, in_order, insert_columns, those_in
from subscribers.subscriber import Subscriber
from subscribers.transfer import _unused

PEOPLE = Subscriber.metadata.tables["subscriber"]
INDEXES = [*PEOPLE.indexes]


def test_a_driver_with_names_gets_its_values_by_name() -> None:
    """As psycopg does: the rows as they are."""
    compiled = _inserting(PEOPLE, ("ref", "name"), psycopg())
    row = {"ref": "r1", "name": "Ada"}

    assert (str(compiled), in_order(compiled, [row])) == (
        "INSERT INTO subscriber (ref, name) VALUES (%(ref)s, %(name)s)",
        [row],
    )


def test_rows_whose_columns_stand_in_another_order_keep_their_values(engine: Engine) -> None:
    """A driver with places gets them in the statement's order."""
    compiled = _inserting(PEOPLE, ("ref", "name"), engine.dialect)

    assert in_order(compiled, [{"name": "Ada", "ref": "r1"}]) == [("r1", "Ada")]


def test_more_values_than_one_statement_takes_are_all_looked_for(engine: Engine) -> None:
    """In several statements; what is not there is not found."""
    wanted = [f"no-{number}" for number in range(2_500)]
    with engine.begin() as connection:
        assert those_in(connection, PEOPLE.c.fingerprint, wanted) == set()


def test_no_rows_are_no_statement(engine: Engine) -> None:
    """An import whose rows are all known inserts nobody."""
    with engine.begin() as connection:
        insert_columns(connection, PEOPLE, {"ref": [], "name": []})


def test_columns_are_inserted_row_by_row_and_one_of_nothing_is_nothing(engine: Engine) -> None:
    """To bind a NULL costs more than a text: a column that nobody has is left out."""
    same = {name: ["2026-11-12 08:00:00"] * 2 for name in ("signed_up_at", "status_since")}
    texts = {"source": "fair", "zone": "", "topics": "", "frequency": "weekly", "status": "active"}
    columns = {"ref": ["r1", "r2"], "fingerprint": ["p1", "p2"], "name": ["Ada", "Ben"], "address": [None, "b@x.org"]}
    with engine.begin() as connection:
        alike = {name: [text] * 2 for name, text in texts.items()}
        insert_columns(connection, PEOPLE, columns | same | alike | {"paused_until": [None, None]})

        rows = select(PEOPLE.c["ref", "name", "address", "paused_until"]).order_by("ref")
        assert connection.execute(rows).all() == [("r1", "Ada", None, None), ("r2", "Ben", "b@x.org", None)]


def test_a_single_value_is_looked_for_as_well(engine: Engine) -> None:
    """One placeholder is a tuple of one, not a text."""
    assert in_order(_looking(PEOPLE.c.fingerprint, 1, engine.dialect), [{"v0": "abc"}]) == [("abc",)]


def indexes(connection: Connection) -> set[str | None]:
    """Their names, as the database knows them."""
    return {index["name"] for index in inspect(connection).get_indexes("subscriber")}


def test_indexes_are_away_while_many_rows_come_and_there_again_behind_them(engine: Engine) -> None:
    """All of them, for whoever looks next."""
    with engine.begin() as connection:
        before = indexes(connection)
        with Shelved(connection, INDEXES) as shelf:
            shelf.shelve(MANY, MANY)
            assert indexes(connection) == set()
            shelf.shelve(2 * MANY, MANY)
        assert indexes(connection) == before > {"subscriber_name"}


def test_indexes_stay_where_few_rows_come_or_fewer_than_there_were(engine: Engine) -> None:
    """To build them of everybody who was there would cost more."""
    with engine.begin() as connection, Shelved(connection, INDEXES) as shelf:
        before = indexes(connection)
        shelf.shelve(MANY - 1, 0)
        shelf.shelve(2 * MANY, 2 * MANY + 1)

        assert indexes(connection) == before


def failing(engine: Engine) -> None:
    """Take them away, and fail."""
    with engine.begin() as connection, Shelved(connection, INDEXES) as shelf:
        shelf.shelve(MANY, 0)
        assert indexes(connection) == set()
        raise ZeroDivisionError


def test_indexes_are_there_again_when_the_rows_are_taken_back(engine: Engine) -> None:
    """By the rollback, which takes the removal back as well."""
    with pytest.raises(ZeroDivisionError):
        failing(engine)

    with engine.connect() as connection:
        assert "subscriber_name" in indexes(connection)


def test_another_database_keeps_its_indexes() -> None:
    """There the removal would lock out who reads: a stand-in that can drop nothing is enough."""
    with Shelved(SimpleNamespace(dialect=psycopg()), INDEXES) as shelf:  # type: ignore[arg-type]
        shelf.shelve(MANY, 0)


@given(st.lists(st.sampled_from([f"{n:06x}{m}" for n in (0, 1, 0xFFFFFF) for m in "ab"]), max_size=8))
def test_marks_never_say_no_of_one_who_came(prints: list[str]) -> None:
    """They may say "perhaps" of one who only begins alike."""
    marks = Marks()
    for place, print_ in enumerate(prints):
        assert marks.perhaps([print_]) == [print_ for one in prints[:place] if one[:6] == print_[:6]][:1]


def test_the_index_by_which_an_import_finds_people_stays() -> None:
    """Without it each look for who came before would read the whole list."""
    unused = {index.name for index in _unused()}

    assert {index.name for index in INDEXES} - unused == {"subscriber_fingerprint"}
