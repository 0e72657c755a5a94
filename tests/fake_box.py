"""A mailbox that is a dictionary, and whose connection can break."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from newsletter.errors import ProviderError
from newsletter.providers.bounce_box import Mark


@dataclass
class FakeBox:
    """A mailbox whose connection can break."""

    mails: dict[str, bytes]
    marks: dict[str, Mark] = field(default_factory=dict)
    breaks: bool = False  #: at marking
    closed: int = 0

    def waiting(self, most: int) -> Sequence[str]:
        """What has no mark."""
        return [name for name in self.mails if name not in self.marks][:most]

    def fetch(self, names: Sequence[str], most_bytes: int) -> Iterator[tuple[str, bytes]]:
        """Those."""
        return ((name, self.mails[name][:most_bytes]) for name in names)

    def mark(self, names: Sequence[str], mark: Mark) -> None:
        """Mark them, or break."""
        if self.breaks and names:
            raise ProviderError("The mailbox has gone.")
        self.marks |= dict.fromkeys(names, mark)

    def close(self) -> None:
        """Count it."""
        self.closed += 1
