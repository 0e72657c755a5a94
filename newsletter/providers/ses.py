"""Amazon SES, API version 2: SendBulkEmail with a template that comes along in the call.

The template is shared by everybody in the call, so a body is small and may exist as a whole: it has to, because the
signature (Signature Version 4) covers it. Only the signature and its date differ between two attempts.

SES knows no idempotency key and answers no look-ups: a lost answer is settled by events (`ses_hook.py`) or a person.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from newsletter.errors import HeaderError
from newsletter.mail import headers
from newsletter.mail.columns import Columns
from newsletter.mail.json_message import JsonMessage, Slots
from newsletter.mail.merging import Segments
from newsletter.mail.message import MessageBuilder
from newsletter.providers import ses_answers, ses_template
from newsletter.providers.adapter import Account, Calls
from newsletter.providers.base import Answer, Capabilities, OutgoingBatch
from newsletter.providers.poster import Answered, Failed, Request
from newsletter.providers.ses_access import SesAccess

PATH = "/v2/email/outbound-bulk-emails"
TAG = "nl_delivery"
MOST_DESTINATIONS = 50  #: "Using templates to send personalized email": destinations in one call
MOST_BYTES = 1_000_000  #: the same page: an inline template's input JSON is at most 1 MB
MOST_HEADERS = 15  #: MessageHeaderList in the service model
LONGEST_NAME, LONGEST_VALUE, LONGEST_HEADER = 126, 995, 996  #: MessageHeader there; the last for both together

_TAG_VALUE = re.compile(r"[A-Za-z0-9_-]+")
_HEADER_NAME, _HEADER_VALUE = re.compile(r"[!-9;-@A-~]+"), re.compile(r"[ -~]+")


class Ses:
    """The adapter, as adapter.Adapter says it."""

    def __init__(self, account: Account, environment: Mapping[str, str] = os.environ) -> None:
        """Raises ProviderError for a missing region or an unusable secret; `environment` is read only if asked for."""
        self._access = SesAccess.of(account, environment)

    @property
    def capabilities(self) -> Capabilities:
        """Neither keys nor look-ups."""
        return Capabilities("ses", MOST_DESTINATIONS, MOST_BYTES, timedelta(seconds=60))

    def calls(self, builder: MessageBuilder) -> Calls:
        """The calls of one issue. Raises HeaderError where its List- headers are not what SES takes."""
        _check_headers(builder.list_headers("https://news.example.org/", "key"))
        return _SesCalls(_message(builder, self._access.options["configuration_set"]), builder, self._access)

    def interpret(self, batch: OutgoingBatch, said: Answered | Failed) -> Answer:
        """See ses_answers."""
        return ses_answers.read(batch, said)


@dataclass(frozen=True, slots=True)
class _SesCalls:
    message: JsonMessage
    builder: MessageBuilder
    access: SesAccess

    @property
    def most(self) -> int:
        return self.message.most(MOST_BYTES)

    def request(self, batch: OutgoingBatch) -> Request:
        """Signed now: SES takes a call for some minutes around its date. Raises MailError."""
        recipients = Columns.of(batch.recipients)
        _check_own(self.builder, recipients)
        body = self.message.body(recipients)
        url = self.access.base + PATH
        return Request("POST", url, self.access.signed("POST", url, b"".join(body)), body, body.length)


def _message(builder: MessageBuilder, configuration_set: str) -> JsonMessage:
    def whole(slots: Slots) -> Any:
        return {
            "FromEmailAddress": _mailbox(builder.sender.sender),
            "ReplyToAddresses": [_mailbox(builder.sender.reply_to)],
            "DefaultContent": {"Template": {"TemplateContent": _content(builder, slots), "TemplateData": "{}"}},
            "BulkEmailEntries": [slots.each],
            "ConfigurationOverrides": {
                "Tracking": {"OpenTrackingEnabled": "DISABLED", "ClickTrackingEnabled": "DISABLED"}
            },
        } | ({"ConfigurationSetName": configuration_set} if configuration_set else {})

    def entry(slots: Slots) -> Any:
        own = builder.list_headers(slots.value("unsubscribe"), slots.key)
        data = slots.inner(_data(builder, slots))
        return {
            "Destination": {"ToAddresses": [slots.to]},
            "ReplacementEmailContent": {"ReplacementTemplate": {"ReplacementTemplateData": data}},
            "ReplacementHeaders": [{"Name": name, "Value": value} for name, value in own.items()],
            "ReplacementTags": [{"Name": TAG, "Value": slots.key}],
        }

    return JsonMessage(builder, whole=whole, entry=entry)


def _content(builder: MessageBuilder, slots: Slots) -> dict[str, str]:
    return {
        "Subject": ses_template.template(Segments((builder.subject,), ()), str),
        "Text": ses_template.template(slots.merger.text, str),
        "Html": ses_template.template(slots.merger.html, lambda name: _html_name(slots, name)),
    }


def _data(builder: MessageBuilder, slots: Slots) -> dict[str, str]:
    """Every name that the template uses, for each recipient: a missing one is an event later, and no mail."""
    values = {name: slots.value(name) for name in builder.rendered.fields}
    in_html = {_html_name(slots, name): slots.html_value(name) for name in builder.rendered.fields}
    return {**values, **in_html, **ses_template.constants(*_content(builder, slots).values())}


def _html_name(slots: Slots, name: str) -> str:
    """SES does not escape: what differs in HTML is a value of its own. Links are the same in both."""
    return name if slots.html_value(name) == slots.value(name) else f"html_{name}"


def _mailbox(text: str) -> str:
    """ASCII, with RFC 2047 words where needed: as FromEmailAddress and ReplyToAddresses want it."""
    line = headers.mailbox_line("From", text).decode("ascii").removeprefix("From: ").replace("\r\n ", " ").strip()
    return line[1:-1] if line.startswith("<") else line


def _check_headers(found: Mapping[str, str]) -> None:
    if len(found) > MOST_HEADERS:
        raise HeaderError(f"Amazon SES takes {MOST_HEADERS} headers of a message, and this one has {len(found)}.")
    for name, value in found.items():
        fits = len(name) <= LONGEST_NAME and len(value) <= LONGEST_VALUE and len(name + value) <= LONGEST_HEADER
        if not (fits and _HEADER_NAME.fullmatch(name) and _HEADER_VALUE.fullmatch(value)):
            raise HeaderError(
                f"Amazon SES cannot take the header {name}: it must be ASCII, of at most {LONGEST_VALUE} characters. "
                "Shorten the address of the newsletter's pages or of its mailbox."
            )


def _check_own(builder: MessageBuilder, recipients: Columns) -> None:
    """What differs per recipient: the longest way out must fit its header, every key must be a tag."""
    links = recipients.values.get("unsubscribe", ())
    longest = max(zip(links, recipients.keys, strict=False), key=lambda pair: len("".join(pair)), default=("", ""))
    _check_headers(builder.list_headers(*longest))
    if not all(map(_TAG_VALUE.fullmatch, recipients.keys)):  # at most 128 characters by KEY; a tag has 256
        raise HeaderError("A delivery's key must be letters, digits, _ and - to be a tag of Amazon SES.")
