"""Postmark's events by asking: GET /bounces, and GET /messages/outbound for what it has taken.

A bounce names the message, and the search names our key, so a message that is found there was taken: evidence after a
lost answer. That one was delivered is told only message by message, and is not asked. Both lists are newest first and
show 10,000 at most, and their times are those of New York. Sources: Postmark's Bounce API and Messages API.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from newsletter.providers.adapter import Account, checked_options
from newsletter.providers.hooks import LONGEST_REASON, Event, Kind
from newsletter.providers.judging import document, member
from newsletter.providers.polls import Found, Page, Span, moment, not_a_page
from newsletter.providers.poster import Answered, Request
from newsletter.providers.postmark import ADDRESS, METADATA, OPTIONS
from newsletter.providers.postmark_hook import _event_id, _meaning

MOST, REACHABLE = 500, 10_000  #: of a page; of a search, offset and count together
ZONE = ZoneInfo("America/New_York")
_HOUR = timedelta(hours=1)
#: What is asked, in order: the path, the list's name in an answer.
LISTS = {"bounces": ("/bounces", "Bounces"), "messages": ("/messages/outbound", "Messages")}


class PostmarkPoll:
    """The port of polls, for Postmark."""

    name = "Postmark"
    tells = "bounces, complaints, accepted; not delivered"
    overlap = timedelta(hours=2)
    reach = timedelta(days=7)
    needs = "the server's API token"

    def __init__(self, account: Account, _domain: str) -> None:
        """Raises ProviderError for an unknown option."""
        self._stream = checked_options("postmark", account, OPTIONS)["message_stream"]
        self._base = (account.address or ADDRESS).rstrip("/")
        self._headers = {"Accept": "application/json", "X-Postmark-Server-Token": account.secret}

    def ask(self, span: Span) -> Request:
        """See Poll. A mark is the list and the offset: "bounces:500"."""
        name, offset = _mark(span)
        asked = {"count": MOST, "offset": offset, "fromdate": _local(span.since, -1), "todate": _local(span.until, +1)}
        stream = {"messagestream": self._stream} if name == "messages" else {}
        return Request("GET", f"{self._base}{LISTS[name][0]}?{urlencode({**asked, **stream})}", self._headers)

    def page(self, span: Span, said: Answered, /) -> Page:
        """See Poll."""
        name, offset = _mark(span)
        whole = document(said)
        items = whole.get(LISTS[name][1]) if isinstance(whole, dict) else None
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise not_a_page(self.name)
        found = [_bounce(item) if name == "bounces" else _message(item) for item in items]
        following = offset + MOST
        place = f"{name}:{following}" if len(items) == MOST and following < REACHABLE else _next_list(name)
        return Page(found, place, too_much=not offset and member(whole, "TotalCount", kind=int) > REACHABLE)


def _mark(span: Span) -> tuple[str, int]:
    name, _, offset = span.place.partition(":")
    return (name, int(offset)) if name in LISTS and offset.isdigit() else ("bounces", 0)


def _next_list(name: str) -> str | None:
    return "messages:0" if name == "bounces" else None


def _local(moment_: datetime, sign: int) -> str:
    """The time in New York; an hour wider when the clocks there show it twice."""
    there = moment_.astimezone(ZONE)
    if there.replace(fold=0).utcoffset() != there.replace(fold=1).utcoffset():
        there = (moment_ + sign * _HOUR).astimezone(ZONE)
    return f"{there:%Y-%m-%dT%H:%M:%S}"


def _bounce(item: Mapping[str, Any]) -> Found:
    """As the hook has it, under the same id: a complaint stands among the bounces."""
    record = "SpamComplaint" if member(item, "Type") == "SpamComplaint" else "Bounce"
    kind, word = _meaning("Bounce", item)
    reason = " ".join(filter(None, (member(item, "Description"), member(item, "Details"))))[:LONGEST_REASON]
    at, key = moment(item.get("BouncedAt")), member(item, "Metadata", METADATA)
    return Found(Event(kind, key, _event_id(record, item), at, word, reason), member(item, "MessageID"))


def _message(item: Mapping[str, Any]) -> Found:
    name, status = member(item, "MessageID"), member(item, "Status")
    at, key = moment(item.get("ReceivedAt")), member(item, "Metadata", METADATA)
    return Found(Event(Kind.ACCEPTED, key, f"Message:{name}", at, f"Message:{status}"), name)
