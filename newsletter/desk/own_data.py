"""What is known of one reader, for that reader (GDPR 15): plain values, ready for JSON.

No key and no ref; the keyed hash of an address only as the part of their consent's evidence that it is.
"""

from datetime import datetime
from typing import Any

from sqlmodel import Session

from newsletter.delivery.explain import fates
from newsletter.desk.desk import Desk
from subscribers.address import parse
from subscribers.erasure import facts
from subscribers.subscriber import Subscriber

OF_A_PERSON = (
    "address", "name", "status", "status_since", "signed_up_at", "confirmed_at", "paused_until", "source", "zone",
    "topics", "frequency",
)  # fmt: skip


def own_data(desk: Desk, session: Session, whom: Subscriber) -> dict[str, Any]:
    """Profile, consent, reasons, single mails, issues, votes, bookmarks, suppression. Times are ISO 8601 in UTC."""
    known = facts(session, parse(whom.address or ""), desk.secret)
    return {
        "newsletter": desk.config.publication.name,
        "as_of": _plain(desk.clock()),
        "profile": _fields(whom, *OF_A_PERSON),
        "consent": [
            _fields(event, "kind", "at", "source", "wording", "by") | {"address_hash": event.fingerprint}
            for event in known.events
        ],
        "left": _fields(known.farewell, "why", "at") if known.farewell else None,
        "last_signal": _plain(known.last_signal),
        "single_mails": [_fields(one, "about", "made_at", "handed_at", "post") for one in known.letters],
        "changes_of_address": [
            _fields(one, "made_at", "changed_at", "stage", "address", "old_address") for one in known.changes
        ],
        "issues": [_fields(fate, "issue", "week", "got_it", "when", "why") for fate in fates(session, whom)],
        "votes": [_fields(vote, "comparison", "tool", "choice", "at") for vote in known.votes],
        "bookmarks": [_fields(kept, "tool", "verdict", "percent", "at") for kept in known.bookmarks],
        "suppression": _fields(known.suppression, "reason", "at") if known.suppression else None,
    }


def _fields(thing: object, *names: str) -> dict[str, Any]:
    return {name: _plain(getattr(thing, name)) for name in names}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
