"""Amazon SES: what its answers mean, every status and every error of botocore's model."""

import json
from typing import Any

import pytest
from adapter_suite import NAMES, answered, batch_of
from botocore import parsers, session

from newsletter.providers import ses_answers
from newsletter.providers.adapter import Account
from newsletter.providers.base import Directive, Outcome
from newsletter.providers.poster import Answered
from newsletter.providers.ses import Ses

MODEL = session.get_session().get_service_model("sesv2")
BULK = MODEL.operation_model("SendBulkEmail")
ENTRIES = MODEL.shape_for("BulkEmailStatus").enum


def adapter() -> Ses:
    """The adapter in Ireland."""
    return Ses(Account("AKIDEXAMPLE:made-up-secret", {"region": "eu-west-1"}), {})


def entry_results(*statuses: str) -> dict[str, Any]:
    """An answer's document with these statuses."""
    results = [{"Status": status, "Error": "why: ada@example.org"} for status in statuses]
    return {"BulkEmailEntryResults": results}


MEANINGS = {
    "SUCCESS": (Outcome.ACCEPTED, Directive.GO_ON),
    "MESSAGE_REJECTED": (Outcome.REFUSED, Directive.GO_ON),
    "MAIL_FROM_DOMAIN_NOT_VERIFIED": (Outcome.RETRY, Directive.HALT),
    "CONFIGURATION_SET_NOT_FOUND": (Outcome.RETRY, Directive.HALT),
    "TEMPLATE_NOT_FOUND": (Outcome.RETRY, Directive.HALT),
    "ACCOUNT_SUSPENDED": (Outcome.RETRY, Directive.HALT),
    "ACCOUNT_THROTTLED": (Outcome.RETRY, Directive.SLOW_DOWN),
    "ACCOUNT_DAILY_QUOTA_EXCEEDED": (Outcome.RETRY, Directive.HALT),
    "INVALID_SENDING_POOL_NAME": (Outcome.RETRY, Directive.HALT),
    "ACCOUNT_SENDING_PAUSED": (Outcome.RETRY, Directive.HALT),
    "CONFIGURATION_SET_SENDING_PAUSED": (Outcome.RETRY, Directive.HALT),
    "INVALID_PARAMETER": (Outcome.REFUSED, Directive.GO_ON),
    "TRANSIENT_FAILURE": (Outcome.RETRY, Directive.GO_ON),
    "FAILED": (Outcome.REFUSED, Directive.GO_ON),
}


def test_every_status_of_the_service_model_has_a_meaning() -> None:
    """Fourteen of them; a fifteenth in a new model fails here."""
    assert set(ses_answers.ENTRIES) == set(MEANINGS) == set(ENTRIES)


@pytest.mark.parametrize("status", [*ENTRIES, "SOMETHING_NEW", ""])
def test_an_entrys_status_is_that_recipients(status: str) -> None:
    """Between two who were accepted; a word that we do not know is doubt."""
    said = answered(200, entry_results("SUCCESS", status, "SUCCESS"))
    answer = adapter().interpret(batch_of(*NAMES), said)
    outcome, directive = MEANINGS.get(status, (Outcome.UNKNOWN, Directive.GO_ON))

    assert [receipt.outcome for receipt in answer.receipts] == [Outcome.ACCEPTED, outcome, Outcome.ACCEPTED]
    assert answer.directive is directive
    assert "ada@example.org" not in answer.receipts[1].reason


def test_throttled_entries_inside_a_200_are_asked_again_and_slowly() -> None:
    """They were certainly not sent, and the others were."""
    said = answered(200, entry_results("SUCCESS", "ACCOUNT_THROTTLED", "MESSAGE_REJECTED"), retry_after="4")
    answer = adapter().interpret(batch_of(*NAMES), said)

    assert [one.outcome for one in answer.receipts] == [Outcome.ACCEPTED, Outcome.RETRY, Outcome.REFUSED]
    assert (answer.directive, answer.wait) == (Directive.SLOW_DOWN, 4.0)


def test_the_gravest_entry_decides_what_is_next() -> None:
    """A suspended account weighs more than a throttled one."""
    said = answered(200, entry_results("ACCOUNT_THROTTLED", "ACCOUNT_SUSPENDED", "SUCCESS"))

    assert adapter().interpret(batch_of(*NAMES), said).directive is Directive.HALT


@pytest.mark.parametrize("number", [0, 1, 2, 4])
def test_too_few_or_too_many_results_are_nobodys(number: int) -> None:
    """Results have no address: only their order says whose they are."""
    answer = adapter().interpret(batch_of(*NAMES), answered(200, entry_results(*["SUCCESS"] * number)))

    assert {receipt.outcome for receipt in answer.receipts} == {Outcome.UNKNOWN}


@pytest.mark.parametrize(
    ("status", "name", "message", "outcome", "directive"),
    [
        (400, "ThrottlingException", "Maximum sending rate exceeded.", Outcome.RETRY, Directive.SLOW_DOWN),
        (400, "ThrottlingException", "Daily message quota exceeded.", Outcome.RETRY, Directive.HALT),
        (429, "TooManyRequestsException", "", Outcome.RETRY, Directive.SLOW_DOWN),
        (400, "AccountSuspendedException", "", Outcome.RETRY, Directive.HALT),
        (400, "SendingPausedException", "", Outcome.RETRY, Directive.HALT),
        (400, "MailFromDomainNotVerifiedException", "", Outcome.RETRY, Directive.HALT),
        (400, "LimitExceededException", "", Outcome.RETRY, Directive.HALT),
        (404, "NotFoundException", "", Outcome.RETRY, Directive.HALT),
        (400, "MessageRejected", "Email address is not verified.", Outcome.RETRY, Directive.HALT),
        (400, "MessageRejected", "", Outcome.REFUSED, Directive.SPLIT),
        (400, "BadRequestException", "", Outcome.REFUSED, Directive.SPLIT),
        (403, "SignatureDoesNotMatch", "", Outcome.RETRY, Directive.HALT),
        (400, "ExpiredTokenException", "", Outcome.RETRY, Directive.HALT),
        (400, "UnrecognizedClientException", "", Outcome.RETRY, Directive.HALT),
        (400, "RequestExpired", "", Outcome.RETRY, Directive.HALT),
        (500, "InternalFailure", "", Outcome.UNKNOWN, Directive.GO_ON),
        (503, "ServiceUnavailable", "", Outcome.UNKNOWN, Directive.GO_ON),
        (503, "ThrottlingException", "", Outcome.RETRY, Directive.SLOW_DOWN),
    ],
)
def test_an_error_is_read_by_its_name(
    status: int, name: str, message: str, outcome: Outcome, directive: Directive
) -> None:
    """AWS says "throttled" and "suspended" with the same 400 as "malformed"."""
    said = Answered(status, {"x-amzn-errortype": f"{name}:https://x"}, json.dumps({"message": message}).encode())
    answer = adapter().interpret(batch_of(*NAMES), said)

    assert ({one.outcome for one in answer.receipts}, answer.directive) == ({outcome}, directive)
    assert name in answer.receipts[0].reason


def test_every_error_of_the_service_model_has_a_meaning() -> None:
    """A new one in a new model fails here."""
    assert {shape.name for shape in BULK.error_shapes} <= set(ses_answers.ERRORS)


@pytest.mark.parametrize(
    ("headers", "document"),
    [
        ({"x-amzn-errortype": "ThrottlingException"}, {}),
        ({"x-amzn-errortype": "ThrottlingException:http://internal.amazon.com/coral/"}, {"message": "x"}),
        ({}, {"__type": "com.amazon.coral.service#ThrottlingException"}),
        ({}, {"code": "ThrottlingException", "message": "x"}),
    ],
)
def test_an_errors_name_is_the_one_that_botocore_reads(headers: dict[str, str], document: dict[str, str]) -> None:
    """Header, `__type` or `code`."""
    body = json.dumps(document).encode()
    theirs = parsers.create_parser("rest-json").parse(
        {"status_code": 400, "headers": headers, "body": body}, BULK.output_shape
    )

    assert ses_answers.error_name(Answered(400, headers, body)) == theirs["Error"]["Code"] == "ThrottlingException"


def test_nothing_is_promised_that_ses_does_not_keep() -> None:
    """Neither idempotency keys nor look-ups: a lost answer is held."""
    can = adapter().capabilities

    assert can.remembers_keys_for is None
    assert not can.answers_look_ups
