"""The readers' web over a temporary database, as a browser or a mail program meets it: over HTTP."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import httpx
from desk_samples import PUBLICATION, Place, place
from people import everybody
from sqlalchemy import Engine

from newsletter.reader_settings import SignUp
from newsletter.web.app import app, serving
from newsletter.web.leaving import LONGEST_WAIT
from subscribers.consent import ConsentEvent, events
from subscribers.subscriber import Subscriber, require
from subscribers.tokens import Purpose, sign

HOST = {"host": "news.example.org"}


def reading_room(engine: Engine, **signup: object) -> Place:
    """A desk with the five characters on its list, and these settings of [signup]."""
    here = place(engine)
    here.desk = replace(here.desk, config=here.desk.config.model_copy(update={"signup": SignUp(**signup)}))
    with here.desk.transaction() as session:
        everybody(session)
    return here


@contextmanager
def open_web(here: Place, *, longest_wait: float = LONGEST_WAIT) -> Iterator[httpx.Client]:
    """The server, and a client that comes by our own name."""
    made = app(here.desk, {}, longest_wait=longest_wait)
    with serving(made, "127.0.0.1", 0) as address, httpx.Client(base_url=address, headers=HOST, timeout=30) as client:
        yield client


@contextmanager
def local_web(here: Place) -> Iterator[str]:
    """The address of a server for a browser on this machine."""
    publication = PUBLICATION.model_copy(update={"base_url": "http://localhost:8000"})
    desk = replace(here.desk, config=here.desk.config.model_copy(update={"publication": publication}))
    with serving(app(desk, {}), "127.0.0.1", 0) as address:
        yield address


def who(here: Place, name: str) -> Subscriber:
    """One of the characters, as they stand now."""
    with here.desk.transaction() as session:
        return require(session, f"{name}@example.org")


def story(here: Place, name: str) -> list[ConsentEvent]:
    """Their consent events, oldest first."""
    with here.desk.transaction() as session:
        return events(session, require(session, f"{name}@example.org").id or 0)


def token(here: Place, purpose: Purpose, name: str = "ada") -> str:
    """A link's token for one of the characters."""
    return sign(here.desk.keys, purpose, who(here, name).ref)


def dump(here: Place) -> list[str]:
    """The whole database as SQL."""
    raw = here.desk.engine.raw_connection()
    try:
        return list(raw.driver_connection.iterdump())  # type: ignore[union-attr]
    finally:
        raw.close()
