"""Which history a PostgreSQL database is of: the guard against a failover and a restored copy.

A standby that was promoted before it had everything, a dump in another database, a server wound back to an earlier
moment: each is a ledger that has forgotten whom it mailed (security reference 3.4: 187 of 4,000 doubled without this).
The server's own name for a history is its system identifier and its timeline, which a promotion and a point-in-time
recovery raise; the number of a table beside them tells a dump that was read in again. A crash changes none of them.
What cannot be seen is a copy of the disk, put back as it was.
"""

from collections.abc import Sequence

from sqlalchemy import Engine, text, update
from sqlmodel import Session, col, select

from newsletter.delivery.batch import Batch, Sending
from newsletter.delivery.mark import CHOICE, PostMark
from newsletter.errors import DeliveryError
from newsletter.issues.issue import Issue

#: From the write-ahead log, and not from `pg_control_checkpoint()`: that names the old timeline after a promotion.
LINEAGE = (
    "(select system_identifier from pg_control_system()) || '/' || "
    "substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) || '/' || 'batch'::regclass::oid"
)
_NOW = text(f"select {LINEAGE}")


class Lineage:
    """The mark of a PostgreSQL database: kept with each sending from before its first claim."""

    path = None  #: there is no file

    def require_not_behind(self, session: Session, issue_id: int) -> None:
        """Raise DeliveryError where any sending that is not over began in another history; else keep this one's."""
        if doubt := self.doubt(session):
            issue = session.get(Issue, issue_id)
            raise DeliveryError(f"{doubt} {CHOICE.format(number=issue.number if issue else issue_id)}")
        here = lineage_now(session)
        for sending in _unfinished(session):
            sending.lineage = here
        session.flush()

    def doubt(self, session: Session) -> str:
        """Why this ledger is not to be trusted before an operator has said what happened since; empty: it is."""
        here = lineage_now(session)
        if any(one.lineage != here for one in _unfinished(session) if one.lineage or _begun(session, one)):
            return (
                "This ledger is not the one that the sending began in: another server took over, or a copy was "
                "restored, and the last calls may be missing in it."
            )
        return ""

    def more(self, calls: int) -> None:
        """The claim itself is the mark."""

    def accept(self, session: Session) -> None:
        """An operator has said what happened since: go on from what this ledger knows."""
        values = {"lineage": lineage_now(session)}
        session.execute(update(Sending).where(col(Sending.finished_at).is_(None)).values(values))


def mark_of(engine: Engine) -> PostMark | Lineage:
    """What guards this database against being older than what was sent."""
    return Lineage() if engine.dialect.name == "postgresql" else PostMark(engine)


def lineage_now(session: Session) -> str:
    """The history that this server is in, like "7421…/00000001/16402"."""
    return str(session.connection().execute(_NOW).scalar_one())


def _unfinished(session: Session) -> Sequence[Sending]:
    return session.exec(select(Sending).where(col(Sending.finished_at).is_(None))).all()


def _begun(session: Session, sending: Sending) -> bool:
    return session.exec(select(Batch.id).where(Batch.issue_id == sending.issue_id).limit(1)).first() is not None
