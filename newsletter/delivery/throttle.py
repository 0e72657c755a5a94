"""How fast: a rate that is kept (GCRA), waits that grow, and what a provider asks for.

Pure: the caller's monotonic time goes in, seconds to wait come out.
"""

import random
from dataclasses import dataclass, field

FIRST_WAIT = 1.0  #: seconds before the second attempt of what was certainly not taken
LONGEST_WAIT = 60.0


@dataclass(slots=True)
class Throttle:
    """At most `per_second` recipients a second, a call's worth ahead at most; 0 means as fast as it goes."""

    per_second: float = 0.0
    ready_at: float = field(default=0.0)  #: the monotonic moment from which the next call may start

    def spend(self, recipients: int, now: float) -> None:
        """A call of so many recipients starts now; the next has to wait for its share of time."""
        if self.per_second:
            self.ready_at = max(self.ready_at, now) + recipients / self.per_second

    def hold_until(self, moment: float) -> None:
        """Nothing before this moment: the provider said so, or takes nothing."""
        self.ready_at = max(self.ready_at, moment)


def back_off(tries: int, asked: float, luck: random.Random) -> float:
    """Seconds before the next attempt: what the provider asked for, or twice as long each time, never all at once."""
    grown: float = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(tries, 10))
    return max(asked, grown * luck.uniform(0.5, 1.0))
