"""How readers voted on the issue before, kept with the issue that says so."""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Added in place. What was drafted before says nothing of it, and keeps its bytes."""
    op.add_column("issue", sa.Column("readers", sqlmodel.sql.sqltypes.AutoString(), nullable=True))


def downgrade() -> None:
    """Drafts lose the section; what is approved keeps it, in its frozen bytes."""
    op.drop_column("issue", "readers")
