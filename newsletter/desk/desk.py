"""The desk: all that its acts need, built once at a door."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine
from sqlmodel import Session

from newsletter.config import Config
from newsletter.database import reading, transaction
from newsletter.delivery.addressing import Addressing
from newsletter.issues.issue import Issue, find, issues
from newsletter.providers.base import Provider
from subscribers.tokens import Keys


@dataclass(frozen=True, slots=True)
class Desk:
    """Settings, database, keys, provider, templates and clock, as arguments of everything below the doors."""

    config: Config
    engine: Engine
    secret: bytes
    keys: Keys
    provider: Provider
    templates: Path
    clock: Callable[[], datetime]
    fallback: Provider | None = None

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """One session, committed at the end."""
        with transaction(self.engine) as session:
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """One session that only reads, and holds nobody up."""
        with reading(self.engine) as session:
            yield session

    def find(self, session: Session, which: str) -> Issue:
        """The issue of this number, this week ("2026-W47"), or the newest ("latest"). Raises IssueError."""
        newsletter = self.config.publication.slug
        if which == "latest" and (found := issues(session, newsletter)):
            return found[0]
        return find(session, newsletter, "1" if which == "latest" else which)

    def addressing(self, issue: Issue, base_url: str) -> Addressing:
        """What turns a subscriber into a recipient of this issue; links begin as the rendered issue says."""
        return Addressing(self.keys, base_url, issue_id=issue.id or 0, week=issue.week)
