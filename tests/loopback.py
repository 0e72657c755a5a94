"""A web server on the loopback, in a thread, that answers with bytes that a test has written itself."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class Loopback:
    """Answers by path; what was asked is kept."""

    port: int
    answers: dict[str, list[bytes]] = field(default_factory=dict)
    asked: list[bytes] = field(default_factory=list)
    pause: float = 0.0  #: between two pieces of an answer, in seconds

    def url(self, path: str = "/page", host: str = "pages.example.org") -> str:
        """An address on this server, by a name that only the test's resolver knows."""
        return f"http://{host}:{self.port}{path}"

    def answer(self, path: str, body: bytes = b"", status: int = 200, **headers: str) -> None:
        """A whole answer."""
        lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", "Connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.answers[path] = ["\r\n".join([*lines, "", ""]).encode() + body]

    def serve(self, connection: socket.socket) -> None:
        """One request."""
        with connection, suppress(OSError, IndexError, UnicodeDecodeError):  # TLS, or nothing, is no request
            asked = connection.recv(65_536)
            self.asked.append(asked)
            for piece in self.answers.get(
                asked.split(b" ")[1].decode(), [b"HTTP/1.1 404 X\r\nContent-Length: 0\r\n\r\n"]
            ):
                connection.sendall(piece)
                time.sleep(self.pause)


@contextmanager
def loopback() -> Iterator[Loopback]:
    """A server that runs as long as the block."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Loopback(listener.getsockname()[1])

        def run() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=server.serve, args=(connection,), daemon=True).start()

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield server
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(2)
