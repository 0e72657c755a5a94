"""`newsletter serve`: the scheduler, the dispatcher and the web server in one process."""

from datetime import timedelta

import typer

from jobs.schedule import run_forever
from jobs.slots import newest_due
from jobs.ticking import tick
from newsletter.cli.door import door
from newsletter.cli.output import say
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

    def once() -> None:
        try:
            say(*(f"{desk.clock():%Y-%m-%d %H:%M} {line}" for line in tick(desk)))
        except NewsletterError as error:  # one bad week must not end the service; it is written down and said
            say(f"{desk.clock():%Y-%m-%d %H:%M} {error}")

    web = desk.config.web
    if not web.port:
        run_forever(once)()
        return
    try:
        with serving(app(desk, doors_of(desk.config)), web.host, web.port) as address:
            say(f"Listening on {address}: /hooks/PROVIDER for webhooks, /healthz.")
            run_forever(once)()
    except OSError as error:
        raise ConfigError(
            f"Nothing can listen on {web.host}:{web.port} ({error.strerror or error}). Set web.port, or 0 for none."
        ) from None
