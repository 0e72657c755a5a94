"""Brevo: the bytes against django-anymail's, its language against Django's, which it follows, and every pitfall."""

import json
import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar

import anymail_samples
import pytest
import requests
from adapter_suite import (
    BUILDER,
    NAMES,
    AdapterSuite,
    Wire,
    answered,
    batch_of,
    beyond_ascii,
    call_of,
    issue_saying,
    rendered_issue_of,
)
from anymail.backends.brevo import EmailBackend
from delivery_samples import NOW, recipient, rendered_issue
from django.core.mail import EmailMultiAlternatives
from django.template import Context, Engine
from hypothesis import given
from hypothesis import strategies as st

from newsletter.errors import HeaderError, ProviderError
from newsletter.mail.message import MessageBuilder
from newsletter.providers import brevo, brevo_template
from newsletter.providers.adapter import Account
from newsletter.providers.api_provider import ApiProvider
from newsletter.providers.base import Answer, Directive, Outcome, OutgoingBatch
from newsletter.providers.poster import Answered, Failed, Request, Taken

ENGINE = Engine()


def adapter() -> brevo.Brevo:
    """The adapter, with a made-up account."""
    return brevo.Brevo(Account("made-up-secret"))


def call(batch: OutgoingBatch) -> tuple[Request, dict[str, Any]]:
    """One call: the request, and what its bytes say."""
    return call_of(adapter(), batch)


def key_of(batch: OutgoingBatch) -> str:
    """The idempotency key in a call."""
    return str(call(batch)[1]["headers"]["idempotencyKey"])


def rendered(template: str, params: dict[str, str]) -> str:
    """What Django's language, which escapes by default as Brevo's does, makes of it."""
    return ENGINE.from_string(template).render(Context({"params": params}))


def outcomes(answer: Answer) -> set[Outcome]:
    """What became of everybody."""
    return {receipt.outcome for receipt in answer.receipts}


class TestBrevo(AdapterSuite):
    """The common suite."""

    merges: ClassVar[bool] = True
    own_ids: ClassVar[bool] = True

    def adapter(self) -> brevo.Brevo:
        """A made-up account."""
        return adapter()

    def good_answer(self, batch: OutgoingBatch) -> Answered:
        """An id for each version."""
        return answered(201, {"messageIds": [f"id-{one.key}" for one in batch.recipients]})

    def blaming(self, at: int, name: str) -> Answered:  # noqa: ARG002
        """By address; with the header that every answer of Brevo's has."""
        words = f"email {name}@example.org is not valid in to"
        return answered(400, {"code": "invalid_parameter", "message": words}, x_sib_ratelimit_reset="30")

    def sent_addresses(self, request: Request, body: bytes) -> list[str]:  # noqa: ARG002 - the body says it
        """Each version's only address."""
        document = json.loads(body)
        assert not {"to", "cc", "bcc"} & set(document)
        assert all(len(version["to"]) == 1 for version in document["messageVersions"])
        return [version["to"][0]["email"] for version in document["messageVersions"]]

    def sent_keys(self, request: Request, body: bytes) -> list[str]:  # noqa: ARG002 - the body says it
        """Each version's custom header."""
        custom = [json.loads(one["headers"]["X-Mailin-custom"]) for one in json.loads(body)["messageVersions"]]
        assert all(set(value) == {"nl_delivery"} for value in custom)
        return [value["nl_delivery"] for value in custom]


def by_anymail(document: dict[str, Any]) -> requests.PreparedRequest:
    """What django-anymail posts for the same message, given the same templates and params."""
    to = {f"{name}@example.org": BUILDER.message(recipient(name)) for name in NAMES}
    mail = EmailMultiAlternatives(
        BUILDER.subject, document["textContent"], BUILDER.sender.sender, list(to), reply_to=[BUILDER.sender.reply_to]
    )
    mail.attach_alternative(document["htmlContent"], "text/html")
    versions = {version["to"][0]["email"]: version for version in document["messageVersions"]}
    mail.merge_data = {address: version["params"] for address, version in versions.items()}  # type: ignore[attr-defined]
    mail.merge_headers = {  # type: ignore[attr-defined]
        address: dict(message.list_headers) for address, message in to.items()
    }
    mail.merge_metadata = {address: {"nl_delivery": one.key} for address, one in to.items()}  # type: ignore[attr-defined]
    backend = EmailBackend(api_key="made-up-secret")
    return anymail_samples.posted(backend, mail, 201, b'{"messageIds":["1","2","3"]}')


def folded(document: dict[str, Any]) -> dict[str, Any]:
    """The same, with headers as mail reads them and without our idempotency key.

    Their names in lower case, and no blanks in the one that is JSON.
    """
    versions = [
        version
        | {"headers": {name.lower(): value.replace('": "', '":"') for name, value in version["headers"].items()}}
        for version in document["messageVersions"]
    ]
    return {name: value for name, value in document.items() if name != "headers"} | {"messageVersions": versions}


def test_the_call_is_what_django_anymail_sends() -> None:
    """Address, key and every field; headers too, whose names are Brevo's way of writing them."""
    request, document = call(batch_of(*NAMES))
    theirs = by_anymail(document)

    assert (request.method, request.url) == (theirs.method, theirs.url)
    assert request.headers["api-key"] == theirs.headers["api-key"]
    assert folded(document) == folded(json.loads(theirs.body or b""))


def test_header_names_have_capitals_where_brevo_wants_them() -> None:
    """Title-Case, and ASCII throughout."""
    _, document = call(batch_of(*NAMES))
    names = set(document["messageVersions"][0]["headers"])

    assert names == {"List-Unsubscribe", "List-Unsubscribe-Post", "List-Id", "Feedback-Id", "X-Mailin-custom"}
    assert set(document["headers"]) == {"idempotencyKey"}


def test_a_header_beyond_ascii_is_refused_before_anything_is_sent() -> None:
    """Brevo would send it raw."""
    with pytest.raises(HeaderError, match="Feedback-ID"):
        adapter().calls(beyond_ascii())


def test_the_key_is_a_uuid_in_the_bodys_own_headers() -> None:
    """Not a header of HTTP: Brevo does not read it there."""
    request, document = call(batch_of(*NAMES))

    assert str(uuid.UUID(document["headers"]["idempotencyKey"])) == document["headers"]["idempotencyKey"]
    assert "idempotencykey" not in {name.lower() for name in request.headers}


def test_the_key_is_the_batchs_and_the_issues() -> None:
    """The same at every attempt; another for another batch, a half of it, or another issue under the same number."""
    first = batch_of(*NAMES)
    others = [
        replace(first, key="issue:1:batch:2"),
        replace(first, key="issue:1:batch:1:half:1"),
        replace(first, builder=issue_saying("another")),
    ]

    assert key_of(replace(first, attempt=7)) == key_of(first)
    assert len({key_of(batch) for batch in (first, *others)}) == 4


def test_a_large_issue_has_its_key_too() -> None:
    """The head is cut into pieces; the key is in the first, and the length is right."""
    batch = batch_of("ada", builder=MessageBuilder(rendered_issue_of(600_000), date=NOW))
    request, document = call(batch)

    assert uuid.UUID(document["headers"]["idempotencyKey"]).version == 5
    assert sum(map(len, request.body)) == request.length
    assert document["htmlContent"].endswith("x")


def test_a_key_is_counted_on_for_less_than_either_documented_time() -> None:
    """15 minutes in the changelog, 30 on today's page."""
    remembered = adapter().capabilities.remembers_keys_for

    assert remembered is not None
    assert timedelta(minutes=5) < remembered < timedelta(minutes=15)


def test_a_repeat_that_brevo_knows_has_been_taken() -> None:
    """`duplicate_parameter`: it has the call, and did not run it again."""
    said = answered(400, {"code": "duplicate_parameter", "message": "idempotencyKey already exists"})
    answer = adapter().interpret(replace(batch_of(*NAMES, attempt=2), doubtful=True), said)

    assert answer.is_plain
    assert [one.key for one in answer.receipts] == [f"key-{name}" for name in NAMES]


@pytest.mark.parametrize("attempt", [1, 2])
def test_a_key_that_brevo_knows_of_no_attempt_in_doubt_is_doubt(attempt: int) -> None:
    """Another installation may have used the key, on the same account: a person has to look before it is repeated."""
    said = answered(400, {"code": "duplicate_parameter", "message": "idempotencyKey already exists"})
    answer = adapter().interpret(batch_of(*NAMES, attempt=attempt), said)

    assert (outcomes(answer), answer.directive) == ({Outcome.UNKNOWN}, Directive.HALT)


def test_a_server_that_fails_with_that_word_is_doubt() -> None:
    """A 500 says nothing of anybody."""
    said = answered(500, {"code": "duplicate_parameter"})

    assert outcomes(adapter().interpret(batch_of(*NAMES, attempt=2), said)) == {Outcome.UNKNOWN}


def test_the_wait_is_brevos_own_header() -> None:
    """It sends no Retry-After."""
    said = answered(429, {"code": "too_many_requests"}, x_sib_ratelimit_reset="45", x_sib_ratelimit_remaining="0")
    answer = adapter().interpret(batch_of(*NAMES), said)

    assert (outcomes(answer), answer.directive, answer.wait) == ({Outcome.RETRY}, Directive.SLOW_DOWN, 45.0)


@pytest.mark.parametrize(
    ("status", "code", "message", "outcome", "directive"),
    [
        (400, "not_enough_credits", "", Outcome.RETRY, Directive.HALT),
        (402, "not_enough_credits", "", Outcome.RETRY, Directive.HALT),
        (400, "permission_denied", "", Outcome.RETRY, Directive.HALT),
        (400, "account_under_validation", "", Outcome.RETRY, Directive.HALT),
        (401, "unauthorized", "Key not found", Outcome.RETRY, Directive.HALT),
        (400, "invalid_parameter", "The sender you used is not valid", Outcome.RETRY, Directive.HALT),
        (400, "invalid_parameter", "email is not valid in to", Outcome.REFUSED, Directive.SPLIT),
        (400, "missing_parameter", "htmlContent is missing", Outcome.REFUSED, Directive.SPLIT),
        (500, "unauthorized", "sender", Outcome.UNKNOWN, Directive.GO_ON),
    ],
)
def test_an_error_is_read_by_its_code(
    status: int, code: str, message: str, outcome: Outcome, directive: Directive
) -> None:
    """One bad address fails all: cut in pieces. What is the account's waits for a person."""
    answer = adapter().interpret(batch_of(*NAMES), answered(status, {"code": code, "message": message}))

    assert (outcomes(answer), answer.directive) == ({outcome}, directive)
    assert code in answer.receipts[0].reason


@pytest.mark.parametrize("ids", [[], ["1"], ["1", "2"], ["1", "2", "3", "4"], ["1", "2", None], ["1", "2", ""], "123"])
def test_too_few_or_odd_ids_are_nobodys(ids: Any) -> None:
    """Only their order says whose they are."""
    answer = adapter().interpret(batch_of(*NAMES), answered(201, {"messageIds": ids, "messageId": "1"}))

    assert outcomes(answer) == {Outcome.UNKNOWN}


@pytest.mark.parametrize("document", [{"messageId": "1"}, {"messageIds": ["1"]}])
def test_a_single_message_may_have_a_single_id(document: dict[str, Any]) -> None:
    """Both ways of writing it."""
    answer = adapter().interpret(batch_of("ada"), answered(201, document))

    assert [one.provider_id for one in answer.receipts] == ["1"]


def test_a_failure_is_told_by_what_may_have_left() -> None:
    """Nothing: again. Perhaps everything: again too, but under its key and by the dispatcher."""
    batch = batch_of(*NAMES)

    assert outcomes(adapter().interpret(batch, Failed(Taken.NOT_SENT, "no"))) == {Outcome.RETRY}
    assert outcomes(adapter().interpret(batch, Failed(Taken.MAYBE_SENT, "no"))) == {Outcome.UNKNOWN}


@pytest.mark.parametrize(
    "words",
    ["{{x}}", "{% if x %}", "{# no #}", "{", "}", "{{{", "}}", "%}", "a{#b{c:d}}", "{{params.open}}", "{%{#{{", "é{ {"],
)
def test_braces_in_the_issue_reach_the_reader_unchanged(words: str) -> None:
    """Brevo reads `{{`, `{%` and `{#`, and what touches its own braces: none of it is ours."""
    builder = issue_saying(words)
    person = replace(recipient("ada"), address="a&b'{{x}}@example.org")
    _, document = call(OutgoingBatch("k", 1, builder, [person]))
    params, whole = document["messageVersions"][0]["params"], builder.message(person)

    assert rendered(document["subject"], params) == whole.subject
    assert rendered(document["textContent"], params) == whole.text
    assert rendered(document["htmlContent"], params) == whole.html


@given(st.lists(st.text("{}%#a \n", max_size=7), min_size=1, max_size=4))
def test_any_text_between_values_comes_through(parts: list[str]) -> None:
    """Braces, per cents and hashes in every order, beside values and beside each other."""
    segments = brevo_template.Segments(tuple(parts), ("address",) * (len(parts) - 1))
    template = brevo_template.template(segments, brevo_template.words)
    params = {"address": "a&{{x}}", **brevo_template.constants(template)}

    assert rendered(template, params) == params["address"].join(parts)


def test_a_brace_that_touches_ours_never_stays() -> None:
    """Before and after a value, whether or not Django's language would mind."""
    template = brevo_template.template(brevo_template.Segments(("a{", "}b"), ("view",)), brevo_template.link)

    assert template == "a{{params.open}}{{params.view}}{{params.close}}b"


def test_every_recipient_has_every_param() -> None:
    """Words twice: as text takes them, and escaped for HTML; links once."""
    _, document = call(batch_of(*NAMES, builder=issue_saying("{{x}}")))
    params = [set(version["params"]) for version in document["messageVersions"]]

    assert params == [{"unsubscribe", "preferences", "view", "address", "html_address", "open", "close"}] * 3
    assert "params" not in document


def test_calls_are_planned_by_the_bytes_of_their_params() -> None:
    """A thousand kilobytes in all: so a thousand recipients only where their values are short."""
    fits = ApiProvider(adapter(), Wire()).fits(BUILDER)
    people = [
        replace(
            recipient("ada"),
            key=f"k{n}",
            values={name: "https://n.example/".ljust(300, "u") for name in recipient("ada").values},
        )
        for n in range(fits)
    ]
    _, document = call(OutgoingBatch("k", 1, BUILDER, people))
    params = [json.dumps(version["params"]) for version in document["messageVersions"]]

    assert 500 < fits <= brevo.MOST_VERSIONS
    assert sum(map(len, params)) <= brevo.MOST_PARAMS
    assert max(map(len, params)) <= 100_000


def test_no_more_versions_than_brevo_takes() -> None:
    """Also of an issue with one short value."""
    assert adapter().capabilities.batch_size == brevo.MOST_VERSIONS == 1000


@pytest.mark.parametrize(
    ("sender", "name"),
    [
        ("Weekly <a@example.org>", "Weekly"),
        ("Zoë <a@example.org>", "Zoë"),
        ('"Doe, Jo" <a@example.org>', "Doe, Jo"),
        ('"Zoë, w" <a@example.org>', "=?utf-8?b?Wm/Dqywgdw==?="),
        ('"=?x" <a@example.org>', "=?utf-8?b?PT94?="),
        ("a@example.org", None),
    ],
)
def test_a_senders_name_is_written_so_that_brevo_keeps_it(sender: str, name: str | None) -> None:
    """It drops one with both a comma and letters beyond ASCII, unless it is encoded."""
    issue = rendered_issue()
    builder = MessageBuilder(replace(issue, sender=replace(issue.sender, sender=sender)), date=NOW)
    _, document = call(batch_of("ada", builder=builder))

    assert document["sender"] == ({"name": name} if name else {}) | {"email": "a@example.org"}


def test_a_name_in_reply_to_is_left_out_where_brevo_would_send_it_raw() -> None:
    """Letters beyond ASCII."""
    assert brevo._person("Zoë <a@example.org>", in_reply=True) == {"email": "a@example.org"}
    assert brevo._person("Jo <a@example.org>", in_reply=True) == {"name": "Jo", "email": "a@example.org"}


def test_an_unknown_option_is_refused() -> None:
    """Before anything is sent."""
    with pytest.raises(ProviderError, match="hook_header"):
        brevo.Brevo(Account("s", {"header": "x"}))
