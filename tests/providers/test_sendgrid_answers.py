"""SendGrid's account and its answers, against its own words."""

import json
from typing import Any

import pytest
from adapter_suite import BUILDER, NAMES, Wire, answered, batch_of, call_of
from delivery_samples import recipient

from newsletter.errors import ProviderError
from newsletter.mail.message import MessageBuilder, Recipient
from newsletter.providers.adapter import Account
from newsletter.providers.api_provider import ApiProvider
from newsletter.providers.base import Answer, Directive, Outcome, OutgoingBatch
from newsletter.providers.poster import Answered, Request
from newsletter.providers.sendgrid import SendGrid

REFUSED, RETRY = Outcome.REFUSED, Outcome.RETRY
BAD_ADDRESS = {
    "message": "Does not contain a valid address.",
    "field": "personalizations.1.to.0.email",
    "help": "http://sendgrid.com/docs/API_Reference/Web_API_v3/Mail/errors.html#message.personalizations.to",
}
TAKEN = Answered(202, {"x-message-id": "LRzXl_NHStOGhQ4kofSm_A"}, b"")


def adapter(**options: str) -> SendGrid:
    """With a made-up account."""
    return SendGrid(Account("made-up-secret", options))


def call(builder: MessageBuilder, **options: str) -> tuple[Request, Any]:
    """One call, and its document."""
    return call_of(adapter(**options), batch_of(*NAMES, builder=builder))


@pytest.mark.parametrize(
    ("options", "host"),
    [
        ({}, "https://api.sendgrid.com"),
        ({"region": "global"}, "https://api.sendgrid.com"),
        ({"region": "eu"}, "https://api.eu.sendgrid.com"),
    ],
)
def test_the_region_decides_where_calls_go(options: dict[str, str], host: str) -> None:
    """Data of an EU subuser stay there."""
    request, _ = call(BUILDER, **options)

    assert request.url == f"{host}/v3/mail/send"
    assert request.headers["Authorization"] == "Bearer made-up-secret"


def test_an_address_of_the_account_goes_before_the_region() -> None:
    """A mock on this machine."""
    calls = SendGrid(Account("made-up-secret", address="http://127.0.0.1:9/")).calls(BUILDER)

    assert calls.request(batch_of("ada")).url == "http://127.0.0.1:9/v3/mail/send"


@pytest.mark.parametrize("options", [{"region": "mars"}, {"sandbox": "true"}, {"regoin": "eu"}])
def test_an_unknown_option_is_an_error(options: dict[str, str]) -> None:
    """A misspelt region must not send data elsewhere."""
    with pytest.raises(ProviderError):
        adapter(**options)


@pytest.mark.parametrize("secret", ["", "a key", "SG.key\r\n", "schlüssel"])
def test_a_key_that_cannot_stand_in_a_header_is_an_error_that_does_not_repeat_it(secret: str) -> None:
    """Copied with a line break, for instance."""
    with pytest.raises(ProviderError) as caught:
        SendGrid(Account(secret))

    assert not secret or secret not in str(caught.value)


def test_the_key_does_not_show_in_calls_that_are_printed() -> None:
    """S-60."""
    assert "made-up-secret" not in repr(adapter().calls(BUILDER))


def test_the_sandbox_checks_and_sends_nothing() -> None:
    """SendGrid answers 200 there, and 202 is no answer of the sandbox."""
    _, document = call(BUILDER, sandbox="yes")
    provider = adapter(sandbox="yes")

    assert document["mail_settings"]["sandbox_mode"] == {"enable": True}
    assert provider.interpret(batch_of("ada"), Answered(200, {}, b"")).is_plain
    assert provider.interpret(batch_of("ada"), TAKEN).receipts[0].outcome is Outcome.UNKNOWN


def test_202_with_an_empty_body_accepts_everybody_under_the_message_id() -> None:
    """One id for the call: SendGrid's events begin theirs with it."""
    answer = adapter().interpret(batch_of(*NAMES), TAKEN)

    assert answer.is_plain
    assert [receipt.provider_id for receipt in answer.receipts] == ["LRzXl_NHStOGhQ4kofSm_A"] * 3


@pytest.mark.parametrize("headers", [{}, {"x-message-id": ""}, {"x-message-id": "a, b"}])
def test_202_without_a_usable_message_id_is_acceptance_too(headers: dict[str, str]) -> None:
    """It is not in SendGrid's OpenAPI file."""
    answer = adapter().interpret(batch_of("ada"), Answered(202, headers, b""))

    assert answer.is_plain
    assert answer.receipts[0].provider_id == ""


@pytest.mark.parametrize("body", [b"<html>Accepted</html>", b"{}", b'{"errors":[]}'])
def test_202_with_something_in_it_is_doubt(body: bytes) -> None:
    """SendGrid's has nothing; somebody else answered."""
    answer = adapter().interpret(batch_of("ada"), Answered(202, {}, body))

    assert answer.receipts[0].outcome is Outcome.UNKNOWN


def test_200_is_doubt_outside_of_the_sandbox() -> None:
    """Also when it is empty."""
    assert adapter().interpret(batch_of("ada"), Answered(200, {}, b"")).receipts[0].outcome is Outcome.UNKNOWN


def test_a_refusal_says_which_field_and_no_address() -> None:
    """SendGrid's own sentences, the first three."""
    error = {"message": "Does not contain a valid address: ada@x.", "field": "personalizations.0.to.0.email"}
    answer = adapter().interpret(batch_of("ada"), answered(400, {"errors": [error, error, error, error]}))

    assert answer.directive is Directive.SPLIT
    assert answer.receipts[0].reason.count("(personalizations.0.to.0.email)") == 3
    assert "ada@" not in answer.receipts[0].reason


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"x_ratelimit_reset": "1794474010", "date": "Thu, 12 Nov 2026 09:00:00 GMT"}, 10.0),
        ({"x_ratelimit_reset": "1794474010", "retry_after": "3", "date": "Thu, 12 Nov 2026 09:00:00 GMT"}, 3.0),
        ({"x_ratelimit_reset": "1994474010", "date": "Thu, 12 Nov 2026 09:00:00 GMT"}, 3600.0),
        ({"x_ratelimit_reset": "1", "date": "Thu, 12 Nov 2026 09:00:00 GMT"}, 0.0),
        ({"x_ratelimit_reset": "soon", "date": "Thu, 12 Nov 2026 09:00:00 GMT"}, 0.0),
        ({"x_ratelimit_reset": "1794474010"}, 0.0),
    ],
)
def test_throttling_waits_until_the_reset_that_sendgrid_names(headers: dict[str, str], wait: float) -> None:
    """Seconds since 1970, counted by the answer's own clock; at most an hour."""
    answer = adapter().interpret(batch_of("ada"), answered(429, {}, **headers))

    assert (answer.directive, answer.wait) == (Directive.SLOW_DOWN, wait)


def alike() -> OutgoingBatch:
    """Ada, the same address in capitals, and Bo."""
    second = Recipient("ADA@example.org", "key-second", recipient("ada").values)
    return OutgoingBatch("issue:1:batch:1", 1, BUILDER, [recipient("ada"), second, recipient("bo")])


def sent(*says: Any, batch: OutgoingBatch) -> tuple[Answer, Wire]:
    """A call through the port."""
    wire = Wire(list(says))
    return ApiProvider(adapter(), wire).send(batch), wire


def test_an_address_that_stands_twice_in_a_call_is_sent_once() -> None:
    """SendGrid would refuse all of them for it, whatever the case of its letters."""
    answer, wire = sent(TAKEN, batch=alike())
    document = json.loads(wire.posted[0][1])

    assert [each["custom_args"]["nl_delivery"] for each in document["personalizations"]] == ["key-ada", "key-bo"]
    assert [(receipt.key, receipt.outcome) for receipt in answer.receipts] == [
        ("key-ada", Outcome.ACCEPTED),
        ("key-second", Outcome.REFUSED),
        ("key-bo", Outcome.ACCEPTED),
    ]


@pytest.mark.parametrize(
    ("status", "fates"),
    [
        (500, [Outcome.UNKNOWN, Outcome.REFUSED, Outcome.UNKNOWN]),
        (429, [Outcome.RETRY] * 3),
        (400, [Outcome.REFUSED] * 3),
    ],
)
def test_who_was_left_out_is_in_no_doubt_and_waits_with_the_rest(status: int, fates: list[Outcome]) -> None:
    """They were certainly not in the call that may have been taken."""
    answer, _ = sent(answered(status, {}), batch=alike())

    assert [receipt.outcome for receipt in answer.receipts] == fates


@pytest.mark.parametrize(
    "body",
    [
        (
            b'{"errors":[{"message":"Does not contain a valid address.","field":"personalizations.1.to.0.email",'
            b'"help":"http://sendgrid.com/docs/API_Reference/Web_API_v3/Mail/errors.html#message.personalizations.to"}]}'
        ),
        (
            b'{"errors":[{"message":"The to array is required for all personalization objects, and must have at least '
            b'one email object with a valid email address.","field":"personalizations.1.to","help":null}]}'
        ),
    ],
    ids=["email", "to"],
)
def test_a_place_is_one_of_the_call_that_left_out_repeated_addresses(body: bytes) -> None:
    """Ada stands twice and is sent once, so the second in the call is Bo."""
    answer = adapter().interpret(batch_of("ada", "ada", "bo", "cy"), Answered(400, {}, body))

    assert [receipt.outcome for receipt in answer.receipts] == [RETRY, RETRY, REFUSED, RETRY]
    assert answer.directive is Directive.GO_ON


@pytest.mark.parametrize(
    "fields",
    [
        ["personalizations.0.to.0.email", "from.email"],
        ["personalizations.0.to.0.email", None],
        ["personalizations.0.headers"],
        ["personalizations.0.substitutions"],
        ["personalizations.0"],
        ["personalizations.0.to.1.email"],
        ["personalizations.0.to.0.email.x"],
        ["x.personalizations.0.to.0.email"],
        ["personalizations.\u0660.to.0.email"],
        ["personalizations.-1.to.0.email"],
        ["personalizations.0.to.0.email", "personalizations.3.to.0.email"],
        [f"personalizations.{at}.to.0.email" for at in range(3)],
        [],
    ],
)
def test_what_may_be_everybodys_fault_is_nobodys(fields: list[str | None]) -> None:
    """The sender's address, a header, a place that is not ours, all places at once."""
    errors = [{**BAD_ADDRESS, "field": field} for field in fields]
    answer = adapter().interpret(batch_of(*NAMES), answered(400, {"errors": errors}))

    assert ({receipt.outcome for receipt in answer.receipts}, answer.directive) == ({REFUSED}, Directive.SPLIT)
