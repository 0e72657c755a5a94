"""What Amazon SES answers: a status for each entry inside a 200, or the name of an error for the whole call.

Sources: the service model (BulkEmailStatus and the errors of SendBulkEmail), "Common errors" of the API reference, and
the providers reference, A.2.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from newsletter.mail.columns import Columns
from newsletter.providers.base import Answer, Directive, Outcome, OutgoingBatch, Receipt, all_alike
from newsletter.providers.judging import STATUSES, document, judged, member, waiting_time
from newsletter.providers.plain_words import reason, word
from newsletter.providers.poster import Answered, Failed

NAME = "Amazon SES"
Meaning = tuple[Outcome, Directive]

_REFUSED: Meaning = (Outcome.REFUSED, Directive.GO_ON)
_SPLIT: Meaning = (Outcome.REFUSED, Directive.SPLIT)
_HALT: Meaning = (Outcome.RETRY, Directive.HALT)
_SLOW_DOWN: Meaning = (Outcome.RETRY, Directive.SLOW_DOWN)

#: All of BulkEmailStatus. What is not a success was certainly not sent.
ENTRIES: Mapping[str, Meaning] = {
    "SUCCESS": (Outcome.ACCEPTED, Directive.GO_ON),
    "MESSAGE_REJECTED": _REFUSED,
    "INVALID_PARAMETER": _REFUSED,
    "FAILED": _REFUSED,
    "TRANSIENT_FAILURE": (Outcome.RETRY, Directive.GO_ON),
    "ACCOUNT_THROTTLED": _SLOW_DOWN,
    "ACCOUNT_DAILY_QUOTA_EXCEEDED": _HALT,
    "ACCOUNT_SUSPENDED": _HALT,
    "ACCOUNT_SENDING_PAUSED": _HALT,
    "MAIL_FROM_DOMAIN_NOT_VERIFIED": _HALT,
    "CONFIGURATION_SET_NOT_FOUND": _HALT,
    "CONFIGURATION_SET_SENDING_PAUSED": _HALT,
    "INVALID_SENDING_POOL_NAME": _HALT,
    "TEMPLATE_NOT_FOUND": _HALT,
}

#: Errors whose status does not say what they mean: AWS has throttling and account trouble under 400.
ERRORS: Mapping[str, Meaning] = {
    **dict.fromkeys(("TooManyRequestsException", "ThrottlingException", "Throttling", "RequestThrottled"), _SLOW_DOWN),
    **dict.fromkeys(("BadRequestException", "MessageRejected"), _SPLIT),
    **dict.fromkeys(
        (
            "AccountSuspendedException",
            "SendingPausedException",
            "MailFromDomainNotVerifiedException",
            "LimitExceededException",
            "NotFoundException",
            "AccessDeniedException",
            "ExpiredToken",
            "ExpiredTokenException",
            "IncompleteSignature",
            "InvalidClientTokenId",
            "InvalidSignatureException",
            "MissingAuthenticationToken",
            "MissingAuthenticationTokenException",
            "NotAuthorized",
            "OptInRequired",
            "RequestExpired",
            "SignatureDoesNotMatch",
            "UnrecognizedClientException",
        ),
        _HALT,
    ),
}
#: What an otherwise harmless error says when it is the account: an unverified sender, the day's quota.
_OF_THE_ACCOUNT = ("not verified", "daily message quota", "daily quota")
_URGENCY = (Directive.GO_ON, Directive.SLOW_DOWN, Directive.HALT)


def read(batch: OutgoingBatch, said: Answered | Failed) -> Answer:
    """What became of everybody in the call. Never raises for what was said."""
    if isinstance(said, Answered) and said.status == HTTPStatus.OK:
        return _by_entry(batch, said)
    statuses = {**STATUSES, said.status: meaning} if isinstance(said, Answered) and (meaning := _named(said)) else None
    return judged(batch, said, name=NAME, words=_words, statuses=statuses or STATUSES)


def error_name(said: Answered) -> str:
    """The error's name: from the header, as "Name:https://…", or from the document, as "prefix#Name"; else empty."""
    found = document(said)
    text = said.headers.get("x-amzn-errortype") or member(found, "__type") or member(found, "code")
    return text.partition(":")[0].rpartition("#")[2].strip()


def _named(said: Answered) -> Meaning | None:
    """What an error means by its name; nothing where only the status speaks."""
    if said.status < HTTPStatus.BAD_REQUEST:
        return None
    meaning = ERRORS.get(error_name(said))
    return _HALT if meaning and any(words in _message(said).lower() for words in _OF_THE_ACCOUNT) else meaning


def _by_entry(batch: OutgoingBatch, said: Answered) -> Answer:
    """A result for each entry, in the order of the entries: one too few or too many, and none of them is anybody's."""
    results = member(document(said), "BulkEmailEntryResults", kind=list)
    keys = Columns.of(batch.recipients).keys
    if len(results) != len(keys):
        reason = f"{NAME} answered 200 with {len(results)} results for {len(keys)} entries."
        return Answer(all_alike(batch, Outcome.UNKNOWN, reason))
    statuses = [member(result, "Status") for result in results]
    if set(statuses) == {"SUCCESS"}:
        ids = [member(result, "MessageId") for result in results]
        return Answer(all_alike(batch, Outcome.ACCEPTED, provider_ids=ids))
    directive = max((_meaning(status)[1] for status in statuses), key=_URGENCY.index, default=Directive.GO_ON)
    return Answer(_receipts(keys, results), directive, waiting_time(said.headers))


def _receipts(keys: Sequence[str], results: Sequence[Any]) -> list[Receipt]:
    return [_receipt(key, result) for key, result in zip(keys, results, strict=True)]


def _receipt(key: str, result: Any) -> Receipt:
    status = member(result, "Status")
    outcome = _meaning(status)[0]
    why = reason(f"{NAME} answered {word(status) or 'no status'}", member(result, "Error"))
    return Receipt(key, outcome, member(result, "MessageId"), "" if outcome is Outcome.ACCEPTED else why)


def _meaning(status: str) -> Meaning:
    return ENTRIES.get(status, (Outcome.UNKNOWN, Directive.GO_ON))


def _words(said: Answered) -> str:
    return f"{error_name(said)} {_message(said)}".strip()


def _message(said: Answered) -> str:
    found = document(said)
    return str(member(found, "message") or member(found, "Message"))
