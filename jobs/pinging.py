"""The dead-man ping: an address is called while all is well, and whoever watches there cries when the calls stop.

It is the only alarm for a machine that is gone: everything else here is said by the process itself.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from jobs.rounds import Rounds
from newsletter.desk.desk import Desk
from newsletter.providers.poster import Poster, Request
from newsletter.providers.signed_call import AGENT, why_not

AGAIN = timedelta(minutes=1)  #: after a call that failed


@dataclass
class Ping:
    """Calls when it is time, and only if the last round was good."""

    desk: Desk
    poster: Poster
    rounds: Rounds
    due: datetime | None = None
    last: str = ""

    def __call__(self) -> list[str]:
        """What is worth a line: that it is held back, or why it failed, once."""
        settings, now = self.desk.config.telling, self.desk.clock()
        if settings.ping is None or not self.rounds.is_whole or (self.due and now < self.due):
            return []
        trouble = self.rounds.trouble()
        if trouble:
            return self._once(f"The dead-man ping is held back: {', '.join(trouble)}.")
        why = why_not(
            self.poster.post(Request("GET", settings.ping, {"user-agent": AGENT})), "The dead-man ping's address"
        )
        self.due = now + (AGAIN if why else timedelta(minutes=settings.ping_minutes))
        return self._once(why)

    def _once(self, said: str) -> list[str]:
        is_news, self.last = said != self.last, said
        return [said] if said and is_news else []
