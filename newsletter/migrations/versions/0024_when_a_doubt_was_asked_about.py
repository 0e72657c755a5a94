"""When a night last asked about a doubt, so that each has its turn."""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    """Added in place: nobody was asked yet."""
    op.add_column("batch", sa.Column("asked_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))


def downgrade() -> None:
    op.drop_column("batch", "asked_at")
