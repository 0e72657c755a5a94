"""What SendGrid keeps of addresses: GET /v3/suppression/ with bounces, blocks, spam_reports and invalid_emails.

These lists hold addresses and times, and neither our key nor a message: they prove nothing of a delivery. Who bounced
hard or complained is suppressed; that something was delivered is never told. (Its Email Activity API would tell more,
and is sold apart.) Source: SendGrid's OpenAPI file of suppressions.
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
from newsletter.providers.sendgrid import OPTIONS, REGIONS, _choice

MOST = 500
#: In this order, and what an address in it means; a bounce is looked at more closely.
LISTS: Mapping[str, Kind] = {
    "bounces": Kind.HARD_BOUNCED,
    "spam_reports": Kind.COMPLAINED,
    "invalid_emails": Kind.HARD_BOUNCED,
    "blocks": Kind.BLOCKED,
}
#: RFC 3463: how a `status` begins that does not say that the mailbox is gone.
NOT_GONE: Mapping[str, Kind] = {
    "4.": Kind.SOFT_BOUNCED,
    "5.2.2": Kind.SOFT_BOUNCED,
    "5.2.3": Kind.BLOCKED,
    "5.3.": Kind.SOFT_BOUNCED,
    "5.4.": Kind.SOFT_BOUNCED,
    "5.6.": Kind.BLOCKED,
    "5.7.": Kind.BLOCKED,
}


class SendGridPoll:
    """The port of polls, for SendGrid."""

    name = "SendGrid"
    tells = "bounced and complaining addresses only"
    overlap = timedelta(days=1)
    reach = timedelta(days=30)
    needs = "read access to Suppressions; NEWSLETTER_SENDGRID_POLL_KEY is a key for this alone"

    def __init__(self, account: Account, _domain: str) -> None:
        """Raises ProviderError for an unknown option."""
        options = checked_options("sendgrid", account, OPTIONS)
        self._base = account.address.rstrip("/") or _choice("region", options["region"], REGIONS)
        self._headers = {"Authorization": f"Bearer {account.secret}", "Accept": "application/json"}

    def ask(self, span: Span) -> Request:
        """See Poll. A mark is the list and the offset: "blocks:500"."""
        name, offset = _mark(span)
        times = {"start_time": int(span.since.timestamp()), "end_time": int(span.until.timestamp()) + 1}
        asked = urlencode({**times, "limit": MOST, "offset": offset})
        return Request("GET", f"{self._base}/v3/suppression/{name}?{asked}", self._headers)

    def page(self, span: Span, said: Answered, /) -> Page:
        """See Poll."""
        name, offset = _mark(span)
        items = document(said)
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise not_a_page(self.name)
        place = f"{name}:{offset + MOST}" if len(items) >= MOST else _next_list(name)
        return Page([_found(name, item) for item in items], place)


def _mark(span: Span) -> tuple[str, int]:
    name, _, offset = span.place.partition(":")
    return (name, int(offset)) if name in LISTS and offset.isdigit() else (next(iter(LISTS)), 0)


def _next_list(name: str) -> str | None:
    names = list(LISTS)
    following = names[names.index(name) + 1 :]
    return f"{following[0]}:0" if following else None


def _found(name: str, item: Mapping[str, Any]) -> Found:
    kind, status, at = LISTS[name], member(item, "status"), moment(item.get("created"))
    if name == "bounces":
        kind = next((found for start, found in NOT_GONE.items() if status.startswith(start)), kind)
    return Found(Event(kind, "", f"{name}:{at.timestamp():.0f}", at, name), address=member(item, "email"))
