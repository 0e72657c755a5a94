"""Each provider's API as its own side sees it: how a call is read, and how an answer is written.

A call that is not what the provider takes raises here, and is answered as nonsense: an undisturbed send would see it.
The words for people are the loopback's: accepted, refused, retry. What a provider cannot say in one answer it does not
say here: SendGrid, Mailgun and Brevo take a call or do not; Resend has no "not now" for one of many.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

Headers = Mapping[str, str]


@dataclass(frozen=True)
class Asked:
    """One call: who is in it (by the delivery's key, in order), to which addresses, and under which key."""

    people: tuple[str, ...]
    addresses: tuple[str, ...] = ()
    key: str = ""


@dataclass(frozen=True)
class Reply:
    """An answer."""

    status: int
    body: bytes = b""
    headers: Headers = field(default_factory=dict)


@dataclass(frozen=True)
class Dialect:
    """One API. `says` writes the answer to a call that was taken, by the word for each."""

    read: Callable[[Headers, bytes], Asked]
    says: Callable[[Asked, Sequence[str]], Reply]
    whole: Reply  #: "somebody in it is wrong": nobody was taken
    throttled: Reply
    account: Reply
    inside: Reply  #: a good status with an error in it: nobody was taken
    words: tuple[str, ...] = ("accepted",)  #: what it can say of one person
    known: Reply | None = None  #: to a key that it had, instead of the first answer again
    other: Reply | None = None  #: to a key that it had with another body
    keys: bool = False


def json_reply(status: int, document: Any, **headers: str) -> Reply:
    """`retry_after="1"` becomes a header."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, json.dumps(document).encode(), {"content-type": "application/json", **named})


# The loopback's own: what Loopback in adapter.py speaks.


def _loopback(_: Headers, body: bytes) -> Asked:
    asked = json.loads(body)
    return Asked(tuple(asked["to"]), key=asked["key"])


def _of_words(_: Asked, words: Sequence[str]) -> Reply:
    return json_reply(200, list(words))


_ALL = ("accepted", "refused", "retry")


def _own(*, keys: bool) -> Dialect:
    return Dialect(
        _loopback,
        _of_words,
        whole=json_reply(422, []),
        throttled=json_reply(429, []),
        account=json_reply(401, []),
        inside=json_reply(200, {"error": "not today"}),
        words=_ALL,
        keys=keys,
    )


# Amazon SES: SendBulkEmail.

_SES_WORDS = {
    "accepted": {"Status": "SUCCESS", "MessageId": "0102018f"},
    "refused": {"Status": "MESSAGE_REJECTED", "Error": "Address is on the suppression list"},
    "retry": {"Status": "TRANSIENT_FAILURE", "Error": "Try again"},
}


def _read_ses(headers: Headers, body: bytes) -> Asked:
    assert headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=")
    entries = json.loads(body)["BulkEmailEntries"]
    keys = [tag["Value"] for entry in entries for tag in entry["ReplacementTags"] if tag["Name"] == "nl_delivery"]
    return Asked(tuple(keys), tuple(entry["Destination"]["ToAddresses"][0] for entry in entries))


def _say_ses(_: Asked, words: Sequence[str]) -> Reply:
    return json_reply(200, {"BulkEmailEntryResults": [_SES_WORDS[word] for word in words]})


def _ses_error(status: int, name: str, message: str) -> Reply:
    return json_reply(status, {"message": message}, x_amzn_errortype=f"{name}:http://internal.amazon.com/")


SES = Dialect(
    _read_ses,
    _say_ses,
    whole=_ses_error(400, "BadRequestException", "One destination is not an address"),
    throttled=_ses_error(429, "TooManyRequestsException", "Maximum sending rate exceeded"),
    account=_ses_error(400, "SendingPausedException", "Sending is paused"),
    inside=json_reply(200, {"message": "no results today"}),
    words=_ALL,
)

# Postmark: /email/batch.


def _read_postmark(headers: Headers, body: bytes) -> Asked:
    assert headers["x-postmark-server-token"]
    messages = json.loads(body)
    keys = [message["Metadata"]["nl_delivery"] for message in messages]
    return Asked(tuple(keys), tuple(message["To"] for message in messages))


def _say_postmark(asked: Asked, words: Sequence[str]) -> Reply:
    codes = {
        "refused": {"ErrorCode": 406, "Message": "You tried to send to a recipient that has been marked as inactive."},
        "retry": {"ErrorCode": 100, "Message": "Maintenance"},
    }
    items = [
        codes.get(word) or {"ErrorCode": 0, "Message": "OK", "To": to, "MessageID": f"id-{key}"}
        for key, to, word in zip(asked.people, asked.addresses, words, strict=True)
    ]
    return json_reply(200, items)


def _postmark_error(status: int, code: int, message: str) -> Reply:
    return json_reply(status, {"ErrorCode": code, "Message": message})


POSTMARK = Dialect(
    _read_postmark,
    _say_postmark,
    whole=_postmark_error(422, 300, "Error parsing 'To': Illegal email address."),
    throttled=_postmark_error(429, 429, "Rate limit exceeded"),
    account=_postmark_error(401, 10, "Request does not contain a valid Server token."),
    inside=_postmark_error(200, 100, "Maintenance"),
    words=_ALL,
)

# SendGrid: Mail Send v3.


def _read_sendgrid(headers: Headers, body: bytes) -> Asked:
    assert headers["authorization"].startswith("Bearer ")
    each = json.loads(body)["personalizations"]
    return Asked(tuple(one["custom_args"]["nl_delivery"] for one in each), tuple(one["to"][0]["email"] for one in each))


def _say_sendgrid(asked: Asked, _: Sequence[str]) -> Reply:
    return Reply(202, b"", {"x-message-id": f"id-{asked.people[0]}"})


def _sendgrid_error(status: int, message: str) -> Reply:
    return json_reply(status, {"errors": [{"message": message, "field": None, "help": None}]})


SENDGRID = Dialect(
    _read_sendgrid,
    _say_sendgrid,
    whole=_sendgrid_error(400, "Does not contain a valid address."),
    throttled=_sendgrid_error(429, "too many requests"),
    account=_sendgrid_error(401, "The provided authorization grant is invalid, expired, or revoked"),
    inside=_sendgrid_error(200, "Internal error"),
)

# Mailgun: a form.


def _read_mailgun(headers: Headers, body: bytes) -> Asked:
    assert headers["authorization"].startswith("Basic ")
    whole = f"Content-Type: {headers['content-type']}\r\n\r\n".encode() + body
    form: dict[str, list[str]] = {}
    for part in BytesParser(policy=HTTP).parsebytes(whole).iter_parts():
        name = part.get_param("name", header="content-disposition")
        form.setdefault(str(name), []).append(part.get_content().strip())
    variables = json.loads(form["recipient-variables"][0])
    return Asked(tuple(variables[to]["nl_key"] for to in form["to"]), tuple(form["to"]))


def _say_mailgun(asked: Asked, _: Sequence[str]) -> Reply:
    return json_reply(200, {"id": f"<{asked.people[0]}@mg.example.org>", "message": "Queued. Thank you."})


MAILGUN = Dialect(
    _read_mailgun,
    _say_mailgun,
    whole=json_reply(400, {"message": "to parameter is not a valid address. please check documentation"}),
    throttled=json_reply(429, {"message": "Too many requests"}),
    account=json_reply(403, {"message": "Domain mg.example.org is not allowed to send: disabled"}),
    inside=json_reply(200, {"message": "Something went wrong"}),
)

# Resend: /emails/batch, permissive.


def _read_resend(headers: Headers, body: bytes) -> Asked:
    assert headers["authorization"].startswith("Bearer ")
    assert headers["x-batch-validation"] == "permissive"
    messages = json.loads(body)
    keys = [tag["value"] for message in messages for tag in message["tags"]]
    return Asked(tuple(keys), tuple(one["to"][0] for one in messages), headers["idempotency-key"])


def _say_resend(asked: Asked, words: Sequence[str]) -> Reply:
    said = list(zip(asked.people, words, strict=True))
    errors = [
        {"index": place, "message": f"Invalid `to` field, number {place}."}
        for place, (_, word) in enumerate(said)
        if word == "refused"
    ]
    taken = [{"id": f"id-{key}"} for key, word in said if word == "accepted"]
    return json_reply(200, {"data": taken} | ({"errors": errors} if errors else {}))


def _resend_error(status: int, name: str, message: str) -> Reply:
    return json_reply(status, {"statusCode": status, "name": name, "message": message})


RESEND = Dialect(
    _read_resend,
    _say_resend,
    whole=_resend_error(422, "validation_error", "Invalid `to` field."),
    throttled=_resend_error(429, "rate_limit_exceeded", "Too many requests."),
    account=_resend_error(401, "restricted_api_key", "This API key is restricted."),
    inside=json_reply(200, {"message": "Something went wrong"}),
    words=("accepted", "refused"),
    other=_resend_error(409, "invalid_idempotent_request", "Same idempotency key, another payload."),
    keys=True,
)

# Brevo: messageVersions.


def _read_brevo(headers: Headers, body: bytes) -> Asked:
    assert headers["api-key"]
    document = json.loads(body)
    versions = document["messageVersions"]
    keys = [json.loads(one["headers"]["X-Mailin-custom"])["nl_delivery"] for one in versions]
    return Asked(tuple(keys), tuple(one["to"][0]["email"] for one in versions), document["headers"]["idempotencyKey"])


def _say_brevo(asked: Asked, _: Sequence[str]) -> Reply:
    return json_reply(201, {"messageIds": [f"<{key}@smtp-relay.example>" for key in asked.people]})


BREVO = Dialect(
    _read_brevo,
    _say_brevo,
    whole=json_reply(400, {"code": "invalid_parameter", "message": "email is not valid in to"}),
    throttled=json_reply(429, {"code": "too_many_requests", "message": "Too many requests"}),
    account=json_reply(401, {"code": "unauthorized", "message": "Key not found"}),
    inside=json_reply(200, {"message": "Something went wrong"}),
    known=json_reply(400, {"code": "duplicate_parameter", "message": "The key was used before"}),
    keys=True,
)

DIALECTS = {
    "key": _own(keys=True),
    "look-up": _own(keys=False),
    "neither": _own(keys=False),
    "ses": SES,
    "postmark": POSTMARK,
    "sendgrid": SENDGRID,
    "mailgun": MAILGUN,
    "resend": RESEND,
    "brevo": BREVO,
}
