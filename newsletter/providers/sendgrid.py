"""SendGrid, Mail Send v3: one text for a thousand people, with each one's values beside it.

SendGrid puts values in by plain replacement of their names, in the subject and the two texts, and not in headers: so
names carry the issue's nonce, HTML and text have values of their own, and headers are written out for each recipient.
Sources: the OpenAPI file of Mail Send v3; providers reference, A.1, A.2 and F.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from email.utils import parseaddr, parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from newsletter.errors import MailError, ProviderError
from newsletter.mail.columns import Columns
from newsletter.mail.headers import visible
from newsletter.mail.json_message import JsonMessage, Slots
from newsletter.mail.message import MessageBuilder
from newsletter.providers.adapter import Account, checked_options
from newsletter.providers.base import Answer, Capabilities, Directive, Outcome, OutgoingBatch, all_alike
from newsletter.providers.judging import LONGEST_WAIT, document, judged, member
from newsletter.providers.poster import Answered, Failed, Request
from newsletter.providers.repeats import for_everybody, once_each, places

METADATA = "nl_delivery"  #: stands among SendGrid's own fields in every event, so it needs a name that they never use
MOST_BYTES = 30_000_000
OPTIONS = {"region": "global", "sandbox": "no"}
REGIONS = {"global": "https://api.sendgrid.com", "eu": "https://api.eu.sendgrid.com"}

#: What SendGrid puts its own links in for, or templates would: legacy tags, unsubscribe-group tags, Handlebars.
TAGS = re.compile(r"<(?=%)|\{(?=\{)|\[(?=%|/?(?:unsubscribe|weblink|sender_))", re.IGNORECASE)
WORD_JOINER = "\u2060"  #: no width, no line break: the words look the same and are no tag any more

_ADDRESSEE = re.compile(r"personalizations\.([0-9]{1,5})\.to(?:\.0(?:\.email)?)?", re.ASCII)
_MESSAGE_ID = re.compile(r"[A-Za-z0-9._-]{1,200}")
_OFF = {"enable": False}
_TRACKING = {
    "click_tracking": {"enable": False, "enable_text": False},
    "open_tracking": _OFF,
    "subscription_tracking": _OFF,  # on, it puts SendGrid's own List-Unsubscribe over ours
    "ganalytics": _OFF,
}


class SendGrid:
    """The adapter. Options: `region` global or eu, `sandbox` yes (checked and thrown away by SendGrid) or no."""

    def __init__(self, account: Account) -> None:
        """Raises ProviderError for an unknown option, or a key that cannot stand in a header."""
        options = checked_options("sendgrid", account, OPTIONS)
        self._base = account.address.rstrip("/") or _choice("region", options["region"], REGIONS)
        self._sandbox = _choice("sandbox", options["sandbox"], {"yes": True, "no": False})
        self._headers = {"Authorization": f"Bearer {_key(account.secret)}", "Content-Type": "application/json"}

    @property
    def capabilities(self) -> Capabilities:
        """SendGrid remembers no key of ours and answers no questions: doubt is closed by its events alone."""
        return Capabilities("sendgrid", batch_size=1000, batch_bytes=MOST_BYTES)

    def calls(self, builder: MessageBuilder) -> "SendGridCalls":
        """The calls of one issue. Raises MailError for one without a subject, or that holds our placeholders' name."""
        return SendGridCalls(_message(builder, sandbox=self._sandbox), f"{self._base}/v3/mail/send", self._headers)

    def interpret(self, batch: OutgoingBatch, said: Answered | Failed) -> Answer:
        """202 with nothing in it: all are taken. In the sandbox it is 200, and nobody gets anything."""
        return for_everybody(batch, self._alike(batch, said))

    def _alike(self, batch: OutgoingBatch, said: Answered | Failed) -> Answer:
        if isinstance(said, Answered) and said.status == self._good and not said.body.strip():
            return Answer(all_alike(batch, Outcome.ACCEPTED, provider_ids=_ids(batch, said)))
        answer = judged(batch, said, name="SendGrid", words=_words, named=lambda said: _named(batch, said))
        if isinstance(said, Answered) and answer.directive is Directive.SLOW_DOWN and not answer.wait:
            return replace(answer, wait=_until_reset(said.headers))
        return answer

    @property
    def _good(self) -> int:
        return HTTPStatus.OK if self._sandbox else HTTPStatus.ACCEPTED


@dataclass(frozen=True, slots=True)
class SendGridCalls:
    """One issue, encoded."""

    message: JsonMessage
    url: str
    headers: Mapping[str, str] = field(repr=False)

    @property
    def most(self) -> int:
        """How many recipients fit a call."""
        return self.message.most(MOST_BYTES)

    def request(self, batch: OutgoingBatch) -> Request:
        """The call; who has the same address as somebody before is not in it. Raises MailError."""
        body = self.message.body(once_each(Columns.of(batch.recipients)))
        return Request("POST", self.url, self.headers, body, body.length)


def _message(builder: MessageBuilder, *, sandbox: bool) -> JsonMessage:
    marker = f"-nl{builder.rendered.nonce}-"
    if not builder.subject.strip():
        raise MailError("SendGrid refuses a message without a subject. Write one and approve the issue again.")
    if any(marker in frozen for frozen in (builder.subject, builder.rendered.html, builder.rendered.text)):
        raise MailError("The issue holds the name of one of its placeholders. Render it again.")

    def in_html(slots: Slots, name: str) -> str:
        same = slots.html_value(name) == slots.value(name)  # one name for both keeps long links within 10,000 bytes
        return f"{marker}{name}-" if same else f"{marker}html-{name}-"

    def whole(slots: Slots) -> Any:
        text = slots.text_with(lambda name: f"{marker}{name}-")
        html = slots.html_with(lambda name: in_html(slots, name))
        return {
            "personalizations": [slots.each],
            "from": _mailbox(builder.sender.sender),
            "reply_to": _mailbox(builder.sender.reply_to),
            "subject": tamed(builder.subject),
            "content": [  # text first, or SendGrid refuses the call
                {"type": "text/plain", "value": tamed(text)},
                {"type": "text/html", "value": tamed_html(html)},
            ],
            "mail_settings": {"sandbox_mode": {"enable": sandbox}, "footer": _OFF},
            "tracking_settings": _TRACKING,
        }

    def entry(slots: Slots) -> Any:
        fields = builder.rendered.fields
        plain = {f"{marker}{name}-": slots.value(name) for name in fields}
        escaped = {in_html(slots, name): slots.html_value(name) for name in fields}
        return {
            "to": [{"email": slots.to}],  # without a name: SendGrid stumbles over commas in it
            "substitutions": plain | escaped,
            "custom_args": {METADATA: slots.key},
            "headers": builder.list_headers(slots.value("unsubscribe"), slots.key),
        }

    return JsonMessage(builder, whole=whole, entry=entry)


def tamed(text: str) -> str:
    """Plain text in which nothing is a tag of SendGrid's; a reader sees no difference."""
    return TAGS.sub(lambda tag: tag[0] + WORD_JOINER, text)


def tamed_html(text: str) -> str:
    """HTML likewise: the tag's first character as a reference."""
    return TAGS.sub(lambda tag: f"&#{ord(tag[0])};", text)


def _mailbox(mailbox: str) -> dict[str, str]:
    name, address = parseaddr(mailbox)
    return {"email": address} | ({"name": visible(name)} if name else {})


def _choice(name: str, value: str, known: Mapping[str, Any]) -> Any:
    if value not in known:
        raise ProviderError(f"[provider.options]: sendgrid's '{name}' is one of {', '.join(known)}.")
    return known[value]


def _key(secret: str) -> str:
    if not secret or not secret.isascii() or not secret.isprintable() or " " in secret:
        raise ProviderError("The key of SendGrid's API is missing or is not one word. Copy it again from its console.")
    return secret


def _ids(batch: OutgoingBatch, said: Answered) -> list[str]:
    """One id for the whole call; SendGrid's own ids in events begin with it."""
    found = said.headers.get("x-message-id", "")
    return [found] * len(batch.recipients) if _MESSAGE_ID.fullmatch(found) else []


def _named(batch: OutgoingBatch, said: Answered) -> set[int]:
    """Whose address SendGrid refuses: their place in the call, "personalizations.3.to.0.email".

    Nobody's, where one of the errors is about something else: it would be everybody's.
    """
    errors = [_ADDRESSEE.fullmatch(member(one, "field")) for one in member(document(said), "errors", kind=list)]
    sent = places(Columns.of(batch.recipients))
    found = {int(one[1]) for one in errors if one}
    return {sent[at] for at in found} if all(errors) and found and max(found) < len(sent) else set()


def _words(said: Answered) -> str:
    errors = member(document(said), "errors", kind=list)
    return " ".join(f"{member(error, 'message')} ({member(error, 'field') or 'no field'})" for error in errors[:3])


def _until_reset(headers: Mapping[str, str]) -> float:
    """Seconds until X-RateLimit-Reset (seconds since 1970), by the answer's own Date; 0 where it does not say."""
    reset = headers.get("x-ratelimit-reset", "")
    try:
        now = parsedate_to_datetime(headers.get("date", "")).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0.0
    return min(max(0.0, float(reset) - now), LONGEST_WAIT) if reset.isascii() and reset.isdigit() else 0.0
