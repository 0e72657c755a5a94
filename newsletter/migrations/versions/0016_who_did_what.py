"""Who did what: rows that nobody changes."""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0016"
down_revision = "0015"

_TEXT = sqlmodel.sql.sqltypes.AutoString()
_REFUSED = "an act is written down once and never changed"
_SQLITE = "create trigger act_stays_{what} before {what} on act begin select raise(abort, '{refused}'); end"
_POSTGRESQL = (
    f"create function act_stays() returns trigger language plpgsql as $$ begin raise exception '{_REFUSED}'; end $$",
    "create trigger act_stays before update or delete on act for each row execute function act_stays()",
)


def upgrade() -> None:
    op.create_table(
        "act",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("by", _TEXT, nullable=False),
        sa.Column("what", _TEXT, nullable=False),
        sa.Column("about", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    if op.get_bind().dialect.name == "postgresql":
        for statement in _POSTGRESQL:
            op.execute(statement)
    else:
        for what in ("update", "delete"):
            op.execute(_SQLITE.format(what=what, refused=_REFUSED))


def downgrade() -> None:
    op.drop_table("act")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("drop function act_stays")
