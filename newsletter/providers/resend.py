"""Resend: up to 100 full messages in a call, under a key that it remembers for a day.

A call whose answer was lost is made again under its key: Resend then gives the first answer and sends nothing. The
permissive mode is chosen: in the strict one a single bad address refuses its whole call, so that after one split fifty
readers are refused for one. Sources: providers reference, A.1, A.2 and F; Resend's documentation (errors, idempotency
keys, batch validation modes, introduction).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from newsletter.errors import HeaderError
from newsletter.mail.columns import Columns
from newsletter.mail.json_message import JsonMessage, Slots
from newsletter.mail.message import MessageBuilder
from newsletter.providers import judging
from newsletter.providers.adapter import Account, Calls, checked_options
from newsletter.providers.base import Answer, Capabilities, Directive, Outcome, OutgoingBatch, Receipt, all_alike
from newsletter.providers.plain_words import reason
from newsletter.providers.poster import Answered, Failed, Request

NAME = "Resend"
ADDRESS = "https://api.resend.com"
TAG = "nl_delivery"
#: What a tag may hold. A delivery's key could have a dot besides; it has none.
TAG_VALUE = re.compile(r"[A-Za-z0-9_-]{1,256}")
#: 24 hours are documented; four less, so that no clock and no slow call comes near the end.
REMEMBERS = timedelta(hours=20)
#: No limit of a whole call is documented: 100 messages of 100 KB.
BATCH_BYTES = 10_000_000

#: Names of errors that are the account's, its sender's or ours, whatever their status: nothing was taken.
ACCOUNT = {
    "missing_api_key",
    "restricted_api_key",
    "invalid_api_key",
    "invalid_api_Key",  # as an SDK of theirs spells it
    "invalid_from_address",
    "invalid_access",
    "invalid_region",
    "invalid_permission",
    "invalid_idempotency_key",
    "security_error",
}
OTHER_BODY = "invalid_idempotent_request"
RESET = "ratelimit-reset"  #: seconds


class Resend:
    """The adapter."""

    capabilities = Capabilities(
        "resend",
        batch_size=100,
        batch_bytes=BATCH_BYTES,
        longest_request=timedelta(seconds=60),
        remembers_keys_for=REMEMBERS,
    )

    def __init__(self, account: Account) -> None:
        """`account.secret` is an API key. Raises ProviderError for any option: there are none."""
        checked_options(NAME, account, {})
        self._url = f"{(account.address or ADDRESS).rstrip('/')}/emails/batch"
        self._key = account.secret

    def calls(self, builder: MessageBuilder) -> Calls:
        """The calls of one issue."""
        message = JsonMessage(builder, whole=lambda slots: [slots.each], entry=_entry(builder))
        headers = {
            "Accept": "application/json",
            "Authorization": f"Bearer {self._key}",
            "Content-Type": "application/json",
            "User-Agent": "newsletter",  # without one Resend answers 403
            "x-batch-validation": "permissive",
        }
        return ResendCalls(message, self._url, headers, builder.rendered.digest[:32], message.most(BATCH_BYTES))

    def interpret(self, batch: OutgoingBatch, said: Answered | Failed) -> Answer:
        """A receipt for everybody: from ids and errors in a 200, else from the status and the error's name."""
        if isinstance(said, Failed):
            return judging.judged(batch, said, name=NAME, words=_words)
        found = judging.document(said)
        if said.status == HTTPStatus.OK:
            return _each(batch, found)
        if said.status == HTTPStatus.CONFLICT and judging.member(found, "name") == OTHER_BODY:
            return _other_body(batch)
        statuses = _statuses(said.status, judging.member(found, "name"))
        answer = judging.judged(batch, said, name=NAME, words=_words, statuses=statuses)
        slow = answer.directive is Directive.SLOW_DOWN
        return replace(answer, wait=judging.waiting_time(said.headers, RESET)) if slow else answer


@dataclass(frozen=True, slots=True)
class ResendCalls:
    """The calls of one issue."""

    message: JsonMessage
    url: str
    headers: Mapping[str, str]
    digest: str  #: of the issue, so that two installations with one account do not share keys
    most: int

    def request(self, batch: OutgoingBatch) -> Request:
        """One call, under a key that is the batch's at every attempt. Raises MailError for an unusable recipient."""
        people = Columns.of(batch.recipients)
        if not all(map(TAG_VALUE.fullmatch, people.keys)):
            raise HeaderError("A delivery's key must be letters, digits, - and _ to stand in a tag of Resend's.")
        body = self.message.body(people)
        headers = {**self.headers, "Idempotency-Key": f"{batch.key}:{self.digest}"}
        return Request("POST", self.url, headers, body, body.length)


def _entry(builder: MessageBuilder) -> Any:
    def entry(slots: Slots) -> Any:
        return {
            "from": builder.sender.sender,
            "reply_to": [builder.sender.reply_to],
            "to": [slots.to],
            "subject": builder.subject,
            "html": slots.html,
            "text": slots.text,
            "headers": builder.list_headers(slots.value("unsubscribe"), slots.key),
            "tags": [{"name": TAG, "value": slots.key}],
        }

    return entry


def _statuses(status: int, name: str) -> Mapping[int, tuple[Outcome, Directive]]:
    """What the status means, where the error's name says more: a quota is 429 as well, and does not pass in seconds."""
    refuses = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
    if refuses and (name in ACCOUNT or name.endswith("quota_exceeded")):
        return {status: (Outcome.RETRY, Directive.HALT)}
    return judging.STATUSES


def _other_body(batch: OutgoingBatch) -> Answer:
    """Resend has sent another body under this key.

    After an attempt in doubt that was ours: a reader's address changed in between, or this program did. Without one it
    is somebody else's, with our numbers: a copy of this database, or a ledger from a backup. Nobody knows who has it.
    """
    if batch.doubtful:
        why = "Resend took an earlier attempt of this call, whose content was not quite the same."
        return Answer(all_alike(batch, Outcome.ACCEPTED, why))
    why = (
        "Resend has already taken another call under this call's key. Does a copy of this database, or a backup, "
        "send with the same account? Find out before you go on."
    )
    return Answer(all_alike(batch, Outcome.UNKNOWN, why), Directive.HALT)


def _each(batch: OutgoingBatch, found: Any) -> Answer:
    """Ids in `data` for who was accepted, in their order; `errors` by place for who was refused."""
    people = Columns.of(batch.recipients)
    errors = _errors(found, len(people))
    ids = [judging.member(one, "id") for one in judging.member(found, "data", kind=list)]
    if len(ids) == len(people) and all(ids) and not errors:
        return Answer(all_alike(batch, Outcome.ACCEPTED, provider_ids=ids))
    if len(people) == len(errors) > 1 and len(set(errors.values())) == 1 and not any(ids):
        return Answer(
            all_alike(batch, Outcome.RETRY, reason("Resend refused everybody alike", errors[0])), Directive.HALT
        )
    placed = enumerate(zip(people.keys, _placed(ids, errors, len(people)), strict=True))
    return Answer([_receipt(key, id_, errors.get(place)) for place, (key, id_) in placed])


def _errors(found: Any, size: int) -> dict[int, str]:
    """The sentences of `errors` by the place of whom they refuse; what names no place of the call is left out."""
    listed = judging.member(found, "errors", kind=list)
    said = [(judging.member(one, "index", kind=object), judging.member(one, "message")) for one in listed]
    return {place: words for place, words in said if type(place) is int and 0 <= place < size}


def _placed(ids: Sequence[str], errors: Mapping[int, str], size: int) -> Sequence[str]:
    """An id for each place: `data` leaves out the refused. Nobody has one where the numbers do not add up."""
    if len(ids) == size:
        return ids
    if len(ids) + len(errors) != size:
        return [""] * size
    left = iter(ids)
    return ["" if place in errors else next(left) for place in range(size)]


def _receipt(key: str, id_: str, error: str | None) -> Receipt:
    """Accepted with an id, refused with an error; with both or with neither nobody knows."""
    if error is None and id_:
        return Receipt(key, Outcome.ACCEPTED, id_)
    if error is not None and not id_:
        return Receipt(key, Outcome.REFUSED, reason=reason("Resend refused it", error))
    return Receipt(key, Outcome.UNKNOWN, reason="Resend answered 200 without saying what became of it.")


def _words(said: Answered) -> str:
    found = judging.document(said)
    return ": ".join(filter(None, (judging.member(found, "name"), judging.member(found, "message"))))
