"""The provider on loopback, behind the port."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from http.client import HTTPConnection, HTTPException

from newsletter.mail.message import MessageBuilder
from newsletter.providers.base import Answer, Capabilities, Directive, Outcome, OutgoingBatch, Receipt, all_alike

CAPABILITIES = ("key", "look-up", "neither")
LONGEST = timedelta(seconds=0.3)  #: the provider takes no request that is older; its late ones are younger
TIMEOUT = 5.0
#: What a status says of everybody; of any other but 200 nobody knows.
SAID = {
    401: (Outcome.RETRY, Directive.HALT),
    422: (Outcome.REFUSED, Directive.SPLIT),
    429: (Outcome.RETRY, Directive.SLOW_DOWN),
}


@dataclass(frozen=True)
class Loopback:
    """A client of `provider.py` for one run, with one of three capabilities."""

    port: int
    run: str
    capability: str
    dial: str = "plain"
    batch_size: int = 100

    @property
    def capabilities(self) -> Capabilities:
        """As its capability says."""
        return Capabilities(
            name=f"loopback, {self.capability}",
            batch_size=self.batch_size,
            longest_request=LONGEST,
            remembers_keys_for=timedelta(days=1) if self.capability == "key" else None,
            answers_look_ups=self.capability == "look-up",
        )

    def fits(self, _builder: MessageBuilder) -> int:
        """As many as it says."""
        return self.capabilities.batch_size

    def send(self, batch: OutgoingBatch) -> Answer:
        """Certainly not taken: no connection, or "not now". Taken or refused: a whole answer. Else: nobody knows."""
        keys = [recipient.key for recipient in batch.recipients]
        connection = HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)
        try:
            connection.connect()
        except OSError as error:
            return Answer(all_alike(batch, Outcome.RETRY, f"no connection: {error}"))
        status, words = self._ask(connection, "send", batch.key, keys)
        if status in SAID:
            outcome, directive = SAID[status]
            return Answer(all_alike(batch, outcome, f"it said {status}"), directive)
        return Answer(_receipts(keys, words if status == 200 else []))

    def look_up(self, batch_key: str, delivery_keys: Sequence[str]) -> Sequence[Receipt]:
        """What it has of these; unknown where it does not say."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)
        status, words = self._ask(connection, "look-up", batch_key, delivery_keys)
        return _receipts(delivery_keys, words if status == 200 else [])

    def _ask(self, connection: HTTPConnection, what: str, key: str, keys: Sequence[str]) -> tuple[int, list[str]]:
        """Status and words; 0 where the answer is lost or is not one."""
        body = json.dumps({"key": key, "to": list(keys)})
        try:
            connection.request("POST", f"/{self.run}/{self.capability}/{self.dial}/{what}", body)
            answer = connection.getresponse()
            words = json.loads(answer.read())
        except (OSError, HTTPException, ValueError):
            return 0, []
        finally:
            connection.close()
        return answer.status, words if isinstance(words, list) else []


def _receipts(keys: Sequence[str], words: Sequence[str]) -> list[Receipt]:
    """One for each, by what the provider said; an answer that is not whole says nothing about anybody."""
    if len(words) != len(keys):
        return [Receipt(key, Outcome.UNKNOWN, reason="the answer was lost, or was none") for key in keys]
    return [Receipt(key, Outcome(word), provider_id=key[:8]) for key, word in zip(keys, words, strict=True)]
