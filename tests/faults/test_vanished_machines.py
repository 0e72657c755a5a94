"""A machine that loses its power or its cable says nothing: nobody may wait for it for hours, or for its turn.

A real server on TCP. What the ends are told is looked up where it counts: in the server's session and in our socket.
docs/postgresql.md has what it cost where a firewall really dropped the packets.
"""

import os
import socket
from collections.abc import Iterator

import pytest
from postgres_server import FORGETFUL, SMALL, Server, programs
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError

from newsletter import postgresql
from newsletter.database import engine_for, transaction

TOLD = text("select name, setting::int as setting from pg_settings where name like 'tcp_%' order by name")
SAID = {
    "tcp_keepalives_count": 3,
    "tcp_keepalives_idle": 15,
    "tcp_keepalives_interval": 5,
    "tcp_user_timeout": 30_000,
}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A server that listens on the loopback."""
    found = programs()
    if found is None:
        pytest.skip("no PostgreSQL server here")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Server(found, (*SMALL, *FORGETFUL, "listen_addresses=127.0.0.1", f"port={port}")).start()
    yield f"postgresql://newsletter@127.0.0.1:{port}/postgres"
    server.remove()


def test_the_server_gives_up_a_silent_machine_after_half_a_minute(url: str) -> None:
    """Its locks and its turn are free then."""
    engine = engine_for(url)
    with engine.connect() as connection:
        found = {row.name: row.setting for row in connection.execute(TOLD)}
    engine.dispose()

    assert found == SAID


def test_we_give_up_a_silent_server_as_soon(url: str) -> None:
    """A firewall that forgot the connection answers nothing: the system would wait for a quarter of an hour."""
    wanted = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT, socket.TCP_USER_TIMEOUT)
    engine = engine_for(url)
    with engine.connect() as connection:
        ours = os.dup(connection.connection.dbapi_connection.fileno())  # type: ignore[union-attr]
        with socket.socket(fileno=ours) as line:
            found = [line.getsockopt(socket.IPPROTO_TCP, name) for name in wanted]
    engine.dispose()

    assert found == [15, 5, 3, 30_000]


def test_who_stands_still_in_a_turn_loses_it(url: str) -> None:
    """A frozen process would stop all others until it wakes. When it wakes, it is told, and has changed nothing."""
    frozen, other = postgresql.engine_for(make_url(url), still=0.2), engine_for(url)
    with frozen.connect() as one:
        one.exec_driver_sql("create table half_done ()")
        with transaction(other) as session:
            left = session.execute(text("select to_regclass('half_done')")).scalar_one()
        with pytest.raises(DBAPIError) as told:
            one.exec_driver_sql("select 1")
        one.invalidate()
    frozen.dispose()
    other.dispose()

    assert left is None
    assert "stood still in the middle of a change" in postgresql.sentence(told.value, "here")
