"""Quoted-printable in pieces, so that what all messages share is encoded once.

Every piece ends in a soft line break, which a reader's program removes: pieces can be joined in any order, and only the
values of a subscriber are encoded per message (rendering reference, section 4).
"""

import binascii

from newsletter.mail.merging import Segments

SOFT_BREAK = b"=\r\n"
LINE = 76  #: RFC 2045, section 6.7, rule 5


def encode(text: str) -> bytes:
    """The text in UTF-8, quoted-printable, CRLF line ends, lines of at most 76 characters, ended by a soft break."""
    if not text:
        return b""
    encoded = binascii.b2a_qp(text.replace("\r\n", "\n").encode("utf-8", "replace"), istext=True)
    encoded = encoded.replace(b"\n", b"\r\n")
    if encoded.endswith(b"\r\n"):
        return encoded
    return _roomy(encoded) + SOFT_BREAK


def encode_short(text: str) -> bytes:
    """The same for a value: most are short and plain, and need no encoding at all."""
    if len(text) < LINE and "=" not in text and text.isascii():
        return text.encode("ascii") + SOFT_BREAK
    return encode(text)


def encode_parts(segments: Segments) -> tuple[bytes, ...]:
    """What stands between the values, encoded."""
    return tuple(encode(part) for part in segments.parts)


def _roomy(encoded: bytes) -> bytes:
    """The same, with room for one `=` at the end of its last line."""
    if len(encoded) - (encoded.rfind(b"\n") + 1) < LINE:
        return encoded
    cut = -3 if encoded[-3:-2] == b"=" else -1
    return encoded[:cut] + SOFT_BREAK + encoded[cut:]
