"""A desk over a temporary database, with a clock moved by hand and a provider that can be told how to behave."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from fake_provider import FakeProvider
from people import NOW, SECRET, everybody
from sqlalchemy import Engine

from newsletter.config import Config, Publication, Schedule, Sources, templates_folder
from newsletter.database import transaction
from newsletter.desk.collecting import collect_all
from newsletter.desk.desk import Desk
from newsletter.sample import PAGES
from subscribers.tokens import Keys

PUBLICATION = Publication(base_url="https://news.example.org", postal_address="1 Sample Street", site_name="Compare")


@dataclass
class Clock:
    """The time, moved by hand."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        """The time."""
        return self.now

    def forward(self, **time: int) -> None:
        """Let time pass."""
        self.now += timedelta(**time)


@dataclass
class Place:
    """A desk with what it stands on."""

    desk: Desk
    clock: Clock

    @property
    def provider(self) -> FakeProvider:
        """The provider behind it."""
        found: FakeProvider = self.desk.provider
        return found


def place(engine: Engine, **schedule: object) -> Place:
    """A desk without a shelf or a list."""
    config = Config(publication=PUBLICATION, schedule=Schedule(**schedule), sources=Sources(collect=(str(PAGES),)))
    clock = Clock()
    desk = Desk(config, engine, SECRET, Keys(SECRET), FakeProvider(remembers=True), templates_folder(), clock)
    return Place(desk, clock)


def furnished(engine: Engine, **schedule: object) -> Place:
    """The same with the sample week on the shelf and the five characters on the list."""
    here = place(engine, **schedule)
    collect_all(here.desk, here.desk.config.sources.collect)
    with transaction(engine) as session:
        everybody(session)
    return here
