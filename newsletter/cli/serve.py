"""`newsletter serve`: the scheduler, the dispatcher, the polls and the web server in one process."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager

import typer

from jobs.bouncing import BounceReader
from jobs.housekeeping import keep_house
from jobs.looking import Lookout
from jobs.metrics import CONTENT_TYPE, Metrics
from jobs.notices.ways import LIMITS
from jobs.pinging import Ping
from jobs.polling import poll_due
from jobs.rounds import Rounds
from jobs.schedule import TICK_SECONDS, run_until
from jobs.slots import next_due
from jobs.ticking import send_due, tick
from newsletter.cli.door import door
from newsletter.cli.issue_send import outcome
from newsletter.cli.output import say
from newsletter.cli.stopping import stoppable
from newsletter.delivery.flight import Ending
from newsletter.desk.desk import Desk
from newsletter.desk.polling import polled
from newsletter.desk.sending import Sent
from newsletter.errors import ConfigError, NewsletterError
from newsletter.issues.wording import opened
from newsletter.providers.catalogue import key_of
from newsletter.providers.httpx_poster import HttpxPoster
from newsletter.web.app import app, doors_of, serving
from newsletter.web.hooks import Door
from newsletter.web.measuring import metrics_app


def serve(context: typer.Context) -> None:
    """Run the weekly job on schedule and send what has come due, until it is stopped (Ctrl-C).

    Example: newsletter serve
    """
    desk = door(context).desk()
    say(_plan(desk))
    asked = [one for one in polled(desk.config) if one.minutes]
    say(*(f"{one.name} is asked every {one.minutes} minutes what became of the mail." for one in asked))
    if _reads(desk):
        say(f"The mailbox of bounces is read every {desk.config.bounces.every_minutes} minutes.")
    with closing(HttpxPoster(LIMITS)) as poster, stoppable() as stop:
        lookout = Lookout(desk, poster)
        calls = _calls(desk, stop) | {"telling": lookout}
        rounds = Rounds.of(desk.clock, calls)
        calls = {name: rounds.watched(name, call) for name, call in calls.items()}
        calls |= {"ping": Ping(desk, poster, rounds)}
        with _listening(desk, rounds), _measured(desk, Metrics(desk, lookout, rounds)):
            run_until(stop, {name: (TICK_SECONDS, _told(desk, call)) for name, call in calls.items()})


def _calls(desk: Desk, stop: threading.Event) -> dict[str, Callable[[], list[str]]]:
    """What is done again and again, each by its name: the sentences that are news."""

    def sent() -> list[str]:
        said: list[str] = []
        send_due(desk, stop=stop.is_set, pause=stop.wait, on_end=lambda ended: said.append(_ended(ended)))
        return said

    return {
        "weekly": lambda: tick(desk),
        "sending": sent,
        "polling": lambda: poll_due(desk, stop.is_set, stop.wait),
        "bounces": BounceReader(desk, stop.is_set),
        "housekeeping": lambda: keep_house(desk),
    }


def _reads(desk: Desk) -> bool:
    return desk.config.bounces.somewhere and desk.config.bounces.every_minutes > 0


def _ended(ended: Sent) -> str:
    """How a sending ended, in a line."""
    state = f"{opened(ended.issue.name)} is {ended.issue.state}"
    return f"{state}." if ended.ending is Ending.DONE else f"{state}: {outcome(ended)}"


def _told(desk: Desk, call: Callable[[], list[str]]) -> Callable[[], None]:
    """The same, its sentences printed. What fails today must not end the service: it is said, and tried again."""
    last = [""]

    def once() -> None:
        try:
            lines = call()
            last[0] = ""
        except NewsletterError as error:
            lines = [str(error)] if str(error) != last[0] else []  # once, not every half minute
            last[0] = str(error)
        say(*(f"{desk.clock():%Y-%m-%d %H:%M} {line}" for line in lines))

    return once


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


def closed(doors: Mapping[str, Door]) -> list[str]:
    """A sentence for each provider whose webhooks would be refused."""
    return [
        f"Webhooks of {name} are refused, for {door.proof} is not set: bounces and complaints are not heard by them."
        for name, door in doors.items()
        if door.closed
    ]


@contextmanager
def _listening(desk: Desk, rounds: Rounds) -> Iterator[None]:
    """The web server, where there is to be one."""
    web = desk.config.web
    if not web.port:
        yield
        return
    try:
        doors = doors_of(desk.config)
        with serving(app(desk, doors, trouble=rounds.trouble), web.host, web.port) as address:
            pages = "readers' pages, /hooks/PROVIDER for webhooks, /healthz, /readyz"
            say(f"Listening on {address}: {pages}.", *closed(doors))
            yield
    except OSError as error:
        raise _taken("web", web.host, web.port, error) from None


@contextmanager
def _measured(desk: Desk, metrics: Metrics) -> Iterator[None]:
    """The address for Prometheus, where there is to be one."""
    wanted = desk.config.metrics
    if not wanted.port:
        yield
        return
    made = metrics_app(metrics.text, CONTENT_TYPE, wanted.host, key_of("metrics", wanted.key_file))
    try:
        with serving(made, wanted.host, wanted.port) as address:
            say(f"Prometheus is answered on {address}/metrics.")
            yield
    except OSError as error:
        raise _taken("metrics", wanted.host, wanted.port, error) from None


def _taken(table: str, host: str, port: int, error: OSError) -> ConfigError:
    why = error.strerror or error
    return ConfigError(f"Nothing can listen on {host}:{port} ({why}). Set {table}.port, or 0 for none.")
