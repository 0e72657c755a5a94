"""The tables of the ledger, and the life of a batch.

Theory. An email cannot be rolled back, so the ledger writes the intention before the act: a batch of deliveries is
claimed and committed with full durability, then handed to the provider, then its receipt is committed. (issue,
subscriber) is unique in the database. A crash between claim and receipt leaves a batch `sending`: that is doubt, and
doubt is closed only by evidence.

    sending ──▶ accepted | refused          the provider answered
       │  ▲
       │  └──── claimed ◀── sending         the provider certainly did not take it, or not all of it; tried again
       ▼           ▲
    unknown ───────┴──▶ accepted | refused  evidence only: replay under the same key, look-up, event, operator

An answer may settle some and leave others: whoever is settled is *set apart* (a `DeliveryException`) and is never
handed over again; whom the provider certainly did not take are the *remainder*, and the next attempt is for them alone,
as a new *generation* with a key of its own, because the provider keeps the old key for the old call. Who is handed over
changes only when an attempt was answered, or before an attempt of what was certainly not taken: never in doubt.
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
    unchosen: int = 0  #: skipped: nothing of what they chose was in it
    started_at: datetime
    not_after: datetime  #: past this nothing more of it is sent before a person says so: news goes stale
    finished_at: datetime | None = None
    lineage: str | None = None  #: the history of the PostgreSQL server that it began in: see lineage.py


class Batch(SQLModel, table=True):
    """One provider call: fixed before the call."""

    __table_args__ = (UniqueConstraint("issue_id", "number"), Index("batch_open", "issue_id", "status"))

    id: int | None = Field(default=None, primary_key=True)
    issue_id: int = Field(foreign_key="issue.id")
    number: int
    key: str = Field(unique=True)  #: of the first call, the provider's idempotency key: stable, from ids only
    status: BatchStatus = Field(default=BatchStatus.SENDING, sa_type=word(BatchStatus))
    attempt: int = 1  #: fences receipts: only the newest attempt's answer counts
    doubtful: bool = False  #: an attempt ended without an answer: from now on only evidence closes it
    generation: int = 0  #: how often only a part of it was left to be handed over: each has a key of its own
    pieces: int = 0  #: refused as a whole: the next attempt is so many calls, under keys of their own; 0: one call
    after: int = 0  #: the cursor before its claim
    upto: int = 0  #: the cursor after it: its members have ids in (after, upto]
    size: int = 0
    refused: int = 0  #: of `size`, by rows in delivery_exception, as the next three
    unknown: int = 0  #: in doubt for themselves, whatever becomes of the others
    left: int = 0  #: skipped before an attempt, because they had left, paused or been suppressed meanwhile
    proved: int = 0  #: accepted, by a row of their own: by an answer that left others, an event, a look-up, an operator
    claimed_at: datetime
    attempted_at: datetime  #: when the newest attempt began
    keyed_at: datetime | None = None  #: the age of its key counts from here; None: from `claimed_at`
    closed_at: datetime | None = None
    provider: str = ""
    provider_ids: bytes | None = None  #: newline-joined, of every answered call in the order of subscriber ids
    reason: str = ""  #: what the provider said, where it said something of the whole batch
    part: str = ""  #: of the issue, that everybody in it gets; empty: the whole (issues/parts.py)
    worker: int | None = None  #: whose it is while it is open, where several dispatchers share a ledger: crew.py
    asked_at: datetime | None = None  #: in doubt, its issue over: the night that asked its provider last

    @property
    def call_key(self) -> str:
        """The key of the next call: that of the batch, or of the remainder that it has become."""
        return f"{self.key}:rest:{self.generation}" if self.generation else self.key

    def piece_key(self, number: int) -> str:
        """The key of one piece of the next attempt, counted from 1. Halves from before generations keep theirs."""
        return f"{self.call_key}:{'piece' if self.generation else 'half'}:{number}"

    @property
    def still_open(self) -> int:
        """How many have no row of their own: they fare as the batch does, and are handed over at its next attempt."""
        return self.size - self.refused - self.unknown - self.left - self.proved

    @property
    def in_doubt(self) -> int:
        """How many people in it nobody knows about: all who are open, where the batch is unknown, and single ones."""
        return self.unknown + (self.still_open if self.status is BatchStatus.UNKNOWN else 0)


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
    """A delivery that fares otherwise than its batch."""

    __tablename__ = "delivery_exception"

    issue_id: int = Field(primary_key=True, foreign_key="issue.id")
    subscriber_id: int = Field(primary_key=True)
    batch_id: int = Field(foreign_key="batch.id")
    outcome: Outcome = Field(sa_type=word(Outcome))
    reason: str = ""
    set_apart: bool = False  #: not handed over at later attempts, whatever the outcome becomes
    skipped: bool = False  #: set apart by us, before an attempt: had left, paused or been suppressed meanwhile
    provider: str = ""  #: who said so; empty: the batch's provider


class Resolution(SQLModel, table=True):
    """What closed a doubt, and on whose word. Added, never changed."""

    id: int | None = Field(default=None, primary_key=True)
    batch_id: int = Field(foreign_key="batch.id", index=True)
    status: BatchStatus = Field(sa_type=word(BatchStatus))  #: what it became
    at: datetime
    by: str  #: "look-up", or an operator's name
    note: str = ""
