"""Resend's adapter, against Resend's own OpenAPI file, django-anymail's payloads and its documented errors."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import anymail_samples
import pytest
from adapter_suite import BUILDER, NAMES, AdapterSuite, Wire, answered, batch_of, call_of, fates, rendered_issue_of
from anymail.backends.resend import EmailBackend
from delivery_samples import NOW, recipient, rendered_issue
from provider_openapi import body_schema, complaints, specification

from newsletter.errors import ProviderError
from newsletter.mail.message import MessageBuilder, Recipient
from newsletter.providers.adapter import Account
from newsletter.providers.api_provider import ApiProvider
from newsletter.providers.base import Answer, Directive, Outcome, OutgoingBatch
from newsletter.providers.poster import Answered, Request
from newsletter.providers.resend import Resend

GO_ON, HALT, SLOW_DOWN = Directive.GO_ON, Directive.HALT, Directive.SLOW_DOWN
ACCEPTED, REFUSED, RETRY, UNKNOWN = Outcome.ACCEPTED, Outcome.REFUSED, Outcome.RETRY, Outcome.UNKNOWN
SPEC, PATH = "resend/resend.yaml", "/emails/batch"


def ids(*names: str) -> list[dict[str, str]]:
    """`data` for these people."""
    return [{"id": f"id-{name}"} for name in names]


def error(index: Any, message: str = "The `to` field is invalid.") -> dict[str, Any]:
    """One of `errors`."""
    return {"index": index, "message": message}


def named(name: str, message: str = "no") -> dict[str, Any]:
    """An error as Resend writes it."""
    return {"statusCode": 0, "name": name, "message": message}


class TestResend(AdapterSuite):
    """What every adapter must do."""

    own_ids = True

    def adapter(self) -> Resend:
        """With a made-up key."""
        return Resend(Account("made-up-secret"))

    def good_answer(self, batch: OutgoingBatch) -> Answered:
        """One id a message."""
        return answered(200, {"data": ids(*(one.key for one in batch.recipients))})

    def refusing_one(self, batch: OutgoingBatch) -> Answered:
        """It stands among the errors, by its place, and has no id."""
        return answered(200, {"data": ids(*(one.key for one in batch.recipients[1:])), "errors": [error(0)]})

    def blaming(self, at: int, name: str) -> Answered:  # noqa: ARG002
        """By address; in its permissive mode a call is refused as a whole for other reasons only."""
        words = f"Invalid `to` field: `{name}@example.org`."
        return answered(422, {"statusCode": 422, "name": "validation_error", "message": words})

    def sent_addresses(self, request: Request, body: bytes) -> list[str]:  # noqa: ARG002 - the suite gives it
        """One `to` a message."""
        return [address for message in json.loads(body) for address in message["to"]]

    def sent_keys(self, request: Request, body: bytes) -> list[str]:  # noqa: ARG002 - the suite gives it
        """From the tags, of which there is one."""
        return [tag["value"] for message in json.loads(body) for tag in message["tags"]]


def sent(batch: OutgoingBatch) -> tuple[Request, list[dict[str, Any]]]:
    """The call that leaves, and its messages."""
    return call_of(Resend(Account("made-up-secret")), batch)


def interpreted(status: int, document: Any, *names: str, attempt: int = 1, **headers: str) -> Answer:
    """What the adapter makes of an answer to a call for these people, or for three."""
    batch = batch_of(*(names or NAMES), attempt=attempt)
    return Resend(Account("")).interpret(batch, answered(status, document, **headers))


def by_anymail(person: Recipient) -> dict[str, Any]:
    """What django-anymail posts for the same message; Resend's tags are given to it as they are."""
    mail = anymail_samples.whole(person)
    mail.esp_extra = {"tags": [{"name": "nl_delivery", "value": person.key}]}  # type: ignore[attr-defined]
    request = anymail_samples.posted(EmailBackend(api_key="x"), mail, 200, b'{"id":"x"}')
    return dict(json.loads(request.body or b""))


def test_each_message_is_what_anymail_would_send() -> None:
    """Field by field; text and HTML merged by two different paths."""
    _, messages = sent(batch_of(*NAMES))

    assert messages == [by_anymail(recipient(name)) for name in NAMES]


def test_the_bytes_fit_resends_own_openapi_file() -> None:
    """Closed where it is open: the limit of a call and the values of headers are only in its prose."""
    schema = body_schema(SPEC, PATH)
    schema["maxItems"] = 100
    schema["components"]["schemas"]["SendEmailRequest"]["properties"]["headers"]["additionalProperties"] = {
        "type": "string"
    }
    _, messages = sent(batch_of(*(f"reader{number}" for number in range(100))))

    assert complaints(schema, messages) == []
    assert complaints(schema, [{**messages[0], "Tags": []}]) != []


def test_the_idempotency_key_fits_resends_own_openapi_file() -> None:
    """At most 256 characters, also for the half of a batch with large numbers."""
    (parameter,) = specification(SPEC)["paths"][PATH]["post"]["parameters"]
    batch = replace(batch_of("ada"), key="issue:9999999999:batch:9999999999:half:2")

    assert complaints(parameter["schema"], sent(batch)[0].headers[parameter["name"]]) == []


def test_a_batch_has_one_key_at_every_attempt() -> None:
    """With the same bytes: another attempt is the same call to Resend."""
    (first, one), (second, two) = (sent(batch_of(*NAMES, attempt=attempt)) for attempt in (1, 7))

    assert (first.headers, one) == (second.headers, two)


def test_other_batches_halves_and_issues_have_other_keys() -> None:
    """The issue's digest is in it: a second installation with the same account counts its batches alike."""
    batch, other = batch_of("ada"), MessageBuilder(rendered_issue("Another issue"), date=NOW)
    batches = [batch, replace(batch, key="issue:1:batch:2"), replace(batch, key=f"{batch.key}:half:1")]
    keys = {sent(one)[0].headers["Idempotency-Key"] for one in [*batches, replace(batch, builder=other)]}

    assert len(keys) == 4


def test_a_key_is_believed_for_less_than_the_documented_day() -> None:
    """24 hours; a clock that is wrong by some hours must not make a duplicate."""
    remembers = Resend(Account("")).capabilities.remembers_keys_for

    assert remembers is not None
    assert timedelta(hours=12) <= remembers <= timedelta(hours=22)


def test_the_call_has_a_user_agent_and_asks_for_the_permissive_mode() -> None:
    """Without the one Resend answers 403; without the other one bad address refuses its whole call."""
    request, _ = sent(batch_of("ada"))

    assert request.url == "https://api.resend.com/emails/batch"
    assert request.headers["User-Agent"]
    assert request.headers["x-batch-validation"] == "permissive"
    assert request.headers["Authorization"] == "Bearer made-up-secret"


def test_another_address_takes_the_place_of_the_usual_one() -> None:
    """A mock on this machine."""
    request = Resend(Account("", address="http://127.0.0.1:9/")).calls(BUILDER).request(batch_of("ada"))

    assert request.url == "http://127.0.0.1:9/emails/batch"


def test_an_option_is_an_error() -> None:
    """There are none."""
    with pytest.raises(ProviderError, match="none"):
        Resend(Account("", {"region": "eu"}))


@pytest.mark.parametrize("key", ["1.2", "k" * 257])
def test_a_key_outside_a_tags_characters_is_refused_before_the_call(key: str) -> None:
    """A dot in a tag would refuse the message; the others are sent."""
    odd = Recipient("bo@example.org", key, recipient("bo").values)
    wire = Wire([answered(200, {"data": ids("ada")})])
    answer = ApiProvider(Resend(Account("")), wire).send(replace(batch_of(), recipients=[recipient("ada"), odd]))

    assert {receipt.key: receipt.outcome for receipt in answer.receipts} == {"key-ada": ACCEPTED, key: REFUSED}


def test_100_people_of_a_small_issue_and_fewer_of_a_large_one_fit_a_call() -> None:
    """By number first, and then by bytes."""
    provider = ApiProvider(Resend(Account("")), Wire())

    assert provider.fits(BUILDER) == 100
    assert provider.fits(MessageBuilder(rendered_issue_of(500_000), date=NOW)) == 19


def test_what_looks_like_a_template_reaches_the_reader_unchanged() -> None:
    """Full messages are merged by nobody, so nothing has to be neutralised."""
    issue = rendered_issue("{{{ship}}} it")
    builder = MessageBuilder(replace(issue, html=issue.html + "{{{RESEND_UNSUBSCRIBE_URL}}}"), date=NOW)
    _, (message,) = sent(batch_of("ada", builder=builder))

    assert message["subject"] == "{{{ship}}} it"
    assert message["html"].endswith("{{{RESEND_UNSUBSCRIBE_URL}}}")


def test_ids_are_kept_in_the_recipients_order() -> None:
    """`data` is in the order of the messages."""
    answer = interpreted(200, {"data": ids(*NAMES), "errors": []})

    assert [receipt.provider_id for receipt in answer.receipts] == ["id-ada", "id-bo", "id-cy"]
    assert answer.is_plain


def test_one_bad_address_is_refused_alone() -> None:
    """`data` leaves it out, so the ids after it belong one place further on."""
    answer = interpreted(200, {"data": ids("ada", "cy"), "errors": [error(1)]})

    assert (fates(answer), answer.directive) == ([ACCEPTED, REFUSED, ACCEPTED], GO_ON)
    assert [receipt.provider_id for receipt in answer.receipts] == ["id-ada", "", "id-cy"]


def test_data_with_a_place_for_the_refused_is_read_by_place() -> None:
    """Should Resend answer so: nothing else can be meant."""
    answer = interpreted(200, {"data": [*ids("ada"), None, *ids("cy")], "errors": [error(1)]})

    assert fates(answer) == [ACCEPTED, REFUSED, ACCEPTED]
    assert answer.receipts[2].provider_id == "id-cy"


@pytest.mark.parametrize(
    "errors",
    [[], [error(0), error(1)], [error(3)], [error(-1)], [error(1.0)], [error("1")], [error([])], [None], [{}]],
    ids=str,
)
def test_numbers_that_do_not_add_up_accept_nobody(errors: list[Any]) -> None:
    """Two ids for three people say nothing of who has them."""
    assert ACCEPTED not in fates(interpreted(200, {"data": ids("ada", "cy"), "errors": errors}))


def test_too_few_ids_are_doubt_and_named_errors_are_not() -> None:
    """An error says whom it refuses, whatever else is missing."""
    assert fates(interpreted(200, {"data": [], "errors": [error(1)]})) == [UNKNOWN, REFUSED, UNKNOWN]


def test_an_id_and_an_error_for_one_reader_are_doubt() -> None:
    """One of the two is wrong, and nobody knows which."""
    answer = interpreted(200, {"data": ids(*NAMES), "errors": [error(1)]})

    assert fates(answer) == [ACCEPTED, UNKNOWN, ACCEPTED]


def test_ids_and_one_sentence_for_everybody_are_doubt() -> None:
    """Certainly not "not taken"."""
    answer = interpreted(200, {"data": ids(*NAMES), "errors": [error(place) for place in range(3)]})

    assert (set(fates(answer)), answer.directive) == ({UNKNOWN}, GO_ON)


@pytest.mark.parametrize("id_", ["", 7, None], ids=str)
def test_nobody_is_accepted_without_an_id(id_: Any) -> None:
    """The others are."""
    answer = interpreted(200, {"data": [*ids("ada"), {"id": id_}, *ids("cy")]})

    assert fates(answer) == [ACCEPTED, UNKNOWN, ACCEPTED]


def test_one_sentence_that_refuses_everybody_is_our_fault() -> None:
    """A sender that is wrong is wrong in every message: a hundred readers must not be refused for it."""
    answer = interpreted(200, {"data": [], "errors": [error(place, "Invalid `from` field.") for place in range(3)]})

    assert (set(fates(answer)), answer.directive) == ({RETRY}, HALT)


@pytest.mark.parametrize("names", [("ada",), ("ada", "bo")])
def test_sentences_of_their_own_refuse_readers(names: tuple[str, ...]) -> None:
    """One alone, or two that differ; no reason repeats an address."""
    errors = [error(place, f"Invalid `to`: {name}@example.org") for place, name in enumerate(names)]
    answer = interpreted(200, {"errors": errors}, *names)

    assert {receipt.outcome for receipt in answer.receipts} == {REFUSED}
    assert not any("@" in receipt.reason for receipt in answer.receipts)
    assert answer.directive is GO_ON


@pytest.mark.parametrize("name", ["daily_quota_exceeded", "monthly_quota_exceeded"])
def test_a_quota_is_429_and_halts(name: str) -> None:
    """It does not pass in the seconds that a throttle takes."""
    answer = interpreted(429, named(name), retry_after="1")

    assert (set(fates(answer)), answer.directive) == ({RETRY}, HALT)


@pytest.mark.parametrize(
    ("headers", "wait"),
    [({"ratelimit_reset": "2"}, 2.0), ({"retry_after": "3", "ratelimit_reset": "2"}, 3.0), ({}, 0.0)],
    ids=str,
)
def test_a_throttle_waits_as_its_headers_say(headers: dict[str, str], wait: float) -> None:
    """Retry-After, or the end of the window."""
    answer = interpreted(429, named("rate_limit_exceeded"), **headers)

    assert (set(fates(answer)), answer.directive, answer.wait) == ({RETRY}, SLOW_DOWN, wait)


def test_the_rate_limits_headers_of_a_server_error_make_nobody_wait() -> None:
    """They are in every answer."""
    assert interpreted(500, named("application_error"), ratelimit_reset="60").wait == 0.0


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (400, "invalid_idempotency_key"),
        (401, "missing_api_key"),
        (401, "restricted_api_key"),
        (403, "invalid_api_key"),
        (403, "validation_error"),
        (422, "invalid_from_address"),
        (422, "invalid_access"),
        (451, "security_error"),
    ],
)
def test_the_accounts_fault_halts_whatever_its_status(status: int, name: str) -> None:
    """A 403 `validation_error` is a domain that is not verified; a 422 alone would refuse readers."""
    answer = interpreted(status, named(name))

    assert (set(fates(answer)), answer.directive) == ({RETRY}, HALT)


def test_an_accounts_fault_in_a_server_error_stays_doubt() -> None:
    """Only a refusal refuses."""
    assert set(fates(interpreted(500, named("invalid_api_key")))) == {UNKNOWN}


def test_another_body_under_our_key_means_that_the_first_was_taken() -> None:
    """After an attempt in doubt: an address changed since. Resend keeps keys only of what it has sent."""
    said = answered(409, named("invalid_idempotent_request"))
    answer = Resend(Account("")).interpret(replace(batch_of(*NAMES, attempt=2), doubtful=True), said)

    assert (set(fates(answer)), answer.directive) == ({ACCEPTED}, GO_ON)


@pytest.mark.parametrize("attempt", [1, 2])
def test_another_body_without_an_attempt_in_doubt_was_somebody_elses(attempt: int) -> None:
    """A copy of the database, or a later state of this one, has sent: nobody knows to whom; a person has to look."""
    answer = interpreted(409, named("invalid_idempotent_request"), attempt=attempt)

    assert (set(fates(answer)), answer.directive) == ({UNKNOWN}, HALT)


def test_a_server_error_that_names_our_key_stays_doubt() -> None:
    """Only the conflict itself says that something was taken."""
    assert set(fates(interpreted(500, named("invalid_idempotent_request"), attempt=2))) == {UNKNOWN}


@pytest.mark.parametrize("document", [named("concurrent_idempotent_requests"), {}, b"<html>"], ids=str)
@pytest.mark.parametrize("attempt", [1, 2])
def test_any_other_conflict_is_doubt(document: Any, attempt: int) -> None:
    """The first call is still under way; it is asked again later, under the same key."""
    answer = interpreted(409, document, attempt=attempt)

    assert (set(fates(answer)), answer.directive) == ({UNKNOWN}, GO_ON)
