"""The history of the schema (Alembic), shipped in the package.

A database is used only at the newest schema (newsletter/schema.py says whether it is): an older one is upgraded by
`newsletter db upgrade`, a newer one is left alone by older code.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from newsletter.database import sentence
from newsletter.errors import DatabaseError
from newsletter.schema import refuse_newer

HERE = Path(__file__).parent


def settings(connection: Connection | None = None) -> Config:
    """Alembic's settings, for this connection."""
    config = Config()
    config.set_main_option("script_location", str(HERE))
    config.attributes["connection"] = connection
    return config


def upgrade(engine: Engine) -> None:
    """Bring the database to the newest schema: all of it, or nothing (one transaction). Raises DatabaseError.

    On a PostgreSQL server it waits five seconds for each lock, and not behind somebody's report for ever: whoever comes
    after it would wait as well.
    """
    refuse_newer(engine)
    try:
        with engine.connect() as connection, _free_of_references(connection), connection.begin():
            command.upgrade(settings(connection), "head")
    except DBAPIError as error:
        raise DatabaseError(sentence(error, engine)) from error


def upgrade_in(connection: Connection) -> None:
    """The same inside of a transaction that somebody else commits."""
    command.upgrade(settings(connection), "head")


@contextmanager
def _free_of_references(connection: Connection) -> Iterator[None]:
    """Without SQLite's foreign keys, which have to be off before a transaction begins in which a table is written anew.

    https://www.sqlite.org/lang_altertable.html, "Making Other Kinds Of Table Schema Changes".
    """
    if connection.dialect.name != "sqlite":
        yield
        return
    driver: Any = connection.connection.driver_connection
    driver.execute("pragma foreign_keys = off")
    try:
        yield
    finally:
        driver.execute("pragma foreign_keys = on")
