"""A mark beside the database: how many calls were ever posted, further attempts included.

A restored backup, an older snapshot, or the wrong file is a ledger that has forgotten whom it mailed. The mark has not:
it is written before each post, in a file of its own, and a ledger behind its mark does not send (security reference
3.5: 32 of 300 doubled without it). A database without a file beside it (PostgreSQL) has another guard: lineage.py.
"""

import errno
import os
import stat
from pathlib import Path

from sqlalchemy import Engine, func
from sqlmodel import Session, col, select

from newsletter.delivery.batch import Batch, Sending
from newsletter.errors import DeliveryError
from newsletter.issues.issue import Issue
from newsletter.issues.wording import numbered

#: The operator's choice, where the ledger does not know what was sent.
CHOICE = (
    "Nothing is sent. Going on makes the calls that it does not know of again: safe only where the provider honours "
    "its key (outbox, resend, ...); with any other, whoever was in them gets a second copy. 'When in doubt' in "
    "docs/guarantees.md helps to decide. To go on: newsletter issue send {number} --after-restore. To end it: "
    "newsletter issue cancel {number}"
)


class PostMark:
    """The mark of one SQLite database; elsewhere it keeps nothing and refuses nothing."""

    def __init__(self, engine: Engine) -> None:
        name = engine.url.database
        files = engine.url.get_backend_name() == "sqlite" and name and name != ":memory:"
        file = Path(name).resolve() if files and name else None
        self.path = file.with_name(f"{file.name}.posted") if file else None
        self._written = 0

    def require_not_behind(self, session: Session, issue_id: int) -> None:
        """Raise DeliveryError where the ledger is older than the last post; the first time, make the mark.

        The sentence names the commands for this issue.

        Made before the first claim, so that a death between a claim and its post does not look like a restore.
        """
        if self.path is None:
            return
        if doubt := self.doubt(session):
            issue = session.get(Issue, issue_id)  # a ledger from before the issue does not know it
            raise DeliveryError(f"{doubt} {CHOICE.format(number=issue.number if issue else issue_id)}")
        known, posted = _posts(session), self.read()
        if posted is None:
            self.accept(session)
        self._written = max(known, posted or 0)

    def doubt(self, session: Session) -> str:
        """Why this ledger is not to be trusted before an operator has said what happened since; empty: it is.

        Changes nothing. While somebody sends the mark may be ahead of what a session has read before.
        """
        if self.path is None:
            return ""
        known, posted = _posts(session), self.read()
        if posted is None and self.unfinished(session):
            return (
                f"There is no {self.path.name} beside the database, and an issue is half sent: was this ledger "
                "restored or copied?"
            )
        if posted is not None and known < posted:
            calls = numbered(known, "call", "calls")
            return (
                f"This ledger is older than the last post: it knows of {calls}, and {posted} were made. Was it "
                "restored from a copy?"
            )
        return ""

    def more(self, calls: int) -> None:
        """Say that so many further calls are about to be posted, each of them claimed or taken again and committed."""
        self.write(self._written + calls)

    def write(self, posts: int) -> None:
        """Say that so many calls were posted in all, or are about to be: durable before it returns. It never sinks.

        In place, and as long as what stands there: a line of one sector is on the disk whole or not at all, and a file
        that keeps its length needs no second write for its size.
        """
        if self.path is None or posts <= self._written:
            return
        file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            os.pwrite(file, f"{posts:019}\n".encode("ascii"), 0)
            os.fdatasync(file)
        finally:
            os.close(file)
        self._written = posts

    def hold(self, session: Session) -> None:
        """This ledger was put back: stand one call further than it knows, so that nothing is sent unasked.

        A mark that stands further is left alone. Raises DeliveryError.
        """
        try:
            self.write(max(_posts(session) + 1, self.read() or 0))
        except OSError as error:
            raise DeliveryError(f"{self.path} cannot be written: {error.strerror or error}. Nothing is sent.") from None

    def accept(self, session: Session) -> None:
        """An operator has said what happened since: go on from what this ledger knows. Raises DeliveryError."""
        self._written = -1
        try:
            self.write(_posts(session))
        except OSError as error:
            raise DeliveryError(f"{self.path} cannot be written: {error.strerror or error}. Nothing is sent.") from None

    def read(self) -> int | None:
        """How many calls were posted, or None where no mark was ever made."""
        try:
            text = _content(self.path) if self.path else ""
            if text and not (text.isascii() and text.isdigit()):
                raise DeliveryError(f"{self.path} is not a mark of ours. Nothing is sent; restore it or remove it.")
            return int(text) if text else None  # made and never written: whoever made it died before the first post
        except FileNotFoundError:
            return None
        except OSError as error:
            raise DeliveryError(f"{self.path} cannot be read: {error.strerror or error}. Nothing is sent.") from None

    def unfinished(self, session: Session) -> bool:
        """Whether calls were made for a sending that is not over."""
        begun = select(Sending.issue_id).join(Batch, col(Batch.issue_id) == col(Sending.issue_id))
        return session.exec(begun.where(col(Sending.finished_at).is_(None)).limit(1)).first() is not None


def _posts(session: Session) -> int:
    """Every claim and every further attempt adds one, in the transaction before its post."""
    return session.exec(select(func.coalesce(func.sum(Batch.attempt), 0))).one()


def _content(path: Path) -> str:
    """What stands in it. A link is not followed, and a pipe not waited for: raises OSError."""
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise OSError(errno.EINVAL, "it is not a plain file")
        return os.read(file, 100).decode("utf-8", "replace").strip("\0\n ")
    finally:
        os.close(file)
