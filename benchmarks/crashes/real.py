"""The real adapters, made as the command line makes them, with their address on the loopback.

Only time is shorter, so that a thousand crashes do not take a day: how long a poster waits for an answer, how long a
request to a provider with keys may be under way (for so long the next sender waits), and how long a provider's "slow
down" lasts. What is asked, written and understood is the adapter's own.
"""

import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from importlib import import_module

from newsletter.config import Config, ProviderChoice, Publication
from newsletter.mail.message import MessageBuilder
from newsletter.providers.base import Answer, Capabilities, OutgoingBatch, Provider, Receipt
from newsletter.providers.catalogue import APIS, provider_of
from newsletter.providers.httpx_poster import HttpxPoster
from newsletter.providers.smtp import Smtp
from newsletter.providers.smtp_settings import settings_of

ADAPTERS = (*APIS, "smtp")
KEYED = ("resend", "brevo")
CONFIG = Config(publication=Publication(base_url="https://news.example.org", postal_address="1 Sample Street"))
OPTIONS: dict[str, dict[str, str | int | float | bool]] = {
    "mailgun": {"domain": "mg.example.org"},
    "ses": {"region": "eu-west-1"},
}
KEY = "AKIAMADEUP:secret"
LONGEST = timedelta(seconds=0.5)  #: as adapter.LONGEST, for those with keys
WAIT, KEYED_WAIT = 2.0, 0.45  #: seconds that a poster waits; with keys: less than the longest request
#: Of a call over SMTP, and of each step in it.
SECONDS = {"call_seconds": 4.0} | {
    f"{step}_seconds": 2.0 for step in ("connect", "command", "data", "block", "answer", "stop")
}
SHORTER = 50  #: so many times
CONTEXT = ssl.create_default_context()  #: made once, before senders are forked


@dataclass(frozen=True)
class Real:
    """The adapter of this name, for one run; made anew in each sender's process."""

    name: str
    port: int  #: of the provider's API, or of the mail server
    run: str
    day: str = "plain"
    longest: timedelta | None = None  #: instead of the usual longest request

    def __post_init__(self) -> None:
        import_module(f"newsletter.providers.{self.name}")  # before senders are forked: it takes a while

    @cached_property
    def _made(self) -> Provider:
        if self.name == "smtp":
            bounce = f"bounces@{self.run}.{self.day}.example.org"
            told = {"host": "127.0.0.1", "port": self.port, "security": "none", "bounce": bounce}
            return Smtp(settings_of({**told, **SECONDS}, "", "example.org"), pause=briefly)
        address = f"http://127.0.0.1:{self.port}/{self.run}/{self.name}/{self.day}"
        choice = ProviderChoice(name=self.name, address=address, options=OPTIONS.get(self.name, {}))  # type: ignore[arg-type]
        wait = KEYED_WAIT if self.name in KEYED else WAIT
        key = {f"NEWSLETTER_{self.name.upper()}_KEY": KEY}
        return provider_of(
            CONFIG, choice, key, lambda limits: HttpxPoster(replace(limits, whole=wait), context=CONTEXT)
        )

    @property
    def capabilities(self) -> Capabilities:
        """The adapter's; where somebody has to wait for a request to be over, that is shorter."""
        can = self._made.capabilities
        longest = self.longest or (LONGEST if can.remembers_keys_for else can.longest_request)
        return replace(can, longest_request=longest)

    def fits(self, builder: MessageBuilder) -> int:
        """As the adapter's."""
        return self._made.fits(builder)

    def send(self, batch: OutgoingBatch) -> Answer:
        """As the adapter; what it is told to wait is shorter."""
        answer = self._made.send(batch)
        return replace(answer, wait=answer.wait / SHORTER) if answer.wait else answer

    def look_up(self, batch_key: str, delivery_keys: Sequence[str]) -> Sequence[Receipt]:
        """As the adapter."""
        return self._made.look_up(batch_key, delivery_keys)


def briefly(seconds: float, _stopping: object = None) -> None:
    """Wait as long as a provider's "slow down" lasts here."""
    time.sleep(seconds / SHORTER)
