"""The parts of an issue: as they were approved, and who of its readers gets which."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Columns are added in place. What was approved before goes to everybody as a whole."""
    op.add_column("frozen_issue", sa.Column("manifest", sa.String(), nullable=False, server_default=""))
    op.create_table(
        "frozen_part",
        sa.Column("issue_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("content", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["issue_id"], ["issue.id"]),
        sa.PrimaryKeyConstraint("issue_id", "name"),
    )
    op.add_column("batch", sa.Column("part", sa.String(), nullable=False, server_default=""))
    op.add_column("wave", sa.Column("part", sa.String(), nullable=False, server_default=""))
    op.add_column("sending", sa.Column("unchosen", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    """Which part somebody gets is lost: finish what is on its way first."""
    op.drop_column("sending", "unchosen")
    op.drop_column("wave", "part")
    op.drop_column("batch", "part")
    op.drop_table("frozen_part")
    op.drop_column("frozen_issue", "manifest")
