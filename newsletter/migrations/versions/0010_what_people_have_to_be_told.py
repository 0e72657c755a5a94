"""What people have to be told."""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0010"
down_revision = "0009"

_TIME = sqlmodel.sql.sqltypes.UTCDateTime()
_TEXT = sqlmodel.sql.sqltypes.AutoString()


def upgrade() -> None:
    op.create_table(
        "notice",
        sa.Column("key", _TEXT, nullable=False),
        sa.Column("kind", _TEXT, nullable=False),
        sa.Column("severity", sa.Enum("info", "warning", "urgent", native_enum=False, length=20), nullable=False),
        sa.Column("sentence", _TEXT, nullable=False),
        sa.Column("todo", _TEXT, nullable=False),
        sa.Column("first_seen", _TIME, nullable=False),
        sa.Column("last_seen", _TIME, nullable=False),
        sa.Column("resolved_at", _TIME, nullable=True),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "telling",
        sa.Column("about", _TEXT, nullable=False),
        sa.Column("way", _TEXT, nullable=False),
        sa.Column("told_at", _TIME, nullable=True),
        sa.Column("over_told_at", _TIME, nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("again_at", _TIME, nullable=True),
        sa.Column("trouble", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("about", "way"),
    )


def downgrade() -> None:
    op.drop_table("telling")
    op.drop_table("notice")
