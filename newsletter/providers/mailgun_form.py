"""The form of one call to Mailgun: what all people share is encoded once, their values are joined column by column.

Its length is a sum, so that it is streamed. The dictionary is an object with the addresses as names, which JsonMessage
(an array of entries) does not make; the checks and the escaping are the same.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, repeat

from newsletter.errors import MailError
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
from newsletter.mail.headers import mailbox_line
from newsletter.mail.json_message import CHUNK, ROOM, Body, Slots
from newsletter.mail.merging import Merger, Segments, woven
from newsletter.mail.message import MessageBuilder
from newsletter.providers.base import OutgoingBatch
from newsletter.providers.poster import Request
from newsletter.providers.repeats import once_each

METADATA = "nl_delivery"
MOST_BYTES = 50_000_000  #: Mailgun refuses a request of more than 52.4 MiB
MOST_OPTIONS = 16_000  #: bytes of everything that begins with o:, h: or v:; "16KB", read as the smaller of the two

#: How its variables begin. None can stand in an address of the web: no %re, %un, %ta or %ma there. A percent sign right
#: before a placeholder is no part of its name either.
TAGS = re.compile(r"%(?=recipient|unsubscribe|tag_unsubscribe|mailing_list|\Z)", re.IGNORECASE)
WORD_JOINER = "\u2060"  #: no width, no line break: the words look the same and are no variable any more


@dataclass(frozen=True, slots=True)
class MailgunCalls:
    """One issue, encoded."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    boundary: str
    shared: bytes = field(repr=False)  #: every part of the form that is the same for everybody
    entry: Segments = field(repr=False)  #: one recipient's place in the dictionary, with slots
    merger: Merger = field(repr=False)

    @classmethod
    def of(cls, builder: MessageBuilder, url: str, authorization: str, *, test: bool) -> "MailgunCalls":
        """Raises MailError for too much in headers, or a variable of Mailgun's in them."""
        boundary = f"nl{builder.rendered.digest[:32]}"
        merger = Merger(builder.rendered)
        slots = Slots(builder.rendered.nonce, merger)
        shared = "".join(_part(boundary, name, value) for name, value in _fields(builder, slots, test=test))
        entry = Segments.of(json.dumps(_entry(builder, slots), separators=(",", ":"))[1:-1], slots.nonce)
        headers = {"Authorization": authorization, "Content-Type": f"multipart/form-data; boundary={boundary}"}
        return cls(url, headers, boundary, shared.encode(), entry, merger)

    @property
    def most(self) -> int:
        """How many recipients fit a call."""
        each = sum(map(len, self.entry.parts)) + ROOM * (len(self.entry.names) + 1) + len(self._to)
        return max(1, (MOST_BYTES - len(self.shared)) // each)

    def request(self, batch: OutgoingBatch) -> Request:
        """The call; who has the same address as somebody before is not in it. Raises MailError."""
        people = once_each(Columns.of(batch.recipients))
        variables = self._variables(people)  # checks everybody, addresses too
        to = f"\r\n{self._to}".join(people.addresses)
        own = f"{self._to}{to}\r\n{_part(self.boundary, 'recipient-variables', variables)}"
        pieces = (self.shared, own.encode("ascii"), f"--{self.boundary}--\r\n".encode("ascii"))
        body = Body(sum(map(len, pieces)), lambda: _chunks(pieces))
        return Request("POST", self.url, self.headers, body, body.length)

    @property
    def _to(self) -> str:
        """What stands before each address."""
        return _head(self.boundary, "to")

    def _variables(self, people: Columns) -> str:
        """The dictionary: every name for everybody."""
        columns = self._columns(people)
        endless: list[Iterable[str]] = [repeat(part) for part in self.entry.parts]
        each = zip(*woven(endless, [columns[name] for name in self.entry.names]), strict=False)
        return "{" + ",".join(map("".join, each)) + "}"

    def _columns(self, people: Columns) -> dict[str, Column]:
        """The values of every slot, checked and escaped. Raises HeaderError or MergeError."""
        missing = [""] * len(people)
        values = {**people.values, "address": people.addresses}
        plain = {"key": checked_keys(people.keys), "to": checked_addresses(people.addresses)}
        for known in self.merger.fields:
            check = addresses_as_text if known.name == "address" else checked_values
            plain[known.name] = check(known, values.get(known.name, missing))
        in_html = {f"html{name}": for_html(column) for name, column in plain.items()}
        return {name: for_json((plain | in_html)[name]) for name in dict.fromkeys(self.entry.names)}


def _fields(builder: MessageBuilder, slots: Slots, *, test: bool) -> list[tuple[str, str]]:
    sender, lines = builder.sender, builder.list_headers("", "")
    lines["List-Unsubscribe"] = _placeholder("leave")  # as one value: %20 in it is not to meet a placeholder
    options = [
        ("o:tracking", "no"),
        ("o:tracking-clicks", "no"),
        ("o:tracking-opens", "no"),
        ("o:suppress-headers", "X-Mailgun-Variables"),  # else every reader could see our key in it
        *((("o:testmode", "yes"),) if test else ()),
        (f"v:{METADATA}", _placeholder("key")),
        ("h:Reply-To", _mailbox("Reply-To", sender.reply_to)),
        *((f"h:{name}", value) for name, value in lines.items()),
    ]
    sender_line = ("from", _mailbox("From", sender.sender))
    _refuse_unusable([sender_line, *options])
    return [
        sender_line,
        ("subject", tamed(builder.subject)),
        ("text", _merging(slots.merger.text, tamed, _placeholder)),
        ("html", _merging(slots.merger.html, tamed_html, lambda name: _placeholder(_in_html(slots, name)))),
        *options,
    ]


def _entry(builder: MessageBuilder, slots: Slots) -> dict[str, dict[str, str]]:
    """One recipient's dictionary, under their address."""
    fields = builder.rendered.fields
    own = {f"nl_{name}": slots.value(name) for name in fields}
    own |= {f"nl_{_in_html(slots, name)}": slots.html_value(name) for name in fields}
    leave = builder.list_headers(slots.value("unsubscribe"), slots.key)["List-Unsubscribe"]
    return {slots.to: {**own, "nl_leave": leave, "nl_key": slots.key}}


def _in_html(slots: Slots, name: str) -> str:
    """The same name where the value is the same: links."""
    return name if slots.html_value(name) == slots.value(name) else f"html_{name}"


def _placeholder(name: str) -> str:
    return f"%recipient.nl_{name}%"


def _merging(segments: Segments, tame: Callable[[str], str], placeholder: Callable[[str], str]) -> str:
    """The text with Mailgun's placeholders, and nothing else that it would take for one."""
    quiet = Segments(tuple(map(tame, segments.parts)), segments.names)
    return quiet.filled({name: placeholder(name) for name in segments.names})


def tamed(text: str) -> str:
    """Plain text in which nothing is a variable of Mailgun's; a reader sees no difference."""
    return TAGS.sub(lambda tag: tag[0] + WORD_JOINER, text)


def tamed_html(text: str) -> str:
    """HTML likewise: the percent sign as a reference."""
    return TAGS.sub("&#37;", text)


def _refuse_unusable(fields: Sequence[tuple[str, str]]) -> None:
    own = {_placeholder("leave"), _placeholder("key")}
    if any(TAGS.search(value) for _, value in fields if value not in own):
        raise MailError("The sender or a list header holds a variable of Mailgun's (%recipient…). Choose other words.")
    if sum(len(name) + len(value) for name, value in fields if name[:2] in ("o:", "h:", "v:")) > MOST_OPTIONS:
        raise MailError(
            f"Mailgun takes {MOST_OPTIONS} bytes of headers and options. Shorten the names of list or archive."
        )


def _mailbox(name: str, mailbox: str) -> str:
    """A mailbox as it stands in a header, on one line."""
    return mailbox_line(name, mailbox).decode("ascii").removeprefix(f"{name}:").replace("\r\n", "").strip()


def _head(boundary: str, name: str) -> str:
    return f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'


def _part(boundary: str, name: str, value: str) -> str:
    return f"{_head(boundary, name)}{value}\r\n"


def _chunks(pieces: Iterable[bytes]) -> Iterator[bytes]:
    return chain.from_iterable((piece[at : at + CHUNK] for at in range(0, len(piece), CHUNK)) for piece in pieces)
