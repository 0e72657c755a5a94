"""What Amazon SES tells afterwards, through a topic of Amazon SNS that posts to us.

Our key comes back as the tag `nl_delivery`; for that, a configuration set has to publish the events. A topic's request
to confirm a subscription becomes an event with the link as its reason: a person opens it, and nothing here does.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

from newsletter.errors import ProviderError
from newsletter.providers import ses_sns
from newsletter.providers.adapter import Account, checked_options
from newsletter.providers.hooks import LONGEST_REASON, Event, Incoming, Kind
from newsletter.providers.judging import member
from newsletter.providers.ses import TAG
from newsletter.providers.ses_access import OPTIONS
from newsletter.providers.sns_certificates import Certificates, fetched, is_sns_url

CONFIRM = "SubscriptionConfirmation"

#: eventType (configuration sets) and notificationType (identities) share their words.
KINDS: Mapping[str, Kind] = {
    "Send": Kind.ACCEPTED,
    "Delivery": Kind.DELIVERED,
    "DeliveryDelay": Kind.DEFERRED,
    "Reject": Kind.BLOCKED,
    "Rendering Failure": Kind.BLOCKED,  # accepted, and never sent: a value was missing in the template
    "Complaint": Kind.COMPLAINED,
    "Open": Kind.OPENED,
    "Click": Kind.CLICKED,
}
#: By type; "Undetermined" is no reason to suppress anybody.
BOUNCES = {"Permanent": Kind.HARD_BOUNCED, "Transient": Kind.SOFT_BOUNCED, "Undetermined": Kind.SOFT_BOUNCED}
#: Subtypes that mean something else than their type.
SUBTYPES = {
    "Suppressed": Kind.DROPPED,
    "OnAccountSuppressionList": Kind.DROPPED,
    "UnsubscribedRecipient": Kind.DROPPED,
    "ContentRejected": Kind.BLOCKED,
    "MessageTooLarge": Kind.BLOCKED,
    "AttachmentRejected": Kind.BLOCKED,
}


class SesHook:
    """The webhook, as hooks.Hook says it."""

    def __init__(self, options: Mapping[str, str], fetch: Callable[[str], bytes] = fetched) -> None:
        """`fetch` gets a certificate: see Certificates. Without `topic_arn`, or a topic as secret, the hook is closed.

        Raises ProviderError for an unknown option.
        """
        given = checked_options("ses", Account("", options), OPTIONS)
        if given["sns_sha1"] not in ("yes", "no"):
            raise ProviderError("[provider.options]: ses's 'sns_sha1' is 'yes' or 'no'.")
        self._topic = given["topic_arn"]
        self._verifier = ses_sns.SnsVerifier(Certificates(fetch), takes_sha1=given["sns_sha1"] == "yes")

    @property
    def refusal(self) -> int:
        """SNS gives a message up at once for a 4xx, and tries again for an hour after a 5xx."""
        return HTTPStatus.SERVICE_UNAVAILABLE

    def verify(self, incoming: Incoming, secrets: Sequence[str], now: datetime) -> bool:
        """Whether SNS signed it, for our topic: the option's, or one of `secrets`, while it is being changed."""
        return self._verifier.is_genuine(ses_sns.read(incoming.body), (self._topic, *secrets), now)

    def parse(self, incoming: Incoming) -> Sequence[Event]:
        """The one event in a verified message. Raises ProviderError for a body that is none."""
        message = ses_sns.read(incoming.body)
        if not message or not member(message, "MessageId"):
            raise ProviderError("This is no message of Amazon SNS. Let the topic post to this address, not raw.")
        said = _said(message)
        return [
            Event(
                kind=_kind(said),
                key=member(said, "mail", "tags", TAG, 0),
                event_id=member(message, "MessageId"),
                at=_at(message, said),
                word=_word(message, said),
                reason=subscribe_url(message) or _reason(said)[:LONGEST_REASON],
            )
        ]


def subscribe_url(message: Mapping[str, str]) -> str:
    """The link with which a person confirms that the topic may post to us; empty for any other message or link.

    It leads to SNS, and to the topic that the message is about (S-53); whose topic that is, `verify` has decided.
    """
    url = member(message, "SubscribeURL")
    if member(message, "Type") != CONFIRM or not is_sns_url(url):
        return ""
    asked = parse_qs(urlsplit(url).query)
    ours = asked.get("TopicArn") == [message.get("TopicArn")] and asked.get("Action") == ["ConfirmSubscription"]
    return url if ours else ""


def _said(message: Mapping[str, str]) -> dict[str, Any]:
    """The event of SES inside; empty for what is none: a confirmation, or "Successfully validated SNS topic"."""
    if message["Type"] != "Notification":
        return {}
    try:
        found = json.loads(member(message, "Message"))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _name(said: Mapping[str, Any]) -> str:
    return str(member(said, "eventType") or member(said, "notificationType"))


def _kind(said: Mapping[str, Any]) -> Kind:
    name = _name(said)
    if name == "Bounce":
        kind = BOUNCES.get(member(said, "bounce", "bounceType"), Kind.UNKNOWN)
        return SUBTYPES.get(member(said, "bounce", "bounceSubType"), kind)
    if name == "Complaint":
        return _complaint(said)
    if name == "Subscription":
        leaves = member(said, "subscription", "newTopicPreferences", "unsubscribeAll", kind=bool)
        return Kind.UNSUBSCRIBED if leaves else Kind.UNKNOWN
    return KINDS.get(name, Kind.UNKNOWN)


def _complaint(said: Mapping[str, Any]) -> Kind:
    """A reader's, unless the report says that it is not spam after all, or SES did not even try."""
    if member(said, "complaint", "complaintFeedbackType") == "not-spam":
        return Kind.UNKNOWN
    return SUBTYPES.get(member(said, "complaint", "complaintSubType"), Kind.COMPLAINED)


def _word(message: Mapping[str, str], said: Mapping[str, Any]) -> str:
    """SES's own words: type, and subtype where there is one; else what SNS calls its message."""
    details = [
        member(said, "bounce", "bounceType"),
        member(said, "bounce", "bounceSubType"),
        member(said, "complaint", "complaintFeedbackType"),
        member(said, "deliveryDelay", "delayType"),
    ]
    return "/".join(word for word in (_name(said) or message["Type"], *details) if word)[:LONGEST_REASON]


def _reason(said: Mapping[str, Any]) -> str:
    places: tuple[tuple[str | int, ...], ...] = (
        ("bounce", "bouncedRecipients", 0, "diagnosticCode"),
        ("deliveryDelay", "delayedRecipients", 0, "diagnosticCode"),
        ("delivery", "smtpResponse"),
        ("reject", "reason"),
        ("failure", "errorMessage"),
    )
    return next((found for place in places if (found := member(said, *place))), "")


def _at(message: Mapping[str, str], said: Mapping[str, Any]) -> datetime:
    """When it happened, by the event; else when the mail was taken, or the message written."""
    own = _name(said)[:1].lower() + _name(said)[1:]
    for text in (member(said, own, "timestamp"), member(said, "mail", "timestamp"), member(message, "Timestamp")):
        try:
            return ses_sns.moment(text)
        except ValueError:
            continue
    raise ProviderError("This message of Amazon SNS has no time. Let the topic post to this address, not raw.")
