"""What Brevo tells afterwards. It signs nothing: a secret that only Brevo and we know stands in a header.

Brevo gives no event id: one is made of what the event says, so that the same event said again has the same id.
Sources: "Transactional webhooks", "Secure webhook calls" and "Batched webhooks" of its documentation.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from newsletter.errors import ProviderError
from newsletter.providers.adapter import Account, checked_options
from newsletter.providers.brevo import CUSTOM, MARK, OPTIONS
from newsletter.providers.hooks import LONGEST_REASON, Event, Incoming, Kind, any_same, each
from newsletter.providers.judging import member

KINDS: Mapping[str, Kind] = {
    "request": Kind.ACCEPTED,
    "sent": Kind.ACCEPTED,
    "deferred": Kind.DEFERRED,
    "soft_bounce": Kind.SOFT_BOUNCED,
    "delivered": Kind.DELIVERED,
    "hard_bounce": Kind.HARD_BOUNCED,
    "invalid_email": Kind.HARD_BOUNCED,
    "spam": Kind.COMPLAINED,
    "complaint": Kind.COMPLAINED,
    "blocked": Kind.DROPPED,  # on Brevo's own list: it did not try
    "error": Kind.BLOCKED,  # it could not make the message: about the issue, not about them
    "unsubscribe": Kind.UNSUBSCRIBED,
    "unsubscribed": Kind.UNSUBSCRIBED,
    "opened": Kind.OPENED,
    "unique_opened": Kind.OPENED,
    "proxy_open": Kind.OPENED,
    "unique_proxy_open": Kind.OPENED,
    "click": Kind.CLICKED,
}
#: What an event is told apart by; not the webhook's own id, nor the time of posting.
_TOLD_APART = ("event", "message-id", "email", CUSTOM, "ts_epoch", "ts_event", "link", "reason")
_NOT_OURS = "This is no event of Brevo. Let its transactional webhook, and no other, post here."
_MILLISECONDS = 100_000_000_000  #: more than this many are not seconds: the documentation's examples have both


class BrevoHook:
    """The webhook, as hooks.Hook says it."""

    def __init__(self, options: Mapping[str, str]) -> None:
        """Raises ProviderError for an unknown option."""
        self._header = checked_options("brevo", Account("", options), OPTIONS)["hook_header"].lower()

    @property
    def refusal(self) -> int:
        """Whoever is refused did not say who they are."""
        return HTTPStatus.UNAUTHORIZED

    def verify(self, incoming: Incoming, secrets: Sequence[str], now: datetime) -> bool:  # noqa: ARG002 - unsigned: no time to trust
        """Whether one of the secrets stands in our header, or is the bearer's token. Without a secret: never."""
        ours = [secret for secret in secrets if secret]
        scheme, _, token = incoming.headers.get("authorization", "").partition(" ")
        bearer = token.strip() if scheme.lower() == "bearer" else ""
        return any_same(ours, incoming.headers.get(self._header, "")) | any_same(ours, bearer)

    def parse(self, incoming: Incoming) -> Sequence[Event]:
        """The events of a verified body: one, or an array. Raises ProviderError for a body that is not Brevo's.

        That is one in which nothing names an event.
        """
        try:
            found = json.loads(incoming.body)
        except (ValueError, RecursionError):
            found = None
        items = found if isinstance(found, list) else [found]
        if items and not any(member(one, "event") for one in items):
            raise ProviderError(_NOT_OURS)
        return each(items, _event)


def _event(said: Any) -> Event:
    word = member(said, "event")
    if not word:
        raise ProviderError(_NOT_OURS)
    return Event(
        kind=KINDS.get(word, Kind.UNKNOWN),
        key=_key(said),
        event_id=_id(said),
        at=_at(said),
        word=word[:LONGEST_REASON],
        reason=member(said, "reason")[:LONGEST_REASON],
    )


def _key(said: Mapping[str, Any]) -> str:
    """Our delivery's; empty where the header is another programme's, or none."""
    try:
        return str(member(json.loads(member(said, CUSTOM)), MARK))
    except (ValueError, RecursionError):
        return ""


def _id(said: Mapping[str, Any]) -> str:
    """The same for the same event, however often it is posted."""
    text = json.dumps([said.get(name) for name in _TOLD_APART])
    return hashlib.sha256(text.encode()).hexdigest()


def _at(said: Mapping[str, Any]) -> datetime:
    """`ts_epoch` and `ts_event` are UTC; the others are in whatever zone the account is. Raises ProviderError."""
    for name in ("ts_epoch", "ts_event", "ts"):
        moment = said.get(name)
        if isinstance(moment, int | float) and not isinstance(moment, bool):
            try:
                return datetime.fromtimestamp(moment / 1000 if moment > _MILLISECONDS else moment, UTC)
            except (ValueError, OverflowError, OSError):
                continue
    raise ProviderError("This event of Brevo has no time.")
