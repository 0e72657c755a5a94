"""One message: its headers, its two parts, and nothing of anybody else."""

import dataclasses
import email
import email.policy
import re
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mail_samples import DATE, recipient, rendered, values

from newsletter.errors import HeaderError, MergeError
from newsletter.mail import quoted_printable
from newsletter.mail.message import MessageBuilder, Recipient
from newsletter.mail.rendered import RenderedIssue

ISSUE = rendered()
BUILDER = MessageBuilder(ISSUE, date=DATE)
NAMES = [
    "From", "Reply-To", "Subject", "Date", "To", "Message-ID", "List-Unsubscribe", "List-Unsubscribe-Post", "List-Id",
    "Feedback-ID", "List-Archive", "MIME-Version", "Content-Type",
]  # fmt: skip


def parsed(raw: bytes) -> EmailMessage:
    """The bytes as a mail program reads them."""
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def body(message: EmailMessage, kind: str) -> str:
    """One of the two parts, with plain line ends."""
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def test_the_bytes_hold_each_header_once_and_no_other() -> None:
    """S-37: counted in the bytes, not in a parser that may repair them."""
    head = BUILDER.mime(recipient()).split(b"\r\n\r\n")[0].decode("ascii")

    assert re.findall(r"(?m)^([A-Za-z-]+):", head) == NAMES


def test_the_headers_say_who_what_and_how_to_leave() -> None:
    """RFC 8058, 2919 and 2369, and Gmail's Feedback-ID."""
    message = parsed(BUILDER.mime(recipient("ada")))

    assert message["To"] == "ada@example.org"
    assert message["From"] == "Weekly Verdicts <verdicts@news.example.org>"
    assert message["Reply-To"] == "Editor <editor@news.example.org>"
    assert message["Message-ID"] == "<i42-ada@news.example.org>"
    assert message["Date"] == "Fri, 16 Jan 2026 08:00:00 +0000"
    assert message["List-Unsubscribe"] == (
        "<https://news.example.org/u/ada>, <mailto:leave@news.example.org?subject=unsubscribe%20i42-ada>"
    )
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["List-Id"] == "Weekly AI Tool Verdicts <weekly.news.example.org>"
    assert message["Feedback-ID"] == "issue-42:weekly:newsletter:newsexample"
    assert message["List-Archive"] == "<https://news.example.org/issues>"


def test_the_parts_read_back_as_the_plain_merge() -> None:
    """Text first, HTML second, both as the reader's program decodes them."""
    message, plain = parsed(BUILDER.mime(recipient())), BUILDER.message(recipient())

    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert body(message, "plain") == plain.text
    assert body(message, "html") == plain.html
    assert message.defects == []


def test_no_line_is_longer_than_76_and_all_end_in_crlf() -> None:
    """RFC 2045; a relay may break longer lines, and with them the signature."""
    raw = BUILDER.mime(recipient())

    assert max(len(line) for line in raw.split(b"\r\n")) <= 76
    assert raw.count(b"\n") == raw.count(b"\r\n") == raw.count(b"\r")
    assert raw.isascii()


def test_the_values_and_the_bytes_say_the_same() -> None:
    """A provider that takes values sends what one that takes bytes sends."""
    message, raw = BUILDER.message(recipient()), parsed(BUILDER.mime(recipient()))

    assert {name: str(raw[name]) for name, _ in message.headers} == dict(message.headers)
    assert message.header("To") == message.to == "ada@example.org"
    assert [name for name, _ in message.list_headers] == [
        "List-Unsubscribe", "List-Unsubscribe-Post", "List-Id", "Feedback-ID", "List-Archive",
    ]  # fmt: skip


def test_a_message_holds_only_its_recipients_tokens() -> None:
    """Invariant 9, on the bytes: Ada's, then Ben's, with one builder."""
    ada = BUILDER.mime(recipient("ada"))
    ben = BUILDER.mime(recipient("ben"))
    everything = body(parsed(ben), "html") + body(parsed(ben), "plain") + ben.decode("ascii")

    assert ben == MessageBuilder(ISSUE, date=DATE).mime(recipient("ben"))
    assert set(re.findall(r"news\.example\.org/[uvp]/([a-z]+)", everything)) == {"ben"}
    assert "ada@example.org" not in everything
    assert ada != ben


def test_the_address_in_the_footer_is_the_recipients_own() -> None:
    """Whatever the values say."""
    ada = dataclasses.replace(recipient("ada"), values={**values("ada"), "address": "eve@example.org"})

    assert "eve@example.org" not in BUILDER.mime(ada).decode("ascii")
    assert "ada@example.org" in BUILDER.message(ada).text


def test_a_test_copy_is_marked() -> None:
    """Only its subject differs."""
    marked = MessageBuilder(ISSUE, date=DATE, marked=True)

    assert marked.message(recipient()).subject == f"[TEST] {ISSUE.subject}"
    assert parsed(marked.mime(recipient()))["Subject"] == f"[TEST] {ISSUE.subject}"


def test_equal_arguments_make_equal_bytes() -> None:
    """No clock, no chance, not even in the boundary."""
    assert MessageBuilder(rendered(), date=DATE).mime(recipient()) == BUILDER.mime(recipient())


@pytest.mark.parametrize("key", ["", "a b", "a\r\nBcc: eve@example.org", "a>b", "ü", "-a", "x" * 129])
def test_a_key_that_breaks_the_message_id_is_refused(key: str) -> None:
    """It stands in a header and comes back in events."""
    with pytest.raises(HeaderError, match="delivery's key"):
        BUILDER.mime(dataclasses.replace(recipient(), key=key))


@pytest.mark.parametrize(
    "address", ["ada@example.org, eve@example.org", "ada@example.org\r\nBcc: eve@example.org", "ada"]
)
def test_there_is_exactly_one_recipient(address: str) -> None:
    """A list of addresses is no address."""
    with pytest.raises(HeaderError):
        BUILDER.mime(dataclasses.replace(recipient(), address=address))


def test_a_link_of_the_wrong_kind_is_refused() -> None:
    """It would stand in List-Unsubscribe."""
    with pytest.raises(MergeError, match="'unsubscribe' needs a link"):
        BUILDER.mime(
            Recipient("ada@example.org", "k", {**values("ada"), "unsubscribe": "https://a.org/u>, <https://b.org/"})
        )


def test_a_date_without_a_zone_is_refused() -> None:
    """Nobody can tell when that was."""
    with pytest.raises(HeaderError, match="time zone"):
        MessageBuilder(ISSUE, date=datetime(2026, 1, 16))


def test_without_an_archive_there_is_no_list_archive() -> None:
    """A header with nothing in it helps nobody."""
    quiet = dataclasses.replace(ISSUE, sender=dataclasses.replace(ISSUE.sender, archive=""))
    builder = MessageBuilder(quiet, date=DATE)

    assert b"List-Archive" not in builder.mime(recipient())
    assert "List-Archive" not in dict(builder.message(recipient()).headers)


@pytest.mark.parametrize("where", ["subject", "sender", "list_name", "feedback_id"])
@pytest.mark.parametrize("word", ["a\nBcc: eve@example.org", "=?utf-8?q?a=0ABcc:_eve@example.org?="])
def test_nothing_in_the_issue_can_add_a_header(where: str, word: str) -> None:
    """S-37, through the whole builder."""
    if where == "subject":
        hostile = dataclasses.replace(ISSUE, subject=word)
    else:
        value = f"{word} <a@example.org>" if where == "sender" else word
        hostile = dataclasses.replace(ISSUE, sender=dataclasses.replace(ISSUE.sender, **{where: value}))

    with pytest.raises(HeaderError):
        MessageBuilder(hostile, date=DATE)


@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=120), min_size=3, max_size=3
    )
)
@settings(max_examples=100)
def test_pieces_of_quoted_printable_join_to_the_text(pieces: list[str]) -> None:
    """Encoded one by one and joined, they decode to the whole, with no line above 76."""
    joined = b"".join(map(quoted_printable.encode, pieces[:1])) + b"".join(
        map(quoted_printable.encode_short, pieces[1:])
    )
    head = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"

    payload = email.message_from_bytes(head + joined).get_payload(decode=True)

    assert isinstance(payload, bytes)
    assert payload.replace(b"\r\n", b"\n").decode() == "".join(pieces)
    assert max(map(len, joined.split(b"\r\n"))) <= 76


def test_a_line_that_is_exactly_full_has_room_made_for_the_soft_break() -> None:
    """The encoder may leave 76 characters on its last line, and one more would be too long."""
    for length in range(70, 80):
        for last in ("a", "=", "é"):
            encoded = quoted_printable.encode("x" * length + last)
            assert max(map(len, encoded.split(b"\r\n"))) <= 76


def test_a_date_in_another_zone_is_kept() -> None:
    """The builder takes any aware date."""
    assert MessageBuilder(ISSUE, date=datetime(2026, 1, 16, tzinfo=UTC)).date.endswith("+0000")


def test_two_issues_have_two_boundaries() -> None:
    """The boundary is made from the digest of the content."""
    other: RenderedIssue = dataclasses.replace(ISSUE, subject="Another subject of this week")

    assert MessageBuilder(other, date=DATE)._boundary != BUILDER._boundary


def test_a_name_is_escaped_in_html_and_plain_in_text_in_the_bytes_too() -> None:
    """The bytes are encoded in pieces, and each part takes its own form of the value."""
    zoe = dataclasses.replace(recipient("zoe"), values={**values("zoe"), "name": "Zoë <b> & co = 1"})

    message = parsed(BUILDER.mime(zoe))

    assert "Hello Zoë &lt;b&gt; &amp; co = 1," in body(message, "html")
    assert "Hello Zoë <b> & co = 1," in body(message, "plain")
    assert body(message, "html") == BUILDER.message(zoe).html
