"""A mark beside the database: the newest batch that was ever posted.

A restored backup, an older snapshot, or the wrong file is a ledger that has forgotten whom it mailed. The mark has not:
it is written before each post, in a file of its own, and a ledger behind its mark does not send (security reference
3.5: 32 of 300 doubled without it). A database without a file beside it (PostgreSQL) has another guard, its lineage.
"""

import os
from pathlib import Path

from sqlalchemy import Engine, func
from sqlmodel import Session, col, select

from newsletter.delivery.batch import Batch, Sending
from newsletter.errors import DeliveryError


class PostMark:
    """The mark of one SQLite database; elsewhere it keeps nothing and refuses nothing."""

    def __init__(self, engine: Engine) -> None:
        name = engine.url.database
        files = engine.url.get_backend_name() == "sqlite" and name and name != ":memory:"
        file = Path(name).resolve() if files and name else None
        self.path = file.with_name(f"{file.name}.posted") if file else None
        self._written = 0

    def require_not_behind(self, session: Session) -> None:
        """Raise DeliveryError where the ledger is older than the last post; the first time, make the mark.

        Made before the first claim, so that a death between a claim and its post does not look like a restore.
        """
        newest = _newest(session)
        if self.path is None:
            return
        posted = self.read()
        if posted is None and self._unfinished(session):
            raise DeliveryError(
                f"There is no {self.path.name} beside the database, and an issue is half sent: was this ledger "
                "restored or copied? Nothing is sent. If you know who has the issue: newsletter issue send N "
                "--after-restore; if not, cancel it."
            )
        if posted is not None and newest < posted:
            raise DeliveryError(
                f"This ledger is older than the last post (batch {newest} < {posted}): was it restored? Nothing is "
                "sent. If you know who has the issue: newsletter issue send N --after-restore; if not, cancel it."
            )
        if posted is None:
            self.accept(session)

    def write(self, batch_id: int) -> None:
        """Say that this batch is about to be posted: durable before it returns.

        In place, and as long as what stands there: a line of one sector is on the disk whole or not at all, and a file
        that keeps its length needs no second write for its size.
        """
        if self.path is None or batch_id <= self._written:
            return
        file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            os.pwrite(file, f"{batch_id:019}\n".encode("ascii"), 0)
            os.fdatasync(file)
        finally:
            os.close(file)
        self._written = batch_id

    def accept(self, session: Session) -> None:
        """An operator has said what happened since: go on from what this ledger knows. Raises DeliveryError."""
        self._written = -1
        try:
            self.write(_newest(session))
        except OSError as error:
            raise DeliveryError(f"{self.path} cannot be written: {error.strerror or error}. Nothing is sent.") from None

    def read(self) -> int | None:
        """The newest batch that was posted, or None where no mark was ever made."""
        try:
            text = self.path.read_text().strip("\0\n ") if self.path else ""
            return int(text) if text else None  # made and never written: whoever made it died before the first post
        except FileNotFoundError:
            return None
        except OSError as error:
            raise DeliveryError(f"{self.path} cannot be read: {error.strerror or error}. Nothing is sent.") from None
        except ValueError:
            raise DeliveryError(
                f"{self.path} is not a mark of ours. Nothing is sent; restore it or remove it."
            ) from None

    def _unfinished(self, session: Session) -> bool:
        begun = select(Sending.issue_id).join(Batch, col(Batch.issue_id) == col(Sending.issue_id))
        return session.exec(begun.where(col(Sending.finished_at).is_(None)).limit(1)).first() is not None


def _newest(session: Session) -> int:
    return session.exec(select(func.max(Batch.id))).one() or 0
