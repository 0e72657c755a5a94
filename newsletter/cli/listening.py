"""What `serve` listens on: the web, and the numbers for Prometheus."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from jobs.metrics import CONTENT_TYPE, Metrics
from jobs.rounds import Rounds
from newsletter.cli.logs import start
from newsletter.desk.desk import Desk
from newsletter.errors import ConfigError
from newsletter.providers.catalogue import key_of
from newsletter.web.app import app, doors_of, serving
from newsletter.web.hooks import Door
from newsletter.web.measuring import metrics_app
from newsletter.web.tally import Tally


def closed(doors: Mapping[str, Door]) -> list[str]:
    """A sentence for each provider whose webhooks would be refused."""
    return [
        f"Webhooks of {name} are refused, for {door.proof} is not set: bounces and complaints are not heard by them."
        for name, door in doors.items()
        if door.closed
    ]


@contextmanager
def listening(desk: Desk, rounds: Rounds, tally: Tally) -> Iterator[None]:
    """The web server, where there is to be one."""
    web = desk.config.web
    if not web.port:
        yield
        return
    try:
        doors = doors_of(desk.config)
        with serving(
            app(desk, doors, trouble=rounds.trouble, tally=tally), web.host, web.port, clock=desk.clock
        ) as address:
            pages = "readers' pages, /hooks/PROVIDER for webhooks, /healthz, /readyz"
            start(f"Listening on {address}: {pages}.", *closed(doors))
            yield
    except OSError as error:
        raise _taken("web", web.host, web.port, error) from None


@contextmanager
def measured(desk: Desk, metrics: Metrics) -> Iterator[None]:
    """The address for Prometheus, where there is to be one."""
    wanted = desk.config.metrics
    if not wanted.port:
        yield
        return
    made = metrics_app(metrics.text, CONTENT_TYPE, wanted.host, key_of("metrics", wanted.key_file))
    try:
        with serving(made, wanted.host, wanted.port) as address:
            start(f"Prometheus is answered on {address}/metrics.")
            yield
    except OSError as error:
        raise _taken("metrics", wanted.host, wanted.port, error) from None


def _taken(table: str, host: str, port: int, error: OSError) -> ConfigError:
    why = error.strerror or error
    return ConfigError(f"Nothing can listen on {host}:{port} ({why}). Set {table}.port, or 0 for none.")
