"""Text into lines that one grammar can read: both flavours, every line ending, every kind of blank.

Hostile text costs no more than its length: runs of combining marks are shortened before NFC (whose sorting is
quadratic in such a run, UAX 15 section 13), and a text of more lines than any compare page has is refused.
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

from newsletter.errors import NotAComparison

MOST_CHARACTERS = 2_000_000  #: security reference S-33
MOST_LINES = 10_000  #: the longest whole page seen has 130
_MOST_MARKS = 30  #: UAX 15, stream-safe text

#: What is not seen and says nothing (Unicode: Default_Ignorable_Code_Point, and the marks of direction). What emoji and
#: scripts are joined or varied with stays: U+200C, U+200D, U+180B to U+180D, U+FE00 to U+FE0F.
_INVISIBLE = (
    *(0x00AD, 0x034F, 0x061C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180E, 0x200B, 0x200E, 0x200F, 0x3164, 0xFEFF, 0xFFA0),
    *(*range(0x202A, 0x202F), *range(0x2060, 0x2070), *range(0xFFF0, 0xFFFC), *range(0x1BCA0, 0x1BCA4)),
    *(*range(0x1D173, 0x1D17B), *range(0xE0000, 0xE1000)),
)
_CONTROLS = [c for c in (*range(0x20), *range(0x7F, 0xA0)) if chr(c) not in "\t\n\r\x0b\x0c\x85"]
_UNWANTED: dict[int, int | None] = {
    **dict.fromkeys(_INVISIBLE),
    **dict.fromkeys(_CONTROLS),
    **dict.fromkeys(range(0xD800, 0xE000), 0xFFFD),
}

_NEAR_THE_END = 5_000  #: characters that are searched first
_SENTENCE_END = re.compile(r"[.!?…][\"”’'»)\]]{0,3}(?=\s)")
_ENDS_SENTENCE = re.compile(r"[.!?…][\"”’'»)\]]{0,3}$")
_ABBREVIATIONS = frozenset(("e.g", "i.e", "vs", "etc", "approx", "inc", "ltd", "dr", "mr", "ms", "no", "cf", "st"))


class Line(NamedTuple):
    """One line that is not blank, stripped, with single spaces inside."""

    number: int  #: in the text as it came, from 1
    text: str
    gap: bool = False  #: a blank line stands before it
    look: str = ""  #: in HTML, tag and class of what holds it

    def says(self, *words: str) -> bool:
        """Whether the line is one of these anchors, in any case, with or without a colon."""
        return len(self.text) <= 60 and self.text.casefold().rstrip(" :") in words  # noqa: PLR2004

    @property
    def excerpt(self) -> str:
        """The line's beginning, for a message."""
        return f"“{self.text[:60]}…”" if len(self.text) > 61 else f"“{self.text}”"  # noqa: PLR2004


def visible(text: str) -> str:
    """The text without control and invisible characters; line breaks and blanks are as they were."""
    return text.translate(_UNWANTED)


def clean(text: str) -> str:
    """One line's text: NFC, no control or invisible characters, single spaces."""
    return _composed(" ".join(visible(text).split()))


def text_lines(text: str) -> list[Line]:
    """The lines of a text that are not blank. Raises NotAComparison where it is far too long."""
    check_length(text)
    pieces = ((number, piece, "") for number, piece in enumerate(visible(text).splitlines(), start=1))
    return as_lines(pieces)


def as_lines(pieces: Iterable[tuple[int, str, str]]) -> list[Line]:
    """Lines from (number, visible text, look); an empty text is a gap. Raises NotAComparison on far too many."""
    lines: list[Line] = []
    gap = False
    for number, piece, look in pieces:
        if text := _composed(" ".join(piece.split())):
            lines.append(Line(number, text, gap, look))
            if len(lines) > MOST_LINES:
                raise NotAComparison(f"Not a compare page: it goes on after line {number}, and no compare page does.")
        gap = not text
    return lines


def check_length(text: str) -> None:
    """Raises NotAComparison for a text longer than any page."""
    if len(text) > MOST_CHARACTERS:
        raise NotAComparison(
            f"Not a compare page: {len(text):,} characters, beginning at line 1; at most {MOST_CHARACTERS:,} are read."
        )


def ends_sentence(text: str) -> bool:
    """Whether the text ends as a sentence does."""
    return bool(_ENDS_SENTENCE.search(text[-6:]))


def whole_sentences(text: str) -> str:
    """The text up to its last sentence that certainly is whole, perhaps nothing.

    A full stop at the very end proves nothing where a page was cut: "CLAUDE." may have been "CLAUDE.md".
    """
    for window in (_NEAR_THE_END, len(text)):
        for match in reversed(list(_SENTENCE_END.finditer(text, max(0, len(text) - window)))):
            word = text[max(0, match.start() - 12) : match.start()].rpartition(" ")[2].casefold().lstrip("(“\"'")
            if word not in _ABBREVIATIONS and not (len(word) == 1 and word.isalpha()):
                return text[: match.end()]
    return ""


def _composed(text: str) -> str:
    if text.isascii():
        return text
    if any(map(unicodedata.combining, text)):
        text = _stream_safe(text)
    return unicodedata.normalize("NFC", text)


def _stream_safe(text: str) -> str:
    kept, run = [], 0
    for character in text:
        run = run + 1 if unicodedata.combining(character) else 0
        if run <= _MOST_MARKS:
            kept.append(character)
    return "".join(kept)
