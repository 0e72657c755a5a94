"""The mail program's own button (RFC 8058), byte for byte: no cookie, no referrer, nothing that a browser would send.

Google publishes neither the user agent nor the addresses from which its button posts; whatever they are, nothing here
looks at them. The bodies are the two that the RFC allows.
"""

import socket
from urllib.parse import urlsplit

import pytest
from delivery_samples import dispatcher_for_ten, state_of
from desk_samples import Place, place
from readers_web import story, token
from sqlalchemy import Engine

from newsletter.delivery.flight import Ending
from newsletter.delivery.progress import Progress
from newsletter.web.app import app, serving
from subscribers.consent import Kind
from subscribers.tokens import Purpose

FORM = b"List-Unsubscribe=One-Click"
PARTS = b'--0a1b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--0a1b--\r\n'
URLENCODED, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data; boundary=0a1b"
PLAIN: dict[str, str] = {}
BROWSERLIKE = {
    "User-Agent": "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com)",
    "Accept": "*/*",
}
PROXIED = {"X-Forwarded-For": "66.249.84.1", "X-Forwarded-Proto": "https", "Via": "2 front", "Forwarded": "proto=https"}
WAYS = {
    "a form and no other header": (URLENCODED, FORM, PLAIN),
    "a form as a browser's library writes it": (URLENCODED, FORM, BROWSERLIKE),
    "parts": (MULTIPART, PARTS, PLAIN),
    "a form through a proxy that speaks HTTP/2 outside": (URLENCODED, FORM, PROXIED),
    "parts through such a proxy": (MULTIPART, PARTS, PROXIED | BROWSERLIKE),
    "a form from another site's page": (URLENCODED, FORM, {"Origin": "null", "Sec-Fetch-Site": "cross-site"}),
}


def raw(path: str, kind: str, body: bytes, more: dict[str, str]) -> bytes:
    """The request as it goes over the wire."""
    headers = {"Host": "news.example.org", "Content-Type": kind, "Content-Length": str(len(body)), **more}
    head = f"POST {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"{head}Connection: close\r\n\r\n".encode() + body


def told(address: str, request: bytes) -> str:
    """The whole answer."""
    parts = urlsplit(address)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=20) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65536), b"")).decode()


@pytest.mark.parametrize("way", WAYS)
def test_the_button_acts_twice_alike_and_leaves_one_piece_of_evidence(here: Place, way: str) -> None:
    """200 without a redirect and without a cookie, the first time and the second."""
    kind, body, more = WAYS[way]
    request = raw(f"/u/{token(here, Purpose.UNSUBSCRIBE)}", kind, body, more)
    with serving(app(here.desk, {}), "127.0.0.1", 0) as address:
        answers = [told(address, request) for _ in range(2)]

    heads = [answer.partition("\r\n\r\n")[0].lower() for answer in answers]
    assert [(head.startswith("http/1.1 200"), "set-cookie:" in head, "\r\nlocation:" in head) for head in heads] == [
        (True, False, False)
    ] * 2
    assert [event.kind for event in story(here, "ada")] == [Kind.CONFIRMED, Kind.WITHDRAWN]


@pytest.mark.parametrize("way", ["a form and no other header", "parts through such a proxy"])
def test_the_button_in_the_middle_of_a_send_is_heard_at_the_next_claim(engine: Engine, way: str) -> None:
    """Pressed twice after the first call; whoever is claimed after that is not mailed."""
    kind, body, more = WAYS[way]
    dispatcher, here = dispatcher_for_ten(engine), place(engine)
    pressed: list[str] = []
    with serving(app(here.desk, {}), "127.0.0.1", 0) as address:

        def press(_: Progress) -> None:
            if not pressed:
                path = f"/u/{token(here, Purpose.UNSUBSCRIBE, 'reader8')}"
                pressed.extend(told(address, raw(path, kind, body, more)) for _ in range(2))

        assert dispatcher.run(1, on_progress=press)[0] is Ending.DONE
    state = state_of(dispatcher)
    assert all(answer.startswith("HTTP/1.1 200") for answer in pressed)
    assert (state.accepted, state.skipped["unsubscribed"]) == (9, 1)
