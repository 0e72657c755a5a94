"""SendGrid's Event Webhook: its own published vector, keys made here, and django-anymail as a second reader."""

import base64
import json
import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from newsletter.errors import ProviderError
from newsletter.providers.hooks import UNREADABLE, Event, Incoming, Kind
from newsletter.providers.sendgrid_hook import SIGNATURE, TIMESTAMP, SendGridHook

HOOK = SendGridHook()
NOW = datetime(2026, 11, 12, 9, tzinfo=UTC)
KEY, OTHER = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
BODY = b'[{"event":"delivered","sg_event_id":"e1","nl_delivery":"key-ada","timestamp":1794474000}]\r\n'


def public(key: Any) -> str:
    """A key as SendGrid's console shows it."""
    der = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()


def signed(body: bytes = BODY, key: ec.EllipticCurvePrivateKey = KEY, at: datetime = NOW) -> Incoming:
    """A request as SendGrid sends it."""
    timestamp = str(int(at.timestamp()))
    signature = key.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
    return Incoming({TIMESTAMP: timestamp, SIGNATURE: base64.b64encode(signature).decode()}, body)


def vector(shared: Path) -> tuple[Incoming, str, datetime]:
    """The request of SendGrid's own tests, its key, and a minute after its time."""
    found = json.loads((shared / "specs/vectors/sendgrid_event_webhook_vector.json").read_text(encoding="utf-8"))
    headers = {TIMESTAMP: found["timestamp"], SIGNATURE: found["signature_b64"]}
    at = datetime.fromtimestamp(int(found["timestamp"]) + 60, UTC)
    return Incoming(headers, found["payload"].encode()), found["public_key_b64_der"], at


def parsed(**fields: Any) -> Event:
    """One event, read."""
    return HOOK.parse(Incoming({TIMESTAMP: "1794474000"}, json.dumps([fields]).encode()))[0]


def test_sendgrids_own_vector_verifies(shared: Path) -> None:
    """Body with its CRLF, key, time and signature as published."""
    incoming, key, at = vector(shared)

    assert HOOK.verify(incoming, [key], at)
    assert [event.kind for event in HOOK.parse(incoming)] == [Kind.DROPPED]


def test_sendgrids_own_vector_is_refused_where_anything_is_changed(shared: Path) -> None:
    """Body, time, key; its last line end is part of the body."""
    incoming, key, at = vector(shared)
    later = {**incoming.headers, TIMESTAMP: str(int(incoming.headers[TIMESTAMP]) + 1)}

    assert not HOOK.verify(Incoming(incoming.headers, incoming.body.rstrip()), [key], at)
    assert not HOOK.verify(Incoming(later, incoming.body), [key], at)
    assert not HOOK.verify(incoming, [public(KEY)], at)


@pytest.mark.parametrize(
    ("age", "fresh"), [(0, True), (299, True), (-299, True), (301, False), (-301, False), (86400, False)]
)
def test_a_signed_request_is_fresh_for_five_minutes(age: int, fresh: bool) -> None:
    """SendGrid's own library takes a year-old one."""
    assert HOOK.verify(signed(), [public(KEY)], NOW + timedelta(seconds=age)) is fresh


def test_each_of_several_keys_is_good_while_one_is_being_changed() -> None:
    """In any place, with line breaks from a copied key, and beside something that is no key."""
    wrapped = f"{public(KEY)[:64]}\n{public(KEY)[64:]}\n"

    assert HOOK.verify(signed(), [public(OTHER), public(KEY)], NOW)
    assert HOOK.verify(signed(), ["no key", wrapped], NOW)
    assert not HOOK.verify(signed(), [public(OTHER)], NOW)


@pytest.mark.parametrize("secrets", [[], [""], ["no key"], ["ключ"], [base64.b64encode(b"x" * 91).decode()]])
def test_without_a_usable_key_the_hook_is_closed(secrets: list[str]) -> None:
    """S-50."""
    assert not HOOK.verify(signed(), secrets, NOW)


@pytest.mark.parametrize("key", [ed25519.Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP384R1())])
def test_only_a_key_on_p256_is_one(key: Any) -> None:
    """Also where the signature itself would be right."""
    timestamp = str(int(NOW.timestamp()))
    algorithm = () if isinstance(key, ed25519.Ed25519PrivateKey) else (ec.ECDSA(hashes.SHA256()),)
    signature = base64.b64encode(key.sign(timestamp.encode() + BODY, *algorithm)).decode()

    assert not HOOK.verify(Incoming({TIMESTAMP: timestamp, SIGNATURE: signature}, BODY), [public(key)], NOW)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {TIMESTAMP: str(int(NOW.timestamp()))},
        {SIGNATURE: "AAAA"},
        {TIMESTAMP: "nan", SIGNATURE: "AAAA"},
        {TIMESTAMP: "9" * 400, SIGNATURE: "AAAA"},
        {TIMESTAMP: "١٧٩٤٤٧٤٠٠٠", SIGNATURE: "AAAA"},
        {TIMESTAMP: str(int(NOW.timestamp())), SIGNATURE: "naïve \udcff"},
    ],
)
def test_headers_that_are_missing_or_nonsense_are_refused_without_an_exception(headers: dict[str, str]) -> None:
    """A forged header is not a 500."""
    assert not HOOK.verify(Incoming(headers, BODY), [public(KEY)], NOW)


@given(timestamp=st.text(max_size=20), signature=st.text(max_size=120), body=st.binary(max_size=60))
def test_nothing_forged_is_believed_or_crashes(timestamp: str, signature: str, body: bytes) -> None:
    """Whatever stands in the headers."""
    assert not HOOK.verify(Incoming({TIMESTAMP: timestamp, SIGNATURE: signature}, body), [public(KEY)], NOW)


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"event": "processed"}, Kind.ACCEPTED),
        ({"event": "deferred", "response": "451 later"}, Kind.DEFERRED),
        ({"event": "delivered", "response": "250 OK"}, Kind.DELIVERED),
        ({"event": "dropped", "reason": "Bounced Address"}, Kind.DROPPED),
        ({"event": "bounce", "type": "bounce", "reason": "550 5.1.1"}, Kind.HARD_BOUNCED),
        ({"event": "bounce"}, Kind.HARD_BOUNCED),
        ({"event": "bounce", "type": "blocked"}, Kind.BLOCKED),
        ({"event": "bounce", "type": "bounce", "bounce_classification": "Invalid Address"}, Kind.HARD_BOUNCED),
        ({"event": "bounce", "type": "bounce", "bounce_classification": "Reputation"}, Kind.BLOCKED),
        ({"event": "bounce", "type": "bounce", "bounce_classification": "Content"}, Kind.BLOCKED),
        ({"event": "bounce", "type": "bounce", "bounce_classification": "Frequency/Volume"}, Kind.BLOCKED),
        ({"event": "bounce", "type": "blocked", "bounce_classification": "Mailbox Unavailable"}, Kind.SOFT_BOUNCED),
        ({"event": "bounce", "type": "blocked", "bounce_classification": "Technical Failure"}, Kind.SOFT_BOUNCED),
        ({"event": "bounce", "type": "blocked", "bounce_classification": "Unclassified"}, Kind.BLOCKED),
        ({"event": "spamreport"}, Kind.COMPLAINED),
        ({"event": "unsubscribe"}, Kind.UNSUBSCRIBED),
        ({"event": "group_unsubscribe"}, Kind.UNSUBSCRIBED),
        ({"event": "group_resubscribe"}, Kind.UNKNOWN),
        ({"event": "open"}, Kind.OPENED),
        ({"event": "click"}, Kind.CLICKED),
        ({"event": "teleported"}, Kind.UNKNOWN),
        ({"event": 7}, Kind.UNKNOWN),
        ({}, Kind.UNKNOWN),
    ],
)
def test_an_event_is_read_as_what_it_means_for_the_reader(fields: dict[str, Any], kind: Kind) -> None:
    """A block is no bounce: nobody is suppressed for what we are."""
    assert parsed(**fields).kind is kind


def test_our_key_stands_among_the_events_own_fields() -> None:
    """With the id that makes it once, the time, the word and what the other side said."""
    event = parsed(event="bounce", nl_delivery="key-ada", sg_event_id="e7", timestamp=1794474030, reason="550 no")

    assert event == Event(Kind.HARD_BOUNCED, "key-ada", "e7", NOW + timedelta(seconds=30), "bounce", "550 no")


@pytest.mark.parametrize("key", [None, 7, ["key-ada"], {"a": 1}])
def test_a_key_that_is_no_text_names_nobody(key: Any) -> None:
    """Somebody else's custom argument of that name."""
    assert parsed(event="open", nl_delivery=key).key == ""


def test_an_event_without_an_id_gets_one_from_its_content() -> None:
    """The same event the same id, another another: it is counted once."""
    first, again, other = (parsed(event="open", timestamp=at) for at in (1, 1, 2))

    assert first.event_id == again.event_id != other.event_id
    assert len(first.event_id) == 64


@pytest.mark.parametrize("said", [None, "soon", 1e300, float("nan"), [], {}])
def test_an_event_without_a_time_happened_when_it_was_sent(said: Any) -> None:
    """By the signed header."""
    assert parsed(event="open", timestamp=said).at == NOW


@pytest.mark.parametrize("body", [b"", b"{}", b"[1]", b"[[]]", b"null", b"\xff", b"[" * 100_000, b"a=b"])
def test_a_body_that_is_no_list_of_events_is_an_error(body: bytes) -> None:
    """Inbound mail posted to the wrong address, for instance."""
    with pytest.raises(ProviderError):
        HOOK.parse(Incoming({}, body))


@pytest.mark.parametrize("damaged", [None, 7, "x", []])
def test_one_damaged_event_in_a_list_costs_the_others_nothing(damaged: Any) -> None:
    """It is kept as unknown, with an id that it has again when SendGrid repeats it."""
    body = json.dumps([{"event": "open", "timestamp": 1}, damaged, {"event": "spamreport", "timestamp": 1}]).encode()
    first, second, third = HOOK.parse(Incoming({}, body))

    assert [first.kind, third.kind] == [Kind.OPENED, Kind.COMPLAINED]
    assert (second.kind, second.word) == (Kind.UNKNOWN, UNREADABLE)
    assert HOOK.parse(Incoming({}, body))[1] == second


def test_a_long_reason_is_cut() -> None:
    """Other servers write novels."""
    assert len(parsed(event="deferred", response="x" * 5000).reason) == 300


EVENTS = [
    {
        "event": "processed",
        "timestamp": 1794474000,
        "sg_event_id": "a",
        "nl_delivery": "key-ada",
        "email": "a@b.example",
    },
    {"event": "delivered", "timestamp": 1794474001, "sg_event_id": "b", "nl_delivery": "key-bo", "response": "250 OK"},
    {"event": "bounce", "type": "bounce", "timestamp": 1794474002, "sg_event_id": "c", "nl_delivery": "key-cy"},
    {
        "event": "dropped",
        "reason": "Bounced Address",
        "timestamp": 1794474003,
        "sg_event_id": "d",
        "nl_delivery": "key-di",
    },
    {"event": "spamreport", "timestamp": 1794474004, "sg_event_id": "e", "nl_delivery": "key-ed"},
    {"event": "group_unsubscribe", "timestamp": 1794474005, "sg_event_id": "f", "nl_delivery": "key-fi"},
]
ANYMAILS = {
    "queued": Kind.ACCEPTED,
    "delivered": Kind.DELIVERED,
    "bounced": Kind.HARD_BOUNCED,
    "rejected": Kind.DROPPED,
    "complained": Kind.COMPLAINED,
    "unsubscribed": Kind.UNSUBSCRIBED,
}


def test_django_anymail_believes_and_reads_the_same_request_alike() -> None:
    """An independent verifier and reader of the same bytes: kind, key, id and time of each event."""
    if not settings.configured:
        settings.configure(USE_TZ=True, ANYMAIL={})
    from anymail.webhooks.sendgrid import SendGridTrackingWebhookView  # noqa: PLC0415 - wants Django's settings first
    from django.test import RequestFactory  # noqa: PLC0415

    incoming = signed(json.dumps(EVENTS).encode())
    names = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in incoming.headers.items()}
    request = RequestFactory().post("/", incoming.body, content_type="application/json", **names)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says that nobody there has an account to test with any more
        view = SendGridTrackingWebhookView(tracking_webhook_verification_key=public(KEY))
    view.validate_request(request)
    theirs = view.parse_events(request)

    assert HOOK.verify(incoming, [public(KEY)], NOW)
    assert [(one.kind, one.key, one.event_id, one.at) for one in HOOK.parse(incoming)] == [
        (ANYMAILS[one.event_type], one.metadata["nl_delivery"], one.event_id, one.timestamp) for one in theirs
    ]
