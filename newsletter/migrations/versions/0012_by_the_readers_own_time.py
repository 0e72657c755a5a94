"""By the reader's own time: where somebody lives, and the waves of an issue."""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Columns are added in place: no table is copied, and nobody's zone is known yet."""
    op.add_column("subscriber", sa.Column("zone", sa.String(), nullable=False, server_default=""))
    op.add_column("issue", sa.Column("wall_time", sa.String(), nullable=True))
    op.create_table(
        "wave",
        sa.Column("issue_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("opens_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("ahead", sa.Integer(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("cursor", sa.Integer(), nullable=False),
        sa.Column("walked", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["issue_id"], ["sending.issue_id"]),
        sa.PrimaryKeyConstraint("issue_id", "number"),
    )
    op.create_table(
        "wave_member",
        sa.Column("issue_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("wave", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("subscriber_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("issue_id", "wave", "subscriber_id"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """An issue that is on its way by waves is lost to an older program: finish it first."""
    op.drop_table("wave_member")
    op.drop_table("wave")
    op.drop_column("issue", "wall_time")
    op.drop_column("subscriber", "zone")
