"""Reading what somebody posts: counted while it arrives, timed, and taken apart by the standard library.

Nothing of a body is parsed before all of it is here and short enough (security reference, S-54).
"""

import asyncio
import re
from urllib.parse import parse_qsl

from starlette.requests import Request

LONGEST_BODY = 10.0  #: seconds; whoever drips holds one of few places
MOST_BYTES = 65_536  #: of a reader's form
MOST_FIELDS = 40
#: No browser writes it; the standard library takes a microsecond for each, and 64 kB of them held everybody up.
_BROKEN = re.compile(rb"%(?![0-9A-Fa-f]{2})")

_NAME = re.compile(rb'content-disposition:[^;]*; *name="?([A-Za-z0-9_-]+)"?', re.IGNORECASE)
_LONGEST_LINE = 200  #: of a part's head; ours have 50 characters
_BOUNDARY = re.compile(r'boundary="?([A-Za-z0-9\'()+_,./:=?-]{1,70})"?', re.IGNORECASE)


class TooLong(Exception):
    """The body has more bytes than it may have."""


async def body_of(request: Request, most: int = MOST_BYTES, seconds: float = LONGEST_BODY) -> bytes:
    """All of it. Raises TooLong (nothing more is read then), TimeoutError, and ClientDisconnect."""
    pieces, length = [], 0
    async with asyncio.timeout(seconds):
        async for piece in request.stream():
            pieces.append(piece)
            length += len(piece)
            if length > most:
                raise TooLong
    return b"".join(pieces)


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a posted form, each name's first value; empty where the body is no form. Raises as `body_of`."""
    return fields_of(request.headers.get("content-type", ""), await body_of(request))


def fields_of(content_type: str, body: bytes) -> dict[str, str]:
    """The same of a body that is here: url-encoded, or in parts without files as RFC 8058 also allows."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        pairs = _parts(content_type, body)
    elif kind == "application/x-www-form-urlencoded":
        pairs = _pairs(body)
    else:
        pairs = []
    return {
        name: value.replace("\0", "\ufffd") for name, value in reversed(pairs)
    }  # no text of PostgreSQL's may have it


def _pairs(body: bytes) -> list[tuple[str, str]]:
    if _BROKEN.search(body):
        return []
    try:
        return parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:  # not ASCII, or too many fields: likewise
        return []


def _parts(content_type: str, body: bytes) -> list[tuple[str, str]]:
    boundary = _BOUNDARY.search(content_type)
    if boundary is None:
        return []
    pairs = []
    for part in body.split(b"--" + boundary[1].encode("ascii"), MOST_FIELDS + 1)[1:]:
        head, _, value = part.partition(b"\r\n\r\n")
        if name := _name(head):
            pairs.append((name, value.removesuffix(b"\r\n").decode("utf-8", "replace")))
    return pairs


def _name(head: bytes) -> str:
    """The name of a part; empty where it has none."""
    lines = [line for line in head.split(b"\r\n", 8)[:8] if len(line) <= _LONGEST_LINE]
    found = next(filter(None, map(_NAME.match, lines)), None)
    return found[1].decode("ascii") if found else ""
