"""The providers on loopback, in a process of their own: they survive whatever happens to the sender.

Each reads the whole request, writes each recipient's key to its own log with fsync, and only then answers. A request
that breaks off is not taken. The path says who it is and how the day is: `/{run}/{provider}/{day}/...`:

    provider     key, look-up, neither: the loopback's own, by what it has; ses, postmark, ...: as that one speaks
    day          as in days.py

Beside it a mail server (mailserver.py), with the same log. Both ports are printed, on one line.
"""

import hashlib
import json
import os
import socket
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from crashes.days import TROUBLES, Day, day_of
from crashes.dialects import DIALECTS, Asked, Dialect, Reply
from crashes.mailserver import listening

LATE = 0.15  #: seconds that a late acceptance takes: less than the longest request that any adapter names
STALL = 3.0  #: seconds of silence: longer than any poster waits
FIXED = {"error": Reply(500, b"oops"), "nonsense": Reply(200, b"<html>")}


@dataclass
class Run:
    """What the provider has of one run."""

    log: int  #: a file descriptor
    lock: threading.Lock = field(default_factory=threading.Lock)
    keys: dict[str, tuple[bytes, list[str]]] = field(default_factory=dict)  #: key → body's digest, and what was said
    mailed: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    calls: int = 0
    away: int = 0  #: of the mail server: so many connections more are sent away

    def mail(self, people: Sequence[str]) -> None:
        """Mail them: it is on the disk before anybody is told."""
        os.write(self.log, "".join(f"{key}\n" for key in people).encode())
        os.fsync(self.log)
        self.mailed.update(people)


class Runs:
    """Keeps every run apart."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.known, self.lock = folder, dict[str, Run](), threading.Lock()

    def of(self, name: str) -> Run:
        """The run of this name, new if it is."""
        with self.lock:
            if name not in self.known:
                log = os.open(self.folder / f"{name}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
                self.known[name] = Run(log)
            return self.known[name]


class Provider(ThreadingHTTPServer):
    """Every provider with an API."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, runs: Runs) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.runs = runs

    def handle_error(self, request: object, client_address: object) -> None:
        """A sender that died while it was answered is what this is all about."""


def take(run: Run, dialect: Dialect, asked: Asked, body: bytes, day: Day) -> Reply:
    """Mail them, in the log first, and say what became of each. Under a key that is known nobody is mailed."""
    with run.lock:
        digest = hashlib.sha256(body).digest()
        if dialect.keys and asked.key in run.keys:
            first, words = run.keys[asked.key]
            said = dialect.other if first != digest else dialect.known
            return said or dialect.says(asked, words)
        if any(map(day.is_marked, asked.people)):
            return dialect.whole
        run.calls += 1
        found = [day.word(who, str(run.calls)) for who in asked.people]
        words = [word if word in dialect.words else dialect.words[-1] for word in found]
        said_of = list(zip(asked.people, words, strict=True))
        run.mail([who for who, word in said_of if word == "accepted"])
        run.refused.update(who for who, word in said_of if word == "refused")
        if dialect.keys:
            run.keys[asked.key] = digest, words
        return dialect.says(asked, words)


def look_up(run: Run, keys: Sequence[str]) -> list[str]:
    """What it has of them."""
    with run.lock:
        known = dict.fromkeys(run.refused, "refused") | dict.fromkeys(run.mailed, "accepted")
        return [known.get(key, "retry") for key in keys]


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Provider

    def do_POST(self) -> None:
        """Read all of it, then behave as the day says."""
        run_name, name, day_name, what = self.path.strip("/").split("/", 3)
        size = int(self.headers["Content-Length"])
        body = self.rfile.read(size)
        if len(body) < size:
            return
        run, day, dialect = self.server.runs.of(run_name), day_of(day_name), DIALECTS[name]
        try:
            asked = dialect.read({name.lower(): value for name, value in self.headers.items()}, body)
        except (ValueError, LookupError, AssertionError, TypeError) as error:
            self.answer(Reply(400, f"not a call of {name}: {error!r}".encode()))
            return
        run.calls += 1
        trouble = day.meets(f"{asked.key or asked.people[0]} {run.calls}")
        if what == "look-up":
            found = [] if trouble else look_up(run, asked.people)
            self.answer(Reply(503 if trouble else 200, json.dumps(found).encode()))
            return
        takes, how = TROUBLES[trouble] if trouble else (True, "")
        if how == "late":
            self.reset()
            time.sleep(LATE)
        said = take(run, dialect, asked, body, day) if takes else None
        self.behave(how, said, dialect)

    def behave(self, how: str, said: Reply | None, dialect: Dialect) -> None:
        """Answer, or not. `said`: the answer to a call that was taken."""
        if how == "reset":
            self.reset()
        elif how == "stall":
            time.sleep(STALL)
            self.close_connection = True
        elif how == "half" and said:
            self.answer(said, cut=True)
        elif how != "late":
            self.answer(FIXED.get(how) or getattr(dialect, how, None) or said or FIXED["error"])

    def answer(self, said: Reply, *, cut: bool = False) -> None:
        """An answer in one piece; or `cut`, and the end of the connection."""
        lines = [f"{name}: {value}" for name, value in said.headers.items()]
        head = [f"HTTP/1.1 {said.status} Said", *lines, f"Content-Length: {len(said.body)}", "", ""]
        whole = "\r\n".join(head).encode() + said.body
        self.wfile.write(whole[: len(whole) - max(1, len(said.body) // 2)] if cut else whole)
        self.close_connection = self.close_connection or cut

    def reset(self) -> None:
        """The connection is torn, and the sender never knows what became of the request."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.connection.shutdown(socket.SHUT_WR)

    def log_message(self, *_: object) -> None:
        """Its log is the list of who was mailed, and nothing else."""


def end_with_the_campaign() -> None:
    """Whoever started this holds the other end of our input: when that ends, however it ends, so do we."""
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    everything = Runs(Path(sys.argv[1]))
    provider = Provider(everything)
    threading.Thread(target=end_with_the_campaign, daemon=True).start()
    with listening(everything.of) as mail_port:
        print(provider.server_address[1], mail_port, flush=True)
        provider.serve_forever()
