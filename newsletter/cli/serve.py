"""`newsletter serve`: the scheduler, the dispatcher, the polls and the web server in one process."""

import threading
from collections.abc import Callable
from datetime import timedelta

import typer

from jobs.polling import poll_due
from jobs.schedule import run_forever
from jobs.slots import newest_due
from jobs.ticking import tick
from newsletter.cli.door import door
from newsletter.cli.output import say
from newsletter.desk.desk import Desk
from newsletter.desk.polling import Polled, polled
from newsletter.errors import ConfigError, NewsletterError
from newsletter.web.app import app, doors_of, serving


def serve(context: typer.Context) -> None:
    """Run the weekly job on schedule and send what has come due, until it is stopped (Ctrl-C).

    Example: newsletter serve
    """
    desk = door(context).desk()
    schedule, zone = desk.config.schedule, desk.config.publication.tz
    following = newest_due(schedule, zone, desk.clock() + timedelta(days=7))
    say(
        f"The weekly job runs every {schedule.day.capitalize()} at {schedule.time} ({zone}); next on "
        f"{following:%d %B %Y at %H:%M}. Approval: {schedule.approve}. Stop with Ctrl-C."
    )

    say(*(f"{one.name} is asked every {one.minutes} minutes what became of the mail." for one in _asked(desk)))

    stopping = threading.Event()
    asking = _said(desk, lambda: poll_due(desk, stopping.is_set), again=False)
    ticks = (_said(desk, lambda: tick(desk)), asking)
    try:
        _serve(desk, run_forever(*ticks))
    finally:
        stopping.set()


def _asked(desk: Desk) -> list[Polled]:
    return [one for one in polled(desk.config) if one.minutes]


def _said(desk: Desk, act: Callable[[], list[str]], *, again: bool = True) -> Callable[[], None]:
    """The act, with what it has to say printed; the same error twice running only if it is to be said again."""
    last = ""

    def once() -> None:
        nonlocal last
        try:
            say(*(f"{desk.clock():%Y-%m-%d %H:%M} {line}" for line in act()))
            last = ""
        except NewsletterError as error:  # one bad week must not end the service; it is written down and said
            if again or str(error) != last:
                say(f"{desk.clock():%Y-%m-%d %H:%M} {error}")
            last = str(error)

    return once


def _serve(desk: Desk, forever: Callable[[], None]) -> None:
    web = desk.config.web
    if not web.port:
        forever()
        return
    try:
        with serving(app(desk, doors_of(desk.config)), web.host, web.port) as address:
            say(f"Listening on {address}: /hooks/PROVIDER for webhooks, /healthz.")
            forever()
    except OSError as error:
        raise ConfigError(
            f"Nothing can listen on {web.host}:{web.port} ({error.strerror or error}). Set web.port, or 0 for none."
        ) from None
