"""The readers' web over a temporary database, as a browser or a mail program meets it: over HTTP."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import httpx
from desk_samples import PUBLICATION, Place, place
from people import SECRET, everybody
from sqlalchemy import Engine
from sqlmodel import select

from newsletter.reader_settings import SignUp
from newsletter.web.app import app, serving
from newsletter.web.leaving import LONGEST_WAIT
from newsletter.web.pacing import Pace
from subscribers.address import parse
from subscribers.address_change import OPEN_FOR, AddressChange, ask
from subscribers.consent import ConsentEvent, Evidence, events
from subscribers.links import link_name
from subscribers.readdressing import carry_out
from subscribers.subscriber import Subscriber, add, require
from subscribers.tokens import Keys, Purpose, sign

HOST = {"host": "news.example.org"}
OF_A_CHANGE = (Purpose.ADDRESS, Purpose.ADDRESS_NO, Purpose.ADDRESS_BACK)


def reading_room(engine: Engine, **signup: object) -> Place:
    """A desk with the five characters on its list, and these settings of [signup]."""
    here = place(engine)
    here.desk = replace(here.desk, config=here.desk.config.model_copy(update={"signup": SignUp(**signup)}))
    with here.desk.transaction() as session:
        everybody(session)
    return here


@contextmanager
def open_web(here: Place, *, longest_wait: float = LONGEST_WAIT, pace: Pace | None = None) -> Iterator[httpx.Client]:
    """The server, and a client that comes by our own name."""
    made = app(here.desk, {}, longest_wait=longest_wait, pace=pace)
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


def token(here: Place, purpose: Purpose, name: str = "ada", *, keys: Keys | None = None) -> str:
    """A link's token for one of the characters; of a change of address for one that is there for it alone."""
    ref = _change(here, purpose).ref if purpose in OF_A_CHANGE else link_name(who(here, name))
    return sign(keys or here.desk.keys, purpose, ref)


def _change(here: Place, purpose: Purpose) -> AddressChange:
    """A change of address that a link of this purpose can do something about."""
    first, second = parse(f"{purpose}-old@example.org"), parse(f"{purpose}-new@example.org")
    with here.desk.transaction() as session:
        asked = session.exec(select(AddressChange).where(AddressChange.address == second.display)).one_or_none()
        if asked is None:
            reader = add(session, first, Evidence("test"), secret=SECRET, now=here.clock(), confirmed=True)
            asked = ask(session, reader, second, secret=SECRET, now=here.clock())
            if purpose is Purpose.ADDRESS_BACK:
                carry_out(session, asked, Evidence("test"), here.clock())
    return asked


def readdress(here: Place, name: str = "ada", new: str = "new@example.org") -> None:
    """One of the characters has this address from now on."""
    with here.desk.transaction() as session:
        reader = require(session, f"{name}@example.org")
        asked = ask(session, reader, parse(new), secret=SECRET, now=here.clock())
        assert carry_out(session, asked, Evidence("test"), here.clock())


def dump(here: Place) -> list[str]:
    """The whole database as SQL."""
    raw = here.desk.engine.raw_connection()
    try:
        return list(raw.driver_connection.iterdump())  # type: ignore[union-attr]
    finally:
        raw.close()


def address_token(here: Place, change: AddressChange, purpose: Purpose = Purpose.ADDRESS) -> str:
    """A link's token for a change of address."""
    expires = None if purpose is Purpose.ADDRESS_NO else here.clock() + OPEN_FOR
    return sign(here.desk.keys, purpose, change.ref, expires=expires)
