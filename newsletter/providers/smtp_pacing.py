"""How fast to one recipient domain: large receivers slow down, then block, whoever sends a list to them at once.

Pure: the caller's monotonic time goes in, seconds to wait come out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

MOST_DOMAINS = 10_000  #: remembered at most; whoever is past its time is forgotten first


@dataclass(slots=True)
class DomainPace:
    """At most `per_second` messages a second to each domain, evenly; 0 means as fast as it goes. Not thread-safe."""

    per_second: float
    _ready: dict[str, float] = field(default_factory=dict)  #: domain to the moment from which it may be sent to

    def first(self, domains: Sequence[str], now: float) -> tuple[int, float]:
        """Which of these domains is next, by its place, and the seconds to wait before it; its moment is then taken.

        The one whose time came, or comes, first; of equals the first in order.
        """
        if not self.per_second:
            return 0, 0.0
        place = min(range(len(domains)), key=lambda one: max(now, self._ready.get(domains[one], now)))
        moment = max(now, self._ready.get(domains[place], now))
        self._ready[domains[place]] = moment + 1 / self.per_second
        self._forget(now)
        return place, moment - now

    def _forget(self, now: float) -> None:
        if len(self._ready) > MOST_DOMAINS:
            self._ready = {domain: moment for domain, moment in self._ready.items() if moment > now}


def domain_of(address: str) -> str:
    """The domain as it is paced: "Ada@Example.org" goes to "example.org"."""
    return address.rpartition("@")[2].lower()
