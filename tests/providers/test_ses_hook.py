"""What Amazon SES says in the messages of SNS, beside django-anymail."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from sns_samples import CERTIFICATE, NOW, SUBSCRIBE, TOPIC, Authority, event, hook, incoming, signed

from newsletter.errors import ProviderError
from newsletter.providers.hooks import Incoming, Kind

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
    certificates = Authority()
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
