"""A fake provider that keeps what it mailed: to whom which subject, and where "View in browser" led."""

from dataclasses import dataclass, field

from fake_provider import FakeProvider

from newsletter.mail.columns import Columns
from newsletter.providers.base import Answer, OutgoingBatch


@dataclass
class ReadingProvider(FakeProvider):
    """As the fake one; its post box can be opened."""

    posted: list[tuple[str, str, str]] = field(default_factory=list)  #: key, digest of what it got, its view

    def send(self, batch: OutgoingBatch) -> Answer:
        """Do as told, and keep what was mailed by it, also where it dies afterwards."""
        before = self.log.copy()
        try:
            return super().send(batch)
        finally:
            people = Columns.of(batch.recipients)
            self.posted += [
                (one.key, batch.builder.rendered.digest, one.values["view"])
                for one in people
                for _ in range(self.log[one.key] - before[one.key])
            ]
