"""What anybody may ask for and what is dear to find out, remembered for a short time: asking often costs little."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, TypeVar

T = TypeVar("T")
FOR = timedelta(seconds=30)
ROOM = 500  #: things that are remembered, before all are forgotten


@dataclass
class Memory(Generic[T]):
    """Things by their keys. Two who ask for the same at once may both find it out: the later one stays."""

    known: dict[str, tuple[datetime, T]] = field(default_factory=dict)

    def of(self, key: str, now: datetime, find: Callable[[], T | None]) -> T | None:
        """What `find` says, now (aware) or less than FOR ago. That there is nothing is not remembered."""
        at, found = self.known.get(key, (None, None))
        if at is not None and at <= now < at + FOR:
            return found
        new = find()
        if new is not None:
            if len(self.known) >= ROOM:
                self.known.clear()
            self.known[key] = (now, new)
        return new
