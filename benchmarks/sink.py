"""A sink that anyone can start: a provider that takes everything, in a process and on a core of its own.

    python benchmarks/sink.py         starts it, says its own raw rate, and stops it

Node's http where node is there (`sink.mjs`); else a Python thread per connection, which is slower, and says so.
`python benchmarks/sink.py serve` and `… smtp` are the Python servers themselves.
"""

import json
import os
import re
import shutil
import socket
import socketserver
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
KEY = re.compile(rb'"key":"([^"]{1,128})"')


@dataclass
class Sink:
    """A running sink."""

    name: str
    port: int

    def url(self, path: str = "/send") -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}{path}"

    def stats(self) -> dict[str, Any]:
        """Requests, bytes, keys, distinct keys since the last reset."""
        with urllib.request.urlopen(self.url("/stats")) as answer:  # noqa: S310 - the loopback
            found: dict[str, Any] = json.load(answer)
        return found

    def reset(self) -> None:
        """Forget what was taken."""
        with urllib.request.urlopen(self.url("/reset")):  # noqa: S310 - the loopback
            pass


def core(number: int) -> set[int]:
    """The core with this number among those that we may use; the last one again where there are fewer."""
    cores = sorted(os.sched_getaffinity(0))
    return {cores[min(number, len(cores) - 1)]}


@contextmanager
def running(*command: str, on: set[int]) -> Iterator[int]:
    """A server process that prints its port; it is stopped by its own id."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        os.sched_setaffinity(process.pid, on)
        assert process.stdout
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


@contextmanager
def sink() -> Iterator[Sink]:
    """A sink on the second core."""
    node = shutil.which("node") or shutil.which("nodejs")
    command = (node, str(HERE / "sink.mjs")) if node else (sys.executable, __file__, "serve")
    with running(*command, on=core(1)) as port:
        yield Sink("node http" if node else "Python threads", port)


@contextmanager
def smtp_sink() -> Iterator[int]:
    """A mail server on the second core that takes everything; its port."""
    with running(sys.executable, __file__, "smtp", on=core(1)) as port:
        yield port


def raw_rate(where: Sink, path: str, body: bytes, seconds: float = 1.0) -> float:
    """Requests a second with one prebuilt body over bare sockets, as fast as the sink can."""
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    content, counts = head + body, []
    end = time.perf_counter() + seconds

    def run() -> None:
        with socket.create_connection(("127.0.0.1", where.port)) as connection:
            done = 0
            while time.perf_counter() < end:
                connection.sendall(content)
                _read_answer(connection)
                done += 1
            counts.append(done)

    began = time.perf_counter()
    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - began)


def _read_answer(connection: socket.socket) -> None:
    """All of it: its head, and as much as that says."""
    got = b""
    while b"\r\n\r\n" not in got:
        got += connection.recv(65_536)
    head, _, body = got.partition(b"\r\n\r\n")
    rest = int(re.findall(rb"(?i)content-length: *(\d+)", head)[0]) - len(body)
    while rest > 0:
        rest -= len(connection.recv(65_536))


class _Http(socketserver.StreamRequestHandler):
    """What sink.mjs does, where there is no node."""

    stats = {"requests": 0, "bytes": 0, "keys": 0}  # noqa: RUF012 - one server a process
    seen: set[bytes] = set()  # noqa: RUF012
    taken: set[bytes] = set()  # noqa: RUF012
    lock = threading.Lock()

    def handle(self) -> None:
        """Requests until the end of the connection."""
        while line := self.rfile.readline():
            path, size, name = line.split(b" ")[1], 0, b""
            while (header := self.rfile.readline()) not in (b"\r\n", b""):
                if header.lower().startswith(b"content-length:"):
                    size = int(header.split(b":")[1])
                if header.lower().startswith(b"idempotency-key:"):
                    name = header.split(b":", 1)[1].strip()
            self._answer(path, *self._act(path, self.rfile.read(size), name))

    def _act(self, path: bytes, body: bytes, name: bytes) -> tuple[int, bytes]:
        if path == b"/stats":
            return 200, json.dumps({**self.stats, "distinct": len(self.seen)}).encode()
        keys = [] if path == b"/raw" else KEY.findall(body)
        with self.lock:
            if path == b"/reset":
                self.stats.update(requests=0, bytes=0, keys=0)
                self.seen.clear()
                self.taken.clear()
                return 200, b"{}"
            if path == b"/slow":
                keys = [] if name in self.taken else keys
                self.taken.add(name)
            self.stats["requests"] += 1
            self.stats["bytes"] += len(body)
            self.stats["keys"] += len(keys)
            self.seen.update(keys)
        if path == b"/slow":
            time.sleep(0.05)
        if path != b"/batch":
            return 202, b""
        results = [{"key": key.decode(), "id": f"id-{key.decode()}", "error": ""} for key in keys]
        return 200, json.dumps({"results": results}).encode()

    def _answer(self, _path: bytes, status: int, body: bytes) -> None:
        self.wfile.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)


class _Smtp(socketserver.StreamRequestHandler):
    """Takes every message and keeps none."""

    def handle(self) -> None:
        """One session."""
        self.wfile.write(b"220 sink\r\n")
        while line := self.rfile.readline():
            word = line[:4].upper().strip()
            if word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                while self.rfile.readline() not in (b".\r\n", b""):
                    pass
            self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 fine\r\n")


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True


def serve(handler: type[socketserver.BaseRequestHandler]) -> None:
    """Print the port and serve until the end."""
    with _Server(("127.0.0.1", 0), handler) as server:
        print(server.server_address[1], flush=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        sys.stdin.read()


def main() -> None:
    """Say the sink's own rate."""
    os.sched_setaffinity(0, core(0))
    with sink() as running_sink:
        for what, size in (("400 KB", 400_000), ("30 MB", 30_000_000), ("60 KB", 60_000)):
            print(f"{running_sink.name}: {raw_rate(running_sink, '/raw', bytes(size)):,.0f} requests/s of {what}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        serve({"serve": _Http, "smtp": _Smtp}[sys.argv[1]])
    else:
        main()
