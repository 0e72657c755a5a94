"""SendGrid's Mail Send: the bytes against its OpenAPI file and django-anymail."""

import html
import json
import warnings
from dataclasses import replace
from typing import Any

import anymail_samples
import pytest
import requests
from adapter_suite import BUILDER, NAMES, AdapterSuite, Wire, answered, issue_quoting
from anymail.backends.sendgrid import EmailBackend
from delivery_samples import NOW, recipient, rendered_issue
from mail_samples import recipient as reader
from mail_samples import rendered
from provider_openapi import body_schema, complaints

from newsletter.errors import MailError
from newsletter.mail.message import MessageBuilder, Recipient
from newsletter.providers.adapter import Account
from newsletter.providers.api_provider import ApiProvider
from newsletter.providers.base import OutgoingBatch
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


class TestSendGrid(AdapterSuite):
    """What every adapter does."""

    merges = True

    def adapter(self) -> SendGrid:
        """With a made-up account."""
        return adapter()

    def good_answer(self, batch: OutgoingBatch) -> Answered:  # noqa: ARG002
        """202 and nothing."""
        return TAKEN

    def blaming(self, at: int, name: str) -> Answered:  # noqa: ARG002
        """By the place in the call."""
        error = {
            "message": "Does not contain a valid address.",
            "field": f"personalizations.{at}.to.0.email",
            "help": None,
        }
        return answered(400, {"errors": [error]})

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
    """10,000 bytes a personalization: four links of 2,000, and words that HTML makes six times as long."""
    names = ("view", "unsubscribe", "preferences", "vote")
    links = {name: f"https://news.example.org/{name[0]}{'x' * 1974}" for name in names}
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
    _, document = call(MessageBuilder(issue_quoting(words), date=NOW))
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
        adapter().calls(MessageBuilder(issue_quoting("-nl0123abcd-address-"), date=NOW))


def test_an_issue_without_a_subject_is_refused() -> None:
    """By us, before SendGrid refuses a thousand people for it."""
    with pytest.raises(MailError, match="subject"):
        adapter().calls(MessageBuilder(rendered_issue(subject=" "), date=NOW))


def test_a_large_issue_is_sent_once_a_call_and_a_full_call_fits() -> None:
    """A megabyte of HTML and a thousand people are far below 30 MB."""
    issue = rendered()
    builder = MessageBuilder(replace(issue, html=issue.html + "x" * 1_000_000), date=NOW)
    request, _ = call(builder, *[reader(f"r{at}") for at in range(1000)])

    assert ApiProvider(adapter(), Wire()).fits(builder) == 1000
    assert request.length < MOST_BYTES


def by_anymail() -> requests.PreparedRequest:
    """What django-anymail would send for the same."""
    mail = anymail_samples.to_merge([recipient(name) for name in NAMES], "-nl0123abcd-{}-")
    mail.esp_extra = {"merge_field_format": "-nl0123abcd-{}-"}  # type: ignore[attr-defined]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says that nobody there has an account to test with any more
        backend = EmailBackend(api_key="made-up-secret", generate_message_id=False)
    return anymail_samples.posted(backend, mail, 202, b"")


def test_the_call_is_what_django_anymail_sends() -> None:
    """An independent writer of the same request. It has no HTML values of its own and no footer or sandbox setting."""
    request, ours = call(BUILDER)
    theirs = by_anymail()
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
