"""One rendered issue for one subscriber: as a value for a provider's API, or as the bytes of RFC 5322.

The builder is made once per issue; it encodes what all messages share, so that a message costs a join.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime, parseaddr

from newsletter.errors import HeaderError
from newsletter.mail import headers, quoted_printable
from newsletter.mail.merging import Merger, woven
from newsletter.mail.rendered import RenderedIssue, Sender

KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
TEST_MARK = "[TEST] "
ONE_CLICK = "List-Unsubscribe=One-Click"  #: RFC 8058, section 3.1


@dataclass(frozen=True, slots=True)
class Recipient:
    """One subscriber, as far as a mail needs to know."""

    address: str
    key: str  #: the delivery's opaque key: in the Message-ID, and what a provider's events come back with
    values: Mapping[str, str]  #: merge fields by name; `address` is always the recipient's own


@dataclass(frozen=True, slots=True)
class Message:
    """One rendered issue merged for one subscriber."""

    to: str
    key: str
    subject: str
    headers: tuple[tuple[str, str], ...]  #: every header in order, unfolded and not encoded
    html: str
    text: str

    def header(self, name: str) -> str:
        """The value of a header that the message has."""
        return dict(self.headers)[name]

    @property
    def list_headers(self) -> tuple[tuple[str, str], ...]:
        """What a provider must be told in addition: the List- headers and Feedback-ID."""
        return tuple((name, value) for name, value in self.headers if name.startswith("List-") or name == "Feedback-ID")


class MessageBuilder:
    """Makes the messages of one issue. Equal arguments make equal bytes."""

    def __init__(self, rendered: RenderedIssue, *, date: datetime, marked: bool = False) -> None:
        """`date` (aware) goes into the Date header; `marked` prefixes the subject with [TEST].

        Raises HeaderError for an unusable subject or sender, MergeError where tokens and declared fields differ.
        """
        self.rendered, self.sender = rendered, rendered.sender
        self.subject = (TEST_MARK if marked else "") + headers.visible(rendered.subject)
        self.date = format_datetime(_aware(date))
        self.domain = parseaddr(self.sender.sender)[1].rpartition("@")[2]
        self._merger = Merger(rendered)
        self._head = _head(self.sender, self.subject, self.date)
        self._tail = _tail(self.sender)
        self._leave = headers.checked_address(self.sender.unsubscribe_mailbox)
        self._boundary = f"=_{rendered.digest[:32]}"  # `=_` cannot occur in quoted-printable
        self._text_parts = quoted_printable.encode_parts(self._merger.text)
        self._html_parts = quoted_printable.encode_parts(self._merger.html)
        self._joints = self._make_joints()

    def message(self, recipient: Recipient) -> Message:
        """The message as values. Raises HeaderError or MergeError for an unusable recipient."""
        address, key = _checked(recipient)
        plain = self._merger.plain({**recipient.values, "address": address})
        merged = self._merger.filled(plain)
        leave = self._unsubscribe(key, plain["unsubscribe"])
        lines = [
            ("From", self.sender.sender),
            ("Reply-To", self.sender.reply_to),
            ("To", address),
            ("Subject", self.subject),
            ("Date", self.date),
            ("Message-ID", f"<{key}@{self.domain}>"),
            ("List-Unsubscribe", leave),
            ("List-Unsubscribe-Post", ONE_CLICK),
            ("List-Id", f"{self.sender.list_name} <{self.sender.list_id}>"),
            ("Feedback-ID", self.sender.feedback_id),
        ]
        lines += [("List-Archive", f"<{self.sender.archive}>")] if self.sender.archive else []
        return Message(address, key, self.subject, tuple(lines), merged.html, merged.text)

    def list_headers(self, link: str, key: str) -> dict[str, str]:
        """What a provider's API must be told in addition to sender, recipient and subject; all of it is ASCII.

        `link` and `key` may be slots: they are put in as they are. The name in List-Id is only there where it is ASCII.
        """
        sender, name = self.sender, headers.visible(self.sender.list_name)
        plain = f"{name} " if name.isascii() and not headers.SPECIALS.search(name) else ""
        lines = {
            "List-Unsubscribe": self._unsubscribe(key, link),
            "List-Unsubscribe-Post": ONE_CLICK,
            "List-Id": f"{plain}<{sender.list_id}>",
            "Feedback-ID": sender.feedback_id,
        }
        return lines | ({"List-Archive": f"<{sender.archive}>"} if sender.archive else {})

    def mime(self, recipient: Recipient) -> bytes:
        """The complete message with CRLF line ends. Raises HeaderError or MergeError for an unusable recipient."""
        address, key = _checked(recipient)
        plain = self._merger.plain({**recipient.values, "address": address})
        leave = self._unsubscribe(key, plain["unsubscribe"]).replace(", ", ",\r\n ")
        own = f"To: {address}\r\nMessage-ID: <{key}@{self.domain}>\r\nList-Unsubscribe: {leave}\r\n".encode("ascii")
        after_head, between, end = self._joints
        encoded, in_html = self._encoded(plain)
        return b"".join(
            (
                self._head,
                own,
                after_head,
                *woven(self._text_parts, [encoded[name] for name in self._merger.text.names]),
                between,
                *woven(self._html_parts, [in_html[name] for name in self._merger.html.names]),
                end,
            )
        )

    def _encoded(self, plain: Mapping[str, str]) -> tuple[dict[str, bytes], dict[str, bytes]]:
        """The values in quoted-printable, for text and for HTML; most are the same in both."""
        encoded = {name: quoted_printable.encode_short(value) for name, value in plain.items()}
        in_html = encoded.copy()
        for name, value in self._merger.escaped(plain).items():
            if value != plain[name]:
                in_html[name] = quoted_printable.encode_short(value)
        return encoded, in_html

    def _unsubscribe(self, key: str, link: str) -> str:
        return f"<{link}>, <mailto:{self._leave}?subject=unsubscribe%20{key}>"

    def _make_joints(self) -> tuple[bytes, bytes, bytes]:
        """What stands after the recipient's own headers, between the two parts, and at the end."""
        border = f"--{self._boundary}"
        part = "Content-Type: text/{}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
        kind = f'Content-Type: multipart/alternative;\r\n boundary="{self._boundary}"\r\n'
        after_head = self._tail + f"MIME-Version: 1.0\r\n{kind}\r\n{border}\r\n{part.format('plain')}".encode("ascii")
        between = f"\r\n{border}\r\n{part.format('html')}".encode("ascii")
        return after_head, between, f"\r\n{border}--\r\n".encode("ascii")


def _head(sender: Sender, subject: str, date: str) -> bytes:
    return (
        headers.mailbox_line("From", sender.sender)
        + headers.mailbox_line("Reply-To", sender.reply_to)
        + headers.line("Subject", subject)
        + headers.line("Date", date)
    )


def _tail(sender: Sender) -> bytes:
    lines = headers.line("List-Unsubscribe-Post", ONE_CLICK)
    lines += headers.phrase_line("List-Id", headers.visible(sender.list_name), sender.list_id)
    lines += headers.line("Feedback-ID", sender.feedback_id)
    return lines + (headers.phrase_line("List-Archive", "", sender.archive) if sender.archive else b"")


def _checked(recipient: Recipient) -> tuple[str, str]:
    if not KEY.fullmatch(recipient.key):
        raise HeaderError("A delivery's key must be 1 to 128 letters, digits and ._- to stand in a Message-ID.")
    return headers.checked_address(recipient.address), recipient.key


def _aware(date: datetime) -> datetime:
    if date.tzinfo is None:
        raise HeaderError("The date of a message needs a time zone; use an aware datetime in UTC.")
    return date
