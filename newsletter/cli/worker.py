"""`newsletter worker`: one more machine that sends, on a PostgreSQL server that all of them share."""

import typer

from jobs.working import Working
from newsletter.cli.door import door
from newsletter.cli.output import say
from newsletter.cli.serve import ended
from newsletter.cli.stopping import stoppable
from newsletter.errors import ConfigError


def worker(context: typer.Context) -> None:
    """Send what is due beside 'newsletter serve' and other workers, until it is stopped (Ctrl-C). PostgreSQL only.

    Example: newsletter worker
    """
    desk = door(context).desk()
    if desk.engine.dialect.name != "postgresql":
        raise ConfigError(
            "Workers share a PostgreSQL server, and database.url names a SQLite file: there one process sends, and "
            "'newsletter serve' does it. To move: newsletter db move, docs/postgresql.md."
        )
    _ = desk.provider.capabilities  # one that cannot be made, for want of a key, is said now

    def told(line: str) -> None:
        say(f"{desk.clock():%Y-%m-%d %H:%M} {line}")

    with stoppable() as stop:
        say("Sending what is due, beside whoever else does. Stop with Ctrl-C.")
        Working(desk, stop.is_set, stop.wait, lambda one: told(ended(one)), told).run()
