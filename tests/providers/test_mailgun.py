"""Mailgun's form: the bytes against httpx, its OpenAPI file and django-anymail."""

import html
import json
import re
from dataclasses import replace
from email.parser import BytesParser
from email.utils import parseaddr
from itertools import pairwise
from urllib.parse import parse_qsl

import anymail_samples
import httpx
import pytest
import requests
from adapter_suite import BUILDER, NAMES, AdapterSuite, Wire, answered, batch_of, issue_quoting
from anymail.backends.mailgun import EmailBackend
from delivery_samples import NOW, recipient, rendered_issue, token
from mail_samples import recipient as reader
from mail_samples import rendered
from provider_openapi import body_schema, complaints

from newsletter.errors import MailError
from newsletter.mail.json_message import CHUNK
from newsletter.mail.message import MessageBuilder, Recipient
from newsletter.providers.adapter import Account
from newsletter.providers.api_provider import ApiProvider
from newsletter.providers.base import Outcome, OutgoingBatch
from newsletter.providers.mailgun import Mailgun
from newsletter.providers.mailgun_form import MOST_BYTES, WORD_JOINER, tamed, tamed_html
from newsletter.providers.poster import Answered, Request

SPEC, PATH = "mailgun/openapi.yaml", "/v3/{domain_name}/messages"
ID = "<20261112090000.1.ABCDEF@example.org>"
QUEUED = {"id": ID, "message": "Queued. Thank you."}
Fields = list[tuple[str, str]]


def adapter(**options: str) -> Mailgun:
    """With a made-up account."""
    return Mailgun(Account("made-up-secret", options))


def fields_of(request: Request, body: bytes) -> Fields:
    """The form's fields, read by the standard library."""
    head = f"Content-Type: {request.headers['Content-Type']}\r\n\r\n".encode()
    parts = BytesParser().parsebytes(head + body).get_payload()
    assert isinstance(parts, list)
    return [
        (str(part.get_param("name", header="content-disposition")), part.get_payload(decode=True).decode())  # type: ignore[union-attr]
        for part in parts
    ]


def call(builder: MessageBuilder, *people: Recipient, **options: str) -> tuple[Request, Fields]:
    """One call, and its fields."""
    batch = OutgoingBatch("issue:1:batch:1", 1, builder, people or [recipient(name) for name in NAMES])
    request = adapter(**options).calls(builder).request(batch)
    return request, fields_of(request, b"".join(request.body))


def expanded(fields: Fields, address: str) -> dict[str, str]:
    """What one recipient's message is made of: every variable put in, in headers and metadata as well."""
    own = json.loads(dict(fields)["recipient-variables"])[address]
    return {
        name.lower(): re.sub(r"%recipient\.([\w:-]+)%", lambda found: own[found[1]], value)
        for name, value in fields
        if name not in ("to", "recipient-variables")
    }


class TestMailgun(AdapterSuite):
    """What every adapter does."""

    merges = True

    def adapter(self) -> Mailgun:
        """With a made-up account."""
        return adapter()

    def good_answer(self, batch: OutgoingBatch) -> Answered:  # noqa: ARG002
        """An id and a thank-you."""
        return answered(200, QUEUED)

    def sent_addresses(self, request: Request, body: bytes) -> list[str]:
        """The repeated field."""
        return [value for name, value in fields_of(request, body) if name == "to"]

    def sent_keys(self, request: Request, body: bytes) -> list[str]:
        """As each recipient's metadata will be."""
        fields = fields_of(request, body)
        return [expanded(fields, address)["v:nl_delivery"] for name, address in fields if name == "to"]


@pytest.mark.parametrize("number", [1, 3, 1000])
def test_the_form_is_byte_for_byte_what_httpx_makes_of_its_fields(number: int) -> None:
    """Another writer of multipart/form-data, with our boundary; the length is the one that was promised."""
    request, fields = call(MessageBuilder(rendered(), date=NOW), *[reader(f"r{at}") for at in range(number)])
    theirs = httpx.Request(
        "POST",
        request.url,
        headers={"Content-Type": request.headers["Content-Type"]},
        files=[(name, (None, value)) for name, value in fields],
    )

    assert b"".join(request.body) == theirs.read()
    assert request.length == int(theirs.headers["content-length"])


def test_the_call_is_what_the_openapi_file_describes() -> None:
    """Every field known to it, except headers and variables, of which it gives an example."""
    _, fields = call(MessageBuilder(rendered(), date=NOW), reader(), reader("bo"))
    known = {name: value for name, value in fields if name[:2] not in ("h:", "v:")}
    document = {**known, "to": [value for name, value in fields if name == "to"]}

    schema = body_schema(SPEC, PATH, media="multipart/form-data")
    assert complaints({**schema, **schema["components"]["schemas"][schema["$ref"].rpartition("/")[2]]}, document) == []


@pytest.mark.parametrize("wrong", [{"o:trackin": "no"}, {"o:tracking": "never"}, {"to": "ada@example.org"}])
def test_the_openapi_file_would_complain(wrong: dict[str, str]) -> None:
    """About a misspelt name, a wrong word and one recipient where a list belongs: the judge is not asleep."""
    document = {"from": "a@example.org", "to": ["b@example.org"], "subject": "S", "text": "T", **wrong}

    schema = body_schema(SPEC, PATH, media="multipart/form-data")
    assert complaints({**schema, **schema["components"]["schemas"][schema["$ref"].rpartition("/")[2]]}, document)


def test_a_merged_call_reads_as_the_houses_own_message() -> None:
    """Byte for byte, in text and HTML, also for a name that HTML and JSON have to escape."""
    builder = MessageBuilder(rendered(), date=NOW)
    people = [reader(), replace(reader("bo"), values={**reader("bo").values, "name": 'Bö <b> & O\'Neil "\\1" 5%'})]
    _, fields = call(builder, *people)

    for person in people:
        message, made = builder.message(person), expanded(fields, person.address)
        assert (made["text"], made["html"]) == (message.text, message.html)


def test_every_recipient_has_every_variable_under_exactly_their_address() -> None:
    """A missing one would be read as it is written, and without any everybody sees all addresses."""
    _, fields = call(
        MessageBuilder(rendered(), date=NOW),
        reader("Ada"),
        replace(reader("bo"), values={**reader("bo").values, "name": ""}),
    )
    variables = json.loads(dict(fields)["recipient-variables"])

    used = set(re.findall(r"%recipient\.([\w:-]+)%", " ".join(value for _, value in fields)))
    assert list(variables) == ["Ada@example.org", "bo@example.org"]
    assert all(used == set(own) for own in variables.values())


def test_one_recipient_has_variables_too() -> None:
    """The last call of an issue may be for one."""
    _, fields = call(BUILDER, recipient("ada"))

    assert list(json.loads(dict(fields)["recipient-variables"])) == ["ada@example.org"]


def test_list_headers_are_each_readers_own_through_their_variables() -> None:
    """As the house's own message has them; the link is one variable, so that %20 meets no placeholder."""
    _, fields = call(BUILDER)

    assert ("h:List-Unsubscribe", "%recipient.nl_leave%") in fields
    for name in NAMES:
        made, message = expanded(fields, f"{name}@example.org"), BUILDER.message(recipient(name))
        assert made["h:list-unsubscribe"] == message.header("List-Unsubscribe")
        assert made["h:list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
        assert made["h:list-id"].endswith("<weekly.example.org>")


def test_tracking_is_off_and_the_metadata_header_is_suppressed() -> None:
    """Mailgun writes variables into a header that readers can see."""
    fields = dict(call(BUILDER)[1])

    assert {fields[name] for name in ("o:tracking", "o:tracking-clicks", "o:tracking-opens")} == {"no"}
    assert fields["o:suppress-headers"] == "X-Mailgun-Variables"
    assert [name for name in fields if name.startswith("v:")] == ["v:nl_delivery"]


def test_a_test_is_asked_for_only_where_it_is_set() -> None:
    """Mailgun then does everything but deliver."""
    assert "o:testmode" not in dict(call(BUILDER)[1])
    assert dict(call(BUILDER, test="yes")[1])["o:testmode"] == "yes"


def test_sender_and_reply_address_are_ascii_mailboxes() -> None:
    """A name that is not ASCII is an encoded word, on one line."""
    issue = rendered_issue()
    sender = replace(
        issue.sender, sender=f"Wöchentlich {'sehr ' * 20}<verdicts@example.org>", reply_to="Ü <e@example.org>"
    )
    fields = dict(call(MessageBuilder(replace(issue, sender=sender), date=NOW))[1])

    assert fields["from"].startswith("=?utf-8?b?")
    assert fields["from"].endswith(" <verdicts@example.org>")
    assert fields["h:Reply-To"] == "=?utf-8?b?w5w=?= <e@example.org>"
    assert not any(end in fields["from"] for end in "\r\n")


@pytest.mark.parametrize(
    "words",
    [
        "%recipient.nl_key%",
        "%recipient.nl_unsubscribe%",
        "%recipient%",
        "%RECIPIENT.name%",
        "%unsubscribe_url%",
        "%tag_unsubscribe_url%",
        "%mailing_list_unsubscribe_url%",
        "%%recipient.nl_key%%",
    ],
)
def test_what_looks_like_mailguns_variables_is_none_any_more_and_reads_the_same(words: str) -> None:
    """A reference in HTML, a character without width in text and subject."""
    _, fields = call(MessageBuilder(issue_quoting(f"{words}."), date=NOW))
    made = expanded(fields, "ada@example.org")

    assert not any(words.strip("%") in value and f"%{words.strip('%')}%" in value for value in made.values())
    assert html.unescape(made["html"]).endswith(f"{words}.")
    assert made["text"].replace(WORD_JOINER, "").endswith(f"{words}.")
    assert made["subject"].replace(WORD_JOINER, "") == f"On {words}."


def test_a_percent_sign_right_before_a_placeholder_is_no_part_of_it() -> None:
    """As in "100%" with a link after it."""
    issue = rendered_issue()
    issue = replace(issue, html=f"{issue.html}5%{token('view')}", text=f"{issue.text}5%{token('view')}")
    fields = dict(call(MessageBuilder(issue, date=NOW))[1])

    assert fields["html"].endswith("5&#37;%recipient.nl_view%")
    assert fields["text"].endswith(f"5%{WORD_JOINER}%recipient.nl_view%")


@pytest.mark.parametrize("words", ["100 % sure, 50%.", "https://a.example/%C3%A9%20x", "%d of %s", "recipient.name"])
def test_what_is_no_variable_is_left_alone(words: str) -> None:
    """Links above all."""
    assert tamed(words) == tamed_html(words) == words


@pytest.mark.parametrize(
    "change", [{"sender": "%recipient.x% <a@example.org>"}, {"archive": "https://a.example/%unsubscribe_url%"}]
)
def test_a_sender_or_header_with_a_variable_is_refused(change: dict[str, str]) -> None:
    """A header has no harmless way of writing it."""
    issue = rendered_issue()
    builder = MessageBuilder(replace(issue, sender=replace(issue.sender, **change)), date=NOW)

    with pytest.raises(MailError, match="variable"):
        adapter().calls(builder)


def test_headers_and_options_of_more_than_16_kilobytes_are_refused() -> None:
    """Before Mailgun refuses a thousand people for it; a little less is taken."""
    issue = rendered_issue()
    for size, taken in ((15_000, True), (15_900, False)):
        sender = replace(issue.sender, archive=f"https://a.example/{'x' * size}")
        builder = MessageBuilder(replace(issue, sender=sender), date=NOW)
        if taken:
            adapter().calls(builder)
        else:
            with pytest.raises(MailError, match="16000"):
                adapter().calls(builder)


def test_an_address_that_stands_twice_in_a_call_is_sent_once_with_its_own_values() -> None:
    """The dictionary has room for one: the second would get the first one's links, or the other way round."""
    second = Recipient("ADA@example.org", "key-second", recipient("bo").values)
    batch = OutgoingBatch("issue:1:batch:1", 1, BUILDER, [recipient("ada"), second, recipient("cy")])
    wire = Wire([answered(200, QUEUED)])
    answer = ApiProvider(adapter(), wire).send(batch)
    fields = fields_of(*wire.posted[0])

    assert [value for name, value in fields if name == "to"] == ["ada@example.org", "cy@example.org"]
    assert expanded(fields, "ada@example.org")["v:nl_delivery"] == "key-ada"
    assert [receipt.outcome for receipt in answer.receipts] == [Outcome.ACCEPTED, Outcome.REFUSED, Outcome.ACCEPTED]


def test_a_full_call_fits_with_room_and_is_streamed() -> None:
    """A megabyte of HTML, a thousand people with the longest links."""
    issue = rendered()
    builder = MessageBuilder(replace(issue, html=issue.html + "x" * 1_000_000), date=NOW)
    request, _ = call(builder, *[reader(f"r{at}") for at in range(1000)])

    assert ApiProvider(adapter(), Wire()).fits(builder) == 1000
    assert request.length < MOST_BYTES
    assert max(map(len, request.body)) == CHUNK


def test_what_a_call_holds_is_planned_with_room_for_its_people() -> None:
    """A form of 49 MB leaves a megabyte for them."""
    issue = rendered_issue()
    builder = MessageBuilder(replace(issue, html=issue.html + "x" * 49_000_000), date=NOW)
    fits = ApiProvider(adapter(), Wire()).fits(builder)
    request = adapter().calls(builder).request(batch_of(*[f"r{at}" for at in range(fits)], builder=builder))

    assert 100 < fits < 1000
    assert 49_000_000 < request.length < MOST_BYTES


def by_anymail() -> requests.PreparedRequest:
    """What django-anymail would send for the same."""
    mail = anymail_samples.to_merge([recipient(name) for name in NAMES], "%recipient.{}%")
    return anymail_samples.posted(EmailBackend(api_key="made-up-secret"), mail, 200, json.dumps(QUEUED).encode())


def test_every_reader_gets_what_django_anymail_sends_them() -> None:
    """An independent writer of the same call, with other names of variables: compared with all variables put in."""
    request, ours = call(BUILDER)
    theirs = by_anymail()
    fields = parse_qsl(str(theirs.body), keep_blank_values=True)

    more = {"o:tracking", "o:suppress-headers", "h:reply-to"}
    assert [value for name, value in ours if name == "to"] == [value for name, value in fields if name == "to"]
    for one in (f"{name}@example.org" for name in NAMES):
        mine, other = expanded(ours, one), expanded(fields, one)
        assert parseaddr(mine["h:reply-to"]) == parseaddr(other.pop("h:reply-to"))  # angle brackets or none
        assert {name: value for name, value in mine.items() if name not in more} == other
    assert (theirs.method, theirs.url) == (request.method, request.url)
    assert theirs.headers["Authorization"] == request.headers["Authorization"]


def test_a_readers_values_are_in_their_own_entry_only() -> None:
    """Any two of them share no link and no key."""
    _, fields = call(BUILDER)
    own = [set(entry.values()) for entry in json.loads(dict(fields)["recipient-variables"]).values()]

    assert all(not one & other for one, other in pairwise([*own, own[0]]))
