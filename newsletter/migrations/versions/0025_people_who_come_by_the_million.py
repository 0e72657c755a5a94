"""What is unique about people by indexes with a name: an import can take them away and build them anew behind it."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import AutoString, UTCDateTime

revision = "0025"
down_revision = "0024"

UNIQUE = {"subscriber_ref": "ref", "subscriber_key": "address_key", "subscriber_fingerprint": "fingerprint"}
OTHERS = {"subscriber_claims": ["status", "id"], "subscriber_name": ["name"]}
COLUMNS = (
    "id, ref, address, address_key, fingerprint, name, status, signed_up_at, confirmed_at, status_since, paused_until, "
    "source, zone, topics, frequency"
)


def upgrade() -> None:
    """A rule that SQLite keeps with a table goes only with the table: it is written anew, and its indexes behind it."""
    if op.get_bind().dialect.name == "sqlite":
        _written_anew()
        for name, columns in OTHERS.items():
            op.create_index(name, "subscriber", columns)
    for name, column in UNIQUE.items():
        if op.get_bind().dialect.name != "sqlite":
            op.execute(f"alter table subscriber drop constraint if exists subscriber_{column}_key")
        op.create_index(name, "subscriber", [column], unique=True, if_not_exists=True)


def downgrade() -> None:
    """What is unique stays so: older code needs no more."""


def _written_anew() -> None:
    """Others refer to this table, by its name: foreign keys must be off (newsletter/migrations), or this fails."""
    op.create_table(
        "subscriber_anew",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ref", AutoString(), nullable=False),
        sa.Column("address", AutoString(), nullable=True),
        sa.Column("address_key", AutoString(), nullable=True),
        sa.Column("fingerprint", AutoString(), nullable=False),
        sa.Column("name", AutoString(), nullable=False),
        sa.Column("status", sa.String(length=30), nullable=False),
        sa.Column("signed_up_at", UTCDateTime(), nullable=False),
        sa.Column("confirmed_at", UTCDateTime(), nullable=True),
        sa.Column("status_since", UTCDateTime(), nullable=False),
        sa.Column("paused_until", UTCDateTime(), nullable=True),
        sa.Column("source", AutoString(), nullable=False),
        sa.Column("zone", AutoString(), nullable=False, server_default=""),
        sa.Column("topics", AutoString(), nullable=False, server_default=""),
        sa.Column("frequency", sa.String(length=30), nullable=False, server_default="weekly"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.execute(f"insert into subscriber_anew ({COLUMNS}) select {COLUMNS} from subscriber order by id")  # noqa: S608 -- our own names
    op.drop_table("subscriber")
    op.rename_table("subscriber_anew", "subscriber")
