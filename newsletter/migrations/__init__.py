"""The history of the schema (Alembic), shipped in the package.

A database is used only at the newest schema: an older one is upgraded by `newsletter db upgrade`, a newer one is left
alone by older code.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from newsletter.database import sentence
from newsletter.errors import DatabaseError

HERE = Path(__file__).parent


def settings(connection: Connection | None = None) -> Config:
    """Alembic's settings, for this connection."""
    config = Config()
    config.set_main_option("script_location", str(HERE))
    config.attributes["connection"] = connection
    return config


def newest() -> str:
    """The revision that this code needs."""
    return ScriptDirectory.from_config(settings()).get_current_head() or ""


def current(engine: Engine) -> str | None:
    """The revision of this database, or None where it has no tables yet."""
    try:
        with engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()
    except DBAPIError as error:
        raise DatabaseError(sentence(error, engine)) from error


def upgrade(engine: Engine) -> None:
    """Bring the database to the newest schema: all of it, or nothing (one transaction). Raises DatabaseError.

    On a PostgreSQL server it waits five seconds for each lock, and not behind somebody's report for ever: whoever comes
    after it would wait as well.
    """
    refuse_newer(engine)
    try:
        with engine.begin() as connection:
            command.upgrade(settings(connection), "head")
    except DBAPIError as error:
        raise DatabaseError(sentence(error, engine)) from error


def upgrade_in(connection: Connection) -> None:
    """The same inside of a transaction that somebody else commits."""
    command.upgrade(settings(connection), "head")


def require_newest(engine: Engine) -> None:
    """Raise DatabaseError, saying what to run, unless the database is at the newest schema."""
    if current(engine) != newest():
        refuse_newer(engine)
        where = engine.url.render_as_string(hide_password=True)
        raise DatabaseError(
            f"The database {where} has an older schema. Run 'newsletter db upgrade' (it keeps all data)."
        )


def refuse_newer(engine: Engine) -> None:
    """Raise DatabaseError where the database has a schema that this code does not know."""
    found = current(engine)
    known = {script.revision for script in ScriptDirectory.from_config(settings()).walk_revisions()}
    if found is not None and found not in known:
        raise DatabaseError(
            f"The database has schema {found}, which this version does not know. Install the newer version."
        )
