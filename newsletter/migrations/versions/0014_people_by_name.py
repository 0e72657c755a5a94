"""People by name."""

from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """A search reads names in an index and not the whole table. A second of a server's time for a million people."""
    op.create_index("subscriber_name", "subscriber", ["name"])


def downgrade() -> None:
    op.drop_index("subscriber_name", table_name="subscriber")
