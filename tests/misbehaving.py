"""A server on the loopback that reads requests as it should and then does what a test tells it to do."""

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

Script = Callable[["Visit"], None]
CERTIFICATE = Path(__file__).with_name("localhost.pem")


@dataclass
class Visit:
    """One connection, seen from the server."""

    connection: socket.socket
    over: threading.Event  #: the test has ended
    taken: list[bytes]
    buffer: bytes = b""

    def read(self) -> bytes:
        """One whole request, by its Content-Length; kept as taken. Raises EOFError where there is none."""
        while b"\r\n\r\n" not in self.buffer:
            self._more()
        head, _, _ = self.buffer.partition(b"\r\n\r\n")
        lengths = [int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-l")]
        end = len(head) + 4 + (lengths[0] if lengths else 0)
        while len(self.buffer) < end:
            self._more()
        request, self.buffer = self.buffer[:end], self.buffer[end:]
        self.taken.append(request)
        return request

    def _more(self) -> None:
        came = self.connection.recv(65_536)
        if not came:
            raise EOFError
        self.buffer += came

    def say(self, content: bytes) -> None:
        """Send this."""
        self.connection.sendall(content)

    def drip(self, content: bytes, pause: float = 0.05) -> None:
        """Send it byte by byte."""
        for byte in content:
            if self.over.wait(pause):
                return
            self.say(bytes([byte]))

    def reset(self) -> None:
        """End the connection with a RST."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def wait(self) -> None:
        """Do nothing until the test has ended."""
        self.over.wait(30)


@dataclass
class Server:
    """Where it is, and what it took."""

    url: str
    taken: list[bytes] = field(default_factory=list)
    visits: int = 0


def answer(body: bytes = b"{}", status: int = 200, *headers: str) -> bytes:
    """A whole answer."""
    lines = (f"HTTP/1.1 {status} X", *headers, f"Content-Length: {len(body)}", "", "")
    return "\r\n".join(lines).encode() + body


def answer_each(visit: Visit) -> None:
    """Behave: answer every request on the connection."""
    while visit.read():
        visit.say(answer(b'{"ok": true}', 200, "X-Request: 7"))


@contextmanager
def serving(script: Script, *, tls: bool = False) -> Iterator[Server]:
    """The server, as long as the block lasts; every connection plays the script in a thread."""
    over, threads, connections = threading.Event(), [], []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        server = Server(f"https://localhost:{port}/send" if tls else f"http://127.0.0.1:{port}/send")

        def play(connection: socket.socket) -> None:
            with suppress(OSError, EOFError), connection:
                secured = context.wrap_socket(connection, server_side=True) if tls else connection
                connections.append(secured)
                with secured:
                    script(Visit(secured, over, server.taken))

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    connections.append(connection)
                    server.visits += 1
                    threads.append(threading.Thread(target=play, args=(connection,), daemon=True))
                    threads[-1].start()

        accepting = threading.Thread(target=accept, daemon=True)
        accepting.start()
        try:
            yield server
        finally:
            over.set()
            listener.shutdown(socket.SHUT_RDWR)
            accepting.join(5)
            for connection in connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join(5)
