"""What a run stands on: a database with an approved issue and a list, made once and copied, and a desk over it."""

import shutil
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlmodel import select

from newsletter.config import Config, Publication, Sending, Sources, templates_folder
from newsletter.database import engine_for, transaction
from newsletter.desk import writing
from newsletter.desk.collecting import collect_all
from newsletter.desk.desk import Desk
from newsletter.migrations import upgrade
from newsletter.providers.base import Provider
from newsletter.sample import PAGES
from newsletter.topics import Topic
from subscribers.address import parse
from subscribers.consent import Evidence
from subscribers.subscriber import Subscriber, add
from subscribers.tokens import Keys

SECRET = b"a secret for crashes, 32 bytes long"
PUBLICATION = Publication(base_url="https://news.example.org", postal_address="1 Sample Street", site_name="Compare")


@dataclass(frozen=True)
class Scene:
    """A database to copy: so many people, mailed so many at a time."""

    template: Path
    people: int
    batch: int

    def copy(self, folder: Path) -> Path:
        """A fresh database in this folder, which is made."""
        folder.mkdir(parents=True)
        return Path(shutil.copy(self.template, folder / "newsletter.db"))

    def desk(self, database: Path, provider: Provider, ahead: timedelta = timedelta()) -> Desk:
        """A desk over this database, with the clock on the wall, so far ahead."""
        config = Config(
            publication=PUBLICATION, sources=Sources(collect=(str(PAGES),)), sending=Sending(batch=self.batch)
        )
        engine = engine_for(f"sqlite:///{database}")
        clock = lambda: datetime.now(UTC) + ahead  # noqa: E731 - one line, used once
        return Desk(config, engine, SECRET, Keys(SECRET), provider, templates_folder(), clock)


TOPICS = (
    Topic(slug="models", name="Models", categories=("Models",)),
    Topic(slug="tools", name="Tools", categories=("Developer Tools",)),
    Topic(slug="rest", name="The rest", categories=("AI Clients", "AI Hardware", "Writing", "Data", "Research")),
)
WISHES = ("", "models", "tools", "models,rest")  #: what one reader after the other wants


def build(template: Path, provider: Provider, *, people: int, batch: int, parts: bool = False) -> Scene:
    """The sample week, approved, and a list of this many people; with `parts` they want four different ones of it."""
    scene = Scene(template, people, batch)
    template.parent.mkdir(parents=True, exist_ok=True)
    desk = scene.desk(template, provider)
    upgrade(desk.engine)
    collect_all(desk, desk.config.sources.collect)
    page, now = Evidence("/subscribe", "2026-01"), datetime.now(UTC)
    with transaction(desk.engine) as session:
        for number in range(people):
            add(session, parse(f"reader{number}@example.org"), page, secret=SECRET, now=now, confirmed=True)
        if parts:
            for person in session.exec(select(Subscriber)):
                person.topics = WISHES[(person.id or 0) % len(WISHES)]
    if parts:
        desk = replace(desk, config=desk.config.model_copy(update={"topics": TOPICS}))
    writing.draft(desk)
    writing.approve(desk, "1", by="the campaign")
    desk.engine.dispose()  # the last connection to close empties the write-ahead log into the file
    return scene
