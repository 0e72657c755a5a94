"""Whether everything that `serve` does again and again still is done: for the dead-man ping and for /readyz.

A thread that hangs says nothing, so silence counts: what has not come to its end for an hour is in trouble, but for
what takes hours on purpose. Kept in memory: it is about this process.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

LATE = timedelta(hours=1)
#: These may take longer: an issue goes out, a large database is copied. That an issue moves is a rule of its own.
LONG = frozenset({"sending", "housekeeping"})

Lines = Callable[[], list[str]]


@dataclass
class Rounds:
    """When each call came to a good end, and which failed the last time. Written from several threads."""

    clock: Callable[[], datetime]
    names: frozenset[str]
    since: datetime
    ended: dict[str, datetime] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, clock: Callable[[], datetime], names: Iterable[str]) -> "Rounds":
        """Nothing has been done yet."""
        return cls(clock, frozenset(names), clock())

    def watched(self, name: str, call: Lines) -> Lines:
        """The same call, its ends noted."""

        def once() -> list[str]:
            try:
                lines = call()
            except BaseException:
                self.failed.add(name)
                raise
            self.failed.discard(name)
            self.ended[name] = self.clock()
            return lines

        return once

    def turned(self, name: str) -> None:
        """What goes on without an end was seen to go on."""
        self.ended[name] = self.clock()

    @property
    def is_whole(self) -> bool:
        """Whether everything was done once since the start, but for what takes long."""
        return self.names - LONG <= self.ended.keys()

    def trouble(self) -> list[str]:
        """What is wrong, in words that may be shown to anybody; nothing: all is well."""
        now = self.clock()
        late = {name for name in self.names - LONG if now - self.ended.get(name, self.since) > LATE}
        return [
            *(f"{name} failed" for name in sorted(self.failed)),
            *(f"{name} was not done for an hour" for name in sorted(late - self.failed)),
        ]
