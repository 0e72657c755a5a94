"""What people have to be told: each thing once, for as long as it holds.

A look at everything (jobs/notices/) says what holds now. What is new gets a row, what held before is
seen again, what holds no longer is resolved; a thing that comes back opens its row again. The row's key says what it
is about ("held:12:45" is the pause that step 45 of issue 12 began), so that no two rows tell the same.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Insert, case, literal, update
from sqlmodel import Field, Session, SQLModel, col, select

from newsletter.database import utc, word
from newsletter.providers.plain_words import without_addresses
from subscribers.upsert import insert_into


class Severity(StrEnum):
    """How much it matters."""

    INFO = "info"  #: good to know
    WARNING = "warning"  #: look at it today
    URGENT = "urgent"  #: look at it now


class Whom(StrEnum):
    """Who is told."""

    EDITORS = "editors"
    OPERATORS = "operators"
    BOTH = "both"


class Kind(StrEnum):
    """What there is to tell: docs/telling.md has a line for each."""

    DRAFT_READY = "draft-ready"
    DEADLINE = "deadline-near"
    NO_TIME = "no-time"
    NOT_SENT = "not-sent"
    SOURCE = "source-failed"
    HELD = "held"
    STOP_FILE = "stop-file"
    STUCK = "stuck"
    COUNTS = "counts-differ"
    MISSING = "not-everybody"
    DOUBLED = "doubled"
    DOUBT = "in-doubt"
    COMPLAINTS = "complaints"
    UNSUBSCRIBES = "unsubscribes"
    BOUNCES = "bounces"
    POLL = "poll-failed"
    UNREAD = "events-not-read"
    DISK = "disk"
    BACKUP = "backup"
    CHORES = "chores-failed"
    KEY_FILE = "key-file"
    EXPIRES = "expires"
    UNTOLD = "not-told"
    TRYING = "trying"  #: nothing is wrong: somebody tries whether notices arrive


#: Who is told of what.
WHOM: dict[Kind, Whom] = {
    **dict.fromkeys(Kind, Whom.OPERATORS),
    Kind.DRAFT_READY: Whom.EDITORS,
    Kind.DEADLINE: Whom.EDITORS,
    Kind.NO_TIME: Whom.EDITORS,
    Kind.NOT_SENT: Whom.BOTH,
    Kind.HELD: Whom.BOTH,
    Kind.UNSUBSCRIBES: Whom.BOTH,
    Kind.TRYING: Whom.BOTH,
}
#: What nobody can change any more: told once, without a reminder every day.
PAST = frozenset({Kind.MISSING, Kind.DOUBLED, Kind.COMPLAINTS, Kind.UNSUBSCRIBES, Kind.BOUNCES})


@dataclass(frozen=True, slots=True)
class Holds:
    """One thing that is so now. No address and no secret in any of its words."""

    kind: Kind
    about: str  #: which one of its kind: an issue's number, a slot, a file; empty where there is only one
    severity: Severity
    sentence: str
    todo: str  #: what to do about it: a sentence, or a command

    @property
    def key(self) -> str:
        """What makes it the same thing at the next look."""
        return f"{self.kind}:{self.about}" if self.about else str(self.kind)


class Notice(SQLModel, table=True):
    """One thing to tell, from the look that saw it first to the one that saw it gone."""

    key: str = Field(primary_key=True)
    kind: str
    severity: Severity = Field(sa_type=word(Severity))
    sentence: str  #: as it was seen last
    todo: str
    first_seen: datetime  #: since when it holds (this time: it may have come back)
    last_seen: datetime
    resolved_at: datetime | None = None  #: None: it holds


def keep(session: Session, holding: Collection[Holds], now: datetime) -> tuple[list[Notice], list[Notice]]:
    """Write down what holds now (`now` is aware); what is new, and what holds no longer. May be done by two at once."""
    before = {one.key: one for one in session.exec(select(Notice))}
    is_open = {key for key, one in before.items() if one.resolved_at is None}
    for one in holding:
        session.connection().execute(_written(session, one, utc(now)))
    gone = is_open - {one.key for one in holding}
    session.execute(update(Notice).where(col(Notice.key).in_(gone)).values(resolved_at=now))
    session.flush()
    session.expire_all()
    new = [one.key for one in holding if one.key not in is_open]
    return [session.get_one(Notice, key) for key in new], [session.get_one(Notice, key) for key in sorted(gone)]


def _written(session: Session, one: Holds, now: datetime) -> Insert:
    """Insert, see again, or open again, in one statement; since when it holds is kept while it does."""
    notice = insert_into(session, "notice")
    table = notice.table
    words = {
        "severity": one.severity,
        "sentence": without_addresses(one.sentence),
        "todo": without_addresses(one.todo),
        "last_seen": now,
    }
    row = {"key": one.key, "kind": str(one.kind), "first_seen": now, "resolved_at": None, **words}
    since = case((table.c.resolved_at.is_(None), table.c.first_seen), else_=literal(now, table.c.first_seen.type))
    changes = {**words, "resolved_at": None, "first_seen": since}
    return notice.values(row).on_conflict_do_update(index_elements=["key"], set_=changes)


def listed(session: Session, *, closed: int = 20) -> list[Notice]:
    """What holds, worst and oldest first; then the newest so many that hold no longer."""
    rank = {severity: place for place, severity in enumerate(reversed(Severity))}
    is_open = session.exec(select(Notice).where(col(Notice.resolved_at).is_(None))).all()
    query = select(Notice).where(col(Notice.resolved_at).is_not(None)).order_by(col(Notice.resolved_at).desc())
    return [
        *sorted(is_open, key=lambda one: (rank[one.severity], one.first_seen, one.key)),
        *session.exec(query.limit(closed)),
    ]
