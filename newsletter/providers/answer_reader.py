"""Reads one HTTP/1.1 answer, strictly (RFC 9112): what is not surely the whole answer is no answer.

Pure: bytes come from a function, so that a test can cut them anywhere.
"""

import re
from collections.abc import Callable

from newsletter.providers.poster import Answered

MOST_HEAD_BYTES = 64_000
_STATUS = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9][0-9])(?: [^\r\n]*)?")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*", re.DOTALL)
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,12})[ \t]*(?:;[^\r\n]*)?")
_DIGITS = re.compile(r"[0-9]{1,15}", re.ASCII)

Receive = Callable[[], bytes]


class NoAnswer(Exception):
    """What came is not a whole HTTP answer; the text says why, in a few words."""


class AnswerReader:
    """Reads the answer of one request."""

    def __init__(self, receive: Receive, most: int, method: str = "POST") -> None:
        """`receive` gives what came next, nothing at the end; `most` bytes are taken as a body."""
        self._receive, self._most, self._method = receive, most, method
        self._buffer = bytearray()
        self.reusable = False  #: whether the connection can carry another request

    def read(self) -> Answered:
        """The answer. Raises NoAnswer, and what `receive` raises."""
        while True:
            minor, status, headers = self._head()
            if status >= 200:  # noqa: PLR2004 - before the answer there may be any number of interim ones
                break
        coding, length = headers.get("transfer-encoding", "").lower(), headers.get("content-length")
        if self._method == "HEAD" or status in (204, 304):
            body, framed = b"", True
        elif coding:
            body, framed = self._chunked(coding, length), True
        elif length is not None:
            body, framed = self._exactly(_length(length)), True
        else:
            body, framed = self._rest(), False
        keeps = "close" not in headers.get("connection", "" if minor else "close").lower()
        self.reusable = framed and keeps and not self._buffer
        return Answered(status, headers, body)

    def _head(self) -> tuple[int, int, dict[str, str]]:
        lines = self._until(b"\r\n\r\n", MOST_HEAD_BYTES).split(b"\r\n")
        first = _STATUS.fullmatch(lines[0])
        if not first:
            raise NoAnswer("it does not speak HTTP")
        headers: dict[str, str] = {}
        for line in lines[1:]:
            field = _FIELD.fullmatch(line)
            if not field:
                raise NoAnswer("a header is damaged")
            name, value = field[1].decode("ascii").lower(), field[2].decode("latin-1")
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        return int(first[1]), int(first[2]), headers

    def _chunked(self, coding: str, length: str | None) -> bytes:
        if coding != "chunked" or length is not None:
            raise NoAnswer("its length is ambiguous")
        body = bytearray()
        while size := self._size():
            if len(body) + size > self._most:
                raise NoAnswer("it is too long")
            body += self._exactly(size)
            if self._exactly(2) != b"\r\n":
                raise NoAnswer("a chunk is damaged")
        while self._until(b"\r\n", MOST_HEAD_BYTES):
            pass  # trailers
        return bytes(body)

    def _size(self) -> int:
        found = _SIZE.fullmatch(self._until(b"\r\n", MOST_HEAD_BYTES))
        if not found:
            raise NoAnswer("a chunk is damaged")
        return int(found[1], 16)

    def _exactly(self, number: int) -> bytes:
        if number > self._most:
            raise NoAnswer("it is too long")
        while len(self._buffer) < number:
            self._more()
        taken = bytes(self._buffer[:number])
        del self._buffer[:number]
        return taken

    def _until(self, end: bytes, most: int) -> bytes:
        at = start = 0
        while (at := self._buffer.find(end, start)) < 0:
            start = max(0, len(self._buffer) - len(end))
            if start > most:
                raise NoAnswer("its head is too long")
            self._more()
        taken = bytes(self._buffer[:at])
        del self._buffer[: at + len(end)]
        return taken

    def _rest(self) -> bytes:
        """An answer without a length ends with the connection (RFC 9112, 6.3, rule 8)."""
        while len(self._buffer) <= self._most and (came := self._receive()):
            self._buffer += came
        if len(self._buffer) > self._most:
            raise NoAnswer("it is too long")
        return bytes(self._buffer)

    def _more(self) -> None:
        came = self._receive()
        if not came:
            raise NoAnswer("it ends in the middle" if self._buffer else "the connection was closed")
        self._buffer += came


def _length(text: str) -> int:
    values = {value.strip() for value in text.split(",")}
    if len(values) != 1 or not _DIGITS.fullmatch(value := values.pop()):
        raise NoAnswer("its length is ambiguous")
    return int(value)
