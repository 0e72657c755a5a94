"""What only the lean poster has: its own reader of answers."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.errors import ProviderError
from newsletter.providers.answer_reader import AnswerReader, NoAnswer
from newsletter.providers.lean import LeanPoster
from newsletter.providers.poster import Answered, Request

ANSWERS = (
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: a\r\nx:  b \r\n\r\nhello",
    b"HTTP/1.1 100 X\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\n\r\n",
)


def read(content: bytes, cuts: list[int] | None = None, method: str = "POST") -> tuple[Answered, AnswerReader]:
    """The answer in these bytes, received in pieces."""
    marks = sorted({0, len(content), *(cut % (len(content) + 1) for cut in cuts or ())})
    pieces = [content[start:end] for start, end in pairwise(marks)]
    reader = AnswerReader(lambda: pieces.pop(0) if pieces else b"", 1_000, method)
    return reader.read(), reader


@given(st.sampled_from(ANSWERS), st.lists(st.integers(0, 200), max_size=8))
@settings(max_examples=80)
def test_it_does_not_matter_where_an_answer_is_cut_on_its_way(content: bytes, cuts: list[int]) -> None:
    """One byte at a time or all at once."""
    answered, reader = read(content, cuts)

    assert answered == read(content)[0]
    assert reader.reusable


@given(st.sampled_from(ANSWERS), st.data())
@settings(max_examples=80)
def test_an_answer_that_ends_early_is_none(content: bytes, data: st.DataObject) -> None:
    """At no place can it be cut and still be an answer."""
    with pytest.raises(NoAnswer):
        read(content[: data.draw(st.integers(0, len(content) - 1))])


@given(st.binary(max_size=80))
@settings(max_examples=200)
def test_garbage_is_no_answer_and_nothing_else_is_raised(content: bytes) -> None:
    """Whatever comes."""
    with pytest.raises(NoAnswer):
        read(content)


@pytest.mark.parametrize(
    "content",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\nhello!",
        b"HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabcd\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n" + b"x" * 2_000,
        b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n" + b"x" * 1_001,
        b"HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\n folded\r\n\r\n",
        b"HTTP/2 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 2_000,
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000,
    ],
)
def test_an_answer_with_two_meanings_is_none(content: bytes) -> None:
    """Two lengths, odd lengths, damaged headers."""
    with pytest.raises(NoAnswer):
        read(content)


@pytest.mark.parametrize(
    ("content", "reusable"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nmore than that", False),
        (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", False),
    ],
)
def test_a_connection_is_kept_only_where_both_sides_agree(content: bytes, reusable: bool) -> None:
    """And where nothing is left in it."""
    assert read(content)[1].reusable is reusable


def test_an_answer_without_a_length_lasts_until_the_end() -> None:
    """However many pieces it comes in."""
    content = b"HTTP/1.1 200 OK\r\n\r\nuntil the end"

    assert read(content, list(range(len(content))))[0].body == b"until the end"


def test_the_answer_to_head_has_no_body() -> None:
    """Its length is the one that a body would have."""
    assert read(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", method="HEAD")[0].body == b""


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\0b", "€"])
def test_a_header_that_is_not_one_line_is_refused(value: str) -> None:
    """A key with a line break in it would be a second header."""
    with pytest.raises(ProviderError, match="not one plain line"):
        LeanPoster().post(Request("POST", "http://127.0.0.1:9/", {"Authorization": value}))
