"""Whether a database is at the schema that this code needs: asked by every command, so without loading Alembic.

Revisions are named for their numbers ("0021"), and so are their files (newsletter/migrations/versions).
"""

from functools import cache
from pathlib import Path

from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import DBAPIError

from newsletter.database import sentence
from newsletter.errors import DatabaseError

VERSIONS = Path(__file__).parent / "migrations" / "versions"


@cache
def known() -> frozenset[str]:
    """All revisions that this code knows."""
    return frozenset(file.name[:4] for file in VERSIONS.glob("[0-9][0-9][0-9][0-9]_*.py"))


def newest() -> str:
    """The revision that this code needs."""
    return max(known(), default="")


def current(engine: Engine) -> str | None:
    """The revision of this database, or None where it has no tables yet."""
    try:
        with engine.connect() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return None
            found: str | None = connection.execute(text("select version_num from alembic_version")).scalar()
            return found
    except DBAPIError as error:
        raise DatabaseError(sentence(error, engine)) from error


def require_newest(engine: Engine) -> None:
    """Raise DatabaseError, saying what to run, unless the database is at the newest schema."""
    if (found := current(engine)) != newest():
        refuse_newer(engine)
        where = engine.url.render_as_string(hide_password=True)
        if found is None:
            raise DatabaseError(f"There is nothing in the database {where}. {filled_by(engine)}")
        raise DatabaseError(
            f"The database {where} has an older schema. Run 'newsletter db upgrade' (it keeps all data)."
        )


def filled_by(engine: Engine) -> str:
    """What fills a database without tables: a server's copies are its own tools' (docs/postgresql.md)."""
    copy = "'newsletter db restore FILE' puts a copy back, " if engine.dialect.name == "sqlite" else ""
    return f"{copy}'newsletter init' makes a new newsletter."


def refuse_newer(engine: Engine) -> None:
    """Raise DatabaseError where the database has a schema that this code does not know."""
    found = current(engine)
    if found is not None and found not in known():
        raise DatabaseError(
            f"The database has schema {found}, which this version does not know. Install the newer version."
        )
