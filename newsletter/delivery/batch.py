"""The tables of the ledger, and the life of a batch.

Theory. An email cannot be rolled back, so the ledger writes the intention before the act: a batch of deliveries is
claimed and committed with full durability, then handed to the provider, then its receipt is committed. Membership of a
batch never changes after its claim, its key is stable, and (issue, subscriber) is unique in the database. A crash
between claim and receipt leaves a batch `sending`: that is doubt, and doubt is closed only by evidence.

    sending ──▶ accepted | refused          the provider answered
       │  ▲
       │  └──── claimed ◀── sending         the provider certainly did not take it; it will be tried again
       ▼
    unknown ──▶ accepted | refused          evidence only: replay under the same key, look-up, event, operator
"""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Column, Field, Integer, SQLModel

from newsletter.database import word
from newsletter.providers.base import Outcome


class BatchStatus(StrEnum):
    """Our part of a delivery's life."""

    CLAIMED = "claimed"  #: fixed, and certainly not with the provider
    SENDING = "sending"  #: may be with the provider
    ACCEPTED = "accepted"  #: the provider has it (exceptions per recipient are rows of their own)
    REFUSED = "refused"  #: the provider will not have it
    UNKNOWN = "unknown"  #: nobody knows; only evidence closes it


#: What a receipt may change, by the batch's status: nothing closes a batch twice.
OPEN = (BatchStatus.SENDING, BatchStatus.UNKNOWN)


class Sending(SQLModel, table=True):
    """One issue on its way: how far the list has been walked."""

    issue_id: int = Field(primary_key=True, foreign_key="issue.id")
    digest: str  #: of the frozen issue that is sent
    list_size: int  #: subscribers of any status when it began
    last: int  #: the newest of them: who comes later gets the next issue
    cursor: int = 0  #: up to here the list has been walked
    pending: int = 0  #: skipped: had not confirmed
    paused: int = 0  #: skipped: taking a break
    unsubscribed: int = 0  #: skipped: had left
    suppressed: int = 0  #: skipped: must not be mailed
    started_at: datetime
    not_after: datetime  #: past this nothing more of it is sent before a person says so: news goes stale
    finished_at: datetime | None = None


class Batch(SQLModel, table=True):
    """One provider call: fixed before the call."""

    __table_args__ = (UniqueConstraint("issue_id", "number"), Index("batch_open", "issue_id", "status"))

    id: int | None = Field(default=None, primary_key=True)
    issue_id: int = Field(foreign_key="issue.id")
    number: int
    key: str = Field(unique=True)  #: the provider's idempotency key: stable, from ids only
    status: BatchStatus = Field(default=BatchStatus.SENDING, sa_type=word(BatchStatus))
    attempt: int = 1  #: fences receipts: only the newest attempt's answer counts
    doubtful: bool = False  #: an attempt ended without an answer: from now on only evidence closes it
    split: bool = False  #: refused as a whole once: from now on it goes out in two halves, under keys of their own
    after: int = 0  #: the cursor before its claim
    upto: int = 0  #: the cursor after it: its members have ids in (after, upto]
    size: int = 0
    refused: int = 0  #: of `size`, by rows in delivery_exception, as `unknown` and `left`
    unknown: int = 0
    left: int = 0  #: of `size`: set apart before an attempt, because they had left, paused or been suppressed meanwhile
    proved: int = 0  #: of a batch in doubt: whom an event or a look-up showed to be with the provider
    claimed_at: datetime  #: the age of its key counts from here
    attempted_at: datetime  #: when the newest attempt began
    closed_at: datetime | None = None
    provider: str = ""
    provider_ids: bytes | None = None  #: newline-joined, in the order of subscriber ids
    reason: str = ""  #: what the provider said, where it said something of the whole batch


class Delivery(SQLModel, table=True):
    """One issue × one subscriber: written once, never changed.

    Without foreign keys: one statement writes it, in the transaction that writes its batch, and looking both parents up
    for each row was a third of the claim (docs/benchmarks.md).
    """

    __table_args__ = {"sqlite_with_rowid": False}

    issue_id: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    subscriber_id: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    batch_id: int  #: found by its range of ids: an index would double the cost of a row


class DeliveryException(SQLModel, table=True):
    """A delivery that ended otherwise than its batch."""

    __tablename__ = "delivery_exception"

    issue_id: int = Field(primary_key=True, foreign_key="issue.id")
    subscriber_id: int = Field(primary_key=True)
    batch_id: int = Field(foreign_key="batch.id")
    outcome: Outcome = Field(sa_type=word(Outcome))
    reason: str = ""
    set_apart: bool = False  #: not handed over with the batch; this never changes, whatever the outcome becomes


class Resolution(SQLModel, table=True):
    """What closed a doubt, and on whose word. Added, never changed."""

    id: int | None = Field(default=None, primary_key=True)
    batch_id: int = Field(foreign_key="batch.id", index=True)
    status: BatchStatus = Field(sa_type=word(BatchStatus))  #: what it became
    at: datetime
    by: str  #: "look-up", or an operator's name
    note: str = ""
