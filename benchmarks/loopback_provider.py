"""Two made-up providers for the sink, in the two styles that real ones have, and a list of made-up people.

Style a: one body, and per recipient the values (1,000 a call; the answer names nobody). Style b: full messages (500 a
call; the answer has a line for each).
"""

import json
import sqlite3
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from sender_samples import NONCE, SENDER

from newsletter.database import engine_for, transaction
from newsletter.delivery.addressing import Addressing
from newsletter.delivery.ledger import begin
from newsletter.issues.issue import Issue, IssueStatus
from newsletter.mail.columns import Columns
from newsletter.mail.json_message import JsonMessage, Slots
from newsletter.mail.message import MessageBuilder
from newsletter.mail.rendered import RenderedIssue
from newsletter.migrations import upgrade
from newsletter.providers.base import Answer, Capabilities, Outcome, OutgoingBatch, Receipt, all_alike
from newsletter.providers.poster import Answered, Poster, Request
from subscribers.subscriber import new_refs
from subscribers.tokens import Keys

NOW = datetime(2026, 11, 12, 9, tzinfo=UTC)
SECRET = b"a secret for benchmarks, of 32 bytes"
BASE = "https://news.example.org"
FIELDS = ("view", "unsubscribe", "preferences", "vote", "address", "name")
VOTES = 13  #: links to vote and save, in a lead and seven briefs


def issue_of(kilobytes: int) -> RenderedIssue:
    """An issue of this size: HTML with some characters beyond ASCII, and the fields that real ones have."""

    def token(name: str) -> str:
        return f"vt{NONCE}-{name}-x"

    links = "".join(f'<p><a href="{token(name)}">{name}</a></p>' for name in ("view", "unsubscribe", "preferences"))
    links += f'<p><a href="{token("vote")}?of=heron-vs-zuraw&amp;ship=heron">Ship it</a></p>' * VOTES
    line = '<tr><td style="padding:12px 24px">Ship it – or skip it? The panel “divided”, once more.</td></tr>'
    lines = line * ((kilobytes * 1000) // len(json.dumps(line)))
    return RenderedIssue(
        subject="Patchwork ships, Forkbeam divides the panel",
        preheader="Six comparisons",
        html=f"<!DOCTYPE html><html><body><p>Hello {token('name')},</p>{links}<table>{lines}</table>{token('address')}",
        text="\n".join(token(name) for name in FIELDS),
        nonce=NONCE,
        fields=FIELDS,
        sender=SENDER,
    )


def style_a(builder: MessageBuilder) -> JsonMessage:
    """One body with placeholders; per recipient the values, the key and the way out."""

    def whole(slots: Slots) -> Any:
        content = [
            {"type": "text/plain", "value": slots.text_with(lambda name: f"-{name}-")},
            {
                "type": "text/html",
                "value": slots.html_with(lambda name: f"-html-{name}-" if name == "name" else f"-{name}-"),
            },
        ]
        return {"personalizations": [slots.each], "subject": builder.subject, "content": content}

    def entry(slots: Slots) -> Any:
        values = {f"-{name}-": slots.value(name) for name in FIELDS} | {"-html-name-": slots.html_value("name")}
        leave = f"<{slots.value('unsubscribe')}>, <mailto:leave@example.org?subject=unsubscribe%20{slots.key}>"
        return {
            "to": [{"email": slots.to}],
            "substitutions": values,
            "headers": {"List-Unsubscribe": leave},
            "custom_args": {"key": slots.key},
        }

    return JsonMessage(builder, whole=whole, entry=entry)


def style_b(builder: MessageBuilder) -> JsonMessage:
    """A full message for each."""

    def entry(slots: Slots) -> Any:
        leave = f"<{slots.value('unsubscribe')}>, <mailto:leave@example.org?subject=unsubscribe%20{slots.key}>"
        return {
            "From": builder.sender.sender,
            "To": slots.to,
            "Subject": builder.subject,
            "HtmlBody": slots.html,
            "TextBody": slots.text,
            "Headers": [{"Name": "List-Unsubscribe", "Value": leave}],
            "Metadata": {"key": slots.key},
        }

    return JsonMessage(builder, whole=lambda slots: [slots.each], entry=entry)


@dataclass
class LoopbackProvider:
    """Posts to the sink; style "a" or "b". Without a poster it accepts everything at once: what the ledger costs."""

    builder: MessageBuilder
    style: str
    poster: Poster | None = None
    url: str = ""
    message: JsonMessage = field(init=False)

    def __post_init__(self) -> None:
        self.message = (style_a if self.style == "a" else style_b)(self.builder)

    @property
    def capabilities(self) -> Capabilities:
        """As the style's real providers have them."""
        return Capabilities("sink", 1000 if self.style == "a" else 500, remembers_keys_for=timedelta(days=1))

    def fits(self, _builder: MessageBuilder) -> int:
        """As many as it says."""
        return self.capabilities.batch_size

    def send(self, batch: OutgoingBatch) -> Answer:
        """Build, post, interpret."""
        if self.poster is None:
            return Answer(all_alike(batch, Outcome.ACCEPTED))
        said = self.poster.post(self.build(batch))
        if not isinstance(said, Answered):
            return Answer(all_alike(batch, Outcome.UNKNOWN, said.reason))
        return self.interpret(batch, said)

    def look_up(self, _batch_key: str, delivery_keys: Sequence[str]) -> Sequence[Receipt]:
        """Never asked."""
        return [Receipt(key, Outcome.UNKNOWN) for key in delivery_keys]

    def build(self, batch: OutgoingBatch) -> Request:
        """The call."""
        body = self.message.body(batch.recipients)
        headers = {"Content-Type": "application/json", "Idempotency-Key": batch.key}
        return Request("POST", self.url, headers, body, body.length)

    def interpret(self, batch: OutgoingBatch, said: Answered) -> Answer:
        """202: everybody; 200: a line for each."""
        if said.status == 202:
            return Answer(all_alike(batch, Outcome.ACCEPTED))
        results = json.loads(said.body)["results"]
        if [one["key"] for one in results] == Columns.of(batch.recipients).keys and not any(
            r["error"] for r in results
        ):
            return Answer(all_alike(batch, Outcome.ACCEPTED, provider_ids=[one["id"] for one in results]))
        return Answer(
            [Receipt(one["key"], Outcome.REFUSED if one["error"] else Outcome.ACCEPTED, one["id"]) for one in results]
        )


def database(folder: Path, people: int) -> Engine:
    """A SQLite file with so many active people, FULL durability, and issue 1 on its way to them."""
    engine = engine_for(f"sqlite:///{folder}/newsletter.db")
    upgrade(engine)
    fill(folder / "newsletter.db", people)
    with transaction(engine) as session:
        session.add(
            Issue(
                id=1,
                number=1,
                week="2026-W46",
                status=IssueStatus.SENDING,
                digest="d",
                newsletter="weekly",
                date=NOW.date(),
                created_at=NOW,
                updated_at=NOW,
            )
        )
        session.flush()
        begin(session, 1, "d", NOW)
    return engine


def fill(path: Path, people: int) -> None:
    """Put the people in, without our own code: it is not what is measured. One in twenty has a name beyond ASCII."""
    at = "2026-01-02 03:04:05.000000"
    rows = (
        (
            ref,
            f"reader.{n:x}@mail{n % 97}.example.org",
            f"print-{n:x}",
            "Zoë Ångström" if n % 20 == 0 else "Ada Njeri",
            at,
        )
        for n, ref in enumerate(new_refs(people))
    )
    with sqlite3.connect(path) as connection:
        connection.executemany(
            "insert into subscriber (ref, address, address_key, fingerprint, name, status, signed_up_at, confirmed_at, "
            "status_since, source) values (?1, ?2, ?2, ?3, ?4, 'active', ?5, ?5, ?5, 'benchmark')",
            rows,
        )
    connection.close()


def addressing() -> Addressing:
    """Links as real ones are."""
    return Addressing(Keys(SECRET), BASE, issue_id=1, week="2026-W46")
