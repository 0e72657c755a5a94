"""Looking at everything every few minutes, keeping what people have to be told of it, and telling them.

Nothing here can stop the weekly job: it has a thread of its own, and a way that fails is tried again later.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from jobs.notices.certificates import certificate_of
from jobs.notices.facts import Certificate, Facts
from jobs.notices.reading import facts
from jobs.notices.rules import holding
from jobs.telling import tell
from newsletter.desk.desk import Desk
from newsletter.desk.notices import Notice, keep
from newsletter.providers.poster import Poster

EVERY = timedelta(minutes=5)
#: Certificates change every two months; whoever is asked more often has nothing new to say.
ASK_EVERY = timedelta(hours=6)

Ask = Callable[[str], Certificate | None]


@dataclass
class Lookout:
    """Looks when it is time, the first time at once, and tells what is due. Numbers of a large list take a second."""

    desk: Desk
    poster: Poster | None = None  #: for the webhook; None: nobody is told anything
    ask: Ask = certificate_of
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    due: datetime | None = None
    ask_again: datetime | None = None
    certificate: Certificate | None = None
    seen: Facts | None = None  #: at the last look

    def __call__(self) -> list[str]:
        """What is worth a line: what is new, what is over, and who cannot be told."""
        said = self._looked() if self.due is None or self.desk.clock() >= self.due else []
        if self.poster and self.desk.config.telling.somebody:
            said += tell(self.desk, self.poster, self.environ)
        return said

    def _looked(self) -> list[str]:
        self.due = self.desk.clock() + EVERY
        if self.ask_again is None or self.desk.clock() >= self.ask_again:
            self.ask_again = self.desk.clock() + ASK_EVERY
            self.certificate = self.ask(self.desk.config.publication.base_url)
        self.seen = facts(self.desk, self.certificate)
        new, gone = _kept(self.desk, self.seen)
        return [
            *(f"{one.severity}: {one.sentence} {one.todo}" for one in new),
            *(f"over: {one.sentence}" for one in gone),
        ]


def look(desk: Desk, certificate: Certificate | None = None) -> tuple[list[Notice], list[Notice]]:
    """Look at everything now: what is new, and what holds no longer."""
    return _kept(desk, facts(desk, certificate))


def _kept(desk: Desk, seen: Facts) -> tuple[list[Notice], list[Notice]]:
    with desk.transaction() as session:
        return keep(session, holding(seen), desk.clock())
