"""Forms, taken apart by hand: what browsers and mail programs write, and what nobody should."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.web.bodies import fields_of

FORM, PARTS = "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"
PART = b'--b\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n'


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (FORM, b"a=1&b=x%40y&c="),
        ("Application/X-WWW-Form-Urlencoded;charset=utf-8", b"a=1&b=x%40y&c=&a=2"),
        (PARTS, PART % (b"a", b"1") + PART % (b"b", b"x@y") + PART % (b"c", b"") + b"--b--\r\n"),
        ('multipart/form-data; boundary="b"', PART % (b"a", b"1") + PART % (b"b", b"x@y") + PART % (b"c", b"")),
    ],
    ids=["form", "form, a name twice", "parts", "parts without an end"],
)
def test_a_form_is_read_in_both_shapes(kind: str, body: bytes) -> None:
    """The first value of a name counts."""
    assert fields_of(kind, body) == {"a": "1", "b": "x@y", "c": ""}


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("text/plain", b"a=1"),
        ("", b"a=1"),
        (FORM, b"\xff=1"),
        (FORM, b"&".join([b"a=1"] * 99)),
        (FORM, b"a=1&b=%4"),
        (FORM, b"a=%" + b"%" * 65_000),
        ("multipart/form-data", b"x"),
    ],
    ids=["text", "nothing said", "not ASCII", "too many", "cut short", "percent", "no boundary"],
)
def test_what_is_no_form_has_no_fields(kind: str, body: bytes) -> None:
    """It is not guessed at."""
    assert fields_of(kind, body) == {}


@given(kind=st.sampled_from([FORM, PARTS]), body=st.binary(max_size=400))
def test_nothing_that_is_posted_breaks_it(kind: str, body: bytes) -> None:
    """Whatever the bytes are."""
    assert all(isinstance(value, str) for value in fields_of(kind, body).values())


@pytest.mark.parametrize(
    "bait", [b"--b" * 20_000, b"content-disposition:;" * 3_000, b"content-disposition: " + b"; " * 30_000]
)
def test_a_body_made_to_be_slow_is_read_at_once(bait: bytes) -> None:
    """64 kB; a quadratic reader would take minutes over them, and the test with it."""
    assert fields_of(PARTS, b"--b" + bait) == {}


def test_a_nought_byte_is_shown_as_what_cannot_be_shown() -> None:
    """PostgreSQL refuses it in a text, and SQLite cuts the text there."""
    parts = b'--x\r\nContent-Disposition: form-data; name="of"\r\n\r\na\0b\r\n--x--\r\n'

    assert fields_of("application/x-www-form-urlencoded", b"of=a%00b") == {"of": "a\ufffdb"}
    assert fields_of("multipart/form-data; boundary=x", parts) == {"of": "a\ufffdb"}
