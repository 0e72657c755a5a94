"""How far a provider has been asked for events: one row for each, moved in the transaction that keeps the events.

A round asks for everything between the end of the last round, less the overlap, and now; in one span, or in several
where a provider shows only so much of one:

    since ── span, page by page ── until ── ... ── goal (now, when the round began)

The cursor is text that is only compared and replaced: who replaces another one than they read has been overtaken, and
keeps nothing. So two pollers at once, or one that was killed, leave neither a gap nor a step back.
"""

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, update
from sqlmodel import Field, Session, SQLModel, col

from newsletter.providers.polls import Page, Poll, Span
from subscribers.upsert import insert_into

#: A round that is older is begun again: a page's mark does not live for ever.
STALE = timedelta(days=1)


class LastPoll(SQLModel, table=True):
    """What is known of asking one provider."""

    __tablename__ = "poll"

    provider: str = Field(primary_key=True)
    cursor: str = ""  #: see Cursor; empty before the first page
    tried_at: datetime | None = None
    last_success: datetime | None = None  #: when everything up to then had been read
    last_error: str = ""  #: of the newest try; empty if it went well
    not_before: datetime | None = None  #: the provider asked to wait


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a round is; or, without a span, how far the last one came."""

    goal: datetime
    span: Span | None = None

    @property
    def text(self) -> str:
        """As it is kept."""
        if self.span is None:
            return json.dumps({"read": self.goal.isoformat()})
        since, until = self.span.since.isoformat(), self.span.until.isoformat()
        return json.dumps({"goal": self.goal.isoformat(), "since": since, "until": until, "place": self.span.place})


def cursor_of(text: str) -> Cursor | None:
    """What was kept; None at the very beginning, and for what nobody can read."""
    try:
        kept: dict[str, str] = json.loads(text)
        if "read" in kept:
            return Cursor(datetime.fromisoformat(kept["read"]))
        since, until, goal = (datetime.fromisoformat(kept[name]) for name in ("since", "until", "goal"))
        return Cursor(goal, Span(since, until, kept["place"]))
    except (ValueError, KeyError, TypeError):
        return None


def begun(kept: Cursor | None, poll: Poll, now: datetime) -> tuple[Cursor, Span]:
    """The round to go on with, or a new one up to now; and its span."""
    if kept and kept.span:
        if now - kept.goal < STALE:
            return kept, kept.span
        return Cursor(now, Span(kept.span.since, now)), Span(kept.span.since, now)
    since = kept.goal - poll.overlap if kept else now - poll.reach
    span = Span(min(since, now - poll.overlap), now)  # a clock that was set back must not turn it around
    return Cursor(now, span), span


def moved(cursor: Cursor, span: Span, page: Page) -> Cursor:
    """The cursor after this page: the next page, the shorter or the next span, or the end of the round."""
    if page.too_much:
        return Cursor(cursor.goal, Span(span.since, span.since + (span.until - span.since) / 2))
    if page.place is not None:
        return Cursor(cursor.goal, replace(span, place=page.place))
    if span.until < cursor.goal:
        return Cursor(cursor.goal, Span(span.until, cursor.goal))
    return Cursor(cursor.goal)


def row(session: Session, provider: str) -> LastPoll:
    """The provider's row, made where there is none."""
    values = {"provider": provider, "cursor": "", "last_error": ""}
    session.connection().execute(insert_into(session, "poll").values(values).on_conflict_do_nothing())
    return session.get_one(LastPoll, provider, populate_existing=True)


def replaced(session: Session, provider: str, old: str, new: str, **values: object) -> bool:
    """Move the cursor, if it is still the one that was read. False where somebody else has moved it."""
    mine = (col(LastPoll.provider) == provider, col(LastPoll.cursor) == old)
    done = session.execute(update(LastPoll).where(*mine).values(cursor=new, **values))
    return bool(cast("CursorResult[Any]", done).rowcount)
