"""The body of an API call: one JSON document, encoded once per issue, in which only the recipients' values change.

An adapter writes down, once per issue, what the document looks like, with slots where a recipient's values stand. The
document is encoded and cut at its slots; per call the values are checked and escaped column by column and the pieces
joined. The bytes equal those of encoding everything anew (10 to 38 times dearer: dispatch reference, section 1). The
length is a sum, so that a body of 30 MB is streamed and never exists as a whole.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from newsletter.errors import MergeError
from newsletter.mail.columns import (
    Column,
    Columns,
    addresses_as_text,
    checked_addresses,
    checked_keys,
    checked_values,
    for_html,
    for_json,
)
from newsletter.mail.merging import Merger, Piece, Segments, token
from newsletter.mail.message import MessageBuilder, Recipient
from newsletter.mail.rendered import FIELDS, FieldKind

#: Chunks of 490 KB and more doubled the cost in threads: fresh pages for each (dispatch reference, section 1).
CHUNK = 250_000
#: Chunks of short entries exist as text first, then as bytes: from 128 KiB on glibc may map fresh pages for each. Long
#: entries are joined as bytes at once, and smaller chunks only cost the poster more (docs/benchmarks.md).
NARROW_CHUNK = 120_000
ROOM = 300  #: bytes that a value takes when a call's size is planned: links have some 120, names up to 80 characters
WIDE = 4_096  #: entries of this many bytes are joined as bytes, narrower ones as text that is encoded once a chunk

_KEY, _TO, _EACH = "key", "to", "each"
_HTML, _INNER = "html", "inner"


@dataclass(frozen=True, slots=True)
class Slots:
    """What an adapter writes into its document where a recipient's values will stand. All are plain text to it."""

    nonce: str
    merger: Merger

    @property
    def each(self) -> str:
        """Stands for all entries, one per recipient: `[slots.each]` is the array of them."""
        return token(self.nonce, _EACH)

    @property
    def key(self) -> str:
        """The delivery's key."""
        return token(self.nonce, _KEY)

    @property
    def to(self) -> str:
        """The recipient's address."""
        return token(self.nonce, _TO)

    def value(self, name: str) -> str:
        """A merge field as text takes it."""
        return token(self.nonce, name)

    def html_value(self, name: str) -> str:
        """A merge field as HTML takes it; links are the same in both."""
        return token(self.nonce, name if _is_link(name) else _HTML + name)

    def inner(self, document: Any) -> str:
        """A document inside a string of the document (once): what stands in its slots is escaped twice."""
        return _dumped(document).replace(f"vt{self.nonce}-", f"vt{self.nonce}-{_INNER}")

    @property
    def html(self) -> str:
        """The HTML of the issue, for providers that take one full message per recipient."""
        return self.html_with(self.html_value)

    @property
    def text(self) -> str:
        """The text of the issue, likewise."""
        return self.text_with(self.value)

    def html_with(self, placeholder: Callable[[str], str]) -> str:
        """The HTML with the provider's own placeholders for the merge fields, for providers that merge."""
        return self.merger.html.filled({name: placeholder(name) for name in self.merger.html.names})

    def text_with(self, placeholder: Callable[[str], str]) -> str:
        """The text with the provider's own placeholders."""
        return self.merger.text.filled({name: placeholder(name) for name in self.merger.text.names})


@dataclass(frozen=True, slots=True)
class Body:
    """The body of one call: its length in bytes, and, as often as it is iterated, its chunks of at most `CHUNK`."""

    length: int
    make: Callable[[], Iterator[bytes]]

    def __iter__(self) -> Iterator[bytes]:
        return self.make()


class JsonMessage:
    """One issue as JSON for one provider."""

    def __init__(
        self, builder: MessageBuilder, *, whole: Callable[[Slots], Any], entry: Callable[[Slots], Any]
    ) -> None:
        """`whole` gives the document with `slots.each` as the only member of one array; `entry` gives one member.

        Raises MergeError where `slots.each` does not stand exactly once, or a slot stands where it has no value.
        """
        nonce = builder.rendered.nonce
        self._merger = Merger(builder.rendered)
        self._known = {_KEY, _TO, *(field.name for field in self._merger.fields)}
        slots = Slots(nonce, self._merger)
        self._head, self._tail = _halves(_dumped(whole(slots)), slots.each)
        entries = Segments.of(_dumped(entry(slots)), nonce)
        self._parts, self._names = entries.parts, entries.names
        for name in (*self._names, *Segments.of(f"{self._head}{self._tail}", nonce).names):
            self._refuse_unknown(name, own=name in self._names)

    def most(self, budget: int) -> int:
        """How many recipients a body of so many bytes holds, with room for long values; at least 1."""
        each = sum(map(len, self._parts)) + ROOM * len(self._names) + 1
        return max(1, (budget - len(self._head) - len(self._tail)) // each)

    def body(self, recipients: Sequence[Recipient]) -> Body:
        """The body of the call for these recipients. Raises HeaderError or MergeError for an unusable one.

        Everything that can be wrong is found here, before a byte has left.
        """
        by_name, number = self._escaped(Columns.of(recipients)), len(recipients)
        columns = [by_name[name] for name in self._names]
        long = {name: len("".join(column)) for name, column in by_name.items()}
        entries = sum(map(len, self._parts)) * number + sum(long[name] for name in self._names)
        length = len(self._head) + entries + max(0, number - 1) + len(self._tail)
        return Body(length, lambda: self._chunks(columns, number, entries))

    def _chunks(self, columns: Sequence[Column], number: int, length: int) -> Iterator[bytes]:
        yield from _cut(self._head.encode("ascii"))
        chunk = CHUNK if _is_wide(self._parts) else NARROW_CHUNK
        step = max(1, chunk * number // (length + number)) if number else 1
        for entries in _entries(self._parts, columns, number, step):
            yield from _cut(entries)
        yield from _cut(self._tail.encode("ascii"))

    def _escaped(self, recipients: Columns) -> dict[str, Column]:
        """The values of every slot, checked and escaped."""
        missing = [""] * len(recipients)
        values = {**recipients.values, "address": recipients.addresses}
        plain = {_KEY: checked_keys(recipients.keys), _TO: checked_addresses(recipients.addresses)}
        for field in self._merger.fields:
            check = addresses_as_text if field.name == "address" else checked_values
            plain[field.name] = check(field, values.get(field.name, missing))
        return {name: _escaped(name, plain) for name in dict.fromkeys(self._names)}

    def _refuse_unknown(self, name: str, *, own: bool) -> None:
        base = name.removeprefix(_INNER).removeprefix(_HTML)
        if base not in self._known:
            raise MergeError(f"The issue has no merge field '{base}' for a slot to hold. Mend the adapter.")
        if not own:
            raise MergeError(f"The slot '{base}' stands outside the recipients' entries. Mend the adapter.")


def _escaped(name: str, plain: Mapping[str, Column]) -> Column:
    """One slot's values between the quotes of a JSON string; keys, addresses and links need no escaping there."""
    if name in (_KEY, _TO) or _is_link(name) or plain.get(name) is plain[_TO]:
        return plain[name]
    if name.startswith(_INNER):
        return for_json(_escaped(name.removeprefix(_INNER), plain))
    if name.startswith(_HTML):
        return for_json(for_html(plain[name.removeprefix(_HTML)]))
    return for_json(plain[name])


def _entries(parts: Sequence[str], columns: Sequence[Column], number: int, step: int) -> Iterator[bytes]:
    """The entries, `step` at a time, with a comma before each but the first."""
    parts = (f",{parts[0]}", *parts[1:])
    encoded = [part.encode("ascii") for part in parts] if _is_wide(parts) else []
    for start in range(0, number, step):
        some = [column[start : start + step] for column in columns]
        times = min(step, number - start)
        made = _wide(encoded, some, times) if encoded else "".join(_woven(parts, some, times)).encode("ascii")
        yield made if start else made[1:]


def _is_wide(parts: Sequence[str]) -> bool:
    return sum(map(len, parts)) >= WIDE


def _wide(parts: Sequence[bytes], columns: Sequence[Column], times: int) -> bytes:
    """The entries joined as bytes, so that what is long is copied once."""
    return b"".join(_woven(parts, [[value.encode("ascii") for value in column] for column in columns], times))


def _woven(parts: Sequence[Piece], columns: Sequence[Sequence[Piece]], times: int) -> list[Piece]:
    """The parts, so many times, with a column's next value after each but the last."""
    pieces = [piece for part in parts for piece in (part, part)][:-1]
    period = len(pieces)
    pieces *= times
    for at, column in enumerate(columns):
        pieces[2 * at + 1 :: period] = column
    return pieces


def _cut(made: bytes) -> Iterator[bytes]:
    """In one piece where it fits a chunk."""
    if len(made) <= CHUNK:
        return iter((made,) if made else ())
    return (made[at : at + CHUNK] for at in range(0, len(made), CHUNK))


def _halves(document: str, each: str) -> tuple[str, str]:
    halves = document.split(f'"{each}"')
    if len(halves) != 2 or not (halves[0].endswith("[") and halves[1].startswith("]")):  # noqa: PLR2004 - a pair
        raise MergeError("The document needs the recipients' entries once, as [slots.each]. Mend the adapter.")
    return halves[0], halves[1]


def _dumped(document: Any) -> str:
    """JSON as providers get it: ASCII, without blanks. Tokens come through unchanged."""
    return json.dumps(document, separators=(",", ":"), allow_nan=False)


def _is_link(name: str) -> bool:
    return name in FIELDS and FIELDS[name].kind is FieldKind.URL
