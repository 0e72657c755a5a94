"""Bodies for providers' APIs: joined from pieces, and equal to the byte to what encoding everything anew would give."""

import html
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from json_samples import full, personalized
from mail_samples import DATE, recipient, rendered

from newsletter.errors import HeaderError, MergeError, NewsletterError
from newsletter.mail.columns import Columns, checked_addresses, checked_keys, checked_values, for_html, for_json
from newsletter.mail.json_message import CHUNK, JsonMessage
from newsletter.mail.merging import checked
from newsletter.mail.message import MessageBuilder, Recipient
from newsletter.mail.rendered import FIELDS, RenderedIssue

ISSUE = rendered(3)
BUILDER = MessageBuilder(ISSUE, date=DATE)
PERSONALIZED, FULL = personalized(BUILDER), full(BUILDER)
LINK = "https://news.example.org/u/"


def dumped(document: Any) -> bytes:
    """JSON as the standard library writes it."""
    return json.dumps(document, separators=(",", ":")).encode()


def plainly_full(recipients: list[Recipient]) -> bytes:
    """The long way: every message merged and encoded as a whole."""
    made = [BUILDER.message(one) for one in recipients]
    return dumped(
        [
            {
                "To": one.to,
                "Subject": one.subject,
                "HtmlBody": one.html,
                "TextBody": one.text,
                "Metadata": {"key": one.key},
            }
            for one in made
        ]
    )


def sent(message: JsonMessage, recipients: list[Recipient]) -> bytes:
    """The body as it goes out, after the promises that hold for every body."""
    body = message.body(recipients)
    chunks = list(body)
    assert body.length == sum(map(len, chunks))
    assert max(map(len, chunks)) <= CHUNK
    assert chunks == list(body)
    return b"".join(chunks)


def merged_by_provider(document: dict[str, Any], entry: dict[str, Any], part: str) -> str:
    """What a provider does that replaces placeholders."""
    text: str = document[part]
    for placeholder, value in entry["values"].items():
        text = text.replace(placeholder, value)
    return text


names = st.text(max_size=90)
tokens = st.text("abc-XYZ_019.~/", max_size=40)
crowds = st.lists(st.tuples(names, tokens, tokens, st.booleans()), max_size=12)


def crowd(drawn: list[tuple[str, str, str, bool]]) -> list[Recipient]:
    """Recipients whose values a test has drawn; some links lead to another host."""
    return [
        Recipient(
            address=f"reader{number}+'&{number}@example.org",
            key=f"k{number}",
            values={
                "view": "https://news.example.org/issues/2026-W03",
                "unsubscribe": (LINK if near else "http://localhost:8000/") + leave,
                "preferences": f"https://news.example.org/p/{prefer}",
                "vote": f"https://news.example.org/vote/{prefer}",
                "since": name[:20],
                "name": name,
            },
        )
        for number, (name, leave, prefer, near) in enumerate(drawn)
    ]


@given(crowds)
@settings(max_examples=40, deadline=None)
def test_full_messages_equal_those_encoded_as_a_whole(drawn: list[tuple[str, str, str, bool]]) -> None:
    """Byte for byte, whatever is in a name or behind a link's slash."""
    assert sent(FULL, crowd(drawn)) == plainly_full(crowd(drawn))


@given(crowds)
@settings(max_examples=40, deadline=None)
def test_one_body_with_values_says_the_same_as_full_messages(drawn: list[tuple[str, str, str, bool]]) -> None:
    """A provider that puts the values in makes the messages that we would have made."""
    document = json.loads(sent(PERSONALIZED, crowd(drawn)))

    for one, entry in zip(crowd(drawn), document["to"], strict=True):
        message = BUILDER.message(one)
        assert (entry["email"], entry["key"]) == (message.to, message.key)
        assert {"html": message.html, "text": message.text} == {
            part: merged_by_provider(document, entry, part) for part in ("html", "text")
        }


def test_the_issue_stands_once_where_the_provider_merges() -> None:
    """A thousand recipients do not cost a thousand issues."""
    lengths = [len(sent(PERSONALIZED, [recipient(f"r{n}") for n in range(number)])) for number in (1, 1001)]

    assert lengths[1] - lengths[0] < 1_000_000
    assert sent(PERSONALIZED, [recipient()] * 3).count(b"<!DOCTYPE") == 1


def test_many_full_messages_come_in_chunks_that_are_joined_anew_each_time() -> None:
    """Twenty megabytes never exist as a whole; a second attempt sends the same bytes."""
    crowd_ = [recipient(f"reader{number}") for number in range(40)]

    assert sent(FULL, crowd_) == plainly_full(crowd_)


def test_a_message_longer_than_a_chunk_is_cut() -> None:
    """Non-ASCII costs six bytes in JSON."""
    long = replace(ISSUE, html=ISSUE.html + "ä" * 50_000)
    body = full(MessageBuilder(long, date=DATE)).body([recipient(), recipient("ben")])

    assert [len(chunk) <= CHUNK for chunk in body] == [True] * (len(list(body)))
    assert len(list(body)) > body.length // CHUNK
    assert json.loads(b"".join(body))[1]["HtmlBody"].endswith("ä" * 50_000)


def test_nobody_is_an_empty_array() -> None:
    """No comma, no slot."""
    assert sent(FULL, []) == b"[]"


@pytest.mark.parametrize("unusable", ["a@example.org\nb@example.org", "a@example.org\n", "\na@example.org", ""])
def test_an_address_of_two_lines_is_no_two_addresses(unusable: str) -> None:
    """Columns are checked line by line: a line break inside a value must not hide in that."""
    with pytest.raises(HeaderError):
        checked_addresses(["ada@example.org", unusable, "bo@example.org"])


@pytest.mark.parametrize("unusable", ["1-a\n1-b", "1-a\n", "", "-a", "1 a", "x" * 129])
def test_a_key_of_two_lines_is_no_two_keys(unusable: str) -> None:
    """The same for what stands in a Message-ID."""
    with pytest.raises(HeaderError):
        checked_keys(["1-ada", unusable, "1-bo"])


@pytest.mark.parametrize(
    "spoiled",
    [
        {"unsubscribe": "https://eve.example.net"},
        {"unsubscribe": "https://news.example.org/u/a\nhttps://news.example.org/u/b"},
        {"unsubscribe": 'https://news.example.org/u/"onclick='},
        {"unsubscribe": "https://news.example.org:8/u/a:b"},
        {"unsubscribe": "https://news.example.org/u/a:b"},
        {"unsubscribe": "https://news.example.org/u/ü"},
        {"unsubscribe": LINK + "x" * 2000},
        {"unsubscribe": ""},
    ],
)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_unusable_link_is_found_among_good_ones(spoiled: dict[str, str], place: int) -> None:
    """The look at the whole column takes nothing that the look at each would refuse."""
    people = [recipient("ada"), recipient("ben"), recipient("cleo")]
    people[place] = replace(people[place], values={**people[place].values, **spoiled})

    with pytest.raises(MergeError, match="'unsubscribe' needs a link"):
        PERSONALIZED.body(people)


@pytest.mark.parametrize("unusable", ["a=?b@example.org", "=?utf-8?q?a?=@example.org", "a=?@example.org"])
def test_an_address_that_begins_an_encoded_word_is_refused_among_others(unusable: str) -> None:
    """The look at the whole column looks for that as well."""
    with pytest.raises(HeaderError):
        checked_addresses(["ada@example.org", unusable, "bo=@example.org"])


#: Words with everything that a look at the whole column must not be fooled by.
words = st.lists(
    st.text(st.sampled_from('aZ \n\\n"<&é中\u200d\u200b\u3000\x00\x85\ud800'), max_size=5), min_size=1, max_size=6
)


@given(words)
@settings(max_examples=300)
def test_a_column_of_words_is_what_a_check_of_each_gives(column: list[str]) -> None:
    """Blanks at the ends, invisible characters, line breaks, nothing at all: found wherever they stand."""
    assert list(checked_values(FIELDS["name"], column)) == [checked(FIELDS["name"], word) for word in column]


def test_one_empty_value_among_others_is_refused_where_nothing_stands_in_for_it() -> None:
    """An address has no fallback."""
    with pytest.raises(MergeError, match="'address' has no value"):
        checked_values(FIELDS["address"], ["ada@example.org", ""])


@given(words)
@settings(max_examples=300)
def test_a_column_is_escaped_as_each_of_it_would_be(column: list[str]) -> None:
    """Values with a line break, or with what one becomes, are not taken for two."""
    assert list(for_json(column)) == [json.dumps(word)[1:-1] for word in column]
    assert list(for_html(column)) == [html.escape(word) for word in column]


@pytest.mark.parametrize("longest", [80, 81])
def test_one_long_word_in_a_column_is_cut(longest: int) -> None:
    """And no other."""
    assert [len(word) for word in checked_values(FIELDS["name"], ["Ada", "x" * longest])] == [3, 80]


@pytest.mark.parametrize(
    "change",
    [{"address": "a b@example.org"}, {"address": "a@example.org\n"}, {"key": 'x"'}, {"key": ""}, {"key": "x" * 129}],
)
def test_an_unusable_address_or_key_is_refused(change: dict[str, str]) -> None:
    """Before a byte has left."""
    with pytest.raises(HeaderError):
        PERSONALIZED.body([replace(recipient(), key="ada"), replace(recipient("ben"), **{"key": "ben", **change})])


def test_a_document_inside_a_string_is_escaped_twice() -> None:
    """Some providers want the values as JSON inside JSON."""
    message = JsonMessage(
        BUILDER,
        whole=lambda slots: {"all": [slots.each]},
        entry=lambda slots: {"data": slots.inner({"name": slots.value("name"), "in_html": slots.html_value("name")})},
    )
    ada = replace(recipient(), values={**recipient().values, "name": 'Ada "Zoë" <b>'})

    data = json.loads(json.loads(b"".join(message.body([ada])))["all"][0]["data"])

    assert data == {"name": 'Ada "Zoë" <b>', "in_html": "Ada &quot;Zoë&quot; &lt;b&gt;"}


@pytest.mark.parametrize("whole", [lambda _: {"to": []}, lambda slots: [slots.each, slots.each], lambda s: s.each])
def test_a_document_without_one_place_for_the_entries_is_refused(whole: Any) -> None:
    """Nobody would get anything, or everybody two."""
    with pytest.raises(MergeError, match=r"\[slots.each\]"):
        JsonMessage(BUILDER, whole=whole, entry=lambda slots: slots.to)


def test_a_recipients_value_cannot_stand_in_the_shared_part() -> None:
    """It would be the same for everybody (invariant 9)."""
    with pytest.raises(MergeError, match="outside the recipients' entries"):
        JsonMessage(BUILDER, whole=lambda slots: {"html": slots.html, "to": [slots.each]}, entry=lambda s: s.to)


def test_a_slot_for_a_field_that_the_issue_has_not_is_refused() -> None:
    """The adapter is told which."""
    with pytest.raises(MergeError, match="no merge field 'shoe'"):
        JsonMessage(BUILDER, whole=lambda slots: [slots.each], entry=lambda slots: slots.value("shoe"))


def test_a_value_that_looks_like_a_slot_stays_text() -> None:
    """Values are put in once and not searched again."""
    sly = replace(recipient(), values={**recipient().values, "name": f"vt{ISSUE.nonce}-key-x"})

    assert f"vt{ISSUE.nonce}-key-x" in json.loads(b"".join(FULL.body([sly])))[0]["TextBody"]


def test_columns_are_a_sequence_of_recipients() -> None:
    """Index, slice, length, order: whoever knows nothing of columns sees recipients."""
    people = [recipient("ada"), recipient("ben"), recipient("cleo")]
    columns = Columns.of(people)

    assert (list(columns), columns[1], len(columns)) == (people, people[1], 3)
    assert list(columns[1:]) == people[1:]
    assert Columns.of(columns) is columns


def test_a_field_that_one_recipient_lacks_has_its_fallback() -> None:
    """As the message builder does."""
    bare = replace(recipient("ben"), values={**recipient("ben").values})
    del bare.values["name"]  # type: ignore[attr-defined]

    assert sent(FULL, [recipient(), bare]) == plainly_full([recipient(), bare])


@given(st.lists(st.text(max_size=12), min_size=1, max_size=4), st.data())
@settings(max_examples=60)
def test_columns_refuse_what_the_message_builder_refuses(links: list[str], data: st.DataObject) -> None:
    """Two ways to check, one rule."""
    start = data.draw(st.sampled_from([LINK, "http://localhost/", "", "https:/"]))
    people = [replace(recipient(), values={**recipient().values, "unsubscribe": start + link}) for link in links]

    assert refused(lambda: FULL.body(people)) == refused(lambda: [BUILDER.message(one) for one in people])


def refused(make: Any) -> bool:
    """Whether it raises."""
    try:
        make()
    except NewsletterError:
        return True
    return False


def test_the_builder_is_of_one_issue() -> None:
    """Another issue is another builder; nothing is shared."""
    other: RenderedIssue = replace(ISSUE, subject="Another")

    assert b"Another" in b"".join(full(MessageBuilder(other, date=DATE)).body([recipient()]))
