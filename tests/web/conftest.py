"""What the tests of the web stand on; a module that wants another list or another server makes its own."""

from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest
from desk_samples import Place
from post_samples import Reader
from readers_web import open_web, reading_room
from sqlalchemy import Engine


@pytest.fixture
def here(engine: Engine) -> Place:
    """The five characters."""
    return reading_room(engine)


@pytest.fixture
def reads(here: Place) -> Reader:
    """A provider that keeps what it is given; a module that wants it before the server says so with `usefixtures`."""
    found = Reader(remembers=True)
    here.desk = replace(here.desk, provider=found)
    return found


@pytest.fixture
def web(here: Place) -> Iterator[httpx.Client]:
    """The server."""
    with open_web(here) as client:
        yield client
