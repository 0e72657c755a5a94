"""Asking one provider for everything that it has to say: page by page, each kept and remembered in one transaction.

Whatever goes wrong, the cursor stands where the last kept page left it: the next poll goes on from there, and what it
reads twice is known. No request is made while a transaction is open.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import Engine

from newsletter.database import transaction
from newsletter.delivery.poll_keeping import Kept, keep
from newsletter.delivery.poll_table import Cursor, begun, cursor_of, moved, replaced, row
from newsletter.errors import DatabaseError
from newsletter.providers.polls import Page, Poll, Span, Trouble, read
from newsletter.providers.poster import Limits, Poster

#: Pages of one poll; what is left is for the next one.
MOST_PAGES = 2_000
#: A provider that throttles is waited for this long at once, and in one poll (seconds).
LONGEST_WAIT, ALL_WAITS = 15.0, 300.0
#: What a wait is where it names none.
USUAL_WAIT = 1.0
#: A page is at most some thousand events of some hundred bytes.
LIMITS = Limits(whole=60.0, connections=1, answer_bytes=16_000_000)
PARTLY = "so much happened within a minute that it does not show all of it. The rest is not read."
#: A span that is not halved any more.
SHORTEST = timedelta(minutes=1)


@dataclass
class Told:
    """What became of one poll."""

    kept: Kept = field(default_factory=Kept)
    pages: int = 0
    trouble: str = ""  #: why it ended before the end; empty if everything is read
    partly: bool = False  #: so much happened within a minute that the provider does not show all of it
    news: bool = True  #: whether the trouble is another one than that of the poll before
    at: datetime | None = None  #: up to when everything is read


class _Overtaken(Exception):
    """Somebody else has moved the cursor: nothing of this page is kept."""


@dataclass
class Poller:
    """Asks one provider."""

    engine: Engine
    provider: str  #: its name, as its events have it
    poll: Poll
    poster: Poster
    clock: Callable[[], datetime]
    pause: Callable[[float], object] = time.sleep
    enough: Callable[[], bool] = lambda: False  #: whether somebody has asked to stop
    most: int = MOST_PAGES  #: pages
    _waited: float = 0.0

    def run(self) -> Told:
        """Read until there is nothing left, or something is in the way. Raises DatabaseError."""
        told, seen = Told(), set[Span]()
        old = self._begin(told)
        if told.trouble:
            return told
        cursor, span = begun(cursor_of(old), self.poll, self.clock())
        while told.pages < self.most and not self.enough():
            page = self._page(span)
            if isinstance(page, Page) and span in seen:
                page = Trouble(f"{self.poll.name} leads in a circle: a page comes twice.", again=True)
            if isinstance(page, Trouble):
                return self._troubled(told, old, cursor, page)
            seen.add(span)
            page = _settled(told, span, page)
            cursor = moved(cursor, span, page)
            try:
                told.kept += self._keep(page, old, cursor)
            except _Overtaken:
                told.trouble = f"{self.poll.name} is being asked by another process too. That one goes on."
                return told
            old, told.pages = cursor.text, told.pages + 1
            if cursor.span is None:
                told.at = cursor.goal
                return told
            span = cursor.span
        told.trouble = f"{self.poll.name} has more to say: {told.pages:,} pages are read. The next poll goes on."
        return told

    def _begin(self, told: Told) -> str:
        """The cursor; and trouble where the provider has asked to be left alone until later."""
        with transaction(self.engine) as session:
            kept = row(session, self.provider)
            if kept.not_before and kept.not_before > self.clock():
                told.trouble, told.news = kept.last_error, False
            return kept.cursor

    def _page(self, span: Span) -> Page | Trouble:
        """A page; a short wait that a provider asks for is kept here."""
        while True:
            page = read(self.poll, span, self.poster.post(self.poll.ask(span)))
            if isinstance(page, Page) or not page.throttled or page.wait > LONGEST_WAIT or self._waited > ALL_WAITS:
                return page
            self._waited += page.wait or USUAL_WAIT
            self.pause(page.wait or USUAL_WAIT)
            if self.enough():
                return page

    def _keep(self, page: Page, old: str, cursor: Cursor) -> Kept:
        """The events of a page, and that it has been read: both, or neither."""
        now = self.clock()
        values: dict[str, object] = {"tried_at": now, "not_before": None, "last_error": ""}
        if cursor.span is None:
            values["last_success"] = now
        with transaction(self.engine) as session:
            if not replaced(session, self.provider, old, cursor.text, **values):
                raise _Overtaken
            return Kept() if page.too_much else keep(session, self.provider, page.found, now)

    def _troubled(self, told: Told, old: str, cursor: Cursor, trouble: Trouble) -> Told:
        """Write down what is in the way. The cursor stays, or goes back to the first page of its span."""
        now, new = self.clock(), old
        if trouble.again and cursor.span:
            new = Cursor(cursor.goal, Span(cursor.span.since, cursor.span.until)).text
        until = now + timedelta(seconds=trouble.wait) if trouble.throttled else None
        told.trouble = trouble.reason
        try:
            with transaction(self.engine) as session:
                told.news = row(session, self.provider).last_error != trouble.reason
                values = {"tried_at": now, "last_error": trouble.reason, "not_before": until}
                replaced(session, self.provider, old, new, **values)
        except DatabaseError as error:  # said, and nothing else: the cursor is where it was
            told.trouble += f" {error}"
        return told


def _settled(told: Told, span: Span, page: Page) -> Page:
    """The page; where its span cannot be made shorter any more, what it shows is all that there is."""
    if not page.too_much or span.until - span.since > SHORTEST:
        return page
    told.partly = True
    return replace(page, too_much=False)
