"""An upgrade on a PostgreSQL server that others use: no table is written anew, no lock waited for without end."""

from collections.abc import Callable, Iterator

import pytest
from alembic import command
from sqlalchemy import Engine, text

from newsletter.database import engine_for
from newsletter.errors import DatabaseError
from newsletter.migrations import settings, upgrade
from newsletter.schema import require_newest

FILES = text("select relname, pg_relation_filenode(oid) from pg_class where relnamespace = 'public'::regnamespace")
PERSON = text("""
    insert into subscriber (id, ref, address, fingerprint, status, name, source, signed_up_at, status_since)
    values (7, 'r', 'ada@example.org', 'f', 'active', '', 'x', '2026-11-12', '2026-11-12')
""")


@pytest.fixture
def older(make_database: Callable[[], str]) -> Iterator[Engine]:
    """A server's database of the oldest schema that there is, with somebody in it."""
    engine = engine_for(make_database(), busy_seconds=0.2)
    with engine.begin() as connection:
        command.upgrade(settings(connection), "0001")
        connection.execute(PERSON)
    yield engine
    engine.dispose()


def test_an_upgrade_writes_no_table_anew(older: Engine) -> None:
    """A table of a million rows that is written anew is locked for minutes; a file that stays was not."""
    with older.connect() as connection:
        before = {name: file for name, file in connection.execute(FILES) if file and name != "alembic_version"}
    upgrade(older)
    with older.connect() as connection:
        after = {name: file for name, file in connection.execute(FILES)}  # noqa: C416 - rows are no pairs to mypy
        assert connection.execute(text("select address from subscriber")).scalar_one() == "ada@example.org"

    assert {name: after[name] for name in before if name in after} == {n: f for n, f in before.items() if n in after}
    assert {"subscriber", "batch", "delivery", "delivery_exception"} <= after.keys() & before.keys()


def test_an_upgrade_that_has_to_wait_gives_up_and_changes_nothing(older: Engine) -> None:
    """Somebody's report holds a table: everybody after us would wait behind us."""
    reader = engine_for(older.url.render_as_string(hide_password=False))
    with reader.connect().execution_options(beside_others=True) as report:
        report.execute(text("lock table batch in access share mode"))
        with pytest.raises(DatabaseError, match="another process is writing"):
            upgrade(older)
    reader.dispose()
    with pytest.raises(DatabaseError, match="newsletter db upgrade"):
        require_newest(older)

    upgrade(older)
    require_newest(older)
