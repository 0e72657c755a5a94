"""Messages of Amazon SNS: who signed them, which certificate is believed, and what SES says in them."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from adapter_suite import Wire
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from newsletter.errors import ProviderError
from newsletter.providers import ses_hook, ses_sns
from newsletter.providers.hooks import Hook, Incoming, Kind
from newsletter.providers.poster import Answered, Failed, Taken

NOW = datetime(2026, 11, 12, 9, tzinfo=UTC)
TOPIC = "arn:aws:sns:eu-west-1:123456789012:newsletter"
CERTIFICATE = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem"
SUBSCRIBE = f"https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token={'2' * 300}"


@cache
def sns_key() -> rsa.RSAPrivateKey:
    """Amazon's, here made up."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def pem(days: int = 365, *, elliptic: bool = False) -> bytes:
    """The certificate of that key, good for so many days around now."""
    key = ec.generate_private_key(ec.SECP256R1()) if elliptic else sns_key()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, NOW - timedelta(366), NOW + timedelta(days))
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@dataclass
class Certificates:
    """Gives the certificate, and keeps who asked for what."""

    answer: bytes = field(default_factory=pem)
    asked: list[str] = field(default_factory=list)

    def __call__(self, url: str) -> bytes:
        """As the network would."""
        self.asked.append(url)
        if not self.answer:
            raise ProviderError("The certificate could not be had.")
        return self.answer


def signed(version: str = "2", **changes: Any) -> dict[str, Any]:
    """A message as SNS posts it, signed after the changes."""
    message = {
        "Type": "Notification",
        "MessageId": "m-1",
        "TopicArn": TOPIC,
        "Message": json.dumps(event("Delivery")),
        "Timestamp": "2026-11-12T08:59:30.000Z",
        "SignatureVersion": version,
        "SigningCertURL": CERTIFICATE,
        **changes,
    }
    algorithm = hashes.SHA1() if version == "1" else hashes.SHA256()  # noqa: S303 - as Amazon does by default
    signature = sns_key().sign(ses_sns.canonical(message), padding.PKCS1v15(), algorithm)
    return message | {"Signature": base64.b64encode(signature).decode()}


def event(kind: str, **details: Any) -> dict[str, Any]:
    """An event of SES for the delivery "key-ada"."""
    mail = {
        "timestamp": "2026-11-12T08:00:00.000Z",
        "messageId": "ses-1",
        "destination": ["ada@example.org"],
        "tags": {"ses:configuration-set": ["weekly"], "nl_delivery": ["key-ada"]},
    }
    return {"eventType": kind, "mail": mail, **details}


def incoming(message: Mapping[str, Any]) -> Incoming:
    """The request."""
    return Incoming({"x-amz-sns-message-type": "x"}, json.dumps(message).encode())


def hook(certificates: Certificates | None = None, topic: str = TOPIC) -> ses_hook.SesHook:
    """The hook for our topic."""
    return ses_hook.SesHook({"topic_arn": topic, "region": "eu-west-1"}, certificates or Certificates())


def believed(message: Mapping[str, Any], certificates: Certificates | None = None, now: datetime = NOW) -> bool:
    """Whether the hook takes it."""
    return hook(certificates).verify(incoming(message), (), now)


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("changes", [{}, {"Subject": "Amazon SES Email Event Notification"}, {"Message": "é\n\n{"}])
def test_what_sns_signed_is_believed(version: str, changes: dict[str, str]) -> None:
    """With SHA-1 and with SHA-256, with a subject and without."""
    assert believed(signed(version, **changes))


@pytest.mark.parametrize("kind", ["SubscriptionConfirmation", "UnsubscribeConfirmation"])
def test_a_confirmation_has_lines_of_its_own(kind: str) -> None:
    """Its link and its token are signed too."""
    message = signed(Type=kind, Token="t", SubscribeURL=SUBSCRIBE)

    assert believed(message)
    assert not believed(message | {"SubscribeURL": SUBSCRIBE + "3"})
    assert not believed(message | {"Token": "u"})


def test_the_signed_lines_are_the_documented_ones() -> None:
    """Names and values on lines of their own, in the order of the alphabet; the subject only where there is one."""
    common = {"Message": "a\nb", "MessageId": "m", "Timestamp": "t", "TopicArn": "arn"}
    confirm = {**common, "Type": "SubscriptionConfirmation", "SubscribeURL": "u", "Token": "k", "Subject": "no"}

    assert ses_sns.canonical({**common, "Type": "Notification", "Subject": "s"}) == (
        b"Message\na\nb\nMessageId\nm\nSubject\ns\nTimestamp\nt\nTopicArn\narn\nType\nNotification\n"
    )
    assert b"Subject" not in ses_sns.canonical({**common, "Type": "Notification"})
    assert ses_sns.canonical(confirm) == (
        b"Message\na\nb\nMessageId\nm\nSubscribeURL\nu\nTimestamp\nt\nToken\nk\nTopicArn\narn\n"
        b"Type\nSubscriptionConfirmation\n"
    )


@pytest.mark.parametrize("name", ["Message", "MessageId", "Timestamp", "TopicArn", "Type", "Subject"])
def test_a_changed_message_is_not_believed(name: str) -> None:
    """Whatever of the signed lines was changed."""
    kinds = {"Type": "SubscriptionConfirmation", "Timestamp": "2026-11-12T08:59:31.000Z"}
    message = signed(Subject="s") | {name: kinds.get(name, "x")}

    assert not believed(message)


@pytest.mark.parametrize(
    "changes",
    [
        {"Signature": ""},
        {"Signature": "AAAA"},
        {"Signature": "ünïcode"},
        {"Signature": None},
        {"Signature": 7},
        {"SignatureVersion": "3"},
        {"SignatureVersion": None},
        {"SigningCertURL": None},
        {"Timestamp": "yesterday"},
        {"Timestamp": 1},
        {"TopicArn": None},
        {"MessageId": None},
        {"Message": "\ud800"},
        {"Type": "Other"},
        {"Type": ["Notification"]},
    ],
    ids=str,
)
def test_a_malformed_message_is_not_believed_and_raises_nothing(changes: dict[str, Any]) -> None:
    """Whatever the fields hold."""
    assert not believed(signed() | changes)


@given(st.binary(max_size=60))
def test_any_body_is_answered_without_an_exception(body: bytes) -> None:
    """A stranger's bytes."""
    assert not hook().verify(Incoming({}, body), (), NOW)


def test_a_signature_of_the_other_version_is_not_believed() -> None:
    """SHA-1 where the message says SHA-256."""
    assert not believed(signed("1") | {"SignatureVersion": "2"})


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.eu-west-1.amazonaws.com/a.pem",
        "https://sns.eu-west-1.amazonaws.com.evil.example/a.pem",
        "https://evil.example/sns.eu-west-1.amazonaws.com/a.pem",
        "https://sns.eu-west-1.amazonaws.com@evil.example/a.pem",
        "https://evil.example#sns.eu-west-1.amazonaws.com/a.pem",
        "https://evil.example\\@sns.eu-west-1.amazonaws.com/a.pem",
        "https://sns.eu-west-1.amazonaws.com:444/a.pem",
        "https://sns.eu-west-1.amazonaws.com/a.pem?x=.pem",
        "https://sns.eu-west-1.amazonaws.com/a/b.pem",
        "https://sns.eu-west-1.amazonaws.com/a.txt",
        "https://sns.a.b.amazonaws.com/a.pem",
        "https://s3.amazonaws.com/evil/a.pem",
        "https://xsns.eu-west-1.amazonaws.com/a.pem",
        "https://sns.eu-west-1.amazonaws.com\n.evil.example/a.pem",
        "https://[sns.eu-west-1.amazonaws.com/a.pem",
        "https://sns.eu-west-1.amazonaws.com/a.pem#b",
        "https://sns.eu-west-1.amazonaws.com/a\n.pem",
        "",
    ],
)
def test_a_certificate_from_elsewhere_is_not_even_fetched(url: str) -> None:
    """The host decides who can sign for Amazon."""
    certificates = Certificates()

    assert not believed(signed(SigningCertURL=url), certificates)
    assert not certificates.asked


@pytest.mark.parametrize("host", ["sns.us-gov-west-1.amazonaws.com", "sns.cn-north-1.amazonaws.com.cn"])
def test_a_certificate_of_another_partition_is_believed(host: str) -> None:
    """Amazon's hosts, all of them."""
    assert believed(signed(SigningCertURL=f"https://{host}/SimpleNotificationService-ab.pem"))


def test_a_certificate_is_fetched_once() -> None:
    """And kept by its address."""
    certificates = Certificates()
    ours = hook(certificates)

    assert all(ours.verify(incoming(signed(MessageId=f"m-{n}")), (), NOW) for n in range(3))
    assert certificates.asked == [CERTIFICATE]


def test_no_more_than_a_few_certificates_are_kept() -> None:
    """A stranger who knows the topic cannot fill the memory."""
    ours = hook()
    for number in range(30):
        ours.verify(incoming(signed(SigningCertURL=CERTIFICATE.replace(".pem", f"{number}.pem"))), (), NOW)

    assert len(ours._verifier._kept) == ses_sns.MOST_CERTIFICATES


def test_a_stranger_makes_us_fetch_nothing() -> None:
    """Another's topic, or an old message: refused before the certificate is asked for."""
    certificates = Certificates()

    assert not believed(signed(TopicArn=TOPIC + "2"), certificates)
    assert not believed(signed(), certificates, now=NOW + timedelta(days=1))
    assert not certificates.asked


@pytest.mark.parametrize(
    "answer", [b"", b"no certificate", pem(-1), pem(elliptic=True)], ids=["none", "junk", "old", "ec"]
)
def test_an_unusable_certificate_is_doubt_and_not_an_exception(answer: bytes) -> None:
    """Not to be had, not one, no longer good, or of another kind of key: SNS will post again."""
    certificates = Certificates(answer)

    assert not believed(signed(), certificates)
    assert certificates.asked


def test_a_certificate_that_could_not_be_had_is_asked_for_again() -> None:
    """The network was away for a moment."""
    certificates = Certificates(b"")
    ours = hook(certificates)

    assert not ours.verify(incoming(signed()), (), NOW)
    certificates.answer = pem()
    assert ours.verify(incoming(signed()), (), NOW)


@pytest.mark.parametrize(
    ("late", "taken"),
    [
        (timedelta(minutes=-6), False),
        (timedelta(minutes=-4), True),
        (timedelta(minutes=64), True),
        (timedelta(minutes=66), False),
    ],
)
def test_a_message_may_be_as_old_as_sns_goes_on_trying(late: timedelta, taken: bool) -> None:
    """An hour of retries keeps the first Timestamp; whoever replays one inside it is known by its MessageId."""
    assert believed(signed(Timestamp="2026-11-12T09:00:00.000Z"), now=NOW + late) is taken


def test_without_a_topic_the_hook_is_closed() -> None:
    """Also to a message that names none (S-50)."""
    closed = hook(topic="")

    assert not closed.verify(incoming(signed()), (), NOW)
    assert not closed.verify(incoming(signed(TopicArn="")), ("",), NOW)


def test_a_second_topic_is_taken_while_the_first_is_replaced() -> None:
    """Given as a secret."""
    other = TOPIC + "-new"

    assert hook().verify(incoming(signed(TopicArn=other)), (other,), NOW)
    assert not hook().verify(incoming(signed(TopicArn=other)), ("another secrét",), NOW)


def test_an_unknown_option_is_refused() -> None:
    """As the adapter does."""
    with pytest.raises(ProviderError, match="topic"):
        ses_hook.SesHook({"topic": "x"})


def test_an_honest_sns_tries_again_after_a_refusal() -> None:
    """It gives up at once for a 4xx."""
    port: Hook = hook()

    assert port.refusal == 503


@pytest.mark.parametrize(
    "said", [Answered(404, {}, b"x"), Answered(302, {}, b"x"), Failed(Taken.NOT_SENT, "no")], ids=["404", "302", "no"]
)
def test_only_a_whole_answer_is_a_certificate(said: Answered | Failed) -> None:
    """A redirect is not followed, and an error page is none."""
    with pytest.raises(ProviderError):
        ses_sns.certificate_from(Wire([said]), CERTIFICATE)


def test_a_certificate_is_what_its_address_gives() -> None:
    """Through any poster."""
    wire = Wire([Answered(200, {}, b"pem")])

    assert ses_sns.certificate_from(wire, CERTIFICATE) == b"pem"
    assert [posted[0].url for posted in wire.posted] == [CERTIFICATE]


NAMELESS = b'{"Type":"Notification","Timestamp":"2026-11-12T09:00:00Z"}'  #: without a MessageId
BOUNCED = [{"emailAddress": "ada@example.org", "diagnosticCode": "smtp; 550 5.1.1 user unknown"}]
TIME = "2026-11-12T08:30:00.000Z"


@pytest.mark.parametrize(
    ("said", "kind", "word"),
    [
        (event("Send", send={}), Kind.ACCEPTED, "Send"),
        (event("Delivery", delivery={"timestamp": TIME}), Kind.DELIVERED, "Delivery"),
        (
            event("DeliveryDelay", deliveryDelay={"delayType": "MailboxFull"}),
            Kind.DEFERRED,
            "DeliveryDelay/MailboxFull",
        ),
        (event("Reject", reject={"reason": "Bad content"}), Kind.BLOCKED, "Reject"),
        (event("Rendering Failure", failure={"errorMessage": "no x"}), Kind.BLOCKED, "Rendering Failure"),
        (event("Open", open={}), Kind.OPENED, "Open"),
        (event("Click", click={}), Kind.CLICKED, "Click"),
        (event("Complaint", complaint={"complaintFeedbackType": "abuse"}), Kind.COMPLAINED, "Complaint/abuse"),
        (event("Complaint", complaint={"complaintFeedbackType": "not-spam"}), Kind.UNKNOWN, "Complaint/not-spam"),
        (event("Complaint", complaint={"complaintSubType": "OnAccountSuppressionList"}), Kind.DROPPED, "Complaint"),
        (
            event("Subscription", subscription={"newTopicPreferences": {"unsubscribeAll": True}}),
            Kind.UNSUBSCRIBED,
            "Subscription",
        ),
        (
            event("Subscription", subscription={"newTopicPreferences": {"unsubscribeAll": False}}),
            Kind.UNKNOWN,
            "Subscription",
        ),
        (event("Something New"), Kind.UNKNOWN, "Something New"),
        ({"notificationType": "Bounce", "bounce": {"bounceType": "Permanent"}}, Kind.HARD_BOUNCED, "Bounce/Permanent"),
    ],
)
def test_an_event_is_read_as_documented(said: dict[str, Any], kind: Kind, word: str) -> None:
    """What is new is kept under its own word."""
    found = hook().parse(incoming(signed(Message=json.dumps(said))))

    assert [(one.kind, one.word) for one in found] == [(kind, word)]


@pytest.mark.parametrize(
    ("kind", "subtype", "ours"),
    [
        ("Permanent", "General", Kind.HARD_BOUNCED),
        ("Permanent", "NoEmail", Kind.HARD_BOUNCED),
        ("Permanent", "Suppressed", Kind.DROPPED),
        ("Permanent", "OnAccountSuppressionList", Kind.DROPPED),
        ("Permanent", "UnsubscribedRecipient", Kind.DROPPED),
        ("Transient", "General", Kind.SOFT_BOUNCED),
        ("Transient", "MailboxFull", Kind.SOFT_BOUNCED),
        ("Transient", "MessageTooLarge", Kind.BLOCKED),
        ("Transient", "ContentRejected", Kind.BLOCKED),
        ("Transient", "AttachmentRejected", Kind.BLOCKED),
        ("Undetermined", "Undetermined", Kind.SOFT_BOUNCED),
        ("New", "New", Kind.UNKNOWN),
    ],
)
def test_hard_soft_and_blocked_bounces_are_told_apart(kind: str, subtype: str, ours: Kind) -> None:
    """Only the first is about who they are."""
    bounce = {"bounceType": kind, "bounceSubType": subtype, "bouncedRecipients": BOUNCED, "timestamp": TIME}
    found = hook().parse(incoming(signed(Message=json.dumps(event("Bounce", bounce=bounce)))))[0]

    assert (found.kind, found.key, found.event_id) == (ours, "key-ada", "m-1")
    assert found.at == datetime(2026, 11, 12, 8, 30, tzinfo=UTC)
    assert found.reason == "smtp; 550 5.1.1 user unknown"
    assert found.word == f"Bounce/{kind}/{subtype}"


def test_an_event_without_our_tag_is_nobodys() -> None:
    """Another programme sends through the same account."""
    said = event("Bounce", bounce={"bounceType": "Permanent"})
    del said["mail"]["tags"]["nl_delivery"]

    assert hook().parse(incoming(signed(Message=json.dumps(said))))[0].key == ""


@pytest.mark.parametrize("text", ["Successfully validated SNS topic for Amazon SES event publishing.", "[]", "7", "{}"])
def test_words_that_are_no_event_are_kept_as_unknown(text: str) -> None:
    """SES says so when a topic is connected."""
    found = hook().parse(incoming(signed(Message=text)))[0]

    assert (found.kind, found.word, found.key) == (Kind.UNKNOWN, "Notification", "")
    assert found.at == datetime(2026, 11, 12, 8, 59, 30, tzinfo=UTC)


def test_a_subscription_is_shown_to_the_operator_and_opened_by_nobody() -> None:
    """The whole link, as the reason of an event; nothing is fetched but the certificate."""
    certificates = Certificates()
    ours, message = hook(certificates), signed(Type="SubscriptionConfirmation", Token="t", SubscribeURL=SUBSCRIBE)

    assert ours.verify(incoming(message), (), NOW)
    found = ours.parse(incoming(message))[0]
    assert (found.kind, found.word, found.reason) == (Kind.UNKNOWN, "SubscriptionConfirmation", SUBSCRIBE)
    assert certificates.asked == [CERTIFICATE]


@pytest.mark.parametrize(
    "url",
    [
        SUBSCRIBE.replace("amazonaws.com", "amazonaws.com.evil.example"),
        SUBSCRIBE.replace("https:", "http:"),
        SUBSCRIBE.replace(TOPIC, TOPIC + "2"),
        SUBSCRIBE.replace("ConfirmSubscription", "DeleteTopic"),
        f"{SUBSCRIBE}&TopicArn=other",
        f"{SUBSCRIBE}&Action=DeleteTopic",
        "https://169.254.169.254/",
        "",
    ],
)
def test_a_forged_link_is_not_shown(url: str) -> None:
    """Only one that leads to SNS, and to our topic (S-53)."""
    message = signed(Type="SubscriptionConfirmation", Token="t", SubscribeURL=url)

    assert hook().parse(incoming(message))[0].reason == ""


def test_an_ended_subscription_shows_no_link() -> None:
    """Its link would subscribe again: whoever ended it meant it."""
    message = signed(Type="UnsubscribeConfirmation", Token="t", SubscribeURL=SUBSCRIBE)

    assert hook().parse(incoming(message))[0].reason == ""


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b'{"Type":"Notification"}', b'{"eventType":"Bounce"}', NAMELESS, b"\xff"]
)
def test_a_body_that_is_no_message_of_sns_is_an_error(body: bytes) -> None:
    """Raw delivery among them: it has no signature."""
    with pytest.raises(ProviderError):
        hook().parse(Incoming({}, body))


def test_a_reason_is_no_longer_than_it_needs_to_be() -> None:
    """The other side's server may say anything."""
    bounce = {"bounceType": "Permanent", "bouncedRecipients": [{"diagnosticCode": "x" * 9000}]}

    assert len(hook().parse(incoming(signed(Message=json.dumps(event("Bounce", bounce=bounce)))))[0].reason) == 300


@pytest.mark.parametrize(
    ("said", "theirs"),
    [
        (event("Send", send={}), "sent"),
        (event("Delivery", delivery={"timestamp": TIME, "recipients": ["ada@example.org"]}), "delivered"),
        (
            event(
                "Bounce", bounce={"bounceType": "Permanent", "bounceSubType": "NoEmail", "bouncedRecipients": BOUNCED}
            ),
            "bounced",
        ),
        (event("Complaint", complaint={"complainedRecipients": BOUNCED}), "complained"),
        (event("Reject", reject={"reason": "Bad content"}), "rejected"),
        (event("Rendering Failure", failure={"errorMessage": "no x"}), "failed"),
        (event("Open", open={}), "opened"),
        (event("Click", click={"link": "x"}), "clicked"),
        (event("Something New"), "unknown"),
    ],
)
def test_events_are_those_that_django_anymail_reads(said: dict[str, Any], theirs: str) -> None:
    """Its words for ours; it makes one event for each recipient, and there is one."""
    from anymail.webhooks.amazon_ses import AmazonSESTrackingWebhookView as View  # noqa: PLC0415 - slow to import

    words = {
        "sent": Kind.ACCEPTED,
        "delivered": Kind.DELIVERED,
        "bounced": Kind.HARD_BOUNCED,
        "complained": Kind.COMPLAINED,
        "rejected": Kind.BLOCKED,
        "failed": Kind.BLOCKED,
        "opened": Kind.OPENED,
        "clicked": Kind.CLICKED,
        "unknown": Kind.UNKNOWN,
    }
    message = signed(Message=json.dumps(said))
    (found,) = View.esp_to_anymail_events(View.__new__(View), said, message)
    (ours,) = hook().parse(incoming(message))

    assert (found.event_type, found.event_id) == (theirs, ours.event_id)
    assert ours.kind is words[theirs]
