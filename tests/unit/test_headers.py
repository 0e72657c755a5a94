"""No value adds a header, raw or encoded, and every value comes back as it was (S-37, S-38)."""

import base64
import email
import email.policy
import re
from email.header import decode_header, make_header

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.errors import HeaderError
from newsletter.mail import headers

CONTROLS = ("\r", "\n", "\0", "\t", "\x0b", "\x0c", "\x1f", "\x7f", "\x85")


def disguised(control: str) -> dict[str, str]:
    """The same attempt, in the three forms in which it can come."""
    attempt = f"a{control}Bcc: eve@example.org"
    return {
        "raw": attempt,
        "q": "=?utf-8?q?" + "".join(f"={octet:02X}" for octet in attempt.encode()) + "?=",
        "b": f"=?utf-8?b?{base64.b64encode(attempt.encode()).decode()}?=",
    }


@pytest.mark.parametrize("form", ["raw", "q", "b"])
@pytest.mark.parametrize("control", CONTROLS)
def test_a_control_character_is_refused_before_and_after_decoding(control: str, form: str) -> None:
    """Nine characters, three places, three forms."""
    value = disguised(control)[form]

    for make in (
        lambda: headers.line("Subject", value),
        lambda: headers.mailbox_line("From", f'"{value}" <a@example.org>'),
        lambda: headers.phrase_line("List-Id", value, "weekly.example.org"),
    ):
        with pytest.raises(HeaderError, match="control character"):
            make()


def test_the_published_attack_is_refused() -> None:
    """CVE-2024-6923 makes a Bcc header of this on 3.11.7 and 3.12.1."""
    with pytest.raises(HeaderError):
        headers.line("Subject", "=?utf-8?q?a=0D=0ABcc:_v@x.co?=")


@pytest.mark.parametrize(
    "word", ["=?utf-16?b?AAoAQg==?=", "=?no-such-set?q?=0ABcc?=", "=?utf-8?b?Cg?=", "=?utf-7?q?+AAo-?="]
)
def test_an_odd_character_set_hides_nothing(word: str) -> None:
    """Unknown sets are looked at byte by byte; padding may be missing."""
    if "Cg?" in word:
        assert headers.line("Subject", word).count(b"\n") == 1  # not decodable, and encoded whole
        return
    with pytest.raises(HeaderError):
        headers.line("Subject", word)


def test_an_encoded_word_in_a_value_is_text_to_its_reader() -> None:
    """It is encoded whole, so that nobody's program decodes it."""
    value = "about =?utf-8?q?encoding?= words"

    line = headers.line("Subject", value)

    assert b"=?utf-8?q?" not in line
    assert decoded(line) == value


@pytest.mark.parametrize(
    "value", ["plain", "Zoë & Øyvind", "日本語のとても長い件名" * 6, "a" * 70, "word " * 40 + "end", "😀" * 40]
)
def test_a_subject_comes_back_as_it_was(value: str) -> None:
    """Folded lines of at most 76 characters, whole characters in each encoded word."""
    line = headers.line("Subject", value)

    assert decoded(line) == value
    assert max(len(part) for part in line.split(b"\r\n")) <= 76


@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=90))
@settings(max_examples=150)
def test_any_subject_makes_one_header(value: str) -> None:
    """Whatever an editor writes, the bytes hold one field, and it is the subject."""
    try:
        line = headers.line("Subject", value)
    except HeaderError:
        return
    parsed = email.message_from_bytes(line + b"\r\nbody")

    assert parsed.keys() == ["Subject"]
    assert re.fullmatch(rb"(?:[\x20-\x7e]+\r\n)+", line)


@pytest.mark.parametrize(
    ("mailbox", "written"),
    [
        ("a@example.org", b"From: <a@example.org>\r\n"),
        ("Ada <a@example.org>", b"From: Ada <a@example.org>\r\n"),
        ('"Verdicts, Weekly" <a@example.org>', b'From: "Verdicts, Weekly" <a@example.org>\r\n'),
        ("Ada\u202e <a@example.org>", b"From: Ada <a@example.org>\r\n"),
        ("Zoë <a@example.org>", b"From: =?utf-8?b?Wm/Dqw==?= <a@example.org>\r\n"),
    ],
)
def test_a_mailbox_is_written_safely(mailbox: str, written: bytes) -> None:
    """Quoted or encoded where it must be, without invisible characters."""
    assert headers.mailbox_line("From", mailbox) == written


def test_a_long_name_is_folded_before_its_address() -> None:
    """No line is longer than 76."""
    line = headers.mailbox_line("From", f"{'Verdict ' * 8}<{'a' * 30}@example.org>")

    assert max(len(part) for part in line.split(b"\r\n")) <= 76


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ada",
        "a@b@c",
        "a b@example.org",
        "a@exämple.org",
        "zoë@example.org",
        '"a b"@example.org',
        "a@example.org>",
        "=?utf-8?q?a?=@x.co",
        "a@example.org\n",
        "a,b@example.org",
    ],
)
def test_an_address_that_cannot_stand_in_a_header_is_refused(address: str) -> None:
    """Without being repeated in the message (invariant 12)."""
    with pytest.raises(HeaderError, match="plain ASCII") as refused:
        headers.checked_address(address)

    assert not address or address not in str(refused.value)


@pytest.mark.parametrize("angle", ["a b", "a>b", "=?utf-8?q?x?=", "ü.example.org"])
def test_what_stands_in_angle_brackets_cannot_leave_them(angle: str) -> None:
    """A List-Id or an archive's address."""
    with pytest.raises(HeaderError, match="plain ASCII without blanks"):
        headers.phrase_line("List-Id", "Weekly", angle)


def test_invisible_characters_go() -> None:
    """Direction overrides and zero-width characters, listed in S-38."""
    assert headers.visible("a\u202eb\u2066c\u200bd\ufeffe") == "abcde"


def decoded(line: bytes) -> str:
    """What a mail program shows."""
    value = email.message_from_bytes(line + b"\r\n")["Subject"]
    return str(make_header(decode_header(value.replace("\r\n", "").replace("\n", ""))))
