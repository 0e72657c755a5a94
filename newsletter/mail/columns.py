"""Many recipients, kept column by column: what a thousand have in common costs once, and checks run over a column.

A `Columns` can stand wherever a sequence of recipients can; `Columns.of` makes one of any such sequence. Checks look at
a whole column first, which costs nanoseconds a value, and at single values only where that finds something.
"""

import html
import re
from collections.abc import Iterator, Mapping, Sequence
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
_ADDRESSES = re.compile(f"(?:{headers.ADDRESS.pattern}\n)*")
_KEYS = re.compile(f"(?:{KEY.pattern}\n)*")
_LINK_BYTES = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~/-:\n"


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
    longest = field.longest
    return [  # the condition is what `checked` gives back as it is: most values, at a fifth of the cost of the call
        value
        if value.isascii() and value.isprintable() and 0 < len(value) <= longest and value[0] != " " != value[-1]
        else checked(field, value)
        for value in column
    ]


def checked_keys(column: Column) -> Column:
    """The delivery keys. Raises HeaderError as the message builder does."""
    if not _all_match(_KEYS, column):
        raise HeaderError("A delivery's key must be 1 to 128 letters, digits and ._- to stand in a Message-ID.")
    return column


def addresses_as_text(field: MergeField, column: Column) -> Column:
    """Addresses that `checked_addresses` has let through, as a merge field: they can only be too long."""
    short = len(max(column, key=len, default="")) <= field.longest
    return column if short else checked_values(field, column)


def checked_addresses(column: Column) -> Column:
    """The addresses. Raises HeaderError, without repeating one."""
    if not _all_match(_ADDRESSES, column):
        raise HeaderError("An address cannot stand in a mail header: it must be plain ASCII, local@domain.")
    return column


def for_html(column: Column) -> Column:
    """The values as HTML takes them."""
    return [html.escape(value) for value in column] if SPECIAL.search("".join(column)) else column


def for_json(column: Column) -> Column:
    """The values as they stand between the quotes of a JSON string in ASCII: what json.dumps makes of them."""
    joined = "".join(column)
    if joined.isascii() and joined.isprintable() and '"' not in joined and "\\" not in joined:
        return column
    return [encode_basestring_ascii(value)[1:-1] for value in column]


def _alike_links(field: MergeField, column: Column) -> bool:
    """Whether all links begin as the first does, up to its last slash, and go on in plain characters.

    The first is checked in full, and no other colon is allowed: so all have its scheme, host and port.
    """
    if not column or len(max(column, key=len)) > LONGEST_LINK:
        return False
    start = checked(field, column[0])[: column[0].rfind("/") + 1]
    lines = "\n".join(("", *column))
    return (
        lines.count("\n" + start) == lines.count("\n") == len(column)
        and lines.count(":") == start.count(":") * len(column)
        and lines.isascii()
        and not lines.encode("ascii").translate(None, _LINK_BYTES)
    )


def _all_match(lines: re.Pattern[str], column: Column) -> bool:
    """Whether every value is a line of this grammar, and one line only."""
    text = "\n".join((*column, ""))
    return text.count("\n") == len(column) and lines.fullmatch(text) is not None
