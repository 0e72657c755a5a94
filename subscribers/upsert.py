"""An insert that knows what to do with a row that is there already, as both databases spell it.

`on_conflict_do_nothing` and `on_conflict_do_update` are one standard's words for SQLite and PostgreSQL, and two classes
in SQLAlchemy. Which of them is chosen here and nowhere else.
"""

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, SQLModel

Insert = postgresql.Insert | sqlite.Insert


def insert_into(session: Session, table: str) -> Insert:
    """An insert into the table of this name, for the database of this session."""
    return insert_for(session.get_bind().dialect.name, table)


def insert_for(dialect: str, table: str) -> Insert:
    """The same for a dialect by its name: "sqlite" or "postgresql"."""
    made = postgresql.insert if dialect == "postgresql" else sqlite.insert
    return made(SQLModel.metadata.tables[table])
