"""Several dispatchers on one ledger."""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0015"
down_revision = "0014"

_TIME = sqlmodel.sql.sqltypes.UTCDateTime()
_TEXT = sqlmodel.sql.sqltypes.AutoString()


def upgrade() -> None:
    op.create_table(
        "worker",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", _TEXT, nullable=False),
        sa.Column("began_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "pace",
        sa.Column("what", _TEXT, nullable=False),
        sa.Column("ready_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("what"),
    )
    op.add_column("batch", sa.Column("worker", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("batch", "worker")
    op.drop_table("pace")
    op.drop_table("worker")
