"""Mailgun's events by asking: GET /v3/DOMAIN/events, in pages of 300, oldest first.

Events reach Mailgun's store out of order and some of them late; a page is to be trusted when it is half an hour old
("Event Polling" in its documentation). So an hour is read again each time. Pages are linked, and the last one is empty.
"""

import base64
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from newsletter.errors import ProviderError
from newsletter.providers.adapter import Account, checked_options
from newsletter.providers.hooks import LONGEST_REASON, Event
from newsletter.providers.judging import document, member
from newsletter.providers.mailgun import OPTIONS, REGIONS, _choice, _domain
from newsletter.providers.mailgun_hook import _key, _kind
from newsletter.providers.polls import Found, Page, Span, moment, not_a_page
from newsletter.providers.poster import Answered, Request

MOST = 300


class MailgunPoll:
    """The port of polls, for Mailgun."""

    name = "Mailgun"
    tells = "everything, by our key"
    overlap = timedelta(hours=1)
    reach = timedelta(days=3)
    needs = "a key of the whole account: a sending key may only send. NEWSLETTER_MAILGUN_POLL_KEY is one for this alone"

    def __init__(self, account: Account, domain: str) -> None:
        """`domain`: the sender's, where no option names another. Raises ProviderError for options not usable."""
        options = checked_options("mailgun", account, OPTIONS)
        self._base = account.address.rstrip("/") or _choice("region", options["region"], REGIONS)
        self._path = f"/v3/{_domain(options['domain']) or domain}/events"
        key = base64.b64encode(f"api:{account.secret}".encode()).decode("ascii")
        self._headers = {"Authorization": f"Basic {key}", "Accept": "application/json"}

    def ask(self, span: Span) -> Request:
        """See Poll. A mark is the path of the next page, below our own base address."""
        times = {"begin": f"{span.since.timestamp():.6f}", "end": f"{span.until.timestamp():.6f}"}
        first = f"{self._path}?{urlencode({**times, 'limit': MOST})}"
        return Request("GET", self._base + (span.place or first), self._headers)

    def page(self, _: Span, said: Answered, /) -> Page:
        """See Poll."""
        whole = document(said)
        items = whole.get("items") if isinstance(whole, dict) else None
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise not_a_page(self.name)
        return Page([self._found(item) for item in items], self._place(whole) if items else None)

    def _found(self, item: Mapping[str, Any]) -> Found:
        status, at = member(item, "delivery-status", kind=dict), moment(item.get("timestamp"))
        name = member(item, "id")  # unique for a day only
        said = (member(status, "message"), member(status, "description"), member(item, "reject", "reason"))
        return Found(
            Event(
                kind=_kind(item),
                key=_key(item),
                event_id=f"poll:{name}:{at.timestamp():.3f}" if name else "",
                at=at,
                word=member(item, "event")[:LONGEST_REASON],
                reason=next(filter(None, said), member(item, "reason"))[:LONGEST_REASON],
            )
        )

    def _place(self, whole: Mapping[str, Any]) -> str:
        """The path of the next page. Raises ProviderError for one that is not below where we ask."""
        link: str = member(whole, "paging", "next")
        ours, theirs = urlsplit(self._base), urlsplit(link)
        path: str = theirs.path.removeprefix(ours.path)
        if (theirs.scheme, theirs.netloc) != (ours.scheme, ours.netloc) or not path.startswith(f"{self._path}/"):
            raise ProviderError("Mailgun's next page of events is somewhere else than the first. It is not asked for.")
        return path + (f"?{theirs.query}" if theirs.query else "")
