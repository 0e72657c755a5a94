"""What Amazon SES keeps of addresses: GET /v2/email/suppression/addresses, the account's own suppression list.

Addresses, reasons and times, and neither our key nor a message: it proves nothing of a delivery. That something was
delivered, and soft bounces, are told by SNS alone. Source: ListSuppressedDestinations in botocore's service model.
"""

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from newsletter.providers.adapter import Account
from newsletter.providers.hooks import LONGEST_REASON, Event, Kind
from newsletter.providers.judging import document, member
from newsletter.providers.polls import Found, Page, Span, moment, not_a_page
from newsletter.providers.poster import Answered, Request
from newsletter.providers.ses_access import SesAccess

PATH = "/v2/email/suppression/addresses"
MOST = 1000
KINDS = {"BOUNCE": Kind.HARD_BOUNCED, "COMPLAINT": Kind.COMPLAINED}


class SesPoll:
    """The port of polls, for Amazon SES."""

    name = "Amazon SES"
    tells = "bounced and complaining addresses only"
    overlap = timedelta(days=1)
    reach = timedelta(days=30)
    needs = "the permission ses:ListSuppressedDestinations"

    def __init__(self, account: Account, _sender: str, environment: Mapping[str, str] = os.environ) -> None:
        """Raises ProviderError for a missing region or an unusable secret."""
        self._access = SesAccess.of(account, environment)

    def ask(self, span: Span) -> Request:
        """See Poll; signed now, and good for some minutes. A mark is SES's own token."""
        token = {"NextToken": span.place} if span.place else {}
        asked = {"StartDate": _iso(span.since), "EndDate": _iso(span.until), "PageSize": MOST, **token}
        url = f"{self._access.base}{PATH}?{urlencode(asked, quote_via=quote, safe='')}"
        return Request("GET", url, self._access.signed("GET", url))

    def page(self, _: Span, said: Answered, /) -> Page:
        """See Poll."""
        whole = document(said)
        items = whole.get("SuppressedDestinationSummaries") if isinstance(whole, dict) else None
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise not_a_page(self.name)
        return Page([_found(item) for item in items], member(whole, "NextToken") or None)


def _iso(when: datetime) -> str:
    return f"{when.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _found(item: Mapping[str, Any]) -> Found:
    word, at = member(item, "Reason"), moment(item.get("LastUpdateTime"))
    event_id = f"{word[:20]}:{at.timestamp():.3f}"
    event = Event(KINDS.get(word, Kind.UNKNOWN), "", event_id, at, f"suppressed:{word}"[:LONGEST_REASON])
    return Found(event, address=member(item, "EmailAddress"))
