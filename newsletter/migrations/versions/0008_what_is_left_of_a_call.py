"""What is left of a call: generations, pieces, and who was skipped."""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Batch rows are few; `delivery_exception` only gets columns, and is not copied."""
    for name in ("generation", "pieces"):
        op.add_column("batch", sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
    op.add_column("batch", sa.Column("keyed_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))
    op.execute("update batch set pieces = 2 where split")
    op.drop_column("batch", "split")
    op.add_column("delivery_exception", sa.Column("skipped", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("delivery_exception", sa.Column("provider", sa.String(), nullable=False, server_default=""))
    op.execute("update delivery_exception set skipped = set_apart")


def downgrade() -> None:
    """Only where no part of a call is left to be sent: an older program would send the whole again."""
    op.drop_column("delivery_exception", "provider")
    op.drop_column("delivery_exception", "skipped")
    op.add_column("batch", sa.Column("split", sa.Boolean(), nullable=False, server_default=sa.false()))
    for name in ("keyed_at", "pieces", "generation"):
        op.drop_column("batch", name)
