"""How much one reader may change in a time, counted in memory: what is over it never reaches the database (S-49).

A link that was given away, or a program that presses a button without end, is one reader. Each process counts for
itself, and a start forgets; the limit is against a flood, not a rule that anything else rests on.
"""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus

from starlette.responses import Response

from newsletter.desk.desk import Desk
from newsletter.web.opening import Acting, Fields
from newsletter.web.pages import Pages

HOUR = "3600"
TOO_MANY = "Those were very many changes within an hour. Please go on later."
MOST, WITHIN = 60, timedelta(hours=1)  #: an issue of eight comparisons has 32 votes and bookmarks
ROOM = 10_000  #: readers that are remembered, before who has been quiet is forgotten


@dataclass
class Pace:
    """The acts of the last hour, by reader. Belongs to one event loop."""

    most: int = MOST
    within: timedelta = WITHIN
    _acts: dict[str, deque[datetime]] = field(default_factory=dict)

    def allows(self, who: str, now: datetime) -> bool:
        """Whether they may act now (aware); it is counted if they may."""
        if len(self._acts) >= ROOM:
            self._acts = {one: acts for one, acts in self._acts.items() if acts[-1] > now - self.within}
        acts = self._acts.setdefault(who, deque())
        while acts and acts[0] <= now - self.within:
            acts.popleft()
        if len(acts) >= self.most:
            return False
        acts.append(now)
        return True


def paced(act: Acting, pace: Pace, desk: Desk, pages: Pages) -> Acting:
    """The same act while its reader keeps to this pace; else 429, and nothing is written down."""

    async def allowed(ref: str, token: str, fields: Fields) -> Response:
        if not pace.allows(ref, desk.clock()):
            return pages.sorry(HTTPStatus.TOO_MANY_REQUESTS, TOO_MANY, "Not now", headers={"Retry-After": HOUR})
        return await act(ref, token, fields)

    return allowed
