"""Deliveries without foreign keys: they are written by one statement, beside the batch that they name."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    for name in ("left", "proved"):
        op.add_column("batch", sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
    op.add_column("batch", sa.Column("split", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("delivery_exception", sa.Column("set_apart", sa.Boolean(), nullable=False, server_default=sa.false()))
    if op.get_bind().dialect.name != "sqlite":
        for column in ("batch_id", "issue_id"):
            op.drop_constraint(f"delivery_{column}_fkey", "delivery", type_="foreignkey")
        return
    op.rename_table("delivery", "delivery_before")
    op.create_table(
        "delivery",
        sa.Column("issue_id", sa.Integer(), nullable=False),
        sa.Column("subscriber_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("batch_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("issue_id", "subscriber_id"),
        sqlite_with_rowid=False,
    )
    op.execute("insert into delivery select issue_id, subscriber_id, batch_id from delivery_before")
    op.drop_table("delivery_before")


def downgrade() -> None:
    """The constraints never refused anything: nothing is lost without them."""
    op.drop_column("delivery_exception", "set_apart")
    for name in ("left", "proved", "split"):
        op.drop_column("batch", name)
