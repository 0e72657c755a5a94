"""Mailgun's account and its answers, against its own words."""

from typing import Any

import httpx
import pytest
from adapter_suite import BUILDER, NAMES, answered, batch_of

from newsletter.errors import ProviderError
from newsletter.providers.adapter import Account
from newsletter.providers.base import Directive, Outcome
from newsletter.providers.mailgun import Mailgun

ID = "<20261112090000.1.ABCDEF@example.org>"
QUEUED = {"id": ID, "message": "Queued. Thank you."}


def adapter(**options: str) -> Mailgun:
    """With a made-up account."""
    return Mailgun(Account("made-up-secret", options))


@pytest.mark.parametrize(
    ("options", "url"),
    [
        ({}, "https://api.mailgun.net/v3/example.org/messages"),
        ({"region": "eu"}, "https://api.eu.mailgun.net/v3/example.org/messages"),
        ({"domain": "mg.example.org"}, "https://api.mailgun.net/v3/mg.example.org/messages"),
    ],
)
def test_region_and_domain_decide_where_calls_go(options: dict[str, str], url: str) -> None:
    """The sender's domain where none is set."""
    request = adapter(**options).calls(BUILDER).request(batch_of(*NAMES))

    assert request.url == url
    assert httpx.BasicAuth("api", "made-up-secret")._auth_header == request.headers["Authorization"]


def test_an_address_of_the_account_goes_before_the_region() -> None:
    """A mock on this machine."""
    calls = Mailgun(Account("made-up-secret", address="http://127.0.0.1:9/")).calls(BUILDER)

    assert calls.request(batch_of("ada")).url == "http://127.0.0.1:9/v3/example.org/messages"


@pytest.mark.parametrize(
    "options",
    [
        {"region": "mars"},
        {"test": "maybe"},
        {"regoin": "eu"},
        {"domain": "a/b"},
        {"domain": "a%2fb"},
        {"domain": "a?b"},
    ],
)
def test_an_unknown_option_or_a_slash_in_the_domain_is_an_error(options: dict[str, str]) -> None:
    """Mailgun greets a wrong path with 200."""
    with pytest.raises(ProviderError):
        adapter(**options)


def test_an_account_without_a_key_is_an_error() -> None:
    """Found before anything is claimed."""
    with pytest.raises(ProviderError, match="key"):
        Mailgun(Account(" "))


def test_the_key_does_not_show_in_calls_that_are_printed() -> None:
    """Nor the form of it that leaves."""
    calls = adapter().calls(BUILDER)

    assert calls.request(batch_of("ada")).headers["Authorization"] not in repr(calls)


def test_queued_accepts_everybody_under_one_id() -> None:
    """Who will not be delivered comes by webhook only."""
    answer = adapter().interpret(batch_of(*NAMES), answered(200, QUEUED))

    assert answer.is_plain
    assert [receipt.provider_id for receipt in answer.receipts] == [ID] * 3


@pytest.mark.parametrize(
    "said",
    [
        {"id": ID},
        {"message": "Queued. Thank you."},
        {"id": ID, "message": "Hello"},
        {"id": "", "message": "Queued. Thank you."},
        {"id": "a\nb", "message": "Queued. Thank you."},
        {"id": 7, "message": "Queued. Thank you."},
        [QUEUED],
    ],
)
def test_a_200_that_mailgun_does_not_document_is_doubt(said: Any) -> None:
    """An id and "Queued", or nobody knows."""
    answer = adapter().interpret(batch_of("ada"), answered(200, said))

    assert (answer.receipts[0].outcome, answer.directive) == (Outcome.UNKNOWN, Directive.GO_ON)


@pytest.mark.parametrize("body", [b"Mailgun Magnificent API", b'"Mailgun Magnificent API"\n'])
def test_mailguns_greeting_is_no_acceptance(body: bytes) -> None:
    """A wrong path: nobody was sent anything, and the next call would fare alike."""
    answer = adapter().interpret(batch_of("ada"), answered(200, body))

    assert (answer.receipts[0].outcome, answer.directive) == (Outcome.RETRY, Directive.HALT)


def test_a_page_that_mentions_the_greeting_is_doubt() -> None:
    """Somebody else's."""
    answer = adapter().interpret(batch_of("ada"), answered(200, b"<html>Mailgun Magnificent API</html>"))

    assert answer.receipts[0].outcome is Outcome.UNKNOWN


LIMITED = "Domain example.org is not allowed to send: account-requests-per-sec limit exceeded, try again after"


@pytest.mark.parametrize(
    ("status", "ending", "wait"),
    [
        (429, "120 seconds", 120.0),
        (429, "1 second.", 1.0),
        (429, "Thu, 12 Nov 2026 09:00:30 GMT", 30.0),
        (429, "Thu, 12 Nov 2026 09:00:30 UTC.", 30.0),
        (429, "99999 seconds", 3600.0),
        (429, "lunch", 0.0),
        (403, "120 seconds", 120.0),
        (400, "120 seconds", 120.0),
    ],
)
def test_the_time_to_wait_is_read_from_the_sentence(status: int, ending: str, wait: float) -> None:
    """Mailgun has no header for it."""
    said = answered(status, {"message": f"{LIMITED} {ending}"}, date="Thu, 12 Nov 2026 09:00:00 GMT")
    answer = adapter().interpret(batch_of("ada"), said)

    assert (answer.receipts[0].outcome, answer.directive) == (Outcome.RETRY, Directive.SLOW_DOWN)
    assert answer.wait == wait


def test_a_header_with_the_time_goes_before_the_sentence() -> None:
    """Should Mailgun ever send one."""
    said = answered(429, {"message": f"{LIMITED} 120 seconds"}, retry_after="7")

    assert adapter().interpret(batch_of("ada"), said).wait == 7.0


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (400, "Domain example.org is not allowed to send: The domain is unverified and requires DNS configuration."),
        (403, "Domain example.org is not allowed to send large batches yet"),
        (401, "Forbidden"),
        (402, "Payment required"),
        (404, "Domain not found: example.org"),
    ],
)
def test_a_domain_or_account_that_may_not_send_holds_the_issue(status: int, words: str) -> None:
    """None of it is a reader's fault."""
    answer = adapter().interpret(batch_of("ada"), answered(status, {"message": words}))

    assert (answer.receipts[0].outcome, answer.directive) == (Outcome.RETRY, Directive.HALT)
    assert words in answer.receipts[0].reason


def test_a_domain_that_is_not_found_may_be_in_the_other_region() -> None:
    """As often as it is misspelt."""
    answer = adapter().interpret(batch_of("ada"), answered(404, {"message": "Domain not found: example.org"}))

    assert "other region" in answer.receipts[0].reason


def test_a_bare_word_is_a_reason_too() -> None:
    """401 is answered with one, in quotes or without."""
    for body in (b"Forbidden", b'"Forbidden"'):
        answer = adapter().interpret(batch_of("ada"), answered(401, body))
        assert answer.receipts[0].reason == "Mailgun answered 401: Forbidden."


def test_one_bad_address_refuses_the_call_which_is_tried_in_halves() -> None:
    """Mailgun does not say which it is."""
    said = answered(400, {"message": "to parameter is not a valid address. please check documentation"})

    assert adapter().interpret(batch_of(*NAMES), said).directive is Directive.SPLIT
