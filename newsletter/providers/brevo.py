"""Brevo: POST /v3/smtp/email with `messageVersions`, one for each recipient; the content stands once beside them.

The idempotency key stands in the body, and differs per call where the rest of the head is the issue's: it comes first
in the document, and is put into the first bytes that leave.
"""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from email.utils import parseaddr
from http import HTTPStatus
from typing import Any

from newsletter.errors import HeaderError
from newsletter.mail import headers
from newsletter.mail.json_message import Body, JsonMessage, Slots
from newsletter.mail.merging import Segments
from newsletter.mail.message import MessageBuilder
from newsletter.providers import brevo_template
from newsletter.providers.adapter import Account, Calls, checked_options
from newsletter.providers.base import Answer, Capabilities, Directive, Outcome, OutgoingBatch, all_alike
from newsletter.providers.judging import STATUSES, document, judged, member, waiting_time
from newsletter.providers.poster import Answered, Failed, Request

ADDRESS = "https://api.brevo.com"
PATH = "/v3/smtp/email"
MOST_VERSIONS = 1000  #: "Batch send transactional emails"
MOST_PARAMS = 1_000_000  #: bytes of all `params` of a call together: 1000 KB
#: The changelog of 2021 says 15 minutes, today's page 30: we count on less than either.
REMEMBERED = timedelta(minutes=12)
OPTIONS = {"hook_header": "x-newsletter-secret"}  #: of the webhook: the custom header that holds its secret
CUSTOM, MARK = "X-Mailin-custom", "nl_delivery"  #: a header that comes back with events, and a name in its JSON

_NAMESPACE = uuid.UUID("6b3f1f0e-5f0c-5c1e-9a57-3f4a2a5f6c11")  #: ours, made up once
_START = b'{"headers":{"idempotencyKey":"'
_NO_KEY = str(uuid.UUID(int=0))

_HALT = (Outcome.RETRY, Directive.HALT)
#: Codes that mean the account, whatever their status.
OF_THE_ACCOUNT = ("not_enough_credits", "permission_denied", "account_under_validation", "unauthorized")
_TAKEN = (HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.ACCEPTED)


class Brevo:
    """The adapter, as adapter.Adapter says it."""

    def __init__(self, account: Account) -> None:
        """Raises ProviderError for an unknown option."""
        checked_options("brevo", account, OPTIONS)
        self._secret = account.secret
        self._url = (account.address or ADDRESS).rstrip("/") + PATH

    @property
    def capabilities(self) -> Capabilities:
        """Keys, for some minutes; no look-ups."""
        return Capabilities("brevo", MOST_VERSIONS, None, timedelta(seconds=60), REMEMBERED)

    def calls(self, builder: MessageBuilder) -> Calls:
        """The calls of one issue. Raises HeaderError where its List- headers are not ASCII."""
        _check_headers(builder.list_headers("https://news.example.org/", "key"))
        most = JsonMessage(builder, whole=lambda slots: [slots.each], entry=lambda slots: _params(builder, slots)).most(
            MOST_PARAMS
        )
        return _BrevoCalls(
            _message(builder), builder.rendered.digest, min(MOST_VERSIONS, most), self._url, self._secret
        )

    def interpret(self, batch: OutgoingBatch, said: Answered | Failed) -> Answer:
        """All or nobody: Brevo refuses a call as a whole, and says later what became of each."""
        if isinstance(said, Failed):
            return judged(batch, said, name="Brevo", words=_words)
        if said.status in _TAKEN:
            return _taken(batch, said)
        if said.status < HTTPStatus.INTERNAL_SERVER_ERROR and _code(said) == "duplicate_parameter":
            return _repeated(batch, said)
        of_the_account = said.status < HTTPStatus.INTERNAL_SERVER_ERROR and _is_of_the_account(said)
        statuses = {**STATUSES, said.status: _HALT} if of_the_account else STATUSES
        answer = judged(batch, said, name="Brevo", words=_words, statuses=statuses)
        slow = answer.directive is Directive.SLOW_DOWN  # every answer has that header
        return replace(answer, wait=waiting_time(said.headers, "x-sib-ratelimit-reset")) if slow else answer


@dataclass(frozen=True, slots=True)
class _BrevoCalls:
    message: JsonMessage
    digest: str
    most: int
    url: str
    secret: str = field(repr=False)

    def request(self, batch: OutgoingBatch) -> Request:
        body = self.message.body(batch.recipients)
        key = str(uuid.uuid5(_NAMESPACE, f"{batch.key} {self.digest}")).encode("ascii")
        head = {"api-key": self.secret, "Content-Type": "application/json", "Accept": "application/json"}
        return Request("POST", self.url, head, Body(body.length, lambda: _with_key(body, key)), body.length)


def _with_key(body: Body, key: bytes) -> Iterator[bytes]:
    """The body's chunks, with the key where its place is kept: near the start of the first one."""
    chunks = iter(body)
    yield _START + key + next(chunks)[len(_START) + len(key) :]
    yield from chunks


def _message(builder: MessageBuilder) -> JsonMessage:
    def whole(slots: Slots) -> Any:
        return {
            "headers": {"idempotencyKey": _NO_KEY},  # first: see _with_key
            "sender": _person(builder.sender.sender),
            "replyTo": _person(builder.sender.reply_to, in_reply=True),
            **_content(builder, slots),
            "messageVersions": [slots.each],
        }

    def entry(slots: Slots) -> Any:
        own = builder.list_headers(slots.value("unsubscribe"), slots.key)
        return {
            "to": [{"email": slots.to}],
            "headers": {**{_title(name): value for name, value in own.items()}, CUSTOM: slots.inner({MARK: slots.key})},
            "params": _params(builder, slots),
        }

    return JsonMessage(builder, whole=whole, entry=entry)


def _content(builder: MessageBuilder, slots: Slots) -> dict[str, str]:
    """The HTML has values of its own where they differ there."""

    def in_text(name: str) -> str:
        return brevo_template.words(name) if _differs(slots, name) else brevo_template.link(name)

    def in_html(name: str) -> str:
        return brevo_template.words(f"html_{name}") if _differs(slots, name) else brevo_template.link(name)

    return {
        "subject": brevo_template.template(Segments((builder.subject,), ()), str),
        "htmlContent": brevo_template.template(slots.merger.html, in_html),
        "textContent": brevo_template.template(slots.merger.text, in_text),
    }


def _params(builder: MessageBuilder, slots: Slots) -> dict[str, str]:
    """Every name that the template uses, for each recipient: a missing one would be empty."""
    fields = builder.rendered.fields
    values = {name: slots.value(name) for name in fields}
    in_html = {f"html_{name}": slots.html_value(name) for name in fields if _differs(slots, name)}
    return {**values, **in_html, **brevo_template.constants(*_content(builder, slots).values())}


def _differs(slots: Slots, name: str) -> bool:
    return slots.html_value(name) != slots.value(name)


def _person(mailbox: str, *, in_reply: bool = False) -> dict[str, str]:
    """Name and address, as Brevo sends them rightly.

    It drops a sender's name with both a comma (or the like) and letters beyond ASCII, unless it is encoded; in Reply-To
    it sends such letters raw, so that name is left out there (both: found by django-anymail's live tests).
    """
    name, address = parseaddr(mailbox)
    name = headers.visible(name)
    if not name or (in_reply and not name.isascii()):
        return {"email": address}
    if "=?" in name or (not name.isascii() and headers.SPECIALS.search(name)):
        line = headers.mailbox_line("From", mailbox).decode("ascii").removeprefix("From: ").replace("\r\n ", " ")
        name = line.rpartition("<")[0].strip()
    return {"name": name, "email": address}


def _title(name: str) -> str:
    """As Brevo wants header names: each word with one capital."""
    return "-".join(word.capitalize() for word in name.split("-"))


def _check_headers(found: Mapping[str, str]) -> None:
    for name, value in found.items():
        if not (value.isascii() and value.isprintable()):
            raise HeaderError(f"Brevo sends the header {name} wrongly unless it is ASCII. Write it in plain letters.")


def _taken(batch: OutgoingBatch, said: Answered) -> Answer:
    """An id for each version, in their order; a single one may stand alone."""
    found = document(said)
    single = member(found, "messageId")
    ids = member(found, "messageIds", kind=list) or ([single] if single else [])
    if len(ids) != len(batch.recipients) or not all(isinstance(one, str) and one for one in ids):
        reason = f"Brevo answered {said.status} with {len(ids)} ids for {len(batch.recipients)} messages."
        return Answer(all_alike(batch, Outcome.UNKNOWN, reason))
    return Answer(all_alike(batch, Outcome.ACCEPTED, provider_ids=ids))


def _repeated(batch: OutgoingBatch, said: Answered) -> Answer:
    """Brevo has had this key. After an attempt in doubt: it has our call. Without one: nobody knows whose."""
    if batch.doubtful:
        return Answer(all_alike(batch, Outcome.ACCEPTED))
    reason = (
        f"Brevo answered {said.status}: it has had this call's key, and not from an attempt of ours that is in doubt."
    )
    return Answer(all_alike(batch, Outcome.UNKNOWN, reason), Directive.HALT)


def _is_of_the_account(said: Answered) -> bool:
    """By its code, or because it is about the sender, who is everybody's."""
    return _code(said) in OF_THE_ACCOUNT or "sender" in member(document(said), "message").lower()


def _code(said: Answered) -> str:
    return str(member(document(said), "code"))


def _words(said: Answered) -> str:
    return f"{_code(said)} {member(document(said), 'message')}".strip()
