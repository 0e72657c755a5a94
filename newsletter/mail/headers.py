"""Header lines that hold one value and nothing else.

The email package of 3.11.7 and 3.12.1 turns `=?utf-8?q?a=0ABcc:_x?=` into a second header (CVE-2024-6923), so the lines
are made here and its generator is not used: control characters are refused before and after RFC 2047 decoding, and a
value that has `=?` in it is encoded whole (security reference, S-37 and S-38).
"""

import base64
import binascii
import re
import textwrap
from email.utils import parseaddr

from newsletter.errors import HeaderError

CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
#: Direction controls, zero-width characters, the byte-order mark: invisible, and able to make a name read backwards.
INVISIBLE = re.compile("[\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
ENCODED_WORD = re.compile(r"=\?([^?]*)\?([bq])\?([^?]*)\?=", re.IGNORECASE)
#: RFC 5322 dot-atom, without quoted local parts. Nothing is tried twice: the parts have no character in common with
#: what ends them, but for the domain's end, which is looked back at.
MAILBOX = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}+@[A-Za-z0-9][A-Za-z0-9.-]{0,253}+(?<![.-])"
WORD_BEGINS = "=?"  #: in an address some programs would read it as the beginning of an encoded word
ADDRESS = re.compile(rf"(?!.*{re.escape(WORD_BEGINS)}){MAILBOX}")

LINE = 76  #: RFC 2047, section 2: a line with an encoded word is at most 76 characters
WORD_BYTES = 42  #: 42 bytes are 56 characters of base64: with "=?utf-8?b?" and "?=" 68, and room for the fold
SPECIALS = re.compile(r'[()<>\[\]:;@\\,."]')


def refuse_controls(name: str, value: str) -> str:
    """The value, if neither it nor what its encoded words decode to has a control character. Raises HeaderError."""
    if CONTROLS.search(value) or any(CONTROLS.search(text) for text in _decoded_words(value)):
        raise HeaderError(f"The {name} holds a line break or another control character; write it on one line.")
    return value


def visible(value: str) -> str:
    """The value without direction controls and zero-width characters (S-38)."""
    return INVISIBLE.sub("", value)


def line(name: str, value: str) -> bytes:
    """One folded header line with its CRLF, for unstructured text such as a subject. Raises HeaderError."""
    refuse_controls(name, value)
    room = LINE - len(name) - 2
    folded = _folded(value, room) if _plain(value, room) else "\r\n ".join(_encoded_words(value, room))
    return f"{name}: {folded}\r\n".encode("ascii")


def phrase_line(name: str, phrase: str, angle: str) -> bytes:
    """One header line `Phrase <angle>`: a mailbox, or a List-Id. Raises HeaderError."""
    refuse_controls(name, phrase)
    refuse_controls(name, angle)
    if not angle.isascii() or re.search(r"[\s<>]|=\?", angle):
        raise HeaderError(f"The {name} has an address that cannot stand in a mail: use plain ASCII without blanks.")
    start = f"{name}: {_phrase(phrase, first=LINE - len(name) - 2)} " if phrase else f"{name}: "
    fold = "\r\n " if phrase and len(start.rpartition("\n")[2]) + len(angle) + 2 > LINE else ""
    return f"{start.rstrip() if fold else start}{fold}<{angle}>\r\n".encode("ascii")


def mailbox_line(name: str, mailbox: str) -> bytes:
    """One header line for `Name <address>` or a bare address. Raises HeaderError."""
    refuse_controls(name, mailbox)
    display, address = parseaddr(mailbox)
    return phrase_line(name, visible(display), checked_address(address))


def checked_address(address: str) -> str:
    """The address, if it can stand in a header without quoting. Raises HeaderError, without repeating the address."""
    if not ADDRESS.fullmatch(address):
        raise HeaderError("An address cannot stand in a mail header: it must be plain ASCII, local@domain.")
    return address


def _decoded_words(value: str) -> list[str]:
    return [text for charset, kind, raw in ENCODED_WORD.findall(value) for text in _decode_word(charset, kind, raw)]


def _decode_word(charset: str, kind: str, raw: str) -> tuple[str, str]:
    """What a word says, in its own character set and byte by byte (an unknown set hides nothing)."""
    data = raw.encode("utf-8", "surrogatepass")
    try:
        octets = binascii.a2b_base64(data) if kind in "bB" else binascii.a2b_qp(data, header=True)
    except binascii.Error:
        octets = data
    try:
        return octets.decode(charset.partition("*")[0], "replace"), octets.decode("ascii", "replace")
    except LookupError:
        return "", octets.decode("ascii", "replace")


def _phrase(phrase: str, first: int) -> str:
    if not _plain(phrase, first - 2):
        return "\r\n ".join(_encoded_words(phrase, first))
    if SPECIALS.search(phrase):
        phrase = '"' + phrase.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return _folded(phrase, first)


def _plain(value: str, room: int) -> bool:
    """Whether the value can stand as it is: ASCII, nothing that looks encoded, and it unfolds to itself."""
    if not value.isascii() or "=?" in value or value != value.strip():
        return False
    return len(value) <= room or ("  " not in value and max(map(len, value.split())) <= room)


def _folded(value: str, room: int) -> str:
    """Folded before single blanks only, so that unfolding gives the value back."""
    if len(value) <= room:
        return value
    return "\r\n ".join(textwrap.wrap(value, room, break_long_words=False, break_on_hyphens=False))


def _encoded_words(value: str, first: int) -> list[str]:
    """The value as RFC 2047 words: each whole characters, each short enough for its line."""
    words, part, room = [], b"", max(3, min(WORD_BYTES, (first - 12) // 4 * 3))
    for octets in (character.encode("utf-8", "replace") for character in value):
        if part and len(part) + len(octets) > room:
            words.append(part)
            part, room = b"", WORD_BYTES
        part += octets
    words.append(part)
    return [f"=?utf-8?b?{base64.b64encode(word).decode('ascii')}?=" for word in words]
