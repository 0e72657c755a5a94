"""What every test stands on: no network but loopback, a clean environment, a database in a temporary folder."""

import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from newsletter.database import engine_for
from newsletter.migrations import upgrade


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test talks to anything but this machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise AssertionError(f"a test tried to reach {address}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the developer's own machine reaches a test."""
    for name in [name for name in os.environ if name.startswith("NEWSLETTER_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def blank_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file at the newest schema, made once, to be copied."""
    path = tmp_path_factory.mktemp("blank") / "newsletter.db"
    engine = engine_for(f"sqlite:///{path}")
    upgrade(engine)
    engine.dispose()  # the last connection to close empties the write-ahead log into the file
    return path


@pytest.fixture
def engine(tmp_path: Path, blank_database: Path) -> Iterator[Engine]:
    """A SQLite database at the newest schema."""
    path = tmp_path / "newsletter.db"
    shutil.copy(blank_database, path)
    engine = engine_for(f"sqlite:///{path}")
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real pages and specifications beside the checkout; tests that need it skip where it is absent."""
    folder = Path(__file__).parents[1].parent / "shared"
    if not folder.exists():
        pytest.skip("the folder ../shared with real pages is not here")
    return folder
