"""What readers want: topics, and how often."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Columns are added in place: no table is copied, and everybody goes on getting everything."""
    often = sa.Enum("weekly", "monthly", "changes", name="frequency", native_enum=False, length=30)
    op.add_column("subscriber", sa.Column("topics", sa.String(), nullable=False, server_default=""))
    op.add_column("subscriber", sa.Column("frequency", often, nullable=False, server_default="weekly"))


def downgrade() -> None:
    """What readers chose is lost: they get everything again."""
    op.drop_column("subscriber", "frequency")
    op.drop_column("subscriber", "topics")
