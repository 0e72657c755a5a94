"""SendGrid's Mail Send: the bytes against its OpenAPI file and django-anymail, the answers against its own words."""

import html
import json
import warnings
from dataclasses import replace
from typing import Any

import pytest
import requests
from adapter_suite import BUILDER, NAMES, AdapterSuite, Wire, answered, batch_of
from delivery_samples import NOW, recipient, rendered_issue, token
from django.conf import settings
from mail_samples import recipient as reader
from mail_samples import rendered
from provider_openapi import body_schema, complaints

from newsletter.errors import MailError, ProviderError
from newsletter.mail.message import MessageBuilder, Recipient
from newsletter.mail.rendered import RenderedIssue
from newsletter.providers.adapter import Account
from newsletter.providers.api_provider import ApiProvider
from newsletter.providers.base import Answer, Directive, Outcome, OutgoingBatch
from newsletter.providers.poster import Answered, Request
from newsletter.providers.sendgrid import MOST_BYTES, WORD_JOINER, SendGrid, tamed, tamed_html

SPEC = "sendgrid/tsg_mail_v3.yaml"
TAKEN = Answered(202, {"x-message-id": "LRzXl_NHStOGhQ4kofSm_A"}, b"")
LIMIT = 10_000  #: bytes of substitutions in one personalization


def adapter(**options: str) -> SendGrid:
    """With a made-up account."""
    return SendGrid(Account("made-up-secret", options))


def call(builder: MessageBuilder, *people: Recipient, **options: str) -> tuple[Request, Any]:
    """One call, and its document."""
    batch = OutgoingBatch("issue:1:batch:1", 1, builder, people or [recipient(name) for name in NAMES])
    request = adapter(**options).calls(builder).request(batch)
    return request, json.loads(b"".join(request.body))


def merged(document: Any, at: int) -> tuple[str, str]:
    """Text and HTML of one personalization, put together as SendGrid does it: by plain replacement."""
    parts = [content["value"] for content in document["content"]]
    for name, value in document["personalizations"][at]["substitutions"].items():
        parts = [part.replace(name, value) for part in parts]
    return parts[0], parts[1]


def issue_saying(words: str) -> RenderedIssue:
    """An issue with these words in its text and, escaped, in its HTML and subject."""
    issue = rendered_issue(subject=f"On {words}")
    return replace(issue, html=f"{issue.html}<p>{html.escape(words)}", text=f"{issue.text}\n{words}")


class TestSendGrid(AdapterSuite):
    """What every adapter does."""

    merges = True

    def adapter(self) -> SendGrid:
        """With a made-up account."""
        return adapter()

    def good_answer(self, batch: OutgoingBatch) -> Answered:  # noqa: ARG002
        """202 and nothing."""
        return TAKEN

    def sent_addresses(self, request: Request, body: bytes) -> list[str]:  # noqa: ARG002
        """One recipient in each personalization."""
        return [to["email"] for each in json.loads(body)["personalizations"] for to in each["to"]]

    def sent_keys(self, request: Request, body: bytes) -> list[str]:  # noqa: ARG002
        """As custom arguments."""
        return [each["custom_args"]["nl_delivery"] for each in json.loads(body)["personalizations"]]


@pytest.mark.parametrize("number", [1, 1000])
def test_the_call_is_what_the_openapi_file_describes(number: int) -> None:
    """Every object closed, so that a misspelt field is an error; a thousand people are the most."""
    builder = MessageBuilder(rendered(), date=NOW)
    _, document = call(builder, *[reader(f"r{at}") for at in range(number)])

    assert complaints(body_schema(SPEC, "/v3/mail/send"), document) == []
    assert len(document["personalizations"]) == number


def test_the_openapi_file_would_complain() -> None:
    """About one too many, and about a name that is not SendGrid's: the judge is not asleep."""
    _, document = call(BUILDER, *[recipient(f"r{at}") for at in range(1001)])
    misspelt = {**call(BUILDER)[1], "tracking_setting": {}}

    assert complaints(body_schema(SPEC, "/v3/mail/send"), document)
    assert complaints(body_schema(SPEC, "/v3/mail/send"), misspelt)


def test_every_value_in_a_personalization_is_a_string() -> None:
    """A number would be refused as {"field": null, "message": "Bad Request"}; the OpenAPI file does not say so."""
    _, document = call(MessageBuilder(rendered(), date=NOW), reader())
    each = document["personalizations"][0]

    values = [value for name in ("substitutions", "custom_args", "headers") for value in each[name].values()]
    assert all(isinstance(value, str) and value for value in values)


def test_a_merged_call_reads_as_the_houses_own_message() -> None:
    """Byte for byte, in text and HTML, also for a name that HTML has to escape."""
    builder = MessageBuilder(rendered(), date=NOW)
    people = [reader(), replace(reader("bo"), values={**reader("bo").values, "name": "Bo <b> & O'Neil $1 \\1"})]
    _, document = call(builder, *people)

    for at, person in enumerate(people):
        message = builder.message(person)
        assert merged(document, at) == (message.text, message.html)


def test_names_of_substitutions_carry_delimiters_and_none_is_inside_another() -> None:
    """SendGrid replaces them wherever they stand."""
    _, document = call(MessageBuilder(rendered(), date=NOW), reader())
    names = list(document["personalizations"][0]["substitutions"])

    assert all(name.startswith("-nl") and name.endswith("-") for name in names)
    assert not [1 for one in names for other in names if one != other and one in other]


def test_the_longest_values_stay_within_the_substitutions_limit() -> None:
    """10,000 bytes a personalization: three links of 2,000, and words that HTML makes six times as long."""
    links = {name: f"https://news.example.org/{name[0]}{'x' * 1974}" for name in ("view", "unsubscribe", "preferences")}
    person = Recipient(f"{'&' * 64}@example.org", "k", {**links, "name": "'" * 80, "since": "'" * 40})
    _, document = call(MessageBuilder(rendered(), date=NOW), person)

    assert len(links["view"]) == 2000
    assert len(json.dumps(document["personalizations"][0]["substitutions"])) < LIMIT


def test_text_comes_before_html() -> None:
    """SendGrid refuses any other order."""
    assert [part["type"] for part in call(BUILDER)[1]["content"]] == ["text/plain", "text/html"]


def test_each_recipients_headers_are_complete_and_theirs() -> None:
    """Substitutions do not reach headers, so every personalization has them all."""
    _, document = call(BUILDER)

    for name, each in zip(NAMES, document["personalizations"], strict=True):
        message = BUILDER.message(recipient(name))
        assert each["headers"] == {**dict(message.list_headers), "List-Id": each["headers"]["List-Id"]}
        assert "<weekly.example.org>" in each["headers"]["List-Id"]


def test_no_header_is_one_that_sendgrid_keeps_for_itself() -> None:
    """The list of its OpenAPI file."""
    own = {"x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type", "content-transfer-encoding"}
    own |= {"to", "from", "subject", "reply-to", "cc", "bcc"}

    assert not own & {name.lower() for each in call(BUILDER)[1]["personalizations"] for name in each["headers"]}


def test_subscription_click_and_open_tracking_are_off_and_nothing_is_appended() -> None:
    """Subscription tracking would replace our List-Unsubscribe; a group (asm) would do the same."""
    _, document = call(BUILDER)

    assert all(setting["enable"] is False for setting in document["tracking_settings"].values())
    assert set(document["tracking_settings"]) >= {"subscription_tracking", "click_tracking", "open_tracking"}
    assert document["mail_settings"] == {"sandbox_mode": {"enable": False}, "footer": {"enable": False}}
    assert "asm" not in document


def test_the_only_metadata_is_our_key_under_a_name_that_cannot_collide() -> None:
    """SendGrid keeps custom arguments for years, and flattens them into its events."""
    _, document = call(BUILDER)

    assert [each["custom_args"] for each in document["personalizations"]] == [
        {"nl_delivery": f"key-{n}"} for n in NAMES
    ]
    assert not {"custom_args", "categories"} & set(document)


def test_a_recipient_has_no_name_in_which_a_comma_could_stand() -> None:
    """SendGrid takes a comma or a semicolon in it for the start of another address."""
    assert [each["to"] for each in call(BUILDER)[1]["personalizations"]] == [
        [{"email": f"{name}@example.org"}] for name in NAMES
    ]


def test_sender_and_reply_address_are_the_frozen_ones() -> None:
    """As mailboxes of two parts."""
    _, document = call(BUILDER)

    assert document["from"] == {"email": "verdicts@example.org", "name": "Weekly Verdicts"}
    assert document["reply_to"] == {"email": "editor@example.org"}


@pytest.mark.parametrize(
    "words",
    [
        "<%asm_group_unsubscribe_raw_url%>",
        "[unsubscribe]",
        "[Unsubscribe_Preferences]",
        "[%unsubscribe%]",
        "[weblink]",
        "{{name}}",
        "{{{name}}}",
        "[Sender_Name]",
    ],
)
def test_what_looks_like_sendgrids_tags_is_none_any_more_and_reads_the_same(words: str) -> None:
    """A reference in HTML, a character without width in text and subject."""
    _, document = call(MessageBuilder(issue_saying(words), date=NOW))
    text, in_html = merged(document, 0)

    assert not any(words in part for part in (text, in_html, document["subject"]))
    assert html.unescape(in_html).endswith(words)
    assert text.replace(WORD_JOINER, "").endswith(words)
    assert document["subject"].replace(WORD_JOINER, "") == f"On {words}"


def test_raw_tags_in_html_are_references() -> None:
    """Where the frozen HTML has them unescaped: in an attribute, say."""
    assert tamed_html('<a title="{{{x}}} <%y%> [unsubscribe]">') == (
        '<a title="&#123;&#123;{x}}} &#60;%y%> &#91;unsubscribe]">'
    )


@pytest.mark.parametrize(
    "words", ["[2] 100 % {a} <b> 5%", "a{b:c}@media x{y{z:1}}", "<!--[if mso]>", "[un]", "https://a.example/%5B%7B"]
)
def test_what_is_no_tag_is_left_alone(words: str) -> None:
    """Style sheets, conditional comments, addresses."""
    assert tamed(words) == tamed_html(words) == words


def test_an_issue_that_holds_a_placeholders_name_is_refused() -> None:
    """It would be replaced by somebody's values."""
    with pytest.raises(MailError, match="placeholders"):
        adapter().calls(MessageBuilder(issue_saying("-nl0123abcd-address-"), date=NOW))


def test_an_issue_without_a_subject_is_refused() -> None:
    """By us, before SendGrid refuses a thousand people for it."""
    with pytest.raises(MailError, match="subject"):
        adapter().calls(MessageBuilder(rendered_issue(subject=" "), date=NOW))


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


def test_a_large_issue_is_sent_once_a_call_and_a_full_call_fits() -> None:
    """A megabyte of HTML and a thousand people are far below 30 MB."""
    issue = rendered()
    builder = MessageBuilder(replace(issue, html=issue.html + "x" * 1_000_000), date=NOW)
    request, _ = call(builder, *[reader(f"r{at}") for at in range(1000)])

    assert ApiProvider(adapter(), Wire()).fits(builder) == 1000
    assert request.length < MOST_BYTES


class Keeping(requests.adapters.BaseAdapter):
    """A transport of requests that keeps what it is given."""

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:
        """Keep it, and say that it was taken."""
        self.kept = request
        said = requests.Response()
        said.status_code, said.request = 202, request
        return said

    def close(self) -> None:
        """Nothing is open."""


def anymails_request(people: list[Recipient], parts: tuple[str, str]) -> requests.PreparedRequest:
    """What django-anymail would send for the same."""
    if not settings.configured:
        settings.configure(USE_TZ=True, ANYMAIL={})
    from anymail.backends.sendgrid import EmailBackend  # noqa: PLC0415 - wants Django's settings first
    from django.core.mail import EmailMultiAlternatives  # noqa: PLC0415

    sender = BUILDER.sender
    mail = EmailMultiAlternatives("Patchwork ships", parts[0], sender.sender, [one.address for one in people])
    mail.attach_alternative(parts[1], "text/html")
    mail.reply_to = [sender.reply_to]
    mail.track_clicks = mail.track_opens = False  # type: ignore[attr-defined]
    mail.merge_metadata = {one.address: {"nl_delivery": one.key} for one in people}  # type: ignore[attr-defined]
    mail.merge_headers = {  # type: ignore[attr-defined]
        one.address: BUILDER.list_headers(one.values["unsubscribe"], one.key) for one in people
    }
    mail.merge_data = {  # type: ignore[attr-defined]
        one.address: {name: {**one.values, "address": one.address}[name] for name in BUILDER.rendered.fields}
        for one in people
    }
    mail.esp_extra = {"merge_field_format": "-nl0123abcd-{}-"}  # type: ignore[attr-defined]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says that nobody there has an account to test with any more
        backend = EmailBackend(api_key="made-up-secret", generate_message_id=False)
    transport = Keeping()
    with backend:
        backend.session.mount("https://", transport)
        backend.send_messages([mail])
    return transport.kept


def test_the_call_is_what_django_anymail_sends() -> None:
    """An independent writer of the same request. It has no HTML values of its own and no footer or sandbox setting."""
    request, ours = call(BUILDER)
    people = [recipient(name) for name in NAMES]
    parts = [rendered_issue().text, rendered_issue().html]
    for name in BUILDER.rendered.fields:
        parts = [part.replace(token(name), f"-nl0123abcd-{name}-") for part in parts]
    theirs = anymails_request(people, (parts[0], parts[1]))
    document = json.loads(theirs.body or b"")

    ours["content"][1]["value"] = ours["content"][1]["value"].replace("-html-address-", "-address-")
    for each in ours["personalizations"]:
        each["substitutions"].pop("-nl0123abcd-html-address-")
    ours["reply_to_list"] = [ours.pop("reply_to")]
    ours.pop("mail_settings")
    ours["tracking_settings"] = {name: {"enable": False} for name in document["tracking_settings"]}
    assert ours == document
    assert (theirs.method, theirs.url) == (request.method, request.url)
    assert theirs.headers["Authorization"] == request.headers["Authorization"]
