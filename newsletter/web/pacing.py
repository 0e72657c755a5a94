"""How much one reader may change in a time, counted in memory: what is over it never reaches the database (S-49).

A link that was given away, or a program that presses a button without end, is one reader: all their acts count
together, whatever link they came by. Every address that a token opens is held, unless FREE says why not. Each server
process counts for itself, and a start forgets; the limit is against a flood, not a rule that anything else rests on.
"""

from collections import OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from newsletter.desk.desk import Desk
from newsletter.web.pages import Pages
from newsletter.web.routes import PLACES, Answering
from newsletter.web.signing_up import HOUR
from subscribers.errors import BadToken
from subscribers.tokens import Purpose, verify

TOO_MANY = "This was not kept: there were very many changes within an hour. Please go on later."
MOST, WITHIN = 60, timedelta(hours=1)  #: an issue of eight comparisons has 32 votes and bookmarks
ROOM = 10_000  #: readers that are remembered; then whoever has been quiet longest is forgotten

SIGN_UPS = "the limits of [signup] count"
NO = "mail programs post here too, and no means no, however often it is said"
#: What can be posted and is held up by no pace, and why.
FREE = {
    "/hooks/{provider}": "a provider's signature opens it, and what is refused is lost",
    "/subscribe": SIGN_UPS,
    "/api/subscribe": SIGN_UPS,
    "/confirm/{token}/again": SIGN_UPS,
    "/never/{token}": NO,
    "/address-no/{token}": NO,
    "/address-back/{token}": "who took the address away must not use up the way back",
    "/erase/{token}": "being forgotten waits for nothing",
    "/u/{token}": NO,
}


@dataclass
class Pace:
    """The newest acts of each reader. Belongs to one event loop; an act costs the same however many are known.

    `most`: at least 1.
    """

    most: int = MOST
    within: timedelta = WITHIN
    room: int = ROOM
    _acts: OrderedDict[str, deque[datetime]] = field(default_factory=OrderedDict)  #: who acted last stands last

    def allows(self, who: str, now: datetime) -> bool:
        """Whether they may act now (aware); it is counted if they may."""
        acts = self._acts.setdefault(who, deque(maxlen=self.most))  # older ones are no matter
        self._acts.move_to_end(who)
        if len(self._acts) > self.room:
            self._acts.popitem(last=False)
        if len(acts) == self.most and acts[0] > now - self.within:
            return False
        acts.append(now)
        return True


def calm(answers: Mapping[str, Answering], pace: Pace, desk: Desk, pages: Pages) -> dict[str, Answering]:
    """The same answers by their paths: behind a token, for who keeps to this pace."""
    held = {place.path: place.purpose for place in PLACES if place.purpose and place.path not in FREE}
    return {
        path: _paced(answer, held[path], pace, desk, pages) if path in held else answer
        for path, answer in answers.items()
    }


def _paced(answer: Answering, purpose: Purpose, pace: Pace, desk: Desk, pages: Pages) -> Answering:
    """The same answer while whose token it is keeps to this pace; else 429, and nothing is read or written down."""

    async def allowed(request: Request) -> Response:
        if request.method == "POST" and not _allows(request.path_params["token"]):
            return pages.sorry(HTTPStatus.TOO_MANY_REQUESTS, TOO_MANY, "Not now", headers={"Retry-After": HOUR})
        return await answer(request)

    def _allows(token: str) -> bool:
        now = desk.clock()
        try:
            return pace.allows(verify(desk.keys, purpose, token, now=now), now)
        except BadToken:  # the page says what is wrong with it, and nothing is remembered of who has none
            return True

    return allowed
