"""Postmark's webhooks: the secret, since nothing is signed, and events beside those that django-anymail reads."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from anymail.webhooks.postmark import PostmarkTrackingWebhookView
from delivery_samples import NOW
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from newsletter.errors import ProviderError
from newsletter.providers.hooks import Event, Incoming, Kind
from newsletter.providers.postmark_hook import NEVER, TYPES, PostmarkHook

SECRET = "a-made-up-secret:with-a-colon"
COMMON = {
    "MessageID": "883953f4-6105-42a2-a16a-77a8eac79483",
    "Metadata": {"nl_delivery": "7-ada"},
    "MessageStream": "b",
}
BOUNCE = COMMON | {
    "RecordType": "Bounce",
    "ID": 4323372036854775807,
    "Type": "HardBounce",
    "TypeCode": 1,
    "Name": "Hard bounce",
    "Description": "The server was unable to deliver your message.",
    "Details": "550 5.1.1 no such user",
    "Email": "ada@example.org",
    "BouncedAt": "2026-11-12T13:28:10.2735393-04:00",
    "Inactive": True,
}
DELIVERY = COMMON | {
    "RecordType": "Delivery",
    "Recipient": "ada@example.org",
    "DeliveredAt": "2026-11-12T13:28:10Z",
    "Details": "250 ok",
}
CHANGE = COMMON | {
    "RecordType": "SubscriptionChange",
    "Recipient": "ada@example.org",
    "ChangedAt": "2026-11-12T13:28:10Z",
    "Origin": "Recipient",
    "SuppressSending": True,
    "SuppressionReason": "ManualSuppression",
}
#: What anymail calls our kinds.
THEIR_NAMES = {
    Kind.HARD_BOUNCED: "bounced",
    Kind.SOFT_BOUNCED: "bounced",
    Kind.DEFERRED: "deferred",
    Kind.DELIVERED: "delivered",
    Kind.COMPLAINED: "complained",
    Kind.UNSUBSCRIBED: "unsubscribed",
    Kind.BLOCKED: "rejected",
    Kind.DROPPED: "rejected",
    Kind.REPLIED: "autoresponded",
    Kind.OPENED: "opened",
    Kind.CLICKED: "clicked",
    Kind.UNKNOWN: "unknown",
}
#: Where we say something else on purpose: an address that does not exist is a hard bounce whoever says so, a filter is
#: no reader who complains, and a virus is no word on the address.
OTHERWISE = {"BadEmailAddress", "SpamNotification", "VirusNotification", "SMTPApiError"}


def basic(password: str, user: str = "postmark") -> dict[str, str]:
    """A header of basic authentication."""
    return {"authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def verified(headers: dict[str, str], *secrets: str) -> bool:
    """Whether a request with these headers is let in."""
    return PostmarkHook().verify(Incoming(headers, b"{}"), secrets, NOW)


def parsed(document: Any) -> Event:
    """The event in a body."""
    (event,) = PostmarkHook().parse(Incoming({}, json.dumps(document).encode()))
    return event


def by_anymail(document: dict[str, Any]) -> Any:
    """The event as django-anymail reads it."""
    if not settings.configured:
        settings.configure()
    return PostmarkTrackingWebhookView(webhook_secret="user:password").esp_to_anymail_event(document)


@pytest.mark.parametrize(
    "headers",
    [basic(SECRET), basic(SECRET, user=""), {"x-newsletter-secret": SECRET}],
    ids=["basic", "no user", "header"],
)
def test_the_secret_opens_as_a_password_or_in_its_own_header(headers: dict[str, str]) -> None:
    """Postmark can send either."""
    assert verified(headers, SECRET)
    assert verified(headers, "the-next-one", SECRET)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        basic("wrong"),
        basic(""),
        basic("postmark", user=SECRET),
        {"x-newsletter-secret": ""},
        {"x-newsletter-secret": SECRET + " "},
        {"x-newsletter-secret": "sécret\udcff"},
        {"authorization": SECRET},
        {"authorization": "Bearer " + base64.b64encode(f"x:{SECRET}".encode()).decode()},
        {"authorization": "Basic ééé"},
        {"authorization": "Basic ="},
        {"authorization": "Basic /w=="},
    ],
    ids=str,
)
def test_anything_else_stays_outside(headers: dict[str, str]) -> None:
    """Absent, wrong, in the wrong place, not base64, not ASCII: no exception either."""
    assert not verified(headers, SECRET)


@pytest.mark.parametrize("secrets", [(), ("",)])
def test_a_hook_without_a_secret_is_closed(secrets: tuple[str, ...]) -> None:
    """Also to a request that offers nothing (S-50)."""
    assert not any(verified(headers, *secrets) for headers in ({}, basic(""), {"x-newsletter-secret": ""}))


def test_a_refusal_is_401_and_never_403() -> None:
    """After a 403 Postmark does not try again, and the event is lost."""
    assert PostmarkHook().refusal == 401


@pytest.mark.parametrize(
    ("document", "kind"),
    [
        (DELIVERY, Kind.DELIVERED),
        (BOUNCE, Kind.HARD_BOUNCED),
        (BOUNCE | {"Type": "SoftBounce"}, Kind.SOFT_BOUNCED),
        (BOUNCE | {"Type": "Transient"}, Kind.DEFERRED),
        (BOUNCE | {"Type": "SpamNotification"}, Kind.BLOCKED),
        (BOUNCE | {"Type": "AutoResponder"}, Kind.REPLIED),
        (BOUNCE | {"Type": "Subscribe"}, Kind.UNKNOWN),
        (BOUNCE | {"Type": "New"}, Kind.UNKNOWN),
        (BOUNCE | {"RecordType": "SpamComplaint", "Type": "SpamComplaint"}, Kind.COMPLAINED),
        (CHANGE, Kind.UNSUBSCRIBED),
        (CHANGE | {"SuppressionReason": "HardBounce"}, Kind.HARD_BOUNCED),
        (CHANGE | {"SuppressionReason": "SpamComplaint"}, Kind.COMPLAINED),
        (CHANGE | {"SuppressionReason": None}, Kind.UNKNOWN),
        (COMMON | {"RecordType": "Open", "ReceivedAt": "2026-11-12T09:00:00Z"}, Kind.OPENED),
        (COMMON | {"RecordType": "Click", "ReceivedAt": "2026-11-12T09:00:00Z"}, Kind.CLICKED),
        (COMMON | {"RecordType": "Tomorrow"}, Kind.UNKNOWN),
    ],
    ids=str,
)
def test_an_event_is_read_by_its_record_and_type(document: dict[str, Any], kind: Kind) -> None:
    """What is new at Postmark is unknown, and no error."""
    assert parsed(document).kind is kind


def test_a_lifted_suppression_lifts_nothing_here() -> None:
    """Somebody pressed "reactivate" at Postmark; consent is not theirs to give."""
    event = parsed(CHANGE | {"SuppressSending": False, "SuppressionReason": None})

    assert (event.kind, event.word) == (Kind.UNKNOWN, "SubscriptionChange:lifted")


def test_a_change_that_does_not_say_which_way_changes_nothing() -> None:
    """Nobody is suppressed on half a sentence."""
    document = {name: value for name, value in CHANGE.items() if name != "SuppressSending"}

    assert parsed(document).kind is Kind.UNKNOWN


@pytest.mark.parametrize("document", [BOUNCE, DELIVERY, CHANGE], ids=lambda document: document["RecordType"])
def test_anymail_reads_the_same_time_and_delivery(document: dict[str, Any]) -> None:
    """And the same reason, in its own words."""
    ours, theirs = parsed(document), by_anymail(document)

    assert (ours.at, {"nl_delivery": ours.key}) == (theirs.timestamp, theirs.metadata)
    assert (theirs.mta_response or "") in ours.reason


@pytest.mark.parametrize("kind", sorted(set(TYPES) - OTHERWISE - {"ManualSuppression"}))
def test_anymail_calls_a_bounce_of_this_type_the_same(kind: str) -> None:
    """But for those where we differ on purpose; and it does not tell soft from hard."""
    document = BOUNCE | {"Type": kind}

    assert THEIR_NAMES[parsed(document).kind] == by_anymail(document).event_type


@pytest.mark.parametrize("reason", ["ManualSuppression", "HardBounce", "SpamComplaint"])
def test_anymail_calls_a_change_for_this_reason_the_same(reason: str) -> None:
    """A reader who left by Postmark's own link has left."""
    document = CHANGE | {"SuppressionReason": reason}

    assert THEIR_NAMES[parsed(document).kind] == by_anymail(document).event_type


def test_the_time_is_postmarks_in_utc() -> None:
    """Seven digits of a second, and an offset."""
    assert parsed(BOUNCE).at == datetime(2026, 11, 12, 17, 28, 10, 273539, tzinfo=UTC)


def test_a_time_without_a_zone_is_utc() -> None:
    """Better than the zone of whatever machine reads it."""
    assert parsed(BOUNCE | {"BouncedAt": "2026-11-12T09:00:00"}).at == datetime(2026, 11, 12, 9, tzinfo=UTC)


@pytest.mark.parametrize("said", [None, "", "yesterday", 7, "0001-01-01T00:00:00+14:00"], ids=str)
def test_an_unreadable_time_is_1970(said: Any) -> None:
    """The event itself is not lost for it."""
    assert parsed(BOUNCE | {"BouncedAt": said}).at == NEVER


def test_the_same_event_has_the_same_id_and_another_a_new_one() -> None:
    """Bounces have an id; of others message, record, recipient and time tell."""
    later = DELIVERY | {"DeliveredAt": "2026-11-12T14:00:00Z"}
    ids = [parsed(document).event_id for document in (BOUNCE, DELIVERY, DELIVERY, later, CHANGE)]

    assert ids[0] == "Bounce:4323372036854775807"
    assert ids[1] == ids[2]
    assert len(set(ids)) == 4


def test_neither_the_id_nor_the_word_repeats_an_address() -> None:
    """Both end in logs and tables."""
    events = [parsed(document) for document in (BOUNCE, DELIVERY, CHANGE)]

    assert not any("@" in event.event_id + event.word + repr(event) for event in events)


@pytest.mark.parametrize("metadata", [None, {}, {"other": "7-ada"}, {"nl_delivery": 7}, "nl_delivery"], ids=str)
def test_an_event_without_our_key_belongs_to_nobody(metadata: Any) -> None:
    """Another system may use the same server at Postmark."""
    assert parsed(DELIVERY | {"Metadata": metadata}).key == ""


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"null",
        b"[]",
        b'"Bounce"',
        b"{}",
        b'{"RecordType":7}',
        b'{"FromFull":{},"Subject":"Hi"}',
        b"[" * 9999,
    ],
)
def test_a_body_that_is_not_postmarks_is_an_error(body: bytes) -> None:
    """An inbound message has no RecordType: it was sent to the wrong hook."""
    with pytest.raises(ProviderError, match="RecordType"):
        PostmarkHook().parse(Incoming({}, body))


PLAIN = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
ANYTHING = PLAIN | st.lists(PLAIN, max_size=2) | st.dictionaries(st.text(max_size=5), PLAIN, max_size=2)


@given(st.sampled_from([BOUNCE, DELIVERY, CHANGE]), st.data())
def test_nothing_in_a_field_makes_an_exception(document: dict[str, Any], data: st.DataObject) -> None:
    """Whatever stands where a word should."""
    name = data.draw(st.sampled_from(sorted(set(document) - {"RecordType"})))

    assert parsed(document | {name: data.draw(ANYTHING)}).at.tzinfo is UTC
