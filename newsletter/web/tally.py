"""How requests were answered, counted in memory for Prometheus: a secret that is wrong is seen nowhere else so soon."""

import threading
from collections import Counter


class Tally:
    """Counts by who asked and what the answer's status was. From several threads."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._alone = threading.Lock()

    def add(self, who: str, status: int) -> None:
        """One more. `who` is a name of ours, never what somebody sent."""
        with self._alone:
            self._counts[who, str(status)] += 1

    def counts(self) -> dict[tuple[str, str], int]:
        """All of them now."""
        with self._alone:
            return dict(self._counts)
