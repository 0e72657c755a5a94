"""Runs go step by step."""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0007"
down_revision = "0006"

_NEW = ("due_at", "taken_at", "again_at")


def upgrade() -> None:
    """What ran before had ended, or waited for a person: a run of today's goes on by its issue's status."""
    with op.batch_alter_table("run", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("step", sqlmodel.sql.sqltypes.AutoString(), nullable=False, server_default="approve")
        )
        for name in _NEW:
            batch_op.add_column(sa.Column(name, sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))
    with op.batch_alter_table("run", schema=None) as batch_op:
        batch_op.alter_column("step", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("run", schema=None) as batch_op:
        for name in ("step", *_NEW):
            batch_op.drop_column(name)
