"""Both posters, against servers that misbehave: what may have been taken is never called unsent."""

import gc
import ssl
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from misbehaving import CERTIFICATE, Server, Visit, answer, answer_each, serving

from newsletter.errors import ProviderError
from newsletter.providers.httpx_poster import HttpxPoster
from newsletter.providers.lean import LeanPoster
from newsletter.providers.poster import Answered, Failed, Limits, Poster, Request, Taken, believed
from newsletter.providers.wire import deadline

SHORT = Limits(whole=0.6, connect=0.3, keep=5.0, connections=2, answer_bytes=100_000)
BODY = [b"0123456789" * 5_000] * 4
SECRET = "Bearer the-key-of-the-account"
Make = Callable[..., Poster]


@pytest.fixture(params=[HttpxPoster, LeanPoster])
def make(request: pytest.FixtureRequest) -> Iterator[Make]:
    """Makes posters of one kind, and closes them."""
    made: list[Poster] = []

    def one(limits: Limits = SHORT, **rest: object) -> Poster:
        made.append(request.param(limits, **rest))
        return made[-1]

    yield one
    for poster in made:
        poster.close()


def call(server: Server, body: list[bytes] | None = None, length: int | None = None) -> Request:
    """A call of 200 KB, unless told otherwise."""
    chunks = BODY if body is None else body
    size = sum(map(len, chunks)) if length is None else length
    return Request("POST", server.url, {"Authorization": SECRET, "Content-Type": "application/json"}, chunks, size)


def outcome(make: Make, script: Callable[[Visit], None], **rest: object) -> tuple[Answered | Failed, list[bytes]]:
    """What the poster says of one call, and what the server took."""
    with serving(script) as server:
        return make(**rest).post(call(server)), server.taken


def test_a_call_arrives_as_it_was_and_so_does_the_answer(make: Make) -> None:
    """Method, path, headers, every chunk; status, headers, body."""
    said, taken = outcome(make, answer_each)

    head, _, body = taken[0].partition(b"\r\n\r\n")
    assert body == b"".join(BODY)
    assert head.startswith(b"POST /send HTTP/1.1\r\n")
    assert {b"content-length: 200000", f"authorization: {SECRET}".lower().encode()} < set(head.lower().split(b"\r\n"))
    assert isinstance(said, Answered)
    assert (said.status, said.body, said.headers["x-request"]) == (200, b'{"ok": true}', "7")


def test_a_call_without_a_body_asks(make: Make) -> None:
    """As a look-up does."""
    with serving(answer_each) as server:
        said = make().post(Request("GET", f"{server.url}?key=1"))

    assert isinstance(said, Answered)
    assert server.taken[0].startswith(b"GET /send?key=1 HTTP/1.1\r\n")


@pytest.mark.parametrize("status", [202, 301, 400, 401, 413, 429, 500, 503])
def test_every_complete_answer_is_an_answer_and_no_redirect_is_followed(make: Make, status: int) -> None:
    """What it means is the adapter's to say. One call is one request."""

    def script(visit: Visit) -> None:
        visit.read()
        visit.say(answer(b"", status, "Location: /elsewhere", "Retry-After: 7"))
        visit.read()

    said, taken = outcome(make, script)

    assert isinstance(said, Answered)
    assert (said.status, said.headers["retry-after"], len(taken)) == (status, "7", 1)


def read_then(act: Callable[[Visit], None]) -> Callable[[Visit], None]:
    """Take the whole request first."""

    def script(visit: Visit) -> None:
        visit.read()
        act(visit)

    return script


def saying(*pieces: bytes) -> Callable[[Visit], None]:
    """Take the whole request, send this, and close."""

    def say(visit: Visit) -> None:
        for piece in pieces:
            visit.say(piece)

    return read_then(say)


def dripping(content: bytes, pause: float = 0.05) -> Callable[[Visit], None]:
    """Take the whole request, and answer byte by byte."""
    return read_then(lambda visit: visit.drip(content, pause))


def reset_in_mid_body(visit: Visit) -> None:
    """Take a little."""
    visit.connection.recv(1000)
    visit.reset()


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
LOST: dict[str, Callable[[Visit], None]] = {
    "reset after the whole body": read_then(Visit.reset),
    "close without an answer": saying(),
    "silence": read_then(Visit.wait),
    "half a head": saying(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "half a body": saying(answer(b"x" * 100)[:-50]),
    "half a chunked body": saying(CHUNKED, b"5\r\nhel"),
    "garbage": saying(b"\x00\xff garbage \r\n\r\n" * 20),
    "a banner of another protocol": saying(b"220 mail.example.org ESMTP\r\n\r\n"),
    "two lengths": saying(b"HTTP/1.1 200 X\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
    "a head without end": saying(b"HTTP/1.1 200 OK\r\n", *[b"X: yyyyyyyy\r\n" * 100] * 200),
    "a dripping head": dripping(answer(b"", 200, *["X: y"] * 9)),
    "a dripping body": dripping(answer(b"x" * 100)),
    "interim answers for ever": dripping(b"HTTP/1.1 100 Continue\r\n\r\n" * 9, 0.01),
    "an answer that is too long": saying(answer(b"x" * 200_000)),
    "an answer that is too long, in chunks": saying(CHUNKED, *[b"3E8\r\n" + b"x" * 1000 + b"\r\n"] * 200),
    "reset in mid-body": reset_in_mid_body,
}


@pytest.mark.parametrize("behaviour", LOST)
def test_a_call_without_a_complete_answer_may_have_been_taken(make: Make, behaviour: str) -> None:
    """Whatever the server did: nobody may send it again on a guess, and the call ends in time."""
    began = time.monotonic()

    said, taken = outcome(make, LOST[behaviour])

    assert isinstance(said, Failed)
    assert said.taken is Taken.MAYBE_SENT
    assert len(taken) <= 1
    assert time.monotonic() - began < 2.5


def test_a_server_that_never_reads_is_left_in_time(make: Make) -> None:
    """Twenty megabytes that nobody takes."""
    began = time.monotonic()
    with serving(Visit.wait) as server:
        said = make().post(call(server, [bytes(250_000)] * 80))

    assert isinstance(said, Failed)
    assert said.taken is Taken.MAYBE_SENT
    assert time.monotonic() - began < 2.5


def test_a_server_that_reads_a_little_now_and_then_is_left_in_time(make: Make) -> None:
    """Every send succeeds in part; the deadline is one for all of them."""

    def script(visit: Visit) -> None:
        while not visit.over.wait(0.1):
            visit.connection.recv(100_000)

    began = time.monotonic()
    with serving(script) as server:
        said = make().post(call(server, [bytes(250_000)] * 80))

    assert isinstance(said, Failed)
    assert said.taken is Taken.MAYBE_SENT
    assert time.monotonic() - began < 2.5


def test_a_refused_connection_sent_nothing(make: Make) -> None:
    """Nobody listens there any more."""
    with serving(answer_each) as server:
        pass

    said = make().post(call(server))

    assert isinstance(said, Failed)
    assert said.taken is Taken.NOT_SENT


def test_a_name_that_nobody_knows_sent_nothing(make: Make) -> None:
    """RFC 6761: .invalid has no address."""
    said = make().post(Request("POST", "https://provider.invalid/send", {}, BODY, 200_000))

    assert isinstance(said, Failed)
    assert said.taken is Taken.NOT_SENT


def test_no_free_connection_sent_nothing(make: Make) -> None:
    """Both are busy, and the third waited long enough."""
    poster = make(Limits(whole=3.0, connect=0.2, connections=2))
    with serving(read_then(Visit.wait)) as server:
        busy = [threading.Thread(target=poster.post, args=(call(server),), daemon=True) for _ in range(2)]
        for thread in busy:
            thread.start()
        while len(server.taken) < 2:
            threading.Event().wait(0.01)
        said = poster.post(call(server))

    assert isinstance(said, Failed)
    assert said.taken is Taken.NOT_SENT
    for thread in busy:
        thread.join()


def test_a_refusal_before_the_end_of_the_body_is_read(make: Make) -> None:
    """A server may say 413 and close; what it refused, it did not take."""

    def script(visit: Visit) -> None:
        visit.connection.recv(1000)
        visit.say(answer(b"too much", 413, "Connection: close"))
        with suppress(OSError):
            while visit.connection.recv(1_000_000):
                pass

    said, _ = outcome(make, script)

    assert isinstance(said, Answered)
    assert (said.status, said.body) == (413, b"too much")


def test_interim_answers_are_passed_over(make: Make) -> None:
    """100 and 103 come before the answer, and nobody asked for them."""
    interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"

    said, taken = outcome(make, read_then(lambda visit: visit.say(interim + answer(b"done", 202))))

    assert isinstance(said, Answered)
    assert (said.status, said.body) == (202, b"done")
    assert b"expect" not in taken[0].partition(b"\r\n\r\n")[0].lower()


@pytest.mark.parametrize(
    "content",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nX: y\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello world",
        b"HTTP/1.1 200\r\nContent-Length: 11\r\n\r\nhello world",
        b"HTTP/1.0 200 OK\r\nContent-Length: 11\r\n\r\nhello world",
    ],
)
def test_every_lawful_form_of_an_answer_is_understood(make: Make, content: bytes) -> None:
    """With a length, in chunks, or until the end of the connection."""
    said, _ = outcome(make, read_then(lambda visit: visit.say(content)))

    assert isinstance(said, Answered)
    assert (said.status, said.body) == (200, b"hello world")


def test_a_kept_connection_carries_the_next_call(make: Make) -> None:
    """Three calls, one connection."""
    poster = make()
    with serving(answer_each) as server:
        said = [poster.post(call(server)) for _ in range(3)]

    assert [isinstance(one, Answered) for one in said] == [True] * 3
    assert (server.visits, len(server.taken)) == (1, 3)


def test_a_connection_that_rested_too_long_is_not_used_again(make: Make) -> None:
    """The server may be closing it just now, and then nobody would know."""
    poster = make(Limits(whole=2.0, keep=0.0))
    with serving(answer_each) as server:
        said = [poster.post(call(server)) for _ in range(2)]

    assert [isinstance(one, Answered) for one in said] == [True] * 2
    assert server.visits == 2


def test_a_connection_that_the_server_closed_meanwhile_is_not_used_again(make: Make) -> None:
    """Its end is there to be seen before anything is sent."""
    poster, closed = make(), threading.Event()

    def script(visit: Visit) -> None:
        visit.read()
        visit.say(answer())
        visit.connection.close()
        closed.set()

    with serving(script) as server:
        poster.post(call(server))
        closed.wait(5)
        said = poster.post(call(server))

    assert isinstance(said, Answered)


def test_after_a_failure_the_connection_is_gone(make: Make) -> None:
    """The late answer to one call is never taken for the answer to the next."""
    poster = make()
    late = threading.Event()

    def script(visit: Visit) -> None:
        visit.read()
        if len(visit.taken) == 1:
            late.wait(5)
        visit.say(answer(b"%d" % len(visit.taken)))
        visit.read()

    with serving(script) as server:
        first = poster.post(call(server))
        late.set()
        second = poster.post(call(server))

    assert isinstance(first, Failed)
    assert isinstance(second, Answered)
    assert server.visits == 2


@pytest.mark.parametrize("length", [199_999, 200_001])
def test_a_body_that_is_not_as_long_as_announced_is_never_whole(make: Make, length: int) -> None:
    """A mistake of an adapter ends in doubt, not in half a call."""
    with serving(answer_each) as server:
        said = make().post(call(server, length=length))

    assert isinstance(said, Failed)
    assert said.taken is Taken.MAYBE_SENT


class _Body(list[bytes]):
    """A list of chunks that can be watched."""


def test_a_body_is_let_go_as_soon_as_it_was_posted(make: Make) -> None:
    """Whatever circles the client leaves behind: held by them, bodies pile up until the collector comes round."""
    gc.disable()
    try:
        body = _Body(BODY)
        gone = weakref.ref(body)
        with serving(answer_each) as server:
            make().post(call(server, body))
        del body
        assert gone() is None
    finally:
        gc.enable()


def test_a_body_that_cannot_be_made_raises_and_leaves_no_connection(make: Make) -> None:
    """That is nobody's answer. The next call has a connection of its own."""

    def broken() -> Iterator[bytes]:
        yield BODY[0]
        raise ZeroDivisionError

    poster = make()
    with serving(answer_each) as server:
        with pytest.raises(ZeroDivisionError):
            poster.post(Request("POST", server.url, {}, broken(), 200_000))
        said = poster.post(call(server))

    assert isinstance(said, Answered)
    assert len(server.taken) == 1


def test_a_certificate_that_nobody_vouches_for_ends_the_call_before_it_begins(make: Make) -> None:
    """The key of the account is not told to strangers."""
    with serving(answer_each, tls=True) as server:
        said = make().post(call(server))

    assert isinstance(said, Failed)
    assert said.taken is Taken.NOT_SENT
    assert server.taken == []


def test_a_certificate_for_another_name_is_refused(make: Make) -> None:
    """It is for localhost, and not for the number."""
    context = ssl.create_default_context(cafile=str(CERTIFICATE))
    with serving(answer_each, tls=True) as server:
        server.url = server.url.replace("localhost", "127.0.0.1")
        said = make(context=context).post(call(server))

    assert isinstance(said, Failed)
    assert said.taken is Taken.NOT_SENT


def test_a_call_over_tls_arrives(make: Make) -> None:
    """By name, with a certificate that is vouched for; twice over one connection."""
    poster = make(context=ssl.create_default_context(cafile=str(CERTIFICATE)))
    with serving(answer_each, tls=True) as server:
        said = [poster.post(call(server)) for _ in range(2)]

    assert [isinstance(one, Answered) for one in said] == [True] * 2
    assert server.visits == 1


def test_a_failure_tells_no_secret(make: Make) -> None:
    """Neither the key nor the address (invariant 12)."""
    with serving(read_then(Visit.reset)) as server:
        request = call(server)
        said = make().post(request)

    assert isinstance(said, Failed)
    told = said.reason + repr(said) + repr(request)
    assert SECRET not in told
    assert server.url not in told
    assert "127.0.0.1" not in told


def test_nobody_can_accept_a_part() -> None:
    """A refusal of a part is a refusal; a success is in doubt."""
    early = believed(Answered(200, {}, b""), whole=False)

    assert isinstance(early, Failed)
    assert early.taken is Taken.MAYBE_SENT
    assert isinstance(believed(Answered(413, {}, b""), whole=False), Answered)


def test_a_deadline_that_is_over_says_so() -> None:
    """Before anything is tried."""
    with pytest.raises(TimeoutError):
        deadline(0.0)()


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.org/send",
        "https://user:password@api.example.org/",
        "https://api.example.org/a b\n",
        "ftp://localhost/",
        "https:///send",
        "send",
    ],
)
def test_an_address_without_tls_or_with_a_password_is_no_address(url: str) -> None:
    """Plain http is for this machine only."""
    with pytest.raises(ProviderError):
        Request("POST", url)


def test_many_threads_share_one_poster(make: Make) -> None:
    """Each gets its own answer, over one of four connections."""
    poster, said = make(Limits(whole=10.0, connections=4)), dict[int, object]()

    def script(visit: Visit) -> None:
        while request := visit.read():
            visit.say(answer(request.rpartition(b"\r\n\r\n")[2]))

    def post(number: int) -> None:
        body = [b"%d" % number]
        for _ in range(10):
            answered = poster.post(call(server, body))
            said[number] = answered.body if isinstance(answered, Answered) else answered

    with serving(script) as server:
        threads = [threading.Thread(target=post, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert said == {number: b"%d" % number for number in range(8)}
    assert server.visits <= 4
