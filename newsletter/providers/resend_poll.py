"""Resend's events by asking: GET /emails with the last event of each, and GET /suppressions with who bounced for good.

Our tag is not in these lists; the id of the message is, which Resend gave in its answer to the call. A list says what
happened last and not when, so an event's time is the message's. "Bounced" does not say whether for good: that is told
by the list of suppressions. Both are newest first. Source: Resend's OpenAPI file.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from newsletter.providers.adapter import Account, checked_options
from newsletter.providers.hooks import Event, Kind
from newsletter.providers.judging import document, member
from newsletter.providers.polls import Found, Page, Span, moment, not_a_page
from newsletter.providers.poster import Answered, Request
from newsletter.providers.resend import ADDRESS

MOST = 100
LISTS = ("emails", "suppressions")
#: `last_event`. An opened or clicked message was delivered; that a machine may have opened it changes nothing of that.
KINDS: Mapping[str, Kind] = {
    "queued": Kind.ACCEPTED,
    "scheduled": Kind.ACCEPTED,
    "sent": Kind.ACCEPTED,
    "delivery_delayed": Kind.DEFERRED,
    "bounced": Kind.SOFT_BOUNCED,
    "delivered": Kind.DELIVERED,
    "opened": Kind.DELIVERED,
    "clicked": Kind.DELIVERED,
    "complained": Kind.COMPLAINED,
    "suppressed": Kind.DROPPED,
    "failed": Kind.BLOCKED,
}
#: `origin` of a suppression; "manual" is somebody's hand in the console, and nothing that happened.
ORIGINS = {"bounce": Kind.HARD_BOUNCED, "complaint": Kind.COMPLAINED, "manual": None}


class ResendPoll:
    """The port of polls, for Resend."""

    name = "Resend"
    tells = "the last event of each message, by its id"
    overlap = timedelta(days=2)  #: a message stays where it is in the list while its last event changes
    reach = timedelta(days=7)
    needs = "full access: a sending key may only send. NEWSLETTER_RESEND_POLL_KEY is one for this alone"

    def __init__(self, account: Account, _domain: str) -> None:
        """Raises ProviderError for any option: there are none."""
        checked_options("Resend", account, {})
        self._base = (account.address or ADDRESS).rstrip("/")
        self._headers = {
            "Accept": "application/json",
            "Authorization": f"Bearer {account.secret}",
            "User-Agent": "newsletter",  # without one Resend answers 403
        }

    def ask(self, span: Span) -> Request:
        """See Poll. A mark is the list, and the id of the last one read: "emails:4ef9a417-…"."""
        name, after = _mark(span)
        asked = urlencode({"limit": MOST, **({"after": after} if after else {})})
        return Request("GET", f"{self._base}/{name}?{asked}", self._headers)

    def page(self, span: Span, said: Answered, /) -> Page:
        """See Poll. A list is read until what it holds is older than the span."""
        name, _ = _mark(span)
        whole = document(said)
        items = whole.get("data") if isinstance(whole, dict) else None
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise not_a_page(self.name)
        last = items[-1] if items else {}
        more = whole.get("has_more") is True and moment(last.get("created_at")) >= span.since
        place = f"{name}:{member(last, 'id')}" if more and member(last, "id") else _next_list(name)
        made = [_email(item) if name == "emails" else _suppression(item) for item in items]
        return Page([one for one in made if one and one.event.at >= span.since], place)


def _mark(span: Span) -> tuple[str, str]:
    name, _, after = span.place.partition(":")
    return (name, after) if name in LISTS else (LISTS[0], "")


def _next_list(name: str) -> str | None:
    return f"{LISTS[1]}:" if name == LISTS[0] else None


def _email(item: Mapping[str, Any]) -> Found:
    name, word, at = member(item, "id"), member(item, "last_event"), moment(item.get("created_at"))
    return Found(Event(KINDS.get(word, Kind.UNKNOWN), "", f"{name}:{word}", at, word), name)


def _suppression(item: Mapping[str, Any]) -> Found | None:
    origin, at = member(item, "origin"), moment(item.get("created_at"))
    kind = ORIGINS.get(origin, Kind.UNKNOWN)
    if kind is None:
        return None
    event = Event(kind, "", f"suppression:{member(item, 'id')}", at, f"suppressed:{origin}")
    return Found(event, member(item, "source_id"), member(item, "email"))
