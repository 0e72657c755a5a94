"""Mailgun's webhooks: signed as its documentation says, with django-anymail as a second verifier and reader."""

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from newsletter.errors import ProviderError
from newsletter.providers.hooks import Event, Incoming, Kind
from newsletter.providers.mailgun_hook import MailgunHook

HOOK = MailgunHook()
NOW = datetime(2026, 11, 12, 9, tzinfo=UTC)
TOKEN = "c97a0a2a8a3b0c7c1a97ce06e1f2a7f9c1c5a4f1e8d0b3a29f"
KEY = "made-up-signing-key"
DELIVERED = {"event": "delivered", "timestamp": 1794474000.25, "user-variables": {"nl_delivery": "key-ada"}}


def signature(key: str = KEY, at: datetime = NOW, token: str = TOKEN) -> dict[str, str]:
    """As Mailgun makes it: HMAC-SHA256 of time and token, in hexadecimal."""
    timestamp = str(int(at.timestamp()))
    made = hmac.new(key.encode(), f"{timestamp}{token}".encode(), hashlib.sha256).hexdigest()
    return {"timestamp": timestamp, "token": token, "signature": made}


def incoming(event: Any = DELIVERED, **changes: Any) -> Incoming:
    """A request as Mailgun sends it, with another signature where one is given."""
    whole = {"signature": {**signature(), **changes}, "event-data": event}
    return Incoming({"content-type": "application/json"}, json.dumps(whole).encode())


def parsed(**event: Any) -> Event:
    """One event, read."""
    return HOOK.parse(incoming(event))[0]


def test_a_request_signed_with_our_key_is_believed() -> None:
    """Any of them, while one is being changed."""
    assert HOOK.verify(incoming(), [KEY], NOW)
    assert HOOK.verify(incoming(), ["another", KEY], NOW)
    assert not HOOK.verify(incoming(), ["another"], NOW)


@pytest.mark.parametrize(
    "changes",
    [
        {"timestamp": "1794474001"},
        {"token": "another"},
        {"signature": "0" * 64},
        {"signature": ""},
        {"signature": "naïve"},
        {"signature": "\ud800"},
        {"token": "\ud800"},
        {"token": ""},
        {"timestamp": 1794474000},
        {"timestamp": "nan"},
        {"timestamp": "9" * 400},
        {"timestamp": None},
        {"token": [TOKEN]},
    ],
)
def test_a_changed_or_nonsensical_signature_is_refused_without_an_exception(changes: dict[str, Any]) -> None:
    """A forged request is not a 500."""
    assert not HOOK.verify(incoming(**changes), [KEY], NOW)


@pytest.mark.parametrize("token", ["", "é", "\ud800"])
def test_a_token_must_be_plain_even_where_the_signature_is_right(token: str) -> None:
    """It becomes the event's id: an empty one would be everybody's."""
    made = hmac.new(KEY.encode(), b"1794474000" + token.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()

    assert not HOOK.verify(incoming(token=token, signature=made), [KEY], NOW)


@pytest.mark.parametrize("age", [301, -301, 86400])
def test_a_request_is_fresh_for_five_minutes(age: int) -> None:
    """What was signed does not cover the event, so an old signature must be worth nothing."""
    assert HOOK.verify(incoming(), [KEY], NOW + timedelta(seconds=299 if age > 0 else -299))
    assert not HOOK.verify(incoming(), [KEY], NOW + timedelta(seconds=age))


@pytest.mark.parametrize("secrets", [[], [""]])
def test_without_a_key_the_hook_is_closed(secrets: list[str]) -> None:
    """An empty one is none, though a forger can sign with it (S-50)."""
    assert not HOOK.verify(incoming(**signature(key="")), secrets, NOW)


@given(body=st.binary(max_size=200))
def test_nothing_forged_is_believed_or_crashes(body: bytes) -> None:
    """The body has to be read before anybody is believed."""
    assert not HOOK.verify(Incoming({}, body), [KEY], NOW)


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"[" * 100_000, b"token=a&timestamp=1", b'{"signature":[]}'])
def test_a_body_that_is_no_event_is_refused_and_an_error(body: bytes) -> None:
    """Mailgun's old form among them."""
    assert not HOOK.verify(Incoming({}, body), [KEY], NOW)
    with pytest.raises(ProviderError):
        HOOK.parse(Incoming({}, body))


@pytest.mark.parametrize("changes", [{"token": ""}, {"token": 7}])
def test_an_event_without_a_token_is_an_error(changes: dict[str, Any]) -> None:
    """There would be nothing to count it once by."""
    with pytest.raises(ProviderError):
        HOOK.parse(incoming(**changes))


def test_the_token_is_the_events_id() -> None:
    """A copy with another event under the same signature is the same to us; Mailgun's own id is unique for a day."""
    first, copy = (
        HOOK.parse(incoming({**DELIVERED, "event": word, "id": word}))[0] for word in ("delivered", "failed")
    )

    assert first.event_id == copy.event_id == TOKEN


def test_an_event_has_our_key_its_time_its_word_and_what_was_said() -> None:
    """The key is among the variables that were sent along."""
    event = parsed(
        event="failed",
        severity="permanent",
        reason="bounce",
        timestamp=1794474000.5,
        **{"user-variables": {"nl_delivery": "key-ada"}, "delivery-status": {"message": "no such user", "code": 550}},
    )

    at = NOW + timedelta(seconds=0.5)
    assert event == Event(Kind.HARD_BOUNCED, "key-ada", TOKEN, at, "failed", "no such user")


@pytest.mark.parametrize("key", ["%recipient.nl_key%", "", None, 7, "a b", "é"])
def test_what_is_no_key_of_ours_names_nobody(key: Any) -> None:
    """The placeholder itself, where a message was not merged."""
    assert parsed(event="opened", **{"user-variables": {"nl_delivery": key}}).key == ""


def failed(reason: str = "", severity: str = "permanent", **status: Any) -> dict[str, Any]:
    """A failure."""
    return {"event": "failed", "severity": severity, "reason": reason, "delivery-status": status}


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ({"event": "accepted"}, Kind.ACCEPTED),
        ({"event": "rejected", "reject": {"reason": "Sandbox"}}, Kind.BLOCKED),
        ({"event": "delivered"}, Kind.DELIVERED),
        ({"event": "complained"}, Kind.COMPLAINED),
        ({"event": "unsubscribed"}, Kind.UNSUBSCRIBED),
        ({"event": "opened"}, Kind.OPENED),
        ({"event": "clicked"}, Kind.CLICKED),
        (failed("suppress-bounce", code=605), Kind.DROPPED),
        (failed("suppress-unsubscribe"), Kind.DROPPED),
        (failed("suppress-complaint", code=607), Kind.DROPPED),
        (failed("bounce", code=550), Kind.HARD_BOUNCED),
        (failed("espblock"), Kind.BLOCKED),
        (failed("generic", **{"bounce-type": "hard"}), Kind.HARD_BOUNCED),
        (failed("generic", **{"bounce-type": "soft"}), Kind.SOFT_BOUNCED),
        (failed("generic", **{"bounce-type": "hard", "enhanced-code": "5.7.1"}), Kind.BLOCKED),
        (failed("delayed-bounce", **{"bounce-code": "5.1.1"}), Kind.HARD_BOUNCED),
        (failed("generic", **{"enhanced-code": "5.1.10"}), Kind.HARD_BOUNCED),
        (failed("generic", **{"enhanced-code": "5.1.8"}), Kind.SOFT_BOUNCED),
        (failed("generic", **{"enhanced-code": "5.2.2"}), Kind.SOFT_BOUNCED),
        (failed("generic"), Kind.SOFT_BOUNCED),
        ({"event": "failed"}, Kind.SOFT_BOUNCED),
        (failed("generic", "temporary"), Kind.DEFERRED),
        (failed("bounce", "temporary", **{"enhanced-code": "5.1.1"}), Kind.DEFERRED),
        (failed("old", "temporary"), Kind.SOFT_BOUNCED),
        (failed("old"), Kind.SOFT_BOUNCED),
        ({"event": "failed", "delivery-status": None, "severity": "permanent"}, Kind.SOFT_BOUNCED),
        ({"event": "list_member_uploaded"}, Kind.UNKNOWN),
        ({"event": 7}, Kind.UNKNOWN),
    ],
)
def test_an_event_is_read_as_what_it_means_for_the_reader(event: dict[str, Any], kind: Kind) -> None:
    """Hard only where something says that there is no such mailbox; a temporary failure is still being tried."""
    assert parsed(**event).kind is kind


@pytest.mark.parametrize("said", [None, "soon", 1e300, [], {}])
def test_an_event_without_a_time_happened_when_it_was_signed(said: Any) -> None:
    """By the time that is part of the signature."""
    assert parsed(event="opened", timestamp=said).at == NOW


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (failed("generic", message="m", description="d"), "m"),
        (failed("generic", message="", description="d"), "d"),
        ({"event": "rejected", "reject": {"reason": "no such domain"}}, "no such domain"),
        (failed("old"), "old"),
        (failed("generic", message="x" * 5000), "x" * 300),
    ],
)
def test_a_reason_is_what_the_other_side_said_if_anybody_did(event: dict[str, Any], reason: str) -> None:
    """Cut, where it is a novel."""
    assert parsed(**event).reason == reason


ANYMAILS = {
    "queued": Kind.ACCEPTED,
    "delivered": Kind.DELIVERED,
    "bounced": Kind.HARD_BOUNCED,
    "deferred": Kind.DEFERRED,
    "complained": Kind.COMPLAINED,
    "unsubscribed": Kind.UNSUBSCRIBED,
    "opened": Kind.OPENED,
}


@pytest.mark.parametrize(
    "event",
    [
        {"event": "accepted"},
        {"event": "delivered", "delivery-status": {"code": 250, "message": "OK"}},
        failed("bounce", code=550, message="no such user"),
        failed("generic", "temporary", code=451),
        {"event": "complained"},
        {"event": "unsubscribed"},
        {"event": "opened"},
    ],
)
def test_django_anymail_believes_and_reads_the_same_request_alike(event: dict[str, Any]) -> None:
    """An independent verifier and reader of the same bytes: kind, key, id and time."""
    if not settings.configured:
        settings.configure(USE_TZ=True, ANYMAIL={})
    from anymail.webhooks.mailgun import MailgunTrackingWebhookView  # noqa: PLC0415 - wants Django's settings first
    from django.test import RequestFactory  # noqa: PLC0415

    came = incoming({**DELIVERED, **event})
    request = RequestFactory().post("/", came.body, content_type="application/json")
    view = MailgunTrackingWebhookView(webhook_signing_key=KEY)
    view.validate_request(request)
    theirs, ours = view.parse_events(request)[0], HOOK.parse(came)[0]

    assert HOOK.verify(came, [KEY], NOW)
    assert (ours.kind, ours.key) == (ANYMAILS[theirs.event_type], theirs.metadata["nl_delivery"])
    assert (ours.event_id, ours.at) == (theirs.event_id, theirs.timestamp)
