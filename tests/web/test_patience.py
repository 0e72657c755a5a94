"""Who sends a head byte by byte is cut off; who is quick is not."""

import socket
from collections.abc import Iterator
from time import monotonic

import httpx
import pytest
from desk_samples import place
from sqlalchemy import Engine

from newsletter.providers.postmark_hook import PostmarkHook
from newsletter.web.app import app, serving
from newsletter.web.hooks import Door

LONGEST_HEAD, TOO_LONG = 0.3, 8.0  #: seconds: what the server grants, and after what a test gives up
HEAD = b"GET /healthz HTTP/1.1\r\nHost: here\r\n"


@pytest.fixture
def address(engine: Engine) -> Iterator[str]:
    """A server that is not patient."""
    doors = {"postmark": Door(PostmarkHook(), ("made-up-secret",))}
    with serving(app(place(engine).desk, doors), "127.0.0.1", 0, longest_head=LONGEST_HEAD) as found:
        yield found


def connection(address: str) -> socket.socket:
    """To that server."""
    url = httpx.URL(address)
    return socket.create_connection((url.host, url.port or 0), timeout=0.02)


def drips(client: socket.socket, drop: bytes, within: float = TOO_LONG) -> bool:
    """Send this again and again, whenever a moment passes in silence; whether the server hangs up in time."""
    until = monotonic() + within
    while monotonic() < until:
        try:
            if drop:
                client.sendall(drop)
            if not client.recv(65_536):
                return True
        except TimeoutError:
            continue
        except OSError:
            return True
    return False


def whole(client: socket.socket) -> bytes:
    """The head of one answer."""
    client.settimeout(TOO_LONG)
    said = client.recv(65_536)
    client.settimeout(0.02)
    return said


@pytest.mark.parametrize("begins", [b"", b"G", HEAD, HEAD + b"X-Long: "])
@pytest.mark.parametrize("drop", [b"", b"x"])
def test_a_head_that_does_not_end_is_cut_off(address: str, begins: bytes, drop: bytes) -> None:
    """From the first byte on, or from none."""
    with connection(address) as client:
        client.sendall(begins)
        assert drips(client, drop)


def test_the_second_head_of_a_connection_is_cut_off_too(address: str) -> None:
    """After a good request, which keeps the connection open."""
    with connection(address) as client:
        client.sendall(HEAD + b"\r\n")
        assert b"200 OK" in whole(client)
        assert drips(client, b"x")


def test_a_head_that_is_too_long_is_refused_before_it_is_taken_apart(address: str) -> None:
    """Also one that comes at once and whole; its connection is closed."""
    with connection(address) as client:
        client.sendall(b"GET /" + b"%" * 60_000 + b" HTTP/1.1\r\nHost: here\r\n\r\n")
        assert whole(client).startswith(b"HTTP/1.1 400 ")
        assert drips(client, b"")


def test_what_strangers_send_does_not_fill_the_log(address: str, caplog: pytest.LogCaptureFixture) -> None:
    """Five lines a minute of each kind, and one that there were more; none tells to install anything."""
    for line in [b"GET <>"] * 20 + [b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: upgrade"]:
        with connection(address) as client:
            client.sendall(line + b"\r\n\r\n")
            whole(client)
    said = [record.getMessage() for record in caplog.records]

    assert said[:5] == ["Invalid HTTP request received."] * 5
    assert said[5:] == [
        "Invalid HTTP request received: more such lines in this minute are only counted.",
        "Unsupported upgrade request.",
    ]


def test_a_body_that_nobody_reads_is_cut_off(address: str) -> None:
    """Its request is answered already; what still comes of it holds no place."""
    with connection(address) as client:
        client.sendall(b"POST /nobody HTTP/1.1\r\nHost: news.example.org\r\nContent-Length: 1000000\r\n\r\n")
        assert b"404" in whole(client)
        assert drips(client, b"x")


def test_a_body_may_take_longer_than_a_head(address: str) -> None:
    """A large one from far away; how long is the door's affair."""
    with connection(address) as client:
        client.sendall(b"POST /hooks/postmark HTTP/1.1\r\nHost: here\r\nContent-Length: 10000\r\n\r\n")
        assert not drips(client, b"x", within=3 * LONGEST_HEAD)


def test_who_is_quick_is_served_again_and_again(address: str) -> None:
    """The time is granted to each request anew, also to one that comes when the first one's is over."""
    with httpx.Client(base_url=address) as client:
        until = monotonic() + 3 * LONGEST_HEAD
        while monotonic() < until:
            assert client.get("/healthz").status_code == 200
