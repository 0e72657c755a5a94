"""Many recipients, kept column by column: what a thousand have in common costs once, and checks run over a column.

A `Columns` can stand wherever a sequence of recipients can; `Columns.of` makes one of any such sequence. Checks look at
a whole column first, which costs nanoseconds a value, and at single values only where that finds something.
"""

import html
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from json.encoder import encode_basestring_ascii
from typing import overload

from newsletter.errors import HeaderError
from newsletter.mail import headers
from newsletter.mail.merging import LONGEST_LINK, checked
from newsletter.mail.message import KEY, Recipient
from newsletter.mail.rendered import FieldKind, MergeField

Column = Sequence[str]

SPECIAL = re.compile("[&<>\"']")  #: what html.escape escapes
#: The same grammars as for one value, for a column with a line for each.
_ADDRESSES = re.compile(f"(?:{headers.MAILBOX}\n)*+")
_KEYS = re.compile(f"(?:{KEY.pattern}\n)*+")
_LINK_BYTES = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~/-"


@dataclass(frozen=True, slots=True)
class Columns(Sequence[Recipient]):
    """Recipients in one order: the same number of keys, addresses and values of each field."""

    keys: Column
    addresses: Column
    values: Mapping[str, Column]  #: by merge field

    @classmethod
    def of(cls, recipients: Sequence[Recipient]) -> "Columns":
        """The same recipients, in the same order; a field that a recipient lacks is the empty string."""
        if isinstance(recipients, cls):
            return recipients
        names = dict.fromkeys(name for recipient in recipients for name in recipient.values)
        return cls(
            [recipient.key for recipient in recipients],
            [recipient.address for recipient in recipients],
            {name: [recipient.values.get(name, "") for recipient in recipients] for name in names},
        )

    def __len__(self) -> int:
        return len(self.keys)

    @overload
    def __getitem__(self, at: int) -> Recipient: ...
    @overload
    def __getitem__(self, at: slice) -> "Columns": ...
    def __getitem__(self, at: int | slice) -> "Recipient | Columns":
        if isinstance(at, slice):
            return Columns(
                self.keys[at], self.addresses[at], {name: column[at] for name, column in self.values.items()}
            )
        values = {name: column[at] for name, column in self.values.items()}
        return Recipient(self.addresses[at], self.keys[at], values)

    def __iter__(self) -> Iterator[Recipient]:
        return map(self.__getitem__, range(len(self)))


def checked_values(field: MergeField, column: Column) -> Column:
    """Every value of a merge field as `merging.checked` gives it. Raises MergeError."""
    if len(column) > 1 and column.count(column[0]) == len(column):
        return [checked(field, column[0])] * len(column)
    if field.kind is FieldKind.URL:
        return column if _alike_links(field, column) else [checked(field, value) for value in column]
    filled = [value or field.fallback for value in column] if "" in column else column
    return filled if _as_they_are(field, filled) else [_checked_text(field, value) for value in column]


def checked_keys(column: Column) -> Column:
    """The delivery keys. Raises HeaderError as the message builder does."""
    if not _all_match(_KEYS, _lines(column), len(column)):
        raise HeaderError("A delivery's key must be 1 to 128 letters, digits and ._- to stand in a Message-ID.")
    return column


def addresses_as_text(field: MergeField, column: Column) -> Column:
    """Addresses that `checked_addresses` has let through, as a merge field: they can only be too long."""
    short = len(max(column, key=len, default="")) <= field.longest
    return column if short else checked_values(field, column)


def checked_addresses(column: Column) -> Column:
    """The addresses. Raises HeaderError, without repeating one."""
    text = _lines(column)
    if headers.WORD_BEGINS in text or not _all_match(_ADDRESSES, text, len(column)):
        raise HeaderError("An address cannot stand in a mail header: it must be plain ASCII, local@domain.")
    return column


def for_html(column: Column) -> Column:
    """The values as HTML takes them."""
    return _each(html.escape, column, "\n") if SPECIAL.search("".join(column)) else column


def for_json(column: Column) -> Column:
    """The values as they stand between the quotes of a JSON string in ASCII: what json.dumps makes of them."""
    joined = "".join(column)
    if joined.isascii() and joined.isprintable() and '"' not in joined and "\\" not in joined:
        return column
    return _each(_json_string, column, "\\n")


def _each(escape: Callable[[str], str], column: Column, line_end: str) -> Column:
    """What `escape` makes of each value: at once, for lines that it leaves apart by this `line_end`.

    Value by value where that is found in more places than between the values.
    """
    values = escape("\n".join(column)).split(line_end)
    return values if len(values) == len(column) else [escape(value) for value in column]


def _json_string(value: str) -> str:
    return encode_basestring_ascii(value)[1:-1]


def _checked_text(field: MergeField, value: str) -> str:
    """As `checked`, which gives most values back as they are, at a fifth of its cost for those."""
    plain = value.isascii() and value.isprintable() and 0 < len(value) <= field.longest
    return value if plain and value[0] != " " != value[-1] else checked(field, value)


def _as_they_are(field: MergeField, column: Column) -> bool:
    """Whether `checked` gives every value of a text field back unchanged.

    What prints holds neither a control character nor an invisible one, and no blank but the common one.
    """
    lines = f"\n{_lines(column)}"
    return (
        "".join(column).isprintable()
        and "" not in column
        and "\n " not in lines
        and " \n" not in lines
        and len(max(column, key=len, default="")) <= field.longest
    )


def _alike_links(field: MergeField, column: Column) -> bool:
    """Whether all links begin as the first does, up to its last slash, and go on in plain characters.

    The first is checked in full, and no other colon is allowed: so all have its scheme, host and port.
    """
    if not column or len(max(column, key=len)) > LONGEST_LINK:
        return False
    start = checked(field, column[0])[: column[0].rfind("/") + 1]
    lines = "\n".join(("", *column))
    colons = start.count(":")
    return (
        lines.isascii()
        and lines.count("\n" + start) == len(column)
        and lines.encode("ascii").translate(None, _LINK_BYTES) == (b"\n" + b":" * colons) * len(column)
    )


def _lines(column: Column) -> str:
    return "\n".join((*column, ""))


def _all_match(lines: re.Pattern[str], text: str, number: int) -> bool:
    """Whether there are so many lines, all of this grammar: so that every value is one line, and one only."""
    return text.count("\n") == number and lines.fullmatch(text) is not None
