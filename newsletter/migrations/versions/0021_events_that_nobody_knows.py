"""Events of a kind that nobody knows are found by when they came, so that those that could not be read can be told."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"

_UNKNOWN = sa.text("kind = 'unknown'")


def upgrade() -> None:
    op.create_index(
        "provider_event_unknown",
        "provider_event",
        ["received_at"],
        sqlite_where=_UNKNOWN,
        postgresql_where=_UNKNOWN,
    )


def downgrade() -> None:
    op.drop_index("provider_event_unknown", "provider_event")
