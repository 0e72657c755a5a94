"""What the tests of the web stand on; a module that wants another list or another server makes its own."""

from collections.abc import Iterator

import httpx
import pytest
from desk_samples import Place
from readers_web import open_web, reading_room
from sqlalchemy import Engine


@pytest.fixture
def here(engine: Engine) -> Place:
    """The five characters."""
    return reading_room(engine)


@pytest.fixture
def web(here: Place) -> Iterator[httpx.Client]:
    """The server."""
    with open_web(here) as client:
        yield client
