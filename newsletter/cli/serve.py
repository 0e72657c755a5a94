"""`newsletter serve`: the scheduler, the dispatcher, the polls and the web server in one process."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing

import typer

from jobs.bouncing import BounceReader
from jobs.housekeeping import keep_house
from jobs.looking import Lookout
from jobs.metrics import Metrics
from jobs.notices.ways import LIMITS
from jobs.pinging import Ping
from jobs.polling import poll_due
from jobs.rounds import Rounds
from jobs.schedule import TICK_SECONDS, run_until
from jobs.slots import next_due
from jobs.ticking import send_due, tick
from newsletter.cli.door import door
from newsletter.cli.issue_send import outcome
from newsletter.cli.listening import listening, measured
from newsletter.cli.logs import logging_as, saying, start
from newsletter.cli.stopping import stoppable
from newsletter.delivery.flight import Ending
from newsletter.desk.desk import Desk
from newsletter.desk.polling import polled
from newsletter.desk.post import deliver
from newsletter.desk.sending import Sent
from newsletter.issues.wording import opened
from newsletter.providers.httpx_poster import HttpxPoster
from newsletter.web.tally import Tally

#: Seconds between two calls, where somebody sits and waits for it.
EVERY = {"letters": 3}


def serve(context: typer.Context) -> None:
    """Run the weekly job on schedule and send what has come due, until it is stopped (Ctrl-C).

    Example: newsletter serve
    """
    desk = door(context).desk()
    with logging_as(desk.config.log.format), closing(HttpxPoster(LIMITS)) as poster, stoppable() as stop:
        start(*_beginning(desk))
        lookout = Lookout(desk, poster)
        calls = _calls(desk, stop) | {"telling": lookout}
        rounds = Rounds.of(desk.clock, calls)
        calls = {name: rounds.watched(name, call) for name, call in calls.items()}
        calls |= {"ping": Ping(desk, poster, rounds)}
        tally = Tally()
        with listening(desk, rounds, tally), measured(desk, Metrics(desk, lookout, rounds, tally.counts)):
            every = {name: EVERY.get(name, TICK_SECONDS) for name in calls}
            run_until(stop, {name: (every[name], saying(name, call)) for name, call in calls.items()})


def _beginning(desk: Desk) -> Iterator[str]:
    """What it is going to do."""
    yield _plan(desk)
    asked = [one for one in polled(desk.config) if one.minutes]
    yield from (f"{one.name} is asked every {one.minutes} minutes what became of the mail." for one in asked)
    if _reads(desk):
        yield f"The mailbox of bounces is read every {desk.config.bounces.every_minutes} minutes."


def _calls(desk: Desk, stop: threading.Event) -> dict[str, Callable[[], list[str]]]:
    """What is done again and again, each by its name: the sentences that are news."""

    def sent() -> list[str]:
        said: list[str] = []
        send_due(desk, stop=stop.is_set, pause=stop.wait, on_end=lambda one: said.append(ended(one)))
        return said

    return {
        "weekly": lambda: tick(desk),
        "sending": sent,
        "polling": lambda: poll_due(desk, stop.is_set, stop.wait),
        "bounces": BounceReader(desk, stop.is_set),
        "housekeeping": lambda: keep_house(desk),
        "letters": lambda: deliver(desk, stop.is_set),
    }


def _reads(desk: Desk) -> bool:
    return desk.config.bounces.somewhere and desk.config.bounces.every_minutes > 0


def ended(one: Sent) -> str:
    """How a sending ended, in a line."""
    state = f"{opened(one.issue.name)} is {one.issue.state}"
    return f"{state}." if one.ending is Ending.DONE else f"{state}: {outcome(one)}"


def _plan(desk: Desk) -> str:
    """When what happens, in the publication's own time."""
    schedule, zone = desk.config.schedule, desk.config.publication.tz
    following = next_due(schedule.day, schedule.time, zone, desk.clock())
    leaves = f"; what is approved by then leaves at {schedule.send_time}" if schedule.send_time else ""
    if schedule.send_time and schedule.send_day not in (None, schedule.day):
        leaves += f" on {str(schedule.send_day).capitalize()}"
    return (
        f"The weekly job runs every {schedule.day.capitalize()} at {schedule.time} ({zone}); next on "
        f"{following:%d %B %Y at %H:%M}{leaves}. Approval: {schedule.approve}. Stop with Ctrl-C."
    )
