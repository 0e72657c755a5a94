"""Amazon SES: the bytes against botocore's model, the signature by hand, and every pitfall."""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar
from urllib.parse import urlsplit

import pytest
from adapter_suite import (
    BUILDER,
    NAMES,
    AdapterSuite,
    Wire,
    answered,
    batch_of,
    beyond_ascii,
    issue_saying,
    rendered_issue_of,
)
from botocore import session, validate
from botocore.model import Shape
from delivery_samples import NOW, recipient, rendered_issue
from hypothesis import given
from hypothesis import strategies as st

from newsletter.errors import HeaderError, ProviderError
from newsletter.mail.message import MessageBuilder, Recipient
from newsletter.providers import ses, ses_template
from newsletter.providers.adapter import Account
from newsletter.providers.api_provider import ApiProvider
from newsletter.providers.base import Directive, Outcome, OutgoingBatch
from newsletter.providers.poster import Answered, Request

SECRET = "AKIDEXAMPLE:made-up-secret"
MODEL = session.get_session().get_service_model("sesv2")
BULK = MODEL.operation_model("SendBulkEmail")
ONE_TAKEN = {"BulkEmailEntryResults": [{"Status": "SUCCESS"}]}


def adapter(environment: Mapping[str, str] | None = None, secret: str = SECRET, **options: str) -> ses.Ses:
    """The adapter in Ireland."""
    return ses.Ses(Account(secret, {"region": "eu-west-1", **options}), environment or {})


def call(builder: MessageBuilder = BUILDER, **options: str) -> tuple[Request, bytes, dict[str, Any]]:
    """One call for three people: the request, its bytes, and what they say."""
    request = adapter(**options).calls(builder).request(batch_of(*NAMES, builder=builder))
    body = b"".join(request.body)
    return request, body, json.loads(body)


def rendered(template: str, data: Mapping[str, str]) -> str:
    """What Handlebars makes of it; an AssertionError for anything but a plain `{{name}}` that has a value."""
    assert not re.search(r"\\\{\{|\{\{\{|\{\{\w+\}\}\}", template)

    def value(found: re.Match[str]) -> str:
        assert re.fullmatch(r"\w+", found[1])
        return data[found[1]]

    return re.sub(r"\{\{(.*?)\}\}", value, template, flags=re.DOTALL)


def too_much(shape: Shape, value: Any, path: str = "") -> list[str]:
    """Where a value breaks what botocore does not check: lengths, patterns and enumerations of the model."""
    found = []
    limits, size = shape.metadata, len(value) if isinstance(value, str | list) else 0
    if size > limits.get("max", size) or size < limits.get("min", 0):
        found.append(f"{path}: {size}")
    if isinstance(value, str) and not re.fullmatch(limits.get("pattern", ".*"), value, re.DOTALL):
        found.append(f"{path}: pattern")
    if value not in limits.get("enum", [value]):
        found.append(f"{path}: enum")
    inside = value.items() if isinstance(value, dict) else ()
    found += [line for key, one in inside for line in too_much(shape.members[key], one, f"{path}.{key}")]
    return found + [line for one in (value if isinstance(value, list) else ()) for line in too_much(shape.member, one)]


class TestSes(AdapterSuite):
    """The common suite."""

    merges: ClassVar[bool] = True
    own_ids: ClassVar[bool] = True

    def adapter(self) -> ses.Ses:
        """A made-up account."""
        return adapter()

    def good_answer(self, batch: OutgoingBatch) -> Answered:
        """A success for each entry."""
        results = [{"Status": "SUCCESS", "MessageId": f"id-{one.key}"} for one in batch.recipients]
        return answered(200, {"BulkEmailEntryResults": results})

    def refusing_one(self, batch: OutgoingBatch) -> Answered:
        """Its entry says why."""
        results = [{"Status": "SUCCESS", "MessageId": f"id-{one.key}"} for one in batch.recipients]
        return answered(200, {"BulkEmailEntryResults": [{"Status": "MESSAGE_REJECTED", "Error": "no"}, *results[1:]]})

    def blaming(self, at: int, name: str) -> Answered:  # noqa: ARG002
        """By address, under the name of the error."""
        return answered(
            400, {"message": f"Illegal address: {name}@example.org"}, x_amzn_errortype="BadRequestException"
        )

    def sent_addresses(self, request: Request, body: bytes) -> list[str]:  # noqa: ARG002 - the body says it
        """Each entry's only address."""
        entries = json.loads(body)["BulkEmailEntries"]
        assert all(len(entry["Destination"]["ToAddresses"]) == 1 for entry in entries)
        return [entry["Destination"]["ToAddresses"][0] for entry in entries]

    def sent_keys(self, request: Request, body: bytes) -> list[str]:  # noqa: ARG002 - the body says it
        """Each entry's only tag."""
        tags = [entry["ReplacementTags"] for entry in json.loads(body)["BulkEmailEntries"]]
        assert all([tag["Name"] for tag in each] == ["nl_delivery"] for each in tags)
        return [each[0]["Value"] for each in tags]


def test_the_call_is_what_the_service_model_takes() -> None:
    """No unknown, missing or wrongly typed parameter; no length, pattern or enumeration broken."""
    _, _, said = call(configuration_set="weekly")

    assert not validate.ParamValidator().validate(said, BULK.input_shape).has_errors()
    assert not too_much(BULK.input_shape, said)


@pytest.mark.parametrize("wrong", [("Misspelt", "x"), ("BulkEmailEntries", "x"), ("DefaultContent", None)])
def test_the_models_judge_sees_a_wrong_call(wrong: tuple[str, Any]) -> None:
    """So that the test above can fail."""
    _, _, said = call()

    assert validate.ParamValidator().validate({**said, wrong[0]: wrong[1]}, BULK.input_shape).has_errors()


def test_the_limits_are_the_service_models() -> None:
    """Headers, their names, their values: our constants are the model's."""
    header = MODEL.shape_for("MessageHeader").members
    largest = [MODEL.shape_for("MessageHeaderList"), header["Name"], header["Value"]]

    assert [shape.metadata["max"] for shape in largest] == [ses.MOST_HEADERS, ses.LONGEST_NAME, ses.LONGEST_VALUE]


def test_the_address_path_and_region_are_the_providers() -> None:
    """The path is the model's."""
    request, _, _ = call()

    assert request.url == "https://email.eu-west-1.amazonaws.com" + BULK.http["requestUri"]


def test_the_signature_is_the_one_that_is_made_by_hand() -> None:
    """Signature Version 4 over the exact bytes of the body, as its documentation says it step by step."""
    request, body, _ = call()
    head, stamp = {name.lower(): value for name, value in request.headers.items()}, request.headers["X-Amz-Date"]
    lines = f"content-type:application/json\nhost:{urlsplit(request.url).netloc}\nx-amz-date:{stamp}\n"
    names, digest = "content-type;host;x-amz-date", hashlib.sha256(body).hexdigest()
    canonical = f"POST\n{ses.PATH}\n\n{lines}\n{names}\n{digest}"
    scope = f"{stamp[:8]}/eu-west-1/ses/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = b"AWS4made-up-secret"
    for step in (*scope.split("/"), text):
        key = hmac.digest(key, step.encode(), "sha256")

    assert head["authorization"] == (
        f"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/{scope}, SignedHeaders={names}, Signature={key.hex()}"
    )


def test_a_session_token_is_signed_too() -> None:
    """Credentials of a role come with one; only from the environment, and only if the operator says so."""
    environment = {"AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "B", "AWS_SESSION_TOKEN": "C"}
    made = adapter(environment, credentials="environment").calls(BUILDER).request(batch_of("ada"))

    assert made.headers["X-Amz-Security-Token"] == "C"
    assert "Credential=A/" in made.headers["Authorization"]
    assert "x-amz-security-token" in made.headers["Authorization"]


def test_the_environment_is_not_looked_at_unless_asked_for() -> None:
    """Another programme's credentials are not ours."""
    environment = {"AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "B", "AWS_SESSION_TOKEN": "C"}
    made = adapter(environment).calls(BUILDER).request(batch_of("ada"))

    assert "Credential=AKIDEXAMPLE/" in made.headers["Authorization"]
    assert "X-Amz-Security-Token" not in made.headers


@pytest.mark.parametrize(
    ("secret", "options"),
    [
        ("no-colon-topsecret", {}),
        ("AK:", {}),
        (":topsecret", {}),
        ("AK:topsecret:more", {}),
        ("AK:topsecrét", {}),
        (SECRET, {"region": ""}),
        (SECRET, {"region": "eu-west-1.evil.example"}),
        (SECRET, {"credentials": "environment"}),
        (SECRET, {"credentials": "file"}),
        (SECRET, {"reigon": "x"}),
    ],
)
def test_an_unusable_account_is_one_sentence_without_the_secret(secret: str, options: dict[str, str]) -> None:
    """Before anything is sent."""
    with pytest.raises(ProviderError) as error:
        adapter(secret=secret, **options)

    assert "topsecr" not in str(error.value)
    assert str(error.value).endswith(".")


def test_tracking_is_off_and_replies_go_where_the_issue_says() -> None:
    """For this call, whatever the configuration set does."""
    _, _, said = call(configuration_set="weekly")

    assert set(said["ConfigurationOverrides"]["Tracking"].values()) == {"DISABLED"}
    assert said["FromEmailAddress"] == "Weekly Verdicts <verdicts@example.org>"
    assert said["ReplyToAddresses"] == ["editor@example.org"]
    assert said["ConfigurationSetName"] == "weekly"


def test_without_a_configuration_set_none_is_named() -> None:
    """An empty name would be refused."""
    assert "ConfigurationSetName" not in call()[2]


def test_a_sender_beyond_ascii_is_an_encoded_word() -> None:
    """FromEmailAddress is a header: ASCII."""
    issue = rendered_issue()
    builder = MessageBuilder(replace(issue, sender=replace(issue.sender, sender='"Zoë, w" <a@example.org>')), date=NOW)

    assert re.fullmatch(r"=\?utf-8\?b\?\S+\?= <a@example.org>", call(builder)[2]["FromEmailAddress"])


def test_every_recipient_has_every_name_of_the_template() -> None:
    """A missing one would be a "Rendering Failure" event later, and no mail."""
    _, _, said = call(issue_saying("\\{{x}}"))
    used = set(re.findall(r"\{\{(\w+)\}\}", json.dumps(said["DefaultContent"]["Template"]["TemplateContent"])))
    data = [entry["ReplacementEmailContent"]["ReplacementTemplate"] for entry in said["BulkEmailEntries"]]

    assert {"unsubscribe", "address", "html_address", "open", "close", "backslash"} <= used
    assert all(used == set(json.loads(each["ReplacementTemplateData"])) for each in data)


@pytest.mark.parametrize(
    "words",
    ["{{x}}", "{{{x}}}", "{", "}", "\\", "\\{{x}}", "{{#if x}}", "{\\", "a}}b{{", "@m{.a{b:c}}", "{{open}}", "é{ {"],
)
def test_braces_in_the_issue_reach_the_reader_unchanged(words: str) -> None:
    """Handlebars reads `{{`, a third brace, and a backslash before: none of it is ours."""
    builder = issue_saying(words)
    _, _, said = call(builder)
    content = said["DefaultContent"]["Template"]["TemplateContent"]
    entry = said["BulkEmailEntries"][0]["ReplacementEmailContent"]["ReplacementTemplate"]
    data, whole = json.loads(entry["ReplacementTemplateData"]), builder.message(recipient("ada"))

    assert rendered(content["Subject"], data) == whole.subject
    assert rendered(content["Text"], data) == whole.text
    assert rendered(content["Html"], data) == whole.html


@given(st.lists(st.text("{}\\ax", max_size=6), min_size=1, max_size=4))
def test_any_text_between_values_comes_through(parts: list[str]) -> None:
    """Braces and backslashes in every order, beside values and beside each other."""
    segments = ses_template.Segments(tuple(parts), ("address",) * (len(parts) - 1))
    template = ses_template.template(segments, str)
    data = {"address": "ada{{x}}\\", **ses_template.constants(template)}

    assert rendered(template, data) == data["address"].join(parts)


def test_what_html_reads_is_escaped_for_html_only() -> None:
    """SES escapes nothing: the HTML has a value of its own."""
    made = (
        adapter()
        .calls(BUILDER)
        .request(OutgoingBatch("k", 1, BUILDER, [replace(recipient("ada"), address="a&b@example.org")]))
    )
    entry = json.loads(b"".join(made.body))["BulkEmailEntries"][0]
    data = json.loads(entry["ReplacementEmailContent"]["ReplacementTemplate"]["ReplacementTemplateData"])

    assert (data["address"], data["html_address"]) == ("a&b@example.org", "a&amp;b@example.org")


def test_no_header_is_longer_than_the_provider_takes() -> None:
    """One recipient's link too many characters long: that one is refused, and nobody else."""
    links = recipient("bo").values
    long = Recipient("bo@example.org", "key-bo", {**links, "unsubscribe": "https://n.example/" + "u" * 950})
    batch = OutgoingBatch("k", 1, BUILDER, [recipient("ada"), long])
    wire = Wire([answered(200, ONE_TAKEN)])
    answer = ApiProvider(adapter(), wire).send(batch)

    assert {one.key: one.outcome for one in answer.receipts} == {
        "key-ada": Outcome.ACCEPTED,
        "key-bo": Outcome.REFUSED,
    }
    assert len(wire.posted) == 1


@pytest.mark.parametrize(("extra", "refused"), [(0, False), (1, True)])
def test_a_header_may_be_exactly_as_long_as_documented(extra: int, refused: bool) -> None:
    """Name and value together: 996 characters."""
    around = len(BUILDER.list_headers("", "key-bo")["List-Unsubscribe"]) + len("List-Unsubscribe")
    link = "https://n.example/".ljust(996 - around + extra, "u")
    person = replace(recipient("bo"), values={**recipient("bo").values, "unsubscribe": link})
    answer = ApiProvider(adapter(), Wire([answered(200, ONE_TAKEN)])).send(OutgoingBatch("k", 1, BUILDER, [person]))

    assert (answer.receipts[0].outcome is Outcome.REFUSED) is refused


def test_long_links_and_long_keys_of_different_people_do_not_add_up() -> None:
    """Each recipient is measured alone."""
    links = recipient("bo").values
    around = len(BUILDER.list_headers("", "b")["List-Unsubscribe"]) + len("List-Unsubscribe")
    people = [
        Recipient("bo@example.org", "b", {**links, "unsubscribe": "https://n.example/".ljust(996 - around, "u")}),
        Recipient("cy@example.org", "c" * 128, links),
    ]

    assert adapter().calls(BUILDER).request(OutgoingBatch("k", 1, BUILDER, people)).length


def test_a_header_beyond_ascii_is_refused_before_anything_is_sent() -> None:
    """Frozen with the issue, so it is the whole issue's."""
    with pytest.raises(HeaderError, match="Feedback-ID"):
        adapter().calls(beyond_ascii())


def test_more_headers_than_the_provider_takes_are_refused() -> None:
    """Fifteen; an issue has five today."""
    ses._check_headers({f"X-{number}": "x" for number in range(15)})

    with pytest.raises(HeaderError, match="15"):
        ses._check_headers({f"X-{number}": "x" for number in range(16)})


def test_a_key_that_is_no_tag_is_refused() -> None:
    """Tags are letters, digits, _ and -: a dot that the Message-ID would allow is none."""
    with pytest.raises(HeaderError):
        adapter().calls(BUILDER).request(OutgoingBatch("k", 1, BUILDER, [replace(recipient("ada"), key="a.b")]))


def test_fifty_destinations_and_a_megabyte_are_the_most() -> None:
    """A call has fifty, and fewer where the issue is so large that their data does not fit beside it."""
    small = ApiProvider(adapter(), Wire()).fits(BUILDER)
    large = ApiProvider(adapter(), Wire()).fits(MessageBuilder(rendered_issue_of(980_000), date=NOW))

    assert small == ses.MOST_DESTINATIONS == 50
    assert 1 <= large < 10


def test_an_issue_beyond_a_megabyte_is_never_posted() -> None:
    """SES would refuse it as a whole."""
    builder, wire = MessageBuilder(rendered_issue_of(1_000_000), date=NOW), Wire()
    answer = ApiProvider(adapter(), wire).send(batch_of("ada", builder=builder))

    assert (answer.receipts[0].outcome, answer.directive) == (Outcome.REFUSED, Directive.SPLIT)
    assert not wire.posted
