"""A stand-in for a bad line to PostgreSQL: it passes everything on, and loses the answer to one commit."""

import contextlib
import socket
import threading
from dataclasses import dataclass, field
from pathlib import Path

COMMIT = b"Q\x00\x00\x00\x0bCOMMIT\x00"  # the protocol's simple query


@dataclass
class Proxy:
    """Listens in `folder` as a server would, passes on to the socket `to`. Set `lose` to lose an answer to a commit."""

    folder: Path
    to: Path
    lose: bool = False
    lost: int = 0  #: how many answers were lost
    _listener: socket.socket = field(default_factory=lambda: socket.socket(socket.AF_UNIX))

    def start(self) -> "Proxy":
        """Listen."""
        self._listener.bind(str(self.folder / ".s.PGSQL.5432"))
        self._listener.listen()
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def stop(self) -> None:
        """Listen no more."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._pass_on, args=(client,), daemon=True).start()

    def _pass_on(self, client: socket.socket) -> None:
        server = socket.socket(socket.AF_UNIX)
        with client, server, contextlib.suppress(OSError):
            server.connect(str(self.to))
            answers = threading.Thread(target=self._answers, args=(server, client), daemon=True)
            answers.start()
            while sent := client.recv(65536):
                if self.lose and sent.endswith(COMMIT):
                    self.lose, self.lost = False, self.lost + 1
                    client.shutdown(socket.SHUT_WR)  # the client hears nothing any more
                    server.sendall(sent)
                    client.shutdown(socket.SHUT_RDWR)
                    break
                server.sendall(sent)
            server.shutdown(socket.SHUT_WR)
            answers.join()

    def _answers(self, server: socket.socket, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while said := server.recv(65536):
                client.sendall(said)
