"""From the SQLite file to PostgreSQL: everything or nothing, with a proof, and never two ledgers that send."""

from collections.abc import Callable, Iterator

import pytest
from desk_samples import Place, furnished, place
from fake_provider import Killed
from sqlalchemy import Engine, inspect, text

from newsletter.database import engine_for, transaction
from newsletter.delivery.lock import only_dispatcher
from newsletter.desk import sending, writing
from newsletter.desk.moving import move
from newsletter.errors import DatabaseError, DeliveryError, SomebodySends
from newsletter.issues.issue import IssueStatus
from newsletter.migrations import upgrade, upgrade_in

pytestmark = pytest.mark.sqlite


@pytest.fixture
def target(make_database: Callable[[], str]) -> Iterator[Engine]:
    """An empty PostgreSQL database."""
    engine = engine_for(make_database())
    yield engine
    engine.dispose()


def approved(engine: Engine) -> Place:
    """An issue that may be sent to the characters of the sample."""
    here = furnished(engine)
    writing.draft(here.desk)
    writing.approve(here.desk, "1", by="Mara")
    return here


def half_sent(engine: Engine) -> Place:
    """The same, of which the first call was made and its answer lost."""
    here = approved(engine)
    here.provider.next_answers = ["accept, die after"]
    with pytest.raises(Killed):
        sending.send(here.desk, "1", by="Mara")
    return here


def test_a_sending_that_was_broken_off_is_finished_over_there(engine: Engine, target: Engine) -> None:
    """By the same evidence, to nobody twice; and every table has as many rows as the file."""
    here = half_sent(engine)
    moved = {one.table: one.rows for one in move(engine, target, upgrade_in)}
    there = place(target)
    there.provider.taken, there.provider.log = here.provider.taken, here.provider.log
    there.clock.forward(minutes=5)
    ended = sending.send(there.desk, "1", by="Mara")

    assert (moved["subscriber"], moved["issue"], moved["batch"]) == (5, 1, 1)
    assert ended.issue.status is IssueStatus.SENT
    assert set(there.provider.log.values()) == {1}


def test_nothing_more_is_sent_from_the_file(engine: Engine, target: Engine) -> None:
    """Or everybody would be mailed from both."""
    here = approved(engine)
    move(engine, target, upgrade_in)
    with pytest.raises(DeliveryError, match="older than the last post"):
        sending.send(here.desk, "1", by="Mara")

    assert not here.provider.log


def test_the_server_knows_at_once_how_large_the_list_is(engine: Engine, target: Engine) -> None:
    """Until it has looked it plans each claim for an empty list: thirty times as slow with 200,000 people."""
    furnished(engine)
    move(engine, target, upgrade_in)
    with target.connect() as connection:
        rows = connection.execute(text("select reltuples from pg_class where relname = 'subscriber'")).scalar_one()

    assert rows == 5


def test_over_there_new_rows_get_new_numbers(engine: Engine, target: Engine) -> None:
    """Copied rows do not move a sequence."""
    furnished(engine)
    move(engine, target, upgrade_in)

    assert writing.draft(place(target).desk).issue


def test_a_database_with_rows_is_not_moved_into(engine: Engine, target: Engine) -> None:
    """It may be somebody's; and the file goes on as before."""
    here = approved(engine)
    upgrade(target)
    furnished(target)
    with pytest.raises(DatabaseError, match=r"not empty: \w+ has rows. Nothing was moved"):
        move(engine, target, upgrade_in)

    assert sending.send(here.desk, "1", by="Mara").issue.status is IssueStatus.SENT


def altering(target: Engine, when: str, does: str) -> None:
    """Let the server do something at each row of the list."""
    upgrade(target)
    with transaction(target) as session:
        body = f"create function f() returns trigger language plpgsql as $$ begin {does} end $$"
        session.execute(text(body))
        session.execute(
            text(
                f"create {when} on subscriber {{}} for each row execute function f()".format(
                    "deferrable initially deferred" if "constraint" in when else ""
                )
            )
        )


@pytest.mark.parametrize(
    ("when", "does", "said"),
    [
        ("trigger t before insert", "new.name = upper(new.name); return new;", "not what was read, in subscriber"),
        ("trigger t before insert", "return null;", "foreign key"),
        ("trigger t before insert", "raise exception 'no more disk';", "no more disk"),
        ("constraint trigger t after insert", "raise exception 'not at the end either';", "not at the end either"),
    ],
    ids=["a value is changed", "a row is left out", "it fails in the middle", "it fails at the commit"],
)
def test_what_does_not_arrive_as_it_was_is_not_moved(
    engine: Engine, target: Engine, when: str, does: str, said: str
) -> None:
    """The target is as it was, and the file still sends."""
    here = approved(engine)
    altering(target, when, does)
    with pytest.raises(DatabaseError, match=said):
        move(engine, target, upgrade_in)

    with target.connect() as connection:
        assert connection.execute(text("select count(*) from comparison")).scalar_one() == 0
    assert sending.send(here.desk, "1", by="Mara").issue.status is IssueStatus.SENT


def test_a_move_that_is_broken_off_leaves_nothing_and_can_be_done_again(engine: Engine, target: Engine) -> None:
    """Whatever ends it: even the tables are part of the one transaction."""
    furnished(engine)

    def die(_done: int, _all: int) -> None:
        raise Killed

    with pytest.raises(Killed):
        move(engine, target, upgrade_in, die)
    left = inspect(target).get_table_names()

    assert (left, bool(move(engine, target, upgrade_in))) == ([], True)


def test_nothing_is_moved_while_somebody_sends(engine: Engine, target: Engine) -> None:
    """What it is sending now would be missing over there."""
    furnished(engine)
    with only_dispatcher(engine), pytest.raises(SomebodySends):
        move(engine, target, upgrade_in)


def test_what_was_moved_once_is_not_moved_again(
    engine: Engine, target: Engine, make_database: Callable[[], str]
) -> None:
    """The file is not the ledger any more: an operator has to say so first."""
    furnished(engine)
    move(engine, target, upgrade_in)
    other = engine_for(make_database())
    with pytest.raises(DatabaseError, match="moved before"):
        move(engine, other, upgrade_in)
    other.dispose()
