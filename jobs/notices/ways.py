"""The ways of telling: mail to editors and operators, and a signed webhook to a chat or a pager.

A mail holds all that is due at once; the webhook is called once for each thing, and told as well when it is over.
"""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parseaddr
from typing import Any

from newsletter.config import Config
from newsletter.desk.desk import Desk
from newsletter.desk.notices import WHOM, Kind, Notice, Whom
from newsletter.desk.single import hand_over
from newsletter.desk.tellings import Telling
from newsletter.mail.message import MessageBuilder, Recipient
from newsletter.mail.notice import Paragraph, notice_mail
from newsletter.providers.base import Outcome, OutgoingBatch
from newsletter.providers.catalogue import key_of
from newsletter.providers.poster import Limits, Poster
from newsletter.providers.signed_call import secret_of, signed_call, why_not

#: For the webhook and the ping: they are short, and nobody waits for a chat.
LIMITS = Limits(whole=10.0, connect=5.0, connections=2, answer_bytes=100_000)
WEBHOOK = "webhook"


@dataclass(frozen=True, slots=True)
class Due:
    """One thing that is to be told by one way."""

    notice: Notice
    what: str  #: "opened", "reminder" or "resolved"
    told: Telling  #: the claim

    @property
    def id(self) -> str:
        """The same at every attempt, and of nothing else."""
        last = self.told.over_told_at if self.what == "resolved" else self.told.told_at
        said = f"{self.told.way}\n{self.notice.key}\n{self.what}\n{self.notice.first_seen}\n{last}"
        return f"notice-{hashlib.blake2b(said.encode(), digest_size=12).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Way:
    """One way of telling, and what goes by it. `tell` says why it failed, or nothing."""

    name: str
    kinds: frozenset[Kind]
    tell: Callable[[Sequence[Due]], str] = field(repr=False)
    together: bool = True  #: everything in one message
    also_over: bool = False  #: told as well when it is over: for machines


def ways(desk: Desk, poster: Poster, environ: Mapping[str, str] = os.environ) -> Iterator[Way]:
    """The webhook first: it is quick, and it goes where the provider does not."""
    settings = desk.config.telling
    if settings.webhook:
        yield Way(WEBHOOK, frozenset(Kind), _Hook(desk, poster, environ), together=False, also_over=True)
    for address, kinds in addressed(desk.config).items():
        yield Way(f"mail:{address}", kinds, _Mail(desk, address))


def addressed(config: Config) -> dict[str, frozenset[Kind]]:
    """Who is mailed what. Somebody who is both gets each once."""
    settings, found = config.telling, dict[str, frozenset[Kind]]()
    for whom, mailboxes in ((Whom.EDITORS, settings.editors), (Whom.OPERATORS, settings.operators)):
        kinds = frozenset(kind for kind in Kind if WHOM[kind] in (whom, Whom.BOTH))
        for address in (parseaddr(mailbox)[1] for mailbox in mailboxes):
            found[address] = found.get(address, frozenset()) | kinds
    return found


@dataclass(frozen=True, slots=True)
class _Mail:
    """Mail to one editor or operator, by the provider that mails the issues, or by the second one."""

    desk: Desk
    address: str

    def __call__(self, some: Sequence[Due]) -> str:
        publication = self.desk.config.publication
        first = some[0].notice.sentence.partition(". ")[0].rstrip(".")
        more = f" (and {len(some) - 1} more)" if len(some) > 1 else ""
        again = "Still: " if some[0].what == "reminder" else ""
        subject = f"[{publication.name}] {again}{first}{more}"
        rendered = notice_mail(subject, [_paragraph(one) for one in some], publication)
        builder = MessageBuilder(rendered, date=self.desk.clock())
        recipient = Recipient(self.address, _together(some), {"unsubscribe": f"{publication.base_url}/"})
        batch = OutgoingBatch(recipient.key, some[0].told.tries + 1, builder, [recipient])
        for receipt in hand_over(self.desk, batch, in_any_case=True).receipts:
            return "" if receipt.outcome is Outcome.ACCEPTED else receipt.reason or f"The mail was {receipt.outcome}."
        return "The provider said nothing."


def _paragraph(one: Due) -> Paragraph:
    return Paragraph(one.notice.sentence, one.notice.todo)


def _together(some: Sequence[Due]) -> str:
    return some[0].id if len(some) == 1 else f"notice-{_digest(one.id for one in some)}"


def _digest(ids: Iterator[str]) -> str:
    return hashlib.blake2b("\n".join(sorted(ids)).encode(), digest_size=12).hexdigest()


@dataclass(frozen=True, slots=True)
class _Hook:
    """The signed webhook."""

    desk: Desk
    poster: Poster
    environ: Mapping[str, str] = field(repr=False)

    def __call__(self, some: Sequence[Due]) -> str:
        settings, (one,) = self.desk.config.telling, some
        secret = secret_of(key_of(WEBHOOK, settings.webhook_key_file, self.environ))
        call = signed_call(settings.webhook or "", secret, one.id, self.desk.clock(), content(one, self.desk.config))
        return why_not(self.poster.post(call), "The webhook")


def content(one: Due, config: Config) -> dict[str, Any]:
    """What the webhook is posted: type, timestamp and data, as Standard Webhooks wants it, and a line for a chat."""
    notice, at = one.notice, one.notice.resolved_at or one.notice.first_seen
    over = "Over: " if one.what == "resolved" else "Still: " if one.what == "reminder" else ""
    return {
        "type": f"notice.{one.what}",
        "timestamp": _iso(at),
        "data": {
            "newsletter": config.publication.slug,
            "key": notice.key,
            "kind": notice.kind,
            "severity": str(notice.severity),
            "sentence": notice.sentence,
            "what_to_do": notice.todo,
            "since": _iso(notice.first_seen),
            "until": _iso(notice.resolved_at) if notice.resolved_at else None,
        },
        "text": f"[{config.publication.name}] {over}{notice.sentence}"
        + ("" if notice.resolved_at else f" {notice.todo}"),
    }


def _iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
