"""A reader's time zone: shown where issues leave by everybody's own clock, and nowhere else.

The places are those of the time zone database's own table, one for each place whose clocks have ever differed; a zone
that came with an import and is not among them stays until another is chosen.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from importlib.resources import files
from itertools import groupby

from sqlmodel import Session
from starlette.responses import Response

from newsletter.config import Config
from newsletter.desk.desk import Desk
from newsletter.web.opening import Fields, Showing, changed
from newsletter.web.pages import Pages
from subscribers.signals import seen
from subscribers.subscriber import Subscriber

Place = tuple[str, str]  #: the zone's name, and how it is shown within its region
NO_ZONE = "Choose one of the places in the list."


@dataclass(frozen=True, slots=True)
class Zones:
    """What the form shows."""

    at: str  #: the wall time at which issues leave
    home: str  #: the publication's zone: the clock of whoever has chosen none
    mine: str
    regions: tuple[tuple[str, tuple[Place, ...]], ...]


@dataclass(frozen=True, slots=True)
class TimeZone:
    """The answer at `/preferences/{token}/zone`."""

    desk: Desk
    pages: Pages
    noted: Showing  #: the page with the form, which says that it was noted

    async def act(self, ref: str, token: str, fields: Fields) -> Response:
        """Another zone, or none."""
        zone = fields.get("zone")
        if zone is None or (zone and zone not in places()):  # a form that did not arrive whole chooses nothing
            return self.pages.sorry(HTTPStatus.UNPROCESSABLE_ENTITY, NO_ZONE)

        def move(session: Session, who: Subscriber) -> None:
            who.zone = zone
            seen(session, who.id or 0, self.desk.clock())

        await changed(self.desk, ref, move)
        return await self.noted(ref, token)


def zones_for(config: Config, who: Subscriber) -> Zones | None:
    """The form's words for this reader; None where all get an issue at one moment."""
    if not config.schedule.local_time:
        return None
    mine = who.zone if who.zone in places() else ""
    own = (("Your own", ((who.zone, _words(who.zone)),)),) if who.zone and not mine else ()
    return Zones(config.schedule.send_time or "", config.publication.zone, who.zone, (*own, *_regions()))


@cache
def places() -> frozenset[str]:
    """The zones that can be chosen."""
    return frozenset(_names())


@cache
def _regions() -> tuple[tuple[str, tuple[Place, ...]], ...]:
    named = groupby(sorted(_names()), key=lambda name: name.partition("/")[0])
    return tuple((region, tuple((name, _words(name)) for name in names)) for region, names in named)


def _names() -> Iterator[str]:
    table = files("tzdata").joinpath("zoneinfo", "zone.tab").read_text("utf-8")
    return (line.split("\t")[2] for line in table.splitlines() if line and not line.startswith("#"))


def _words(name: str) -> str:
    """Like "Buenos Aires, Argentina"."""
    return ", ".join(reversed(name.replace("_", " ").split("/")[1:])) or name
