"""Which set of links is a reader's: one more with each change of address, so that those in the mails before end."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    """A column with a constant to begin with: no row is written anew, and all links in mails stay as they are."""
    op.add_column("subscriber", sa.Column("link_set", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    """Links of later sets open nothing for older code; those of the first set open everything again."""
    op.drop_column("subscriber", "link_set")
