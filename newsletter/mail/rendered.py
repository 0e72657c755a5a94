"""The rendered issue: frozen subject, HTML and text, with tokens where merge fields will stand.

A token is `vt<nonce>-<field>-x`: only letters, digits and hyphens, so that it survives MRML, lxml, URL joiners and
quoted-printable, and with a nonce that no text of the issue contains (rendering reference, section 4).
"""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from enum import StrEnum


class FieldKind(StrEnum):
    """How a merge field's value is checked and written."""

    URL = "url"  #: https://host/path of unreserved characters: the same in HTML, text and headers
    TEXT = "text"  #: escaped in HTML, plain in text, no line breaks, at most `longest` characters


@dataclass(frozen=True, slots=True)
class MergeField:
    """A value that differs per subscriber."""

    name: str
    kind: FieldKind
    fallback: str = ""  #: used where a subscriber has none; a URL has no fallback
    longest: int = 200


FIELDS = {
    field_.name: field_
    for field_ in (
        MergeField("view", FieldKind.URL),
        MergeField("unsubscribe", FieldKind.URL),
        MergeField("preferences", FieldKind.URL),
        MergeField("vote", FieldKind.URL),  #: with "?of=" and more behind it: the page to vote on a comparison
        MergeField("address", FieldKind.TEXT, longest=254),
        MergeField("since", FieldKind.TEXT, fallback="some time ago", longest=40),
        MergeField("name", FieldKind.TEXT, fallback="reader", longest=80),
    )
}


class Level(StrEnum):
    """What a finding of the preflight does."""

    ERROR = "error"  #: blocks approval
    WARNING = "warning"  #: advises
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Finding:
    """What the preflight has to say."""

    level: Level
    code: str
    message: str
    place: str = ""


@dataclass(frozen=True, slots=True)
class Sender:
    """Who the issue is from, frozen with it: a changed setting cannot change what was approved."""

    sender: str  #: "Name <address>"
    reply_to: str
    list_id: str  #: RFC 2919, without brackets: "weekly.example.org"
    list_name: str
    unsubscribe_mailbox: str  #: address of the mailto unsubscribe
    feedback_id: str  #: "issue-12:weekly:newsletter:example"
    archive: str = ""  #: address of the archive, https or empty
    base_url: str = ""  #: where every link to our own pages begins


@dataclass(frozen=True, slots=True)
class RenderedIssue:
    """What is approved, kept and sent. Equal content has an equal digest."""

    subject: str
    preheader: str
    html: str
    text: str
    nonce: str
    fields: tuple[str, ...]
    sender: Sender
    findings: tuple[Finding, ...] = field(default=(), compare=False)

    @property
    def digest(self) -> str:
        """SHA-256 over everything that reaches a reader (so not the findings), in hexadecimal."""
        content = {key: value for key, value in asdict(self).items() if key != "findings"}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def dump(rendered: RenderedIssue) -> str:
    """The rendered issue as JSON, for keeping. `load` gives an equal one back, findings included."""
    return json.dumps(asdict(rendered), sort_keys=True, ensure_ascii=False)


def load(content: str) -> RenderedIssue:
    """The rendered issue that `dump` wrote."""
    parts = json.loads(content)
    findings = tuple(Finding(**{**each, "level": Level(each["level"])}) for each in parts.pop("findings"))
    fields, sender = tuple(parts.pop("fields")), Sender(**parts.pop("sender"))
    return RenderedIssue(**parts, fields=fields, sender=sender, findings=findings)
