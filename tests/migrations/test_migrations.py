"""The schema that the migrations make is the schema that the code describes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text
from sqlmodel import SQLModel

from newsletter.database import engine_for
from newsletter.errors import DatabaseError
from newsletter.migrations import newest, require_newest, settings, upgrade


def test_there_is_one_newest_revision() -> None:
    """Two heads would let two machines disagree about the schema."""
    assert len(ScriptDirectory.from_config(settings()).get_heads()) == 1


def test_the_migrations_make_the_schema_of_the_models(engine: Engine) -> None:
    """No column that only a fresh database has, none that only an upgraded one has."""
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), SQLModel.metadata)

    assert differences == []


def test_upgrading_twice_changes_nothing(engine: Engine) -> None:
    """The command may be run at every start."""
    upgrade(engine)

    require_newest(engine)


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Engine]:
    """A database without any table."""
    engine = engine_for(f"sqlite:///{tmp_path / 'empty.db'}")
    yield engine
    engine.dispose()


def test_an_empty_database_is_told_to_upgrade(empty: Engine) -> None:
    """The sentence names the command."""
    with pytest.raises(DatabaseError, match="newsletter db upgrade"):
        require_newest(empty)


def test_a_newer_database_is_left_alone(engine: Engine) -> None:
    """Older code does not touch a schema that it does not know."""
    with engine.begin() as connection:
        connection.execute(text("update alembic_version set version_num = 'from-the-future'"))

    with pytest.raises(DatabaseError, match="newer version"):
        upgrade(engine)


def test_a_failed_upgrade_leaves_nothing_behind(empty: Engine) -> None:
    """All of it or nothing: a table that is in the way rolls back the whole upgrade."""
    with empty.begin() as connection:
        connection.execute(text("create table subscriber (id integer)"))

    with pytest.raises(Exception, match="already exists"):
        upgrade(empty)

    with empty.connect() as connection:
        names = connection.execute(text("select name from sqlite_master where type = 'table'")).scalars().all()
    assert names == ["subscriber"]
    assert newest()
