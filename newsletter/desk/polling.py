"""The act of asking providers what became of our mail, for those whose webhooks cannot reach us (docs/events.md)."""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from newsletter.config import Config, ProviderChoice
from newsletter.delivery.poll_table import LastPoll
from newsletter.delivery.polling import LIMITS, Poller, Told
from newsletter.desk.desk import Desk
from newsletter.providers.httpx_poster import HttpxPoster
from newsletter.providers.pollable import POLLS, has_hook, poll_of
from newsletter.providers.poster import Poster

#: How often a provider without a webhook is asked, where nothing is set.
USUAL_MINUTES = 15


@dataclass(frozen=True, slots=True)
class Polled:
    """One provider that can be asked."""

    choice: ProviderChoice
    minutes: int  #: how often `serve` asks it; 0: never

    @property
    def name(self) -> str:
        """As in the settings."""
        return self.choice.name


def polled(config: Config, environ: Mapping[str, str] = os.environ) -> list[Polled]:
    """The configured providers that can be asked, and how often: unless it is set, those without a webhook."""
    chosen = [choice for choice in (config.provider, config.fallback) if choice and choice.name in POLLS]
    return [Polled(choice, _minutes(config, choice, environ)) for choice in chosen]


def poll(
    desk: Desk,
    one: Polled,
    environ: Mapping[str, str] = os.environ,
    poster: Callable[[], Poster] = lambda: HttpxPoster(LIMITS),
    enough: Callable[[], bool] = lambda: False,
    pause: Callable[[float], object] = time.sleep,
) -> Told:
    """Ask it now. Raises ConfigError or ProviderError for settings that are not usable, and DatabaseError."""
    asking = poll_of(one.choice, desk.config.publication.domain, environ)
    talking = poster()
    try:
        return Poller(desk.engine, one.name, asking, talking, desk.clock, pause, enough).run()
    finally:
        talking.close()


def last_poll(desk: Desk, one: Polled) -> LastPoll | None:
    """What is known of the polls before."""
    with desk.transaction() as session:
        return session.get(LastPoll, one.name)


def next_poll(desk: Desk, one: Polled) -> datetime | None:
    """When `serve` asks it next (aware); None: never."""
    if not one.minutes:
        return None
    known = last_poll(desk, one)
    if known is None or known.tried_at is None:
        return desk.clock()
    following = known.tried_at + timedelta(minutes=one.minutes)
    return max(following, known.not_before) if known.not_before else following


def _minutes(config: Config, choice: ProviderChoice, environ: Mapping[str, str]) -> int:
    if config.events.poll_minutes is not None:
        return config.events.poll_minutes
    return 0 if has_hook(choice, environ) else USUAL_MINUTES
