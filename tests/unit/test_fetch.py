"""The guarded fetch, against hostile addresses and a hostile server on the loopback."""

import gzip
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain, repeat

import httpcore
import pytest
from loopback import Loopback, loopback

from newsletter.comparisons.fetch import Page, _redirected, fetch, is_public, look_up
from newsletter.errors import FetchRefused

EMPTY = gzip.compress(b"", mtime=0)


@pytest.fixture
def server() -> Iterator[Loopback]:
    """A web server."""
    with loopback() as running:
        yield running


def get(server: Loopback, path: str = "/page", **rest: object) -> Page:
    """The page, where the loopback counts as public and every name leads to it."""
    options = {"seconds": 2.0, "allow": lambda _: True, "resolve": lambda *_: ["127.0.0.1"], "ports": [server.port]}
    return fetch(server.url(path), **(options | rest))  # type: ignore[arg-type]


def test_a_page_is_fetched(server: Loopback) -> None:
    """Address, body, type; the host is named as it was asked for."""
    server.answer("/page", b"Hello", Content_Type="text/html; charset=utf-8")
    assert get(server) == Page(server.url(), b"Hello", "text/html; charset=utf-8")
    assert f"host: pages.example.org:{server.port}".encode() in server.asked[0].lower()


def test_a_gzip_answer_is_inflated(server: Loopback) -> None:
    """And asked for."""
    server.answer("/page", gzip.compress(b"Hello" * 1_000), Content_Encoding="gzip")
    assert get(server).body == b"Hello" * 1_000
    assert b"accept-encoding: gzip" in server.asked[0].lower()


def test_paths_and_queries_beyond_ascii_are_encoded(server: Loopback) -> None:
    """As a browser does."""
    server.answer("/caf%C3%A9?q=%C3%A9", b"Hello")
    assert get(server, "/café?q=é#part").body == b"Hello"


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.0.0.1", "192.168.1.1", "169.254.169.254", "0.1.2.3", "100.64.0.1", "224.0.0.1"),
        *("255.255.255.255", "192.0.0.9", "192.88.99.1", "198.18.0.1", "::1", "::", "fe80::1", "fd00::1", "fec0::1"),
        *("ff02::1", "::ffff:127.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::"),
        *(
            "2001:0:1::",
            "5f00::1",
            "::ffff:0:7f00:1",
            "::ffff:0:5db8:d822",
            "3fff::",
            "3fff:fff:ffff::1",
            "100:0:0:1::1",
        ),
        *("100::1", "200::1", "1::1", "4000::1", "8000::1", "2001:1::1", "2001:1ff::1", "2001:db8::1"),
    ],
)
def test_an_address_that_is_not_public_is_known(address: str) -> None:
    """Also where Python calls it global."""
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "::ffff:93.184.216.34", "2001:200::1", "3ffe::1"]
)
def test_a_public_address_is_known_too(address: str) -> None:
    """Both kinds."""
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1/", "http://localhost/", "http://2130706433/", "http://0x7f.1/", "http://127.1/", "http://[::1]/",
     "http://[::ffff:127.0.0.1]/", "https://169.254.169.254/latest/meta-data/", "http://10.1.2.3/", "http://0/",
     "ftp://example.org/", "file:///etc/passwd", "http:///x", "http://user:secret@example.org/", "http://a b/",
     "http://127.0.0.1\r\nX: y/", "http://[::1", "http://a..b/", "http://x:99999/", "http://1.2.3.4:25/", "//x", "",
     "http://ex\u202eample.org/"],
)  # fmt: skip
def test_what_is_no_public_page_is_refused(url: str) -> None:
    """With one sentence that holds no secret, and at once."""
    started = time.monotonic()
    with pytest.raises(FetchRefused) as refusal:
        fetch(url, resolve=partial(numeric, look_up))
    assert "secret" not in str(refusal.value)
    assert str(refusal.value).endswith(".")
    assert time.monotonic() - started < 1


def numeric(really: Callable[[str, int], list[str]], host: str, port: int) -> list[str]:
    """The system's resolver for numbers and localhost; no name of a test is looked up anywhere."""
    return really(host, port) if host[0].isdigit() or host in ("::1", "localhost") or ":" in host else []


def test_one_private_address_among_public_ones_is_enough_to_refuse(server: Loopback) -> None:
    """The name's owner chooses which one is used."""
    with pytest.raises(FetchRefused, match="not on the public internet"):
        get(server, allow=is_public, resolve=lambda *_: ["93.184.216.34", "127.0.0.1"])
    assert server.asked == []


def test_a_name_is_looked_up_once(server: Loopback) -> None:
    """A second look-up could answer something else."""
    answers = iter([["127.0.0.1"], ["10.0.0.1"]])
    server.answer("/page", b"Hello")
    assert get(server, resolve=lambda *_: next(answers)).body == b"Hello"
    assert next(answers) == ["10.0.0.1"]


def test_the_next_address_is_tried_where_one_does_not_answer(server: Loopback) -> None:
    """All of them were checked."""
    server.answer("/page", b"Hello")
    assert get(server, resolve=lambda *_: ["::1", "127.0.0.1"]).body == b"Hello"


@pytest.mark.parametrize("found", [[], ["::1"]])
def test_a_name_without_an_address_that_answers_is_refused(server: Loopback, found: list[str]) -> None:
    """None, or nobody there."""
    with pytest.raises(FetchRefused, match="could not be read"):
        get(server, resolve=lambda *_: found)


def test_an_unknown_name_is_refused(server: Loopback) -> None:
    """As the resolver says."""

    def unknown(*_: object) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with pytest.raises(FetchRefused, match="its name is not known"):
        get(server, resolve=unknown)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), r"known \(Name or service not known\)\. Try"),
        (OSError(), r"its name is not known \(there is no answer\)\. Try"),
        (UnicodeError("encoding with 'idna' codec failed"), "its name is none that the internet can have. Try"),
        (httpcore.ConnectError("[Errno 111] Connection refused"), r"read: Connection refused\. Try"),
        (httpcore.ConnectError("[SSL: BAD] wrong version number (_ssl.c:1006)"), r"read: wrong version number\. Try"),
        (httpcore.RemoteProtocolError("illegal header line: bytearray(b'x')"), "broke off, or is not HTTP. Try"),
        (httpcore.ReadError(), "the connection broke. Try"),
    ],
)
def test_what_went_wrong_is_told_in_words(server: Loopback, error: Exception, told: str) -> None:
    """Without numbers, codecs and lines of somebody's program."""

    def fails(*_: object) -> list[str]:
        raise error

    def goes_wrong(_: str) -> bool:
        raise error

    by_name = isinstance(error, (socket.gaierror, UnicodeError)) or type(error) is OSError
    with pytest.raises(FetchRefused, match=told):
        get(server, **({"resolve": fails} if by_name else {"allow": goes_wrong}))


@pytest.mark.parametrize(
    "url",
    [
        f"http://example.org:25/{'x' * 900}",
        f"http://{'x.' * 800}org:25/",
        f"http://{'x' * 64}.org/",
        f"http://user:{'secret' * 100}@example.org/",
        f"http://example.org/{'x' * 9_000}",
    ],
)
def test_a_long_address_is_not_repeated(url: str) -> None:
    """Nor is a secret in it, however long it is."""
    with pytest.raises(FetchRefused) as refusal:
        fetch(url, resolve=lambda *_: [])
    assert len(str(refusal.value)) < 240
    assert "secret" not in str(refusal.value)


def test_a_resolver_that_hangs_is_not_waited_for(server: Loopback) -> None:
    """It has no time limit of its own."""

    def slow(*_: object) -> list[str]:
        threading.Event().wait(1)
        return ["127.0.0.1"]

    with pytest.raises(FetchRefused, match="too slow"):
        get(server, resolve=slow, seconds=0.1)


def test_redirects_are_followed_and_each_is_checked(server: Loopback) -> None:
    """The page has the last address."""
    server.answer("/page", status=301, Location="/next")
    server.answer("/next", status=307, Location=server.url("/last", host="other.example.org"))
    server.answer("/last", b"Hello")
    assert get(server).url == server.url("/last", host="other.example.org")
    with pytest.raises(FetchRefused, match=r"other\.example\.org is not on the public internet"):
        get(server, resolve=lambda host, _: ["127.0.0.9" if host.startswith("other") else "127.0.0.1"],
            allow=lambda address: address == "127.0.0.1")  # fmt: skip


@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("/page", "more than 3 redirects"),
        ("file:///etc/passwd", "not a web address"),
        ("http://[", "not a web address"),
        ("http://user@x.example/", "not a web address"),
        ("http://x.example:22/", "Port 22"),
    ],
)
def test_a_redirect_that_leads_nowhere_good_is_refused(server: Loopback, location: str, told: str) -> None:
    """In circles, elsewhere, to another port."""
    server.answer("/page", status=302, Location=location)
    with pytest.raises(FetchRefused, match=told):
        get(server)


@pytest.mark.parametrize(
    ("status", "headers", "body", "told"),
    [
        (404, {}, b"", "answered 404"),
        (500, {}, b"", "answered 500"),
        (302, {}, b"", "answered 302"),
        (200, {"Content_Type": "image/png"}, b"x", "is image/png"),
        (200, {"Content_Encoding": "br"}, b"x", "encoded as br"),
        (200, {"Content_Encoding": "gzip"}, b"no gzip", "says it is gzip"),
        (200, {"Content_Encoding": "gzip"}, gzip.compress(b"Hello", mtime=0)[:-9], "ended too early"),
        (200, {"Content_Encoding": "gzip"}, gzip.compress(bytes(50_000_000), mtime=0), "larger than"),
        (200, {"Content_Encoding": "gzip"}, gzip.compress(b"Hello", mtime=0) + b"x", "goes on behind"),
        (200, {"Content_Encoding": "gzip"}, EMPTY * 3, "goes on behind"),
        (200, {"Content_Encoding": "gzip"}, EMPTY[:10] + b"\0\0\0\xff\xff" * 400_001, "larger than"),
        (200, {"Content_Encoding": "gzip, gzip"}, b"x", "encoded as"),
        (200, {}, bytes(2_000_001), "larger than 2,000,000 bytes"),
        (200, {"X": "x" * 65_000}, b"", "headers"),
    ],
    ids=range(14),  # bodies of megabytes are no names
)  # fmt: skip
def test_an_answer_that_is_no_whole_page_is_refused(
    server: Loopback, status: int, headers: dict[str, str], body: bytes, told: str
) -> None:
    """Not found, not text, not whole, too large before or after inflating."""
    server.answer("/page", body, status, **headers)
    with pytest.raises(FetchRefused, match=told):
        get(server)


@pytest.mark.parametrize(
    "pieces",
    [
        [b"HTTP/1.1 200 X\r\nContent-Length: 90\r\n\r\nhalf"],
        [b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhalf"],
        [b"this is not http\r\n\r\n"],
        [b"HTTP/1.1 200 X\r\n" + b"A: b\r\n" * 30_000 + b"\r\n"],
        [b""],
    ],
)
def test_an_answer_that_breaks_off_has_failed(server: Loopback, pieces: list[bytes]) -> None:
    """Half a page is never handed over."""
    server.answers["/page"] = pieces
    with pytest.raises(FetchRefused, match="could not be read"):
        get(server)


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 X\r\n\r\n", b"HTTP/1.1 200 X\r\nX: "])
def test_dripping_does_not_help(server: Loopback, head: bytes) -> None:
    """One deadline for the whole answer, headers included."""
    server.answers["/page"] = [head, *repeat(b"x", 100)]
    server.pause = 0.02
    started = time.monotonic()
    with pytest.raises(FetchRefused, match=r"no whole answer in 0\.3 s"):
        get(server, seconds=0.3)
    assert time.monotonic() - started < 1


def test_an_endless_answer_is_cut_at_the_limit(server: Loopback) -> None:
    """No more than the limit is kept."""
    server.answers["/page"] = [b"HTTP/1.1 200 X\r\n\r\n", *repeat(b"x" * 50_000, 100)]
    with pytest.raises(FetchRefused, match="larger than 100,000 bytes"):
        get(server, most_bytes=100_000)


@pytest.mark.parametrize("behind", [b"x" * 50_000, EMPTY * 2_000], ids=["text", "members"])
def test_what_comes_behind_the_end_of_gzip_is_not_waited_for(server: Loopback, behind: bytes) -> None:
    """The first piece of it is one too many; nothing piles up."""
    head = b"HTTP/1.1 200 X\r\nContent-Encoding: gzip\r\n\r\n"
    sent: list[int] = []
    pieces = (sent.append(1) or behind for _ in repeat(None, 2_000))
    server.answers["/page"] = chain([head + gzip.compress(b"Hello", mtime=0)], pieces)  # type: ignore[assignment]
    with pytest.raises(FetchRefused, match="goes on behind the end of its gzip"):
        get(server)
    assert len(sent) < 1_000


def test_https_is_never_left(server: Loopback) -> None:
    """Not even by a redirect; and a server that speaks no TLS is no https page."""
    with pytest.raises(FetchRefused, match="leads away from https"):
        _redirected("https://x.example/", "http://x.example/")
    https = server.url().replace("http:", "https:")
    options = {"allow": lambda _: True, "resolve": lambda *_: ["127.0.0.1"], "ports": [server.port]}
    with pytest.raises(FetchRefused, match="could not be read"):
        fetch(https, seconds=1, ssl_context=ssl.create_default_context(), **options)  # type: ignore[arg-type]


def test_no_time_is_no_answer(server: Loopback) -> None:
    """The deadline holds before anything is sent."""
    with pytest.raises(FetchRefused, match="too slow"):
        get(server, seconds=0.0)
    assert server.asked == []
