"""Postmark: up to 500 full messages in a call, each with an answer of its own inside one 200.

It honours no key and its search is not documented to be complete, so a lost answer is doubt that only its webhooks
(postmark_hook.py) or an operator close. Sources: providers reference, A.1, A.2 and F; Postmark's list of error codes
(developer documentation, "API overview").
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from newsletter.errors import HeaderError, MailError
from newsletter.mail.columns import Columns
from newsletter.mail.json_message import JsonMessage, Slots
from newsletter.mail.message import MessageBuilder
from newsletter.providers import judging
from newsletter.providers.adapter import Account, Calls, checked_options
from newsletter.providers.base import Answer, Capabilities, Directive, Outcome, OutgoingBatch, Receipt, all_alike
from newsletter.providers.plain_words import reason
from newsletter.providers.poster import Answered, Failed, Request

NAME = "Postmark"
ADDRESS = "https://api.postmarkapp.com"
OPTIONS = {"message_stream": "broadcast"}
METADATA = "nl_delivery"  #: at most 20 characters
LONGEST_KEY = 80  #: characters that a value of the metadata may have
MOST_PART_BYTES = 5_000_000  #: of the HTML, and of the text

#: Codes that say: the account, its sender or our JSON, and nobody's address. With all of them nothing is sent.
ACCOUNT = {10, 400, 401, 402, 403, 405, 409, 412, 413}
MAINTENANCE, RATE = 100, 429  #: codes that pass
INACTIVE = 406  #: the reader bounced or complained before: the only code that many may share for reasons of their own
_OUR_ADDRESS = re.compile(r"'(From|Reply-?To)'", re.IGNORECASE)
#: Success for the message, and not for this address: its only one, here.
_NOT_TO_THEM = "will not deliver to these inactive addresses"

_HALTED = (Outcome.RETRY, Directive.HALT)
_SLOWED = (Outcome.RETRY, Directive.SLOW_DOWN)
_SPLIT = (Outcome.REFUSED, Directive.SPLIT)


class Postmark:
    """The adapter."""

    capabilities = Capabilities(
        "postmark", batch_size=500, batch_bytes=50_000_000, longest_request=timedelta(seconds=60)
    )

    def __init__(self, account: Account) -> None:
        """`account.secret` is the server's API token. Raises ProviderError for an unknown option."""
        self._stream = checked_options(NAME, account, OPTIONS)["message_stream"]
        self._url = f"{(account.address or ADDRESS).rstrip('/')}/email/batch"
        self._token = account.secret

    def calls(self, builder: MessageBuilder) -> Calls:
        """The calls of one issue. Raises MailError where a part is larger than Postmark takes."""
        for part, text in (("HTML", builder.rendered.html), ("text", builder.rendered.text)):
            if len(text.encode()) > MOST_PART_BYTES:
                raise MailError(f"The issue's {part} is larger than the 5 MB that Postmark takes. Shorten the issue.")
        message = JsonMessage(builder, whole=lambda slots: [slots.each], entry=self._entry(builder))
        headers = {
            "Accept": "application/json",
            "Content-Type": "application/json",
            "X-Postmark-Server-Token": self._token,
        }
        return PostmarkCalls(message, self._url, headers, message.most(self.capabilities.batch_bytes or 0))

    def interpret(self, batch: OutgoingBatch, said: Answered | Failed) -> Answer:
        """A receipt for everybody: from their items in a 200, else from the status and its ErrorCode."""
        if isinstance(said, Failed) or said.status != HTTPStatus.OK:
            return judging.judged(batch, said, name=NAME, words=_words, statuses=_statuses(said))
        items = judging.document(said)
        if not isinstance(items, list):
            return Answer(all_alike(batch, Outcome.UNKNOWN, "Postmark answered 200 without a list of results."))
        return _each(batch, items)

    def _entry(self, builder: MessageBuilder) -> Any:
        sender = builder.sender

        def entry(slots: Slots) -> Any:
            lines = builder.list_headers(slots.value("unsubscribe"), slots.key)
            return {
                "From": sender.sender,
                "ReplyTo": sender.reply_to,
                "To": slots.to,
                "Subject": builder.subject,
                "HtmlBody": slots.html,
                "TextBody": slots.text,
                "Headers": [{"Name": name, "Value": value} for name, value in lines.items()],
                "Metadata": {METADATA: slots.key},
                "TrackOpens": False,
                "TrackLinks": "None",
                "MessageStream": self._stream,
            }

        return entry


@dataclass(frozen=True, slots=True)
class PostmarkCalls:
    """The calls of one issue."""

    message: JsonMessage
    url: str
    headers: Mapping[str, str]
    most: int

    def request(self, batch: OutgoingBatch) -> Request:
        """One call. Raises MailError for an unusable recipient."""
        people = Columns.of(batch.recipients)
        if len(max(people.keys, key=len, default="")) > LONGEST_KEY:
            raise HeaderError(f"A delivery's key is longer than the {LONGEST_KEY} characters of Postmark's metadata.")
        body = self.message.body(people)
        return Request("POST", self.url, self.headers, body, body.length)


def _statuses(said: Answered | Failed) -> Mapping[int, tuple[Outcome, Directive]]:
    """What the status means, where the ErrorCode in the answer says more."""
    code = _code(judging.document(said)) if isinstance(said, Answered) else None
    if code in ACCOUNT and isinstance(said, Answered) and said.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return {said.status: _HALTED}
    if code in (MAINTENANCE, RATE) and isinstance(said, Answered):
        return {said.status: _SLOWED}
    return judging.STATUSES


def _each(batch: OutgoingBatch, items: Sequence[Any]) -> Answer:
    """One receipt a recipient, from the items in their order."""
    people = Columns.of(batch.recipients)
    if len(items) != len(people):  # no order to rely on: only who is named has it
        items = _named(people.addresses, items)
    ids = [_accepted(item, to) for item, to in zip(items, people.addresses, strict=True)]
    if all(ids):
        return Answer(all_alike(batch, Outcome.ACCEPTED, provider_ids=ids))
    if why := _shared(items):
        return Answer(all_alike(batch, Outcome.RETRY, reason("Postmark refused everybody alike", why)), Directive.HALT)
    judged = [(Outcome.ACCEPTED, Directive.GO_ON) if id_ else _fate(item) for item, id_ in zip(items, ids, strict=True)]
    receipts = [
        Receipt(key, outcome, id_, "" if id_ else _reason(item))
        for key, id_, item, (outcome, _) in zip(people.keys, ids, items, judged, strict=True)
    ]
    said = {directive for _, directive in judged}
    return Answer(
        receipts, next((one for one in (Directive.HALT, Directive.SLOW_DOWN) if one in said), Directive.GO_ON)
    )


def _named(addresses: Sequence[str], items: Sequence[Any]) -> list[Any]:
    """For each address the item that names it; None for who is not named."""
    by_address = {judging.member(item, "To").lower(): item for item in items}
    return [by_address.get(address.lower()) for address in addresses]


def _accepted(item: Any, address: str) -> str:
    """Postmark's id of an accepted message to this address; empty for any other item.

    A message that Postmark delays has no ErrorCode, says django-anymail; no item of a refused one has an id.
    """
    if _code(item) not in (0, None) or _NOT_TO_THEM in _words_of(item):
        return ""
    named = judging.member(item, "To")
    return judging.member(item, "MessageID") if not named or named.lower() == address.lower() else ""


def _fate(item: Any) -> tuple[Outcome, Directive]:
    """What an item means that did not accept its message."""
    code, words = _code(item), _words_of(item)
    if code is None or (code == 0 and _NOT_TO_THEM not in words):
        return Outcome.UNKNOWN, Directive.GO_ON
    if code in (MAINTENANCE, RATE):
        return _SLOWED
    if code in ACCOUNT or _OUR_ADDRESS.search(words):
        return _HALTED
    return Outcome.REFUSED, Directive.GO_ON


def _shared(items: Sequence[Any]) -> str:
    """The one sentence that refused every message of several: then it is ours, and nobody's address."""
    said = {(_code(item), _words_of(item)) for item in items}
    code, _ = said.pop()
    alone = said or len(items) == 1 or code in (None, 0, INACTIVE, MAINTENANCE, RATE)
    return "" if alone else _reason(items[0])


def _reason(item: Any) -> str:
    """Why, without addresses (S-60)."""
    code = _code(item)
    return reason(f"ErrorCode {'missing' if code is None else code}", _words_of(item))


def _code(item: Any) -> int | None:
    code = item.get("ErrorCode") if isinstance(item, dict) else None
    return code if type(code) is int else None


def _words(said: Answered) -> str:
    return _words_of(judging.document(said))


def _words_of(item: Any) -> str:
    return str(judging.member(item, "Message"))
