"""Another address for the same reader, and of which address a consent speaks."""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0022"
down_revision = "0021"

#: Until now nobody's address has ever changed, so all evidence is about the present one. An erased reader has none.
KNOWN = """
    update consent_event set fingerprint = (select s.fingerprint from subscriber s where s.id = subscriber_id)
    where subscriber_id in (select id from subscriber where address is not null)
"""


def upgrade() -> None:
    """Columns are added in place, and the evidence of everybody on the list is told its address, as a keyed hash."""
    text = sqlmodel.sql.sqltypes.AutoString
    op.create_table(
        "address_change",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ref", text(), nullable=False),
        sa.Column("subscriber_id", sa.Integer(), nullable=False),
        sa.Column("address", text(), nullable=True),
        sa.Column("fingerprint", text(), nullable=False),
        sa.Column("old_address", text(), nullable=True),
        sa.Column("old_fingerprint", text(), nullable=False),
        sa.Column("stage", sa.String(length=30), nullable=False),
        sa.Column("made_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("changed_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["subscriber_id"], ["subscriber.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("ref"),
    )
    for column in ("subscriber_id", "old_fingerprint"):
        op.create_index(f"ix_address_change_{column}", "address_change", [column], unique=False)
    op.add_column("wish", sa.Column("mover", sa.Integer(), nullable=True))
    op.create_index("ix_wish_mover", "wish", ["mover"], unique=False)
    with op.batch_alter_table("letter") as letter:  # small: a month of single mails
        letter.add_column(sa.Column("change_id", sa.Integer(), nullable=True))
        letter.create_foreign_key("letter_change", "address_change", ["change_id"], ["id"])
    op.add_column("consent_event", sa.Column("fingerprint", text(), nullable=False, server_default=""))
    op.execute(KNOWN)


def downgrade() -> None:
    """Former addresses are forgotten: an import of an old file would bring them back."""
    op.drop_column("consent_event", "fingerprint")
    with op.batch_alter_table("letter") as letter:
        letter.drop_constraint("letter_change", type_="foreignkey")
        letter.drop_column("change_id")
    op.drop_index("ix_wish_mover", table_name="wish")
    op.drop_column("wish", "mover")
    op.drop_table("address_change")
