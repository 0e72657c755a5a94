"""`newsletter worker`: one more machine that sends, on a PostgreSQL server that all of them share."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import typer

from jobs.metrics import Metrics
from jobs.rounds import Rounds
from jobs.working import Working
from newsletter.cli.door import door
from newsletter.cli.listening import measured
from newsletter.cli.logs import logging_as, news, start
from newsletter.cli.serve import ended
from newsletter.cli.stopping import stoppable
from newsletter.desk.desk import Desk
from newsletter.errors import ConfigError

JOB = "worker"
BEGINS = "Sending what is due, beside whoever else does. Stop with Ctrl-C."
#: Two that call one address hide from whoever waits there that one of them is gone.
NO_PING = (
    "telling.ping is called by 'newsletter serve' alone: a worker that called it too would hide that serve is gone. "
    "Watch this one by [metrics]."
)


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
    rounds = Rounds.of(desk.clock, [JOB])

    def told(line: str) -> None:
        news(JOB, line)

    with logging_as(desk.config.log.format), stoppable() as stop, _measured(desk, rounds):
        start(BEGINS, *([NO_PING] if desk.config.telling.ping else []))
        Working(
            desk, stop.is_set, stop.wait, lambda one: told(ended(one)), told, turns=lambda: rounds.turned(JOB)
        ).run()


@contextmanager
def _measured(desk: Desk, rounds: Rounds) -> Iterator[None]:
    """Prometheus is answered, unless another process of this machine does that: then it sends all the same."""
    with ExitStack() as stack:
        try:
            stack.enter_context(measured(desk, Metrics(desk, None, rounds)))
        except ConfigError as error:
            start(f"{error} This worker sends without being measured.")
        yield
