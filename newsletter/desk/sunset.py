"""The sunset of silent readers, every night: whose silence is over, who lapses, who is asked (subscribers/sunset.py).

Nobody lapses while an issue is on its way: it may be meant for them, and its numbers are of the whole list. Of many who
are silent at once, as after switching it on, `sunset.per_day` are asked; the others' turn comes on the days after.
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from newsletter.delivery.progress import on_its_way
from newsletter.desk.desk import Desk
from newsletter.issues.wording import counted
from subscribers import sunset

#: The question arrives by day, on the publication's clock: the night's chores are done at three.
BY_DAY = time(9, 0)
#: How long after the last moment to answer the button in the mail still brings somebody back.
BACK_FOR = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Silence:
    """How many are silent, and what becomes of them."""

    after_days: int
    silent: int  #: who would be asked
    tonight: int  #: of those, so many with the next night's chores
    nights: int  #: until everybody of them has been asked
    open: int  #: have been asked, and have time to answer


def silence(desk: Desk, after_days: int | None = None) -> Silence:
    """How many are silent now; with other days than those of the settings: as if those were set. Asks nobody."""
    wanted = desk.config.sunset
    days = after_days or wanted.after_days
    with desk.reading() as session:
        silent = sunset.how_many_silent(session, desk.clock() - timedelta(days=days)) if days else 0
        waiting = sunset.how_many_open(session)
    nights = -(-silent // wanted.per_day)
    return Silence(days, silent, min(silent, wanted.per_day), nights, waiting)


def let_the_sun_set(desk: Desk) -> str:
    """One night's part of it; what was done, in a sentence. Nothing where it is switched off."""
    wanted = desk.config.sunset
    if not wanted.after_days:
        return ""
    with desk.transaction() as session:
        sunset.see_what_arrived(session, timedelta(days=wanted.answer_days))
    lapsed, waits = _let_go(desk)
    asked = _ask(desk)
    said = [
        f"{counted(lapsed, 'reader')} taken off the list: silent, asked, and no answer." if lapsed else "",
        "An issue is on its way: whose time to answer is over is looked at tomorrow." if waits else "",
        f"{counted(asked, 'reader')} asked whether they still want it." if asked else "",
    ]
    return " ".join(line for line in said if line)


def _let_go(desk: Desk) -> tuple[int, bool]:
    """How many lapsed, and whether that had to wait. Some hundred in a transaction: nobody who leaves waits for it."""
    lapsed = 0
    while True:
        with desk.transaction() as session:
            if on_its_way(session):
                return lapsed, True
            closed, gone = sunset.let_go(session, desk.clock())
        lapsed += gone
        if not closed:
            return lapsed, False


def _ask(desk: Desk) -> int:
    wanted, now = desk.config.sunset, desk.clock()
    before, zone = now - timedelta(days=wanted.after_days), desk.config.publication.tz
    today = datetime.combine(now.astimezone(zone).date(), time(), zone)
    with desk.reading() as session:
        left = max(0, wanted.per_day - sunset.asked_since(session, today))
        found = sunset.silent(session, before, left)
    at = datetime.combine(today.date(), BY_DAY, zone)
    asked = 0
    for first in range(0, len(found), 500):
        with desk.transaction() as session:
            asked += sunset.ask(session, found[first : first + 500], before, now, max(at, now))
    return asked
