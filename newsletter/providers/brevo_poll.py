"""Brevo's events by asking: GET /v3/smtp/statistics/events, whole days, in the order in which they were recorded.

Our key does not come back; the id of the message does, which Brevo gave in its answer to the call. So after a lost
answer this proves nothing. What a day is depends on the account, so the day before is asked for too. Events are
appended, late ones as well. Source: "Get all your transactional email activity" of its API reference.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from newsletter.providers.adapter import Account, checked_options
from newsletter.providers.brevo import ADDRESS, OPTIONS
from newsletter.providers.hooks import LONGEST_REASON, Event, Kind
from newsletter.providers.judging import document, member
from newsletter.providers.polls import Found, Page, Span, moment, not_a_page
from newsletter.providers.poster import Answered, Request

PATH = "/v3/smtp/statistics/events"
MOST = 2500  #: the limit's default
DAY, FURTHEST = timedelta(days=1), timedelta(days=88)  #: a range has at most 90 days
#: Its own words, in small letters and without lines: the reports spell them otherwise than the webhooks.
KINDS: Mapping[str, Kind] = {
    "requests": Kind.ACCEPTED,
    "request": Kind.ACCEPTED,
    "sent": Kind.ACCEPTED,
    "deferred": Kind.DEFERRED,
    "bounces": Kind.SOFT_BOUNCED,
    "softbounces": Kind.SOFT_BOUNCED,
    "softbounce": Kind.SOFT_BOUNCED,
    "delivered": Kind.DELIVERED,
    "hardbounces": Kind.HARD_BOUNCED,
    "hardbounce": Kind.HARD_BOUNCED,
    "invalid": Kind.HARD_BOUNCED,
    "invalidemail": Kind.HARD_BOUNCED,
    "spam": Kind.COMPLAINED,
    "blocked": Kind.DROPPED,
    "error": Kind.BLOCKED,
    "unsubscribed": Kind.UNSUBSCRIBED,
    "opened": Kind.OPENED,
    "open": Kind.OPENED,
    "loadedbyproxy": Kind.OPENED,
    "proxyopen": Kind.OPENED,
    "clicks": Kind.CLICKED,
    "click": Kind.CLICKED,
}
_TOLD_APART = ("messageId", "event", "date", "email", "link", "reason")


class BrevoPoll:
    """The port of polls, for Brevo."""

    name = "Brevo"
    tells = "everything, by its id of the message"
    overlap = timedelta(hours=1)
    reach = timedelta(days=7)
    needs = "an API key of this account, and this machine's address among those that the account allows"

    def __init__(self, account: Account, _domain: str) -> None:
        """Raises ProviderError for an unknown option."""
        checked_options("brevo", account, OPTIONS)
        self._url = (account.address or ADDRESS).rstrip("/") + PATH
        self._headers = {"api-key": account.secret, "Accept": "application/json"}

    def ask(self, span: Span) -> Request:
        """See Poll. A mark is the offset."""
        since = max(span.since - DAY, span.until - FURTHEST)
        days = {"startDate": f"{since:%Y-%m-%d}", "endDate": f"{span.until:%Y-%m-%d}"}
        asked = {**days, "sort": "asc", "limit": MOST, "offset": _offset(span)}
        return Request("GET", f"{self._url}?{urlencode(asked)}", self._headers)

    def page(self, span: Span, said: Answered, /) -> Page:
        """See Poll. Where nothing happened the list is missing."""
        whole = document(said)
        items = whole.get("events", None if whole else []) if isinstance(whole, dict) else None
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise not_a_page(self.name)
        place = str(_offset(span) + MOST) if len(items) >= MOST else None
        return Page([_found(item) for item in items], place)


def _offset(span: Span) -> int:
    return int(span.place) if span.place.isdigit() else 0


def _found(item: Mapping[str, Any]) -> Found:
    word = member(item, "event")
    told = json.dumps([item.get(name) for name in _TOLD_APART])
    event = Event(
        kind=KINDS.get(word.replace("_", "").lower(), Kind.UNKNOWN),
        key="",
        event_id=f"poll:{hashlib.sha256(told.encode()).hexdigest()}",
        at=moment(item.get("date")),
        word=word[:LONGEST_REASON],
        reason=member(item, "reason")[:LONGEST_REASON],
    )
    return Found(event, member(item, "messageId"))
