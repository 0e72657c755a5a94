"""A provider on loopback, in a process of its own: it survives whatever happens to the sender.

It reads the whole request, writes each recipient's key to its own log with fsync, and only then answers. A request that
breaks off is not taken. The path says what it can and how it behaves: `/{run}/{capability}/{dial}/send` (or `look-up`):

    capability   key: the same batch key again is answered and not mailed · look-up: it tells what it has · neither
    dial         plain, or a number: the seed of a bad day (answers lost, late, half, "not now", some people refused)
"""

import json
import os
import random
import socket
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

LATE = 0.15  #: seconds that a late acceptance takes: less than the longest request that the adapter names
TROUBLES = ("drop", "take, then reset", "take late", "not now", "half an answer", "nonsense", "an error after taking")


@dataclass
class Run:
    """What the provider has of one run."""

    log: int  #: a file descriptor
    lock: threading.Lock = field(default_factory=threading.Lock)
    batches: set[str] = field(default_factory=set)
    mailed: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    calls: int = 0


class Provider(ThreadingHTTPServer):
    """Keeps every run apart."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder, self.runs, self.lock = folder, dict[str, Run](), threading.Lock()

    def run_of(self, name: str) -> Run:
        """The run of this name, new if it is."""
        with self.lock:
            if name not in self.runs:
                log = os.open(self.folder / f"{name}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
                self.runs[name] = Run(log)
            return self.runs[name]

    def handle_error(self, request: object, client_address: object) -> None:
        """A sender that died while it was answered is what this is all about."""


def unwelcome(key: str, dial: str) -> bool:
    """Some people are refused on a bad day, the same ones at every call."""
    return dial != "plain" and random.Random(key + dial).random() < 0.1


def take(run: Run, batch: str, keys: Sequence[str], capability: str, dial: str) -> list[str]:
    """Mail them, in the log first, and say what became of each. Under a key that is known nobody is mailed."""
    with run.lock:
        answers = ["refused" if unwelcome(key, dial) else "accepted" for key in keys]
        if not (capability == "key" and batch in run.batches):
            new = [key for key, answer in zip(keys, answers, strict=True) if answer == "accepted"]
            os.write(run.log, "".join(f"{key}\n" for key in new).encode())
            os.fsync(run.log)
            run.batches.add(batch)
            run.mailed.update(new)
            run.refused.update(set(keys) - set(new))
        return answers


def look_up(run: Run, keys: Sequence[str]) -> list[str]:
    """What it has of them."""
    with run.lock:
        known = dict.fromkeys(run.mailed, "accepted") | dict.fromkeys(run.refused, "refused")
        return [known.get(key, "retry") for key in keys]


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    server: Provider

    def do_POST(self) -> None:
        """Read all of it, then behave as the dial says."""
        name, capability, dial, what = self.path.strip("/").split("/")
        size = int(self.headers["Content-Length"])
        body = self.rfile.read(size)
        if len(body) < size:
            return
        asked, run = json.loads(body), self.server.run_of(name)
        run.calls += 1
        trouble = self.trouble(dial, asked["key"], run.calls)
        if what == "look-up":
            self.answer(503 if trouble else 200, [] if trouble else look_up(run, asked["to"]))
        elif trouble in ("drop", "not now"):
            self.reset() if trouble == "drop" else self.answer(429, [])
        else:
            self.take_and_answer(run, asked, capability, dial, trouble)

    def trouble(self, dial: str, key: str, call: int) -> str:
        """On a bad day every second request meets some."""
        luck = random.Random(f"{dial} {key} {call}")
        return "" if dial == "plain" or luck.random() < 0.5 else luck.choice(TROUBLES)

    def take_and_answer(self, run: Run, asked: dict[str, list[str]], capability: str, dial: str, trouble: str) -> None:
        """Take the batch, now or a little later, and say so, or not."""
        if trouble == "take late":
            self.reset()
            time.sleep(LATE)
        answers = take(run, str(asked["key"]), asked["to"], capability, dial)
        if trouble == "take, then reset":
            self.reset()
        elif trouble == "half an answer":
            self.answer(200, answers[: len(answers) // 2])
        elif trouble == "nonsense":
            self.answer(200, "<html>")
        elif trouble != "take late":
            self.answer(500 if trouble else 200, answers)

    def answer(self, status: int, content: object) -> None:
        """An answer, and the end of the connection."""
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

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
    provider = Provider(Path(sys.argv[1]))
    threading.Thread(target=end_with_the_campaign, daemon=True).start()
    print(provider.server_address[1], flush=True)
    provider.serve_forever()
