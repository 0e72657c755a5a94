"""One message as a reader would get it, and what its headers promise (rendering reference, 7; RFC 8058)."""

import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from email.utils import getaddresses

from newsletter.config import Publication
from newsletter.delivery.addressing import Addressing, Member
from newsletter.issues.composition import Composition
from newsletter.mail.merging import token
from newsletter.mail.message import ONE_CLICK, MessageBuilder
from newsletter.mail.rendered import RenderedIssue
from newsletter.mail.rendering import sender_of
from newsletter.providers.checkup import Finding, green, red, yellow
from subscribers.subscriber import new_ref
from subscribers.tokens import Keys

Headers = Sequence[tuple[str, str]]  #: names and unfolded values, in order

GOOD_LINK = 200  #: characters; Postmark and Microsoft refuse much longer ones (providers reference, fact 6)
LONGEST_VALUE = 995  #: of a header, at Amazon SES
_URI = re.compile(r"<([^<>]*)>")
_ONCE = ("From", "Reply-To", "To", "Subject", "Date", "Message-ID", "List-Unsubscribe", "List-Unsubscribe-Post",
         "List-Id", "MIME-Version", "Content-Type")  # fmt: skip
_FIELDS = ("view", "unsubscribe", "preferences", "address")
_NONCE = "5a5a5a5a"


def small_issue(publication: Publication, now: datetime) -> RenderedIssue:
    """An issue of a few lines from this newsletter, where there is no real one yet."""
    nothing = Composition(
        newsletter=publication.name, number=1, week="2026-W01", date=now.date(), subject="A sample", preheader="",
        summary="", items=(),
    )  # fmt: skip
    slots = [token(_NONCE, name) for name in _FIELDS]
    links = "".join(f'<a href="{slot}">x</a>' for slot in slots[:-1])
    html, text = f"<!DOCTYPE html><html><body>{links}{slots[-1]}</body></html>", "\n".join(slots)
    return RenderedIssue("A sample", "", html, text, _NONCE, _FIELDS, sender_of(nothing, publication))


def headers_of(rendered: RenderedIssue, keys: Keys, now: datetime) -> Headers:
    """The headers of a message of this issue, to nobody, with a link as long as a real one. Raises MailError."""
    addressing = Addressing(keys, rendered.sender.base_url, issue_id=1, week="2026-W01")
    recipient = addressing.columns([Member(ref := new_ref(), "reader@example.org", "", "2026-01-01", ref)])[0]
    return read(MessageBuilder(rendered, date=now).mime(recipient))


def read(content: bytes) -> Headers:
    """The headers of these bytes."""
    head = re.sub(r"\r\n(?=[ \t])", "", content.partition(b"\r\n\r\n")[0].decode("ascii", "replace"))
    lines = (line.partition(":") for line in head.split("\r\n"))
    return [(name, value.strip()) for name, _, value in lines]


def findings(headers: Headers, domain: str) -> list[Finding]:
    """What receivers look for in the headers of bulk mail; `domain` is that of From."""
    return [
        _each_once(headers),
        _sender(headers, domain),
        *_leaving(headers),
        _one_click(headers),
        _id(headers, domain),
    ]


def _values(headers: Headers, wanted: str) -> list[str]:
    return [value for name, value in headers if name.lower() == wanted.lower()]


def _each_once(headers: Headers) -> Finding:
    count = Counter(name.lower() for name, _ in headers)
    wrong = [name for name in _ONCE if count[name.lower()] != 1]
    doubled = sorted(name for name, times in count.items() if times > 1)
    if wrong or doubled:
        names = ", ".join(dict.fromkeys([*wrong, *doubled]))
        return red("Headers of a message", f"Not there exactly once: {names}.", "Report this: it is a defect.")
    return green("Headers of a message", "Each of those that receivers check is there once.")


def _sender(headers: Headers, domain: str) -> Finding:
    addresses = [address for _, address in getaddresses(_values(headers, "From"))]
    if len(addresses) == 1 and addresses[0].lower().endswith(f"@{domain.lower()}"):
        return green("From", f"One address, at {domain}.")
    found = f"{len(addresses)} addresses" if len(addresses) != 1 else f"Its address is not at {domain}"
    return red("From", f"{found}.", "Set publication.from to Name <address@your-domain>, and draft the issue again.")


def _leaving(headers: Headers) -> list[Finding]:
    """List-Unsubscribe: what is in it, and how long it is."""
    looked_at, value = "List-Unsubscribe", ", ".join(_values(headers, "List-Unsubscribe"))
    links = _URI.findall(value)
    web = [link for link in links if not link.lower().startswith("mailto:")]
    https = [link for link in web if link.lower().startswith("https://")]
    if len(https) != 1 or len(web) != 1:
        count = "no https link" if not https else f"{len(web)} links"
        found = f"There is {count} in it; one-click unsubscribing (RFC 8058) needs exactly one, with https."
        return [red(looked_at, found, "Set publication.base_url to an https address, and draft the issue again.")]
    if len(links) == len(web):
        return [yellow(looked_at, "There is no mailto in it.", "Set publication.unsubscribe_mailbox.")]
    return [green(looked_at, "One https link and a mailto."), _length(len(https[0]), len(value))]


def _length(link: int, value: int) -> Finding:
    looked_at = "Length of List-Unsubscribe"
    if value > LONGEST_VALUE:
        found = f"{value} characters; Amazon SES takes {LONGEST_VALUE}."
        return red(looked_at, found, "Shorten publication.base_url and the mailbox.")
    if link >= GOOD_LINK:
        found = f"The link has {link} characters; Microsoft refuses mail for long ones."
        return yellow(looked_at, found, f"Shorten publication.base_url: stay below {GOOD_LINK}.")
    return green(looked_at, f"The link has {link} characters, the whole {value}.")


def _one_click(headers: Headers) -> Finding:
    if _values(headers, "List-Unsubscribe-Post") == [ONE_CLICK]:
        return green("List-Unsubscribe-Post", f"{ONE_CLICK}.")
    return red("List-Unsubscribe-Post", f"It is not '{ONE_CLICK}'.", "Report this: it is a defect.")


def _id(headers: Headers, domain: str) -> Finding:
    if all(value.lower().endswith(f"@{domain.lower()}>") for value in _values(headers, "Message-ID")):
        return green("Message-ID", f"On {domain}.")
    return red("Message-ID", f"It is not on {domain}.", "Draft the issue again: From was changed since.")
