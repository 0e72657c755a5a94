"""Alembic's entry: the connection is given by newsletter.migrations, every table module is imported."""

from alembic import context
from sqlmodel import SQLModel

import jobs.slots
import newsletter.comparisons.shelf
import newsletter.delivery.batch
import newsletter.delivery.crew
import newsletter.delivery.event_tables
import newsletter.delivery.failover
import newsletter.delivery.poll_table
import newsletter.delivery.waits
import newsletter.desk.acts
import newsletter.desk.notices
import newsletter.desk.tellings
import newsletter.delivery.waves
import newsletter.issues.approval
import newsletter.issues.issue
import subscribers.bookmarks
import subscribers.address_change
import subscribers.consent
import subscribers.keymark
import subscribers.leaving
import subscribers.letters
import subscribers.signals
import subscribers.subscriber
import subscribers.sunset
import subscribers.suppression
import subscribers.votes
import subscribers.wishes

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
