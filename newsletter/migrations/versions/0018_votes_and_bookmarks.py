"""Votes and bookmarks; how readers had voted when an issue was drafted; tools on the shelf by their slugs."""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0018"
down_revision = "0017"

_TEXT, _TIME = sqlmodel.sql.sqltypes.AutoString(), sqlmodel.sql.sqltypes.UTCDateTime()


def upgrade() -> None:
    op.create_table(
        "vote",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("subscriber_id", sa.Integer(), nullable=False),
        sa.Column("comparison", _TEXT, nullable=False),
        sa.Column("tool", _TEXT, nullable=False),
        sa.Column("choice", sa.String(length=30), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.ForeignKeyConstraint(["subscriber_id"], ["subscriber.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("subscriber_id", "comparison", "tool"),
    )
    op.create_table(
        "bookmark",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("subscriber_id", sa.Integer(), nullable=False),
        sa.Column("tool", _TEXT, nullable=False),
        sa.Column("verdict", _TEXT, nullable=False),
        sa.Column("percent", sa.Integer(), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.ForeignKeyConstraint(["subscriber_id"], ["subscriber.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("subscriber_id", "tool"),
    )
    for table in ("vote", "bookmark"):
        op.create_index(f"ix_{table}_tool", table, ["tool"], unique=False)
    for column in ("left_slug", "right_slug"):
        op.create_index(f"ix_comparison_{column}", "comparison", [column], unique=False)
    op.add_column("issue_item", sa.Column("voted", _TEXT, nullable=True))


def downgrade() -> None:
    op.drop_column("issue_item", "voted")
    for column in ("left_slug", "right_slug"):
        op.drop_index(f"ix_comparison_{column}", "comparison")
    op.drop_table("bookmark")
    op.drop_table("vote")
