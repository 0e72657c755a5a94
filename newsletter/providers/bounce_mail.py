"""A mail that came back, read: reports of failure (RFC 3464), complaints (RFC 5965), automatic answers. Pure.

And the mail of whoever leaves by the mailto form of List-Unsubscribe (RFC 2369): the key of a delivery, or of a letter
(desk/leaving_by_mail.py), is its subject.
Whose delivery the others are about says an address of ours: we send from `bounces+<delivery key>@`, and the key holds
120 random bits that only the reader's own copy of the mail knows. Nothing else in the mail is believed about who it is,
and whom the key names is decided by whoever knows the deliveries: a forged mail with a made-up key names nobody (S-52).
A mail is a stranger's text of any size and shape: little of it is read, and it never raises.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, message_from_string
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.utils import parsedate_to_datetime
from enum import StrEnum

from newsletter.providers.bounce_status import kind_of, kind_of_prose
from newsletter.providers.hooks import LONGEST_REASON, Event, Kind

MOST_READ = 256_000  #: bytes of a mail: a report stands in front of the mail that it returns
MOST_PARTS = 20  #: boundaries: more than that is no report but a way to keep us busy
_MOST_VALUES, _LONGEST_VALUE, _LONGEST_PROSE, _MOST_BLOCKS = 20, 2_000, 4_000, 20

#: What may stand behind the plus of our return path: a delivery's key, or a test copy's.
_TAG = r"([a-z0-9][a-z0-9_.-]{0,63})"
#: A delivery's key, in a Message-ID: there anything else may be anybody's.
_KEY = r"([1-9][0-9]{0,9}-[a-z2-7]{24})"
#: The subject that stands in List-Unsubscribe (mail/message.py); before a letter's key stands what it is about.
_LEAVING = re.compile(rf"unsubscribe(?:\s|%20|\+)+((?:[a-z]{{2,20}}-){{0,3}}{_KEY})", re.IGNORECASE)
_BOUNDARY = re.compile(rb"\bboundary\s*=", re.IGNORECASE)
_MESSAGE_ID = re.compile(rf"<{_KEY}@[^<>\s@]+>", re.IGNORECASE)
#: Where delivering servers write whom a mail came for: Postfix, Dovecot and qmail, Exim, and the mail itself.
_ENVELOPE = ("x-original-to", "delivered-to", "envelope-to", "x-envelope-to", "to")
_STATUS = ("message/delivery-status", "message/global-delivery-status")
_RETURNED = ("message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers")
_DAEMONS = re.compile(r"\b(?:mailer-daemon|postmaster|mail delivery)\b", re.IGNORECASE)
_FEEDBACK = {"abuse": Kind.COMPLAINED, "fraud": Kind.COMPLAINED, "opt-out": Kind.UNSUBSCRIBED}
#: Where one report speaks of several (the reader's address stands for a few), the mildest is known of the reader.
_MILDEST = (
    Kind.DELIVERED, Kind.ACCEPTED, Kind.DEFERRED, Kind.UNKNOWN, Kind.BLOCKED, Kind.SOFT_BOUNCED, Kind.HARD_BOUNCED,
)  # fmt: skip


class Sort(StrEnum):
    """What kind of mail it is."""

    REPORT = "report"  #: of what became of a delivery
    COMPLAINT = "complaint"
    ANSWER = "automatic answer"
    LEAVING = "asks to leave"  #: by the mailto form of List-Unsubscribe (RFC 2369)
    STRANGE = "not understood"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a mail says. Without an event nothing follows from it."""

    sort: Sort
    event: Event | None = None


_STRANGE = Reading(Sort.STRANGE)


def read(content: bytes, bounce: str, now: datetime, recipient: str = "") -> Reading:
    """What this mail says of one delivery. Never raises.

    `bounce` is the address that mail is sent from, without a key; `recipient`, where it is known, the envelope's.
    """
    some = content[:MOST_READ]
    if len(_BOUNDARY.findall(some)) > MOST_PARTS:
        return _STRANGE
    try:
        return _read(message_from_bytes(some), some, _Verp.of(bounce), now, recipient)
    except (
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        RecursionError,
        HeaderParseError,
    ):  # what email makes of hostile mail
        return _STRANGE


@dataclass(frozen=True, slots=True)
class _Verp:
    """Our return paths."""

    pattern: re.Pattern[str]

    @classmethod
    def of(cls, bounce: str) -> "_Verp":
        local, _, domain = bounce.rpartition("@")
        return cls(re.compile(rf"(?<![\w.+-]){re.escape(local)}\+{_TAG}@{re.escape(domain)}(?![\w.-])", re.IGNORECASE))

    def key(self, texts: Sequence[str]) -> str:
        """The key in the first address of ours among these; empty where there is none."""
        found = (self.pattern.search(text) for text in texts)
        return next((one[1].lower() for one in found if one), "")


def _read(mail: Message, content: bytes, verp: _Verp, now: datetime, recipient: str) -> Reading:
    parts = _parts(mail)
    key = verp.key([recipient, *(value for name in _ENVELOPE for value in _values(mail, name))])
    if report := _first(parts, ("message/feedback-report",)):
        sort, said = Sort.COMPLAINT, _complaint(report)
        key = verp.key(_values(_fields(report), "original-mail-from")) or key
    elif report := _first(parts, _STATUS):
        sort, said = Sort.REPORT, _failed(report)
    elif asked := _leaving(mail):
        key, sort, said = asked, Sort.LEAVING, (Kind.UNSUBSCRIBED, "mailto", "")
    elif _is_automatic(mail, parts):
        sort, said = Sort.ANSWER, (Kind.REPLIED, "automatic answer", "")
    elif _is_daemon(mail) and (prose := _prose(mail, parts)):
        sort, said = Sort.REPORT, prose
    else:
        return _STRANGE
    key = key or _returned_key(parts, verp)
    if not key:
        return _STRANGE
    kind, word, reason = said
    at = _arrived(mail, now) if kind is Kind.UNSUBSCRIBED else _written(mail, now)
    return Reading(sort, Event(kind, key, _id(mail, content, key), at, word, reason[:LONGEST_REASON]))


def _leaving(mail: Message) -> str:
    """The key in the subject of whoever leaves by mail: as our List-Unsubscribe made it, perhaps left in its coding."""
    said = str(make_header(decode_header(_value(mail, "subject"))))
    found = _LEAVING.fullmatch(said.strip())
    return found[1].lower() if found else ""


def _parts(mail: Message) -> list[Message]:
    """The parts right below: a report inside of a mail that somebody forwards is no report to us."""
    found = mail.get_payload()
    return [one for one in found if isinstance(one, Message)][:MOST_PARTS] if isinstance(found, list) else []


def _first(parts: Sequence[Message], types: Sequence[str]) -> Message | None:
    return next((part for part in parts if part.get_content_type() in types), None)


def _values(mail: Message, name: str) -> list[str]:
    """All values of a header, as text on one line."""
    return [" ".join(str(value)[:_LONGEST_VALUE].split()) for value in mail.get_all(name, [])[:_MOST_VALUES]]


def _value(mail: Message, name: str) -> str:
    return next(iter(_values(mail, name)), "")


def _fields(report: Message) -> Message:
    """The fields of a report that is one block."""
    return next(iter(_parts(report)), report)


def _blocks(report: Message) -> list[Message]:
    """The blocks of fields of a report: one on the message, then one for each recipient."""
    blocks = _parts(report)
    if len(blocks) == 1 and isinstance(text := blocks[0].get_payload(), str):  # one that email does not know (RFC 6533)
        blocks += [message_from_string(one) for one in text.split("\n\n")[:_MOST_BLOCKS] if one.strip()]
    return blocks


def _failed(report: Message) -> tuple[Kind, str, str]:
    """What a report says: kind, word and reason. Without a recipient in it, it says nothing."""
    said = [_recipient(block) for block in _blocks(report) if block["action"] or block["status"]]
    if not said:
        return Kind.UNKNOWN, "report", ""
    return min(said, key=lambda one: _MILDEST.index(one[0]))


def _recipient(block: Message) -> tuple[Kind, str, str]:
    action = _value(block, "action").lower().partition(" ")[0]
    diagnostic = _value(block, "diagnostic-code")
    kind, code = kind_of(action, _value(block, "status"), diagnostic)
    return kind, f"{action} {code}".strip(), diagnostic or _value(block, "status")


def _complaint(report: Message) -> tuple[Kind, str, str]:
    word = _value(_fields(report), "feedback-type").lower()
    return _FEEDBACK.get(word, Kind.UNKNOWN), f"feedback {word}".strip(), ""


def _is_automatic(mail: Message, parts: Sequence[Message]) -> bool:
    """An out-of-office, or a receipt that somebody read it (RFC 3834, RFC 8098). Exim's bounces are none."""
    if mail["x-failed-recipients"]:
        return False
    if _first(parts, ("message/disposition-notification",)):
        return True
    said = (_value(mail, name).lower() for name in ("auto-submitted", "x-autoreply", "x-autorespond", "precedence"))
    submitted, *others = said
    return (
        submitted not in ("", "no", "auto-generated")
        or others[0] == "yes"
        or bool(others[1])
        or (others[2] in ("auto_reply", "auto-reply"))
    )


def _is_daemon(mail: Message) -> bool:
    """A mail server's own: it has no sender, or says so."""
    return _value(mail, "return-path") == "<>" or bool(
        mail["x-failed-recipients"] or _DAEMONS.search(_value(mail, "from"))
    )


def _prose(mail: Message, parts: Sequence[Message]) -> tuple[Kind, str, str] | None:
    """What a bounce without a report says, if there is a code in it; what it returns of our mail is not looked at."""
    first = parts[0] if parts else mail
    decoded = first.get_payload(decode=True) if first.get_content_maintype() == "text" else b""
    text = decoded[:_LONGEST_PROSE].decode("ascii", "replace") if isinstance(decoded, bytes) else ""
    kind, code = kind_of_prose(text)
    return (kind, f"prose {code}", "") if code and kind is not Kind.UNKNOWN else None


def _returned_key(parts: Sequence[Message], verp: _Verp) -> str:
    """The key in what is returned of our mail: its return path, or its Message-ID."""
    for original in _originals(parts):
        ids = (_MESSAGE_ID.search(value) for value in _values(original, "message-id"))
        if key := verp.key(_values(original, "return-path")) or next((one[1].lower() for one in ids if one), ""):
            return key
    return ""


def _originals(parts: Sequence[Message]) -> Iterator[Message]:
    for part in parts:
        if part.get_content_type() in _RETURNED:
            inner = part.get_payload()
            yield message_from_string(inner) if isinstance(inner, str) else _fields(part)


def _id(mail: Message, content: bytes, key: str) -> str:
    """The same for the same mail: by its Message-ID, else by all that was read of it."""
    own = _value(mail, "message-id").encode(errors="replace") or content
    return "mail:" + hashlib.sha256(own + b"\n" + key.encode()).hexdigest()[:48]


def _written(mail: Message, now: datetime) -> datetime:
    """When it was written, by its writer's clock."""
    return _moment(_value(mail, "date"), now)


def _arrived(mail: Message, now: datetime) -> datetime:
    """When it came in, by the last server's own line, the first of them; a reader's clock may be years behind."""
    return _moment(_value(mail, "received").rpartition(";")[2], now)


def _moment(text: str, now: datetime) -> datetime:
    """This date in UTC: never later than now, which is also what counts where it cannot be read."""
    try:
        said = parsedate_to_datetime(text)
        return min((said if said.tzinfo else said.replace(tzinfo=UTC)).astimezone(UTC), now)
    except (ValueError, TypeError, OverflowError, IndexError):
        return now
