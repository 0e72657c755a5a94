"""A small adapter for the fake provider: pure `build` and `interpret`, any poster between them."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from json_samples import personalized

from newsletter.mail.json_message import JsonMessage
from newsletter.mail.message import MessageBuilder
from newsletter.providers.base import Answer, Capabilities, Directive, Outcome, OutgoingBatch, Receipt, all_alike
from newsletter.providers.poster import Answered, Failed, Poster, Request, Taken

LONGEST_WAIT = 3600.0

#: status → what became of everybody, what to do next; any other status is doubt
JUDGED = {
    400: (Outcome.REFUSED, Directive.SPLIT),
    413: (Outcome.REFUSED, Directive.SPLIT),
    422: (Outcome.REFUSED, Directive.SPLIT),
    401: (Outcome.RETRY, Directive.HALT),
    403: (Outcome.RETRY, Directive.HALT),
    429: (Outcome.RETRY, Directive.SLOW_DOWN),
}


@dataclass
class FakeEspProvider:
    """The fake provider behind the port."""

    poster: Poster
    url: str
    remembers: bool = False
    answers_look_ups: bool = False
    batch_size: int = 100
    style: Callable[[MessageBuilder], JsonMessage] = personalized
    _made: dict[int, JsonMessage] = field(default_factory=dict)

    @property
    def capabilities(self) -> Capabilities:
        """What it was told to have."""
        keys = timedelta(days=1) if self.remembers else None
        return Capabilities("fake-esp", self.batch_size, None, timedelta(seconds=60), keys, self.answers_look_ups)

    def fits(self, _builder: MessageBuilder) -> int:
        """As many as it says."""
        return self.capabilities.batch_size

    def send(self, batch: OutgoingBatch) -> Answer:
        """Build, post, interpret."""
        return self.interpret(batch, self.poster.post(self.build(batch)))

    def look_up(self, _batch_key: str, delivery_keys: Sequence[str]) -> Sequence[Receipt]:
        """Ask which of these it has."""
        asked = "&".join(f"key={key}" for key in delivery_keys)
        said = self.poster.post(Request("GET", f"{self.url}?{asked}"))
        found = _parsed(said).get("accepted") if isinstance(said, Answered) else None
        if found is None:
            return [Receipt(key, Outcome.UNKNOWN) for key in delivery_keys]
        return [Receipt(key, Outcome.ACCEPTED if key in found else Outcome.RETRY) for key in delivery_keys]

    def build(self, batch: OutgoingBatch) -> Request:
        """The call. Raises MailError for an unusable recipient, before anything is sent."""
        message = self._made.get(id(batch.builder)) or self._made.setdefault(
            id(batch.builder), self.style(batch.builder)
        )
        body = message.body(batch.recipients)
        headers = {"Content-Type": "application/json", "Idempotency-Key": batch.key}
        return Request("POST", self.url, headers, body, body.length)

    def interpret(self, batch: OutgoingBatch, said: Answered | Failed) -> Answer:
        """A receipt for everybody, and what to do next."""
        if isinstance(said, Failed):
            unsent = said.taken is Taken.NOT_SENT
            return Answer(all_alike(batch, Outcome.RETRY if unsent else Outcome.UNKNOWN, said.reason))
        if said.status in JUDGED:
            outcome, directive = JUDGED[said.status]
            return Answer(all_alike(batch, outcome, f"HTTP {said.status}"), directive, _wait(said.headers))
        if said.status == 200 and (results := _parsed(said).get("results")):
            return Answer([_receipt(result) for result in results])
        return Answer(all_alike(batch, Outcome.UNKNOWN, f"HTTP {said.status} without results"))


def _receipt(result: Mapping[str, str]) -> Receipt:
    outcome = Outcome.REFUSED if result["error"] else Outcome.ACCEPTED
    return Receipt(result["key"], outcome, result["id"], result["error"])


def _parsed(said: Answered) -> dict[str, Any]:
    """The answer's document; nothing if it is none."""
    try:
        document = json.loads(said.body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _wait(headers: Mapping[str, str]) -> float:
    """Retry-After in seconds; a date or nonsense is nothing, and nobody waits for years."""
    text = headers.get("retry-after", "")
    return min(float(text), LONGEST_WAIT) if text.isascii() and text.isdigit() else 0.0
