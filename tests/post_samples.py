"""A provider that keeps what it is given as a reader would see it, and ways to let people sign up."""

from dataclasses import dataclass, field

from desk_samples import Place
from fake_provider import FakeProvider

from newsletter.mail.message import Message
from newsletter.providers.base import Answer, OutgoingBatch
from newsletter.web.signing_up import stored_by
from subscribers.address import parse
from subscribers.consent import Evidence
from subscribers.wishes import Asking


@dataclass
class Reader(FakeProvider):
    """Takes what the dials of a fake provider let it, and keeps every message that it was given."""

    mails: list[Message] = field(default_factory=list)

    def send(self, batch: OutgoingBatch) -> Answer:
        """As a fake provider does."""
        self.mails += map(batch.builder.message, batch.recipients)
        return super().send(batch)


def ask(here: Place, *addresses: str) -> None:
    """Somebody types these into the form."""
    stored_by(here.desk)([Asking(parse(one), "", Evidence("/subscribe", "2026-11")) for one in addresses])
