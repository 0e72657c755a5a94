"""Many rows at once: the same statements for every driver."""

from sqlalchemy import Engine
from sqlalchemy.dialects.postgresql.psycopg import dialect as psycopg

from subscribers.bulk import _in_order, _inserting, _looking, insert_rows, those_in
from subscribers.subscriber import Subscriber

PEOPLE = Subscriber.metadata.tables["subscriber"]


def test_a_driver_with_names_gets_its_values_by_name() -> None:
    """As psycopg does: the rows as they are."""
    compiled = _inserting(PEOPLE, ("ref", "name"), psycopg())
    row = {"ref": "r1", "name": "Ada"}

    assert (str(compiled), _in_order(compiled, [row])) == (
        "INSERT INTO subscriber (ref, name) VALUES (%(ref)s, %(name)s)",
        [row],
    )


def test_rows_whose_columns_stand_in_another_order_keep_their_values(engine: Engine) -> None:
    """A driver with places gets them in the statement's order."""
    compiled = _inserting(PEOPLE, ("ref", "name"), engine.dialect)

    assert _in_order(compiled, [{"name": "Ada", "ref": "r1"}]) == [("r1", "Ada")]


def test_more_values_than_one_statement_takes_are_all_looked_for(engine: Engine) -> None:
    """In several statements; what is not there is not found."""
    wanted = [f"no-{number}" for number in range(2_500)]
    with engine.begin() as connection:
        assert those_in(connection, PEOPLE.c.fingerprint, wanted) == set()


def test_no_rows_are_no_statement(engine: Engine) -> None:
    """An import whose rows are all known inserts nobody."""
    with engine.begin() as connection:
        insert_rows(connection, PEOPLE, [])


def test_a_single_value_is_looked_for_as_well(engine: Engine) -> None:
    """One placeholder is a tuple of one, not a text."""
    assert _in_order(_looking(PEOPLE.c.fingerprint, 1, engine.dialect), [{"v0": "abc"}]) == [("abc",)]
