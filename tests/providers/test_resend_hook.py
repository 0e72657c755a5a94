"""Resend's webhooks: signatures beside two other verifiers, events beside Resend's own schemas and django-anymail."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from anymail.webhooks.resend import ResendTrackingWebhookView
from django.conf import settings
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st
from provider_openapi import complaints, specification, tightened
from standardwebhooks.webhooks import Webhook as StandardWebhook
from svix.webhooks import Webhook as Svix

from newsletter.errors import ProviderError
from newsletter.providers.hooks import Event, Incoming, Kind
from newsletter.providers.resend_hook import NEVER, ResendHook

SECRET = "whsec_" + base64.b64encode(b"a made-up secret, 32 bytes long!").decode()
OTHER = "whsec_" + base64.b64encode(b"another made-up secret, the same").decode()
SPEC = "resend/resend.yaml"
DATA = {
    "email_id": "56761188-7520-42d8-8898-ff6fc54ce618",
    "created_at": "2026-11-12T08:00:00.000Z",
    "from": "Weekly <verdicts@example.org>",
    "to": ["ada@example.org"],
    "subject": "Patchwork ships",
    "tags": {"nl_delivery": "7-ada"},
}
HARD = {"type": "Permanent", "subType": "General", "message": "It is gone.", "diagnosticCode": ["smtp; 550 5.1.1 gone"]}
SUPPRESSED = {"type": "Suppressed", "reason": "previous_bounce", "message": "It is on a list.", "diagnosticCode": []}
CLICK = {"ipAddress": "192.0.2.1", "link": "https://example.org", "timestamp": "2026-11-12T09:00:00Z", "userAgent": "x"}


def event(name: str, **more: Any) -> dict[str, Any]:
    """An event as Resend sends it."""
    return {"type": name, "created_at": "2026-11-12T09:00:00.126Z", "data": DATA | more}


EVENTS = {
    "EmailSentEvent": (event("email.sent"), Kind.ACCEPTED),
    "EmailScheduledEvent": (event("email.scheduled"), Kind.ACCEPTED),
    "EmailDeliveredEvent": (event("email.delivered"), Kind.DELIVERED),
    "EmailDeliveryDelayedEvent": (event("email.delivery_delayed"), Kind.DEFERRED),
    "EmailComplainedEvent": (event("email.complained"), Kind.COMPLAINED),
    "EmailBouncedEvent": (event("email.bounced", bounce=HARD), Kind.HARD_BOUNCED),
    "EmailFailedEvent": (event("email.failed", failed={"reason": "reached_daily_quota"}), Kind.BLOCKED),
    "EmailSuppressedEvent": (event("email.suppressed", suppressed=SUPPRESSED), Kind.DROPPED),
    "EmailOpenedEvent": (event("email.opened"), Kind.OPENED),
    "EmailClickedEvent": (event("email.clicked", click=CLICK), Kind.CLICKED),
}
BOUNCED = EVENTS["EmailBouncedEvent"][0]


def now() -> datetime:
    """This second: the other verifiers know no other."""
    return datetime.now(UTC).replace(microsecond=0)


def signed(body: str, *secrets: str, at: datetime | None = None, id_: str = "msg_1") -> dict[str, str]:
    """The headers of a request that Svix's own library signs, once for each secret."""
    at = at or now()
    signatures = " ".join(Svix(secret).sign(id_, at, body) for secret in secrets or (SECRET,))
    return {"svix-id": id_, "svix-timestamp": str(int(at.timestamp())), "svix-signature": signatures}


def verified(headers: dict[str, str], body: str | bytes, *secrets: str, at: datetime | None = None) -> bool:
    """Whether ours lets it in."""
    raw = body.encode() if isinstance(body, str) else body
    return ResendHook().verify(Incoming(headers, raw), secrets or (SECRET,), at or now())


def let_in(verifier: Any, headers: dict[str, str], body: str, prefix: str) -> bool:
    """Whether another library lets it in."""
    renamed = {name.replace("svix", prefix): value for name, value in headers.items()}
    try:
        verifier(SECRET).verify(body, renamed)
    except Exception:  # noqa: BLE001 - each has its own, and ValueError for what is not base64
        return False
    return True


def parsed(document: Any, **headers: str) -> Event:
    """The event in a body."""
    (found,) = ResendHook().parse(Incoming({"svix-id": "msg_1"} | headers, json.dumps(document).encode()))
    return found


@pytest.mark.parametrize("id_", ["\ud800", "é", "a\nb", "", "x" * 300])
def test_an_id_that_is_no_plain_word_is_refused(id_: str) -> None:
    """Also one that cannot be encoded: no exception."""
    assert not verified(signed("{}") | {"svix-id": id_}, "{}")


@pytest.mark.parametrize("name", ["svix-timestamp", "svix-signature"])
def test_a_lone_surrogate_in_a_header_is_refused(name: str) -> None:
    """In a secret it is no secret."""
    assert not verified(signed("{}") | {name: "v1,\ud800"}, "{}")
    assert not verified(signed("{}"), "{}", "whsec_\ud800")


def test_a_signed_body_that_is_not_utf8_is_refused() -> None:
    """Half of a surrogate pair in its bytes: signed, and no JSON all the same."""
    body = b'{"type":"email.\xed\xa0\x80","data":{}}'

    with pytest.raises(ProviderError, match="no type"):
        ResendHook().parse(Incoming({"svix-id": "msg_1"}, body))


@pytest.mark.parametrize(
    ("secret", "id_", "timestamp", "body", "signature"),
    [
        (
            "whsec_plJ3nmyCDGBKInavdOK15jsl",
            "msg_loFOjxBNrRLzqYUf",
            1731705121,
            '{"event_type":"ping","data":{"success":true}}',
            "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=",
        ),
        (
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1614265330,
            '{"test": 2432232314}',
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        ),
    ],
    ids=["Svix's documentation", "Standard Webhooks' tests"],
)
def test_published_vectors_are_verified(secret: str, id_: str, timestamp: int, body: str, signature: str) -> None:
    """Also without the prefix; and not with another byte."""
    headers = {"svix-id": id_, "svix-timestamp": str(timestamp), "svix-signature": signature}
    at = datetime.fromtimestamp(timestamp, UTC)

    assert verified(headers, body, secret, at=at)
    assert verified(headers, body, secret.removeprefix("whsec_"), at=at)
    assert not verified(headers, body + " ", secret, at=at)


@given(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1))
def test_what_svix_signs_is_verified_by_all_three(text: str, id_: str) -> None:
    """By svix, by standardwebhooks under its own names, and by ours."""
    body = json.dumps(text, ensure_ascii=False)
    headers = signed(body, id_=id_)

    assert verified(headers, body)
    assert let_in(Svix, headers, body, "svix")
    assert let_in(StandardWebhook, headers, body, "webhook")


GOOD = signed("{}")


@pytest.mark.parametrize(
    ("body", "change"),
    [
        ("{ }", {}),
        ("{}", {"svix-id": "msg_2"}),
        ("{}", {"svix-id": ""}),
        ("{}", {"svix-timestamp": str(int(now().timestamp()) - 100)}),
        ("{}", {"svix-timestamp": ""}),
        ("{}", {"svix-timestamp": "now"}),
        ("{}", {"svix-timestamp": "nan"}),
        ("{}", {"svix-signature": ""}),
        ("{}", {"svix-signature": "v1,"}),
        ("{}", {"svix-signature": "v1,AAAA"}),
        ("{}", {"svix-signature": "v1"}),
        ("{}", {"svix-signature": GOOD["svix-signature"].replace("v1,", "v1a,")}),
        ("{}", {"svix-signature": GOOD["svix-signature"].removeprefix("v1,")}),
        ("{}", {"svix-signature": signed("{}", OTHER)["svix-signature"]}),
    ],
)
def test_what_was_changed_is_verified_by_none(body: str, change: dict[str, str]) -> None:
    """Body, id, time and signature; ours never raises for it."""
    headers = signed("{}") | change

    assert not verified(headers, body)
    assert not let_in(Svix, headers, body, "svix")
    assert not let_in(StandardWebhook, headers, body, "webhook")


def test_a_request_without_an_id_stays_outside_though_it_is_signed() -> None:
    """The id is what tells a repetition."""
    headers = signed("{}", id_="")

    assert not verified(headers, "{}")
    assert not let_in(Svix, headers, "{}", "svix")


@pytest.mark.parametrize("name", ["svix-id", "svix-timestamp", "svix-signature"])
@pytest.mark.parametrize("value", ["é", "\udcff", "٣", "\x00"])
def test_headers_that_are_not_ascii_stay_outside(name: str, value: str) -> None:
    """Without an exception, whichever it is."""
    assert not verified(signed("{}") | {name: value}, "{}")


@pytest.mark.parametrize(("minutes", "welcome"), [(-6, False), (-4, True), (4, True), (6, False)])
def test_a_request_is_fresh_for_five_minutes(minutes: int, welcome: bool) -> None:
    """In both directions, as the other two have it."""
    headers = signed("{}", at=now() + timedelta(minutes=minutes))

    assert verified(headers, "{}") is welcome
    assert let_in(Svix, headers, "{}", "svix") is welcome


def test_one_of_several_signatures_and_one_of_several_secrets_are_enough() -> None:
    """While a secret is being changed, on either side."""
    assert verified(signed("{}", OTHER, SECRET), "{}", SECRET)
    assert verified(signed("{}", SECRET), "{}", OTHER, SECRET)


def test_not_more_signatures_than_there_can_be_secrets_are_looked_at() -> None:
    """A header of a thousand guesses is no key ring."""
    headers = signed("{}", *[OTHER] * 1000, SECRET)

    assert not verified(headers, "{}", SECRET)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_no base64!", "é"])
def test_a_hook_without_a_usable_secret_is_closed(secret: str) -> None:
    """Also to who signs with an empty one (S-50)."""
    headers = signed("{}")
    empty = StandardWebhook(b"x")
    empty._whsecret = b""
    headers["svix-signature"] = empty.sign("msg_1", now(), "{}")

    assert not ResendHook().verify(Incoming(headers, b"{}"), [secret], now())
    assert not ResendHook().verify(Incoming(headers, b"{}"), [], now())


def test_the_raw_body_is_what_is_signed() -> None:
    """Bytes that are no UTF-8 are refused without an exception."""
    assert not verified(signed("{}"), b"\xff")


def test_a_refusal_is_401() -> None:
    """Resend tries again after anything but 2xx."""
    assert ResendHook().refusal == 401


@pytest.mark.parametrize("schema", EVENTS)
def test_the_samples_are_what_resend_says_it_sends(schema: str) -> None:
    """Against the schemas of its OpenAPI file, closed."""
    whole = tightened({"components": dict(specification(SPEC)["components"])})
    if "allOf" in whole["components"]["schemas"].get(schema.replace("Event", "EventData"), {}):
        del whole["components"]["schemas"]["OutboundEmailEventData"]["additionalProperties"]  # the whole is closed

    assert complaints({**whole["components"]["schemas"][schema], **whole}, EVENTS[schema][0]) == []


@pytest.mark.parametrize("schema", EVENTS)
def test_an_event_is_read_by_its_type(schema: str) -> None:
    """With our key, which is sent in a list of tags and comes back in an object."""
    document, kind = EVENTS[schema]

    assert (parsed(document).kind, parsed(document).key) == (kind, "7-ada")


def test_every_event_of_an_email_is_known() -> None:
    """In Resend's file; what was received and what became of contacts and domains is nothing of ours."""
    names = {schema[0]["type"] for schema in EVENTS.values()}
    documented = {name for name in specification(SPEC)["webhooks"] if name.startswith("email.")}

    assert documented - names == {"email.received"}


@pytest.mark.parametrize(
    ("type_", "sub", "kind"),
    [
        ("Permanent", "General", Kind.HARD_BOUNCED),
        ("Permanent", "NoEmail", Kind.HARD_BOUNCED),
        ("Permanent", "ContentRejected", Kind.BLOCKED),
        ("Permanent", "OnAccountSuppressionList", Kind.DROPPED),
        ("Transient", "General", Kind.SOFT_BOUNCED),
        ("Transient", "MailboxFull", Kind.SOFT_BOUNCED),
        ("Transient", "MessageTooLarge", Kind.BLOCKED),
        ("Transient", "AttachmentRejected", Kind.BLOCKED),
        ("Undetermined", "Undetermined", Kind.SOFT_BOUNCED),
        ("Tomorrow", "General", Kind.UNKNOWN),
    ],
)
def test_a_bounce_is_hard_only_where_the_mailbox_is_the_reason(type_: str, sub: str, kind: Kind) -> None:
    """By type and subType, not by its sentence."""
    found = parsed(event("email.bounced", bounce=HARD | {"type": type_, "subType": sub}))

    assert (found.kind, found.word) == (kind, f"email.bounced:{type_}:{sub}")


def test_suppressed_and_failed_say_why() -> None:
    """Both are unknown to anymail: the one is the reader's, the other ours."""
    words = [parsed(EVENTS[name][0]).word for name in ("EmailSuppressedEvent", "EmailFailedEvent")]

    assert words == ["email.suppressed:previous_bounce", "email.failed:reached_daily_quota"]


@pytest.mark.parametrize("name", ["email.received", "contact.updated", "domain.deleted", "email.tomorrow"])
def test_any_other_event_is_unknown(name: str) -> None:
    """Kept with its word, and no error."""
    assert (parsed(event(name)).kind, parsed(event(name)).word) == (Kind.UNKNOWN, name)


@pytest.mark.parametrize(
    "schema", sorted(set(EVENTS) - {"EmailSuppressedEvent", "EmailFailedEvent", "EmailScheduledEvent"})
)
def test_anymail_reads_the_same_time_and_id(schema: str) -> None:
    """And the same kind, though it does not tell soft from hard."""
    if not settings.configured:
        settings.configure()
    document, kind = EVENTS[schema]
    request = RequestFactory().post("/", b"", "application/json", headers={"svix-id": "msg_1"})
    theirs = ResendTrackingWebhookView(signing_secret=SECRET).esp_to_anymail_event(document, request)
    names = {Kind.ACCEPTED: "sent", Kind.HARD_BOUNCED: "bounced"}

    assert (theirs.timestamp, theirs.event_id) == (parsed(document).at, parsed(document).event_id)
    assert theirs.event_type == names.get(kind, kind.value)


def test_the_time_is_the_events_own_in_utc() -> None:
    """`data.created_at` is an hour older: when the message was made."""
    assert parsed(BOUNCED).at == datetime(2026, 11, 12, 9, 0, 0, 126000, tzinfo=UTC)
    assert parsed(BOUNCED | {"created_at": "2026-11-12 10:00:00.5+01"}).at == datetime(
        2026, 11, 12, 9, 0, 0, 500000, tzinfo=UTC
    )


@pytest.mark.parametrize("said", [None, "", "yesterday", 7, "0001-01-01T00:00:00+14:00"], ids=str)
def test_an_unreadable_time_is_1970(said: Any) -> None:
    """The event itself is not lost for it."""
    assert parsed(BOUNCED | {"created_at": said}).at == NEVER


def test_an_event_is_known_again_by_the_id_of_its_request() -> None:
    """It is the same at every repetition; without one the body tells."""
    other = event("email.delivered")
    bare = [parsed(document, **{"svix-id": ""}).event_id for document in (BOUNCED, BOUNCED, other)]

    assert parsed(BOUNCED).event_id == "msg_1"
    assert bare[0] == bare[1] != bare[2]


def test_the_reason_is_kept_and_not_shown() -> None:
    """What the other side said may hold an address."""
    found = parsed(BOUNCED)

    assert found.reason == "It is gone. smtp; 550 5.1.1 gone"
    assert "gone" not in repr(found)


def test_a_diagnosis_that_is_no_sentence_is_left_out() -> None:
    """The rest of the reason stays."""
    found = parsed(event("email.bounced", bounce=HARD | {"diagnosticCode": [7, None, "550"]}))

    assert found.reason == "It is gone. 550"


@pytest.mark.parametrize("tags", [None, {}, [], {"other": "7-ada"}, {"nl_delivery": 7}, "nl_delivery"], ids=str)
def test_an_event_without_our_tag_belongs_to_nobody(tags: Any) -> None:
    """Another system may use the same account."""
    assert parsed(event("email.delivered", tags=tags)).key == ""


@pytest.mark.parametrize("body", [b"", b"\xff", b"null", b"[]", b'"email.sent"', b"{}", b'{"type":7}', b"[" * 9999])
def test_a_body_that_is_not_resends_is_an_error(body: bytes) -> None:
    """Signed all the same: somebody chose the wrong address."""
    with pytest.raises(ProviderError, match="type"):
        ResendHook().parse(Incoming({}, body))


PLAIN = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
ANYTHING = PLAIN | st.lists(PLAIN, max_size=2) | st.dictionaries(st.text(max_size=5), PLAIN, max_size=2)


@given(st.sampled_from(sorted(EVENTS)), st.data())
def test_nothing_in_a_field_makes_an_exception(schema: str, data: st.DataObject) -> None:
    """Whatever stands where a word should, at the top, in `data` and below."""
    document = EVENTS[schema][0]
    more = {name: data.draw(ANYTHING) for name in ("bounce", "suppressed", "failed", "tags")}
    deeper = {"bounce": HARD | {data.draw(st.sampled_from(sorted(HARD))): data.draw(ANYTHING)}}

    assert parsed(document | {"data": DATA | more}).at.tzinfo is UTC
    assert parsed(document | {"data": DATA | deeper}).at.tzinfo is UTC
    assert parsed(document | {"data": data.draw(ANYTHING), "created_at": data.draw(ANYTHING)}).key == ""
