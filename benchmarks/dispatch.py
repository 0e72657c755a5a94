"""How many recipients a second the whole outgoing path reaches, and what it costs: claim, build, post, record, commit.

    python benchmarks/dispatch.py                 10,000 and 100,000 people
    python benchmarks/dispatch.py --million       and a million
    python benchmarks/dispatch.py --profile       where the time of the ledger goes

Real SQLite with FULL durability in a temporary folder, the sink of sink.py on a core of its own, each measurement in a
process of its own. Everything is also given as a ratio to something that was measured in the same run.
"""

import argparse
import cProfile
import hashlib
import json
import os
import pstats
import random
import resource
import smtplib
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import jinja2
from loopback_provider import NOW, LoopbackProvider, addressing, database, issue_of
from sink import Sink, core, raw_rate, sink, smtp_sink
from sqlalchemy import Engine

from newsletter.database import transaction
from newsletter.delivery.dispatch import Dispatcher, Ending
from newsletter.mail.message import MessageBuilder
from newsletter.providers.httpx_poster import HttpxPoster
from newsletter.providers.lean import LeanPoster
from newsletter.providers.poster import Limits, Poster
from subscribers.consent import Evidence
from subscribers.subscriber import Subscriber, unsubscribe

POSTERS: dict[str, Callable[[Limits], Poster]] = {"lean": LeanPoster, "httpx": HttpxPoster}
Figures = dict[str, float]


def peak() -> float:
    """The most memory that this process ever had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def dispatch(kind: str, style: str, people: int, url: str, *, profile: bool = False, leave: bool = False) -> Figures:
    """One sending, in this process; `kind` is a poster, or "ledger" for none."""
    os.sched_setaffinity(0, core(0))
    with tempfile.TemporaryDirectory() as folder:
        engine = database(Path(folder), people)
        builder = MessageBuilder(issue_of(60), date=NOW)
        poster = POSTERS[kind](Limits()) if kind in POSTERS else None
        provider = LoopbackProvider(builder, style, poster, url)
        size = provider.capabilities.batch_size
        dispatcher = Dispatcher(engine, provider, builder, addressing(), size, lambda: NOW, in_flight=2)
        latencies = Leaving(engine, people) if leave else None
        before, profiler = peak(), cProfile.Profile()
        began, spent = time.perf_counter(), time.process_time()
        if profile:
            profiler.enable()
        ending, why = dispatcher.run(1)
        profiler.disable()
        took, cpu = time.perf_counter() - began, time.process_time() - spent
        assert ending is Ending.DONE, why
        if profile:
            pstats.Stats(profiler).sort_stats("tottime").print_stats(25)
        figures = {"people": people, "wall": took, "cpu": cpu, "rss": peak(), "grown": peak() - before}
        return figures | (latencies.stop() if latencies else {})


class Leaving:
    """Somebody unsubscribes fifty times a second while the sending goes on."""

    def __init__(self, engine: Engine, people: int) -> None:
        self.engine, self.people, self.over = engine, people, threading.Event()
        self.times: list[float] = []
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self) -> None:
        """Leave, and look how long it took."""
        dice = random.Random(47)
        while not self.over.wait(0.02):
            began = time.perf_counter()
            with transaction(self.engine) as session:
                unsubscribe(session, session.get_one(Subscriber, dice.randint(1, self.people)), Evidence("/u"), NOW)
            self.times.append(time.perf_counter() - began)

    def stop(self) -> Figures:
        """The figures in milliseconds."""
        self.over.set()
        self.thread.join()
        ordered = sorted(self.times)
        at = {"p50": 0.5, "p99": 0.99}
        return {name: 1000 * ordered[int(len(ordered) * share)] for name, share in at.items()} | {"left": len(ordered)}


def plain_loop(url: str, people: int) -> Figures:
    """What one would write instead: render with jinja2, one request for each."""
    os.sched_setaffinity(0, core(0))
    template = jinja2.Environment(autoescape=True).from_string(_as_template())
    with httpx.Client() as client:
        began, spent = time.perf_counter(), time.process_time()
        for number in range(people):
            html = template.render(values_of(number))
            answer = client.post(url, json={"To": f"reader{number}@example.org", "HtmlBody": html, "key": f"k{number}"})
            assert answer.status_code == 202
        return {
            "people": people,
            "wall": time.perf_counter() - began,
            "cpu": time.process_time() - spent,
            "rss": peak(),
        }


def smtp_loop(port: int, people: int) -> Figures:
    """The same with smtplib and the email package."""
    os.sched_setaffinity(0, core(0))
    template = jinja2.Environment(autoescape=True).from_string(_as_template())
    with smtplib.SMTP("127.0.0.1", port) as server:
        began, spent = time.perf_counter(), time.process_time()
        for number in range(people):
            message = EmailMessage()
            message["From"], message["To"] = "verdicts@example.org", f"reader{number}@example.org"
            message["Subject"] = "Patchwork ships"
            message.set_content("Hello")
            message.add_alternative(template.render(values_of(number)), subtype="html")
            server.send_message(message)
        return {
            "people": people,
            "wall": time.perf_counter() - began,
            "cpu": time.process_time() - spent,
            "rss": peak(),
        }


def _as_template() -> str:
    issue = issue_of(60)
    html = issue.html
    for name in issue.fields:
        html = html.replace(f"vt{issue.nonce}-{name}-x", "{{ " + name + " }}")
    return html


def values_of(number: int) -> dict[str, str]:
    """One reader's values."""
    links = {name: f"https://news.example.org/{name}/{number:080x}" for name in ("view", "unsubscribe", "preferences")}
    return {**links, "address": f"reader{number}@example.org", "name": "Zoë & Ada"}


def apart(*arguments: object) -> Figures:
    """One measurement in a process of its own."""
    command = [sys.executable, __file__, "--one", json.dumps(arguments)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - ourselves
    found: Figures = json.loads(done.stdout.splitlines()[-1])
    return found


def one(arguments: list[Any]) -> Figures:
    """What `apart` asks for."""
    what, *rest = arguments
    if what == "plain":
        return plain_loop(*rest)
    if what == "smtp":
        return smtp_loop(*rest)
    return dispatch(what, *rest[:3], leave=len(rest) > 3)


def speed() -> float:
    """The reference of the machine's speed right now: microseconds for one keyed BLAKE2b by copy, best of many."""
    keyed, best = hashlib.blake2b(key=b"k" * 32, digest_size=20), float("inf")
    for _ in range(200):
        began = time.process_time()
        for _ in range(500):
            one_more = keyed.copy()
            one_more.update(b"abcdef-0123456789abcdef01234567-0")
            one_more.hexdigest()
        best = min(best, time.process_time() - began)
    return best * 1e6 / 500


def told(name: str, figures: Figures, reference: float, of: str) -> None:
    """One line: people a second by wall and by CPU, memory, and the ratio."""
    wall, cpu = figures["people"] / figures["wall"], figures["people"] / figures["cpu"]
    micro, grown = 1e6 * figures["cpu"] / figures["people"], figures.get("grown", 0)
    cost = f"{micro:10.2f} {figures['rss']:8.0f} {grown:6.0f}"
    print(f"{name:34} {wall:11,.0f} {cpu:13,.0f} {cost} {wall / reference:9.3g} x {of}", flush=True)


def table(where: Sink, sizes: list[int]) -> None:
    """All of it."""
    raw_a = 1000 * raw_rate(where, "/raw", 500_000)
    raw_b = 500 * raw_rate(where, "/raw", 30_000_000)
    print(f"this machine now: {speed():.2f} µs for a keyed BLAKE2b; load {os.getloadavg()[0]:.1f}")
    print(f"sink ({where.name}): {raw_a:,.0f} recipients/s in style a, {raw_b:,.0f} in style b, prebuilt\n")
    print(f"{'':34} {'people/s':>11} {'people/CPU-s':>13} {'CPU µs':>10} {'RSS MB':>8} {'grown':>6}     ratio")
    plain = apart("plain", where.url(), 300)
    reference = plain["people"] / plain["wall"]
    told("plain loop, jinja2 and httpx", plain, reference, "itself")
    with smtp_sink() as port:
        told("plain loop, jinja2 and smtplib", apart("smtp", port, 300), reference, "plain loop")
    for people in sizes:
        told(f"ledger alone, {people:,}", apart("ledger", "a", people, ""), reference, "plain loop")
        for kind in POSTERS:
            told(f"style a, {kind}, {people:,}", counted(where, people, kind, "a", "/send"), reference, "plain loop")
    for kind in POSTERS:
        told(f"style b, {kind}, 10,000", counted(where, 10_000, kind, "b", "/batch"), raw_b, "sink's raw rate")
    left = apart("lean", "a", sizes[-1], where.url(), "leave")
    print(f"\nunsubscribing meanwhile: {left['left']:.0f} times, p50 {left['p50']:.1f} ms, p99 {left['p99']:.1f} ms")


def counted(where: Sink, people: int, kind: str, style: str, path: str) -> Figures:
    """One sending; the sink must have everybody once."""
    where.reset()
    figures = apart(kind, style, people, where.url(path))
    stats = where.stats()
    assert stats["keys"] == stats["distinct"] == people, stats
    return figures


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    asked.add_argument("--million", action="store_true", help="a million people as well")
    asked.add_argument("--profile", action="store_true", help="where the ledger's time goes, by cProfile")
    asked.add_argument("--one", help=argparse.SUPPRESS)
    options = asked.parse_args()
    if options.one:
        print(json.dumps(one(json.loads(options.one))))
    elif options.profile:
        dispatch("ledger", "a", 20_000, "", profile=True)
    else:
        with sink() as where:
            table(where, [10_000, 100_000] + ([1_000_000] if options.million else []))


if __name__ == "__main__":
    main()
