"""The schema that the migrations make is the schema that the code describes."""

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


def test_an_empty_database_is_told_to_upgrade(tmp_path: Path) -> None:
    """The sentence names the command."""
    engine = engine_for(f"sqlite:///{tmp_path / 'empty.db'}")

    with pytest.raises(DatabaseError, match="newsletter db upgrade"):
        require_newest(engine)


def test_a_newer_database_is_left_alone(engine: Engine) -> None:
    """Older code does not touch a schema that it does not know."""
    with engine.begin() as connection:
        connection.execute(text("update alembic_version set version_num = 'from-the-future'"))

    with pytest.raises(DatabaseError, match="newer version"):
        upgrade(engine)


def test_a_failed_upgrade_leaves_nothing_behind(tmp_path: Path) -> None:
    """All of it or nothing: a table that is in the way rolls back the whole upgrade."""
    engine = engine_for(f"sqlite:///{tmp_path / 'half.db'}")
    with engine.begin() as connection:
        connection.execute(text("create table subscriber (id integer)"))

    with pytest.raises(Exception, match="already exists"):
        upgrade(engine)

    with engine.connect() as connection:
        names = connection.execute(text("select name from sqlite_master where type = 'table'")).scalars().all()
    assert names == ["subscriber"]
    assert newest()
