"""Brevo's webhooks: the secret, since nothing is signed, and events beside those that django-anymail reads."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from anymail.webhooks.brevo import BrevoTrackingWebhookView
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from newsletter.errors import ProviderError
from newsletter.providers.brevo_hook import BrevoHook
from newsletter.providers.hooks import UNREADABLE, Event, Hook, Incoming, Kind

NOW = datetime(2026, 11, 12, 9, tzinfo=UTC)
SECRETS = ("made-up-secret", "the next one")

#: Brevo's word → our kind, what anymail calls it.
WORDS = {
    "request": (Kind.ACCEPTED, "queued"),
    "deferred": (Kind.DEFERRED, "deferred"),
    "soft_bounce": (Kind.SOFT_BOUNCED, "bounced"),
    "delivered": (Kind.DELIVERED, "delivered"),
    "hard_bounce": (Kind.HARD_BOUNCED, "bounced"),
    "invalid_email": (Kind.HARD_BOUNCED, "bounced"),
    "spam": (Kind.COMPLAINED, "complained"),
    "complaint": (Kind.COMPLAINED, "complained"),
    "blocked": (Kind.DROPPED, "rejected"),
    "error": (Kind.BLOCKED, "failed"),
    "unsubscribe": (Kind.UNSUBSCRIBED, "unsubscribed"),
    "opened": (Kind.OPENED, "opened"),
    "unique_opened": (Kind.OPENED, "opened"),
    "proxy_open": (Kind.OPENED, "opened"),
    "unique_proxy_open": (Kind.OPENED, "opened"),
    "click": (Kind.CLICKED, "clicked"),
    "something_new": (Kind.UNKNOWN, "unknown"),
}


def event(word: str = "delivered", **other: Any) -> dict[str, Any]:
    """An event as Brevo's documentation shows it."""
    return {
        "event": word,
        "email": "ada@example.org",
        "id": 26224,
        "date": "2026-11-12 09:30:00",
        "ts": 1794475800,
        "message-id": "<201798300811.5787683@relay.example>",
        "ts_event": 1794475800,
        "subject": "Patchwork ships",
        "X-Mailin-custom": '{"nl_delivery":"key-ada"}',
        "ts_epoch": 1794475800123,
        **other,
    }


def posted(document: Any, **headers: str) -> Incoming:
    """The request; `x_newsletter_secret="s"` becomes a header."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return Incoming({name.replace("_", "-"): value for name, value in headers.items()}, body)


def parsed(document: Any) -> Event:
    """The only event."""
    (found,) = BrevoHook({}).parse(posted(document))
    return found


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("scheme", ["Bearer ", "bearer  "])
def test_the_bearers_token_is_one_of_the_secrets(secret: str, scheme: str) -> None:
    """Two at a time, while one is being changed."""
    assert BrevoHook({}).verify(posted(event(), authorization=scheme + secret), SECRETS, NOW)


@pytest.mark.parametrize("secret", SECRETS)
def test_a_custom_header_holds_one_of_the_secrets(secret: str) -> None:
    """Ours by default, or the one in the settings."""
    assert BrevoHook({}).verify(posted(event(), x_newsletter_secret=secret), SECRETS, NOW)
    assert BrevoHook({"hook_header": "X-Other"}).verify(posted(event(), x_other=secret), SECRETS, NOW)
    assert not BrevoHook({"hook_header": "X-Other"}).verify(posted(event(), x_newsletter_secret=secret), SECRETS, NOW)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer made-up"},
        {"authorization": "Bearer "},
        {"authorization": "Basic made-up-secret"},
        {"authorization": "made-up-secret"},
        {"x_newsletter_secret": "made-up-secre"},
        {"x_newsletter_secret": "made-up-secret "},
        {"x_newsletter_secret": "sécret"},
        {"x_newsletter_secret": "\udcff"},
        {"x_newsletter_secret": ""},
        {"x_secret": "made-up-secret"},
    ],
)
def test_whoever_does_not_know_the_secret_is_refused(headers: dict[str, str]) -> None:
    """Absent, wrong, of another kind, or not even ASCII; nothing is raised."""
    assert not BrevoHook({}).verify(posted(event(), **headers), SECRETS, NOW)


@pytest.mark.parametrize("secrets", [(), ("",)])
def test_without_a_secret_the_hook_is_closed(secrets: tuple[str, ...]) -> None:
    """Also to a request with an empty one (S-50)."""
    hook: Hook = BrevoHook({})

    assert not hook.verify(posted(event()), secrets, NOW)
    assert not hook.verify(posted(event(), x_newsletter_secret="", authorization="Bearer "), secrets, NOW)
    assert hook.refusal == 401


def test_an_unknown_option_is_refused() -> None:
    """As the adapter does."""
    with pytest.raises(ProviderError, match="hook_header"):
        BrevoHook({"header": "x"})


@pytest.mark.parametrize("word", WORDS)
def test_an_event_is_what_anymail_reads(word: str) -> None:
    """Soft, hard and blocked are told apart here, where anymail has one word for them."""
    if not settings.configured:
        settings.configure()
    theirs = BrevoTrackingWebhookView(webhook_secret="user:password").esp_to_anymail_event(event(word))
    ours = parsed(event(word))

    assert (ours.kind, theirs.event_type) == WORDS[word]
    assert (ours.at, ours.word) == (theirs.timestamp, word)
    assert theirs.metadata == {"nl_delivery": ours.key}


def test_an_event_names_our_delivery() -> None:
    """By the custom header, under a name of ours."""
    assert parsed(event()).key == "key-ada"
    assert parsed(event(reason="mailbox full")).reason == "mailbox full"


@pytest.mark.parametrize("custom", ["key-ada", '{"key":"x"}', '{"nl_delivery":7}', "[1]", "7", "", None, 7])
def test_another_programmes_event_is_nobodys(custom: Any) -> None:
    """Somebody else sends through the same account."""
    assert parsed(event(**{"X-Mailin-custom": custom})).key == ""


def test_the_same_event_has_the_same_id() -> None:
    """Posted again, by another webhook, or in another zone's words."""
    again = event(id=7, date="2026-11-12 10:30:00", ts=1)

    assert parsed(event()).event_id == parsed(again).event_id


@pytest.mark.parametrize(
    "other",
    [
        {"event": "opened"},
        {"message-id": "<other>"},
        {"ts_epoch": 1794475800124},
        {"X-Mailin-custom": '{"nl_delivery":"key-bo"}'},
        {"email": "bo@example.org"},
        {"link": "https://x"},
        {"reason": "x"},
        {"ts_event": 1},
    ],
    ids=lambda other: next(iter(other)),
)
def test_another_event_has_another_id(other: dict[str, Any]) -> None:
    """Whatever differs; and no address can be read from it."""
    assert parsed(event()).event_id != parsed(event(**other)).event_id
    assert "example.org" not in parsed(event()).event_id


@pytest.mark.parametrize(
    ("times", "at"),
    [
        ({"ts_epoch": 1794475800123}, datetime.fromtimestamp(1794475800.123, UTC)),
        ({"ts_epoch": 1794475800}, datetime.fromtimestamp(1794475800, UTC)),
        ({"ts_epoch": None, "ts_event": 1794475801}, datetime.fromtimestamp(1794475801, UTC)),
        ({"ts_epoch": "x", "ts_event": True, "ts": 1794475802}, datetime.fromtimestamp(1794475802, UTC)),
        ({"ts_epoch": 1e300, "ts_event": 1794475801}, datetime.fromtimestamp(1794475801, UTC)),
    ],
)
def test_the_time_is_in_utc(times: dict[str, Any], at: datetime) -> None:
    """Milliseconds as documented, or seconds as the documentation's own example has them; never the account's zone."""
    assert parsed(event(**times)).at == at


def test_events_may_come_in_an_array() -> None:
    """Batched webhooks."""
    found = BrevoHook({}).parse(posted([event("request"), event("delivered")]))

    assert [one.kind for one in found] == [Kind.ACCEPTED, Kind.DELIVERED]
    assert not BrevoHook({}).parse(posted([]))


@pytest.mark.parametrize(
    "body",
    [b"", b"\xff", b"{}", b"null", b"7", b'"x"', b"[null]", b'{"items":[]}', b'{"event":7}'],
)
def test_a_body_that_is_not_brevos_is_an_error(body: bytes) -> None:
    """An inbound webhook among them."""
    with pytest.raises(ProviderError):
        BrevoHook({}).parse(posted(body))


@pytest.mark.parametrize("damaged", [None, 7, [], {}, {"event": "hard_bounce"}, {"event": 7, "ts": 1794475802}])
def test_one_damaged_event_in_an_array_costs_the_others_nothing(damaged: Any) -> None:
    """It is kept as unknown, with an id that it has again when Brevo repeats it."""
    first, second, third = BrevoHook({}).parse(posted([event(), damaged, event(event="spam")]))
    again = BrevoHook({}).parse(posted([event(), damaged]))[1]

    assert [first.kind, third.kind] == [Kind.DELIVERED, Kind.COMPLAINED]
    assert (second.kind, second.word, second.key) == (Kind.UNKNOWN, UNREADABLE, "")
    assert again == second


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists, max_leaves=5))
def test_any_value_of_any_field_is_read_or_refused(value: Any) -> None:
    """Never another exception."""
    for name in event():
        try:
            parsed(event(**{name: value}))
        except ProviderError:
            continue
