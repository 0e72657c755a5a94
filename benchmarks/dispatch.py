"""How many recipients a second the whole outgoing path reaches, and what it costs: claim, build, post, record, commit.

    python benchmarks/dispatch.py                 10,000 and 100,000 people
    python benchmarks/dispatch.py --million       and a million
    python benchmarks/dispatch.py --small         10,000 only
    python benchmarks/dispatch.py --profile       where the time of the ledger goes, function by function
    python benchmarks/dispatch.py --stages        the same, step by step, for a thousand people

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
import select
import smtplib
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import jinja2
from loopback_provider import FIELDS, NOW, SECRET, LoopbackProvider, addressing, database, issue_of, style_b
from sink import Sink, core, raw_rate, sink, smtp_sink
from sqlmodel import Session

from newsletter.database import engine_for, transaction
from newsletter.delivery import claims, ledger
from newsletter.delivery.addressing import Member
from newsletter.delivery.dispatch import Dispatcher
from newsletter.delivery.flight import Ending
from newsletter.mail.message import MessageBuilder
from newsletter.providers.base import OutgoingBatch
from newsletter.providers.httpx_poster import HttpxPoster
from newsletter.providers.lean import LeanPoster
from newsletter.providers.poster import Limits, Poster
from subscribers.consent import Evidence
from subscribers.subscriber import Subscriber, new_refs, unsubscribe

POSTERS: dict[str, Callable[[Limits], Poster]] = {"lean": LeanPoster, "httpx": HttpxPoster}
Figures = dict[str, float]
FLOOR_CLAIM = (
    "insert into delivery select 1, id, 1 from subscriber s where id > ? and status = 'active' and not exists "
    "(select 1 from suppression where fingerprint = s.fingerprint) order by id limit 1000"
)
FLOOR_READ = (
    "select group_concat(ref, '\n'), group_concat(address, '\n'), group_concat(name, '\n') from delivery cross join "
    "subscriber on id = subscriber_id where issue_id = 1 and subscriber_id > ? and subscriber_id <= ?"
)


def peak() -> float:
    """The most memory that this process ever had, in MB. Not ru_maxrss, which begins with the parent's."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def dispatch(kind: str, style: str, people: int, url: str, folder: str, *, profile: bool = False) -> Figures:
    """One sending, in this process; `kind` is a poster, or "ledger" for none. The folder has a filled database."""
    os.sched_setaffinity(0, core(0))
    engine = engine_for(f"sqlite:///{folder}/newsletter.db")
    builder = MessageBuilder(issue_of(60), date=NOW)
    poster = POSTERS[kind](Limits()) if kind in POSTERS else None
    provider = LoopbackProvider(builder, style, poster, url)
    size = provider.capabilities.batch_size
    dispatcher = Dispatcher(engine, provider, builder, addressing(), size, lambda: NOW, in_flight=2)
    before, profiler = peak(), cProfile.Profile()
    began, spent = time.perf_counter(), time.process_time()
    if profile:
        profiler.enable()
    ending, why = dispatcher.run(1)
    profiler.disable()
    took, cpu = time.perf_counter() - began, time.process_time() - spent
    assert ending is Ending.DONE, why
    if profile:
        print(f"{people:,} people, {size:,} in a call, no provider, under cProfile: the 25 costliest functions\n")
        pstats.Stats(profiler).sort_stats("tottime").print_stats(25)
        print(
            f"{1e6 * cpu / people:.1f} µs of CPU for each of {people:,} people. cProfile makes every call dearer: "
            "compare the lines with each other, and take times from the table (no option) or from --stages."
        )
    engine.dispose()
    return {"people": people, "wall": took, "cpu": cpu, "rss": peak(), "grown": peak() - before}


def floor(folder: str, people: int) -> Figures:
    """The same thousand rows by sqlite3 alone, one hash and one formatted line for each; nothing sent.

    It leaves out two links, every check, the batch's row and the receipts. It is a reference, and no bound.
    """
    os.sched_setaffinity(0, core(0))
    connection = sqlite3.connect(f"{folder}/newsletter.db", isolation_level=None)
    connection.execute("pragma synchronous=full")
    keyed, line = hashlib.blake2b(key=SECRET[:32], digest_size=40), '{"to":"%s","key":"%s","u":"%s","name":"%s"}'
    began, spent, cursor = time.perf_counter(), time.process_time(), 0
    while cursor < people:
        connection.execute("begin immediate")
        connection.execute(FLOOR_CLAIM, (cursor,))
        texts = connection.execute(FLOOR_READ, (cursor, cursor + 1000)).fetchone()
        connection.execute("update sending set cursor = ?", (cursor + 1000,))
        connection.execute("commit")
        made = []
        for ref, address, name in zip(*(text.split("\n") for text in texts), strict=True):
            one_more = keyed.copy()
            one_more.update(ref.encode())
            made.append(line % (address, ref, one_more.hexdigest(), name))
        ",".join(made).encode()
        cursor += 1000
    connection.close()
    return {
        "people": people,
        "wall": time.perf_counter() - began,
        "cpu": time.process_time() - spent,
        "rss": peak(),
    }


def leaving(folder: str, people: int) -> Figures:
    """Somebody unsubscribes a hundred times a second, as the web process does it, until the input ends."""
    os.sched_setaffinity(0, core(1))
    engine, dice, times = engine_for(f"sqlite:///{folder}/newsletter.db"), random.Random(47), []
    print("ready", flush=True)
    while not select.select([sys.stdin], [], [], 0.01)[0]:
        began = time.perf_counter()
        with transaction(engine) as session:
            unsubscribe(session, session.get_one(Subscriber, dice.randint(1, people)), Evidence("/u"), NOW)
        times.append(1000 * (time.perf_counter() - began))
    engine.dispose()
    ordered = sorted(times)
    at = {"p50": 0.5, "p99": 0.99, "longest": 1}
    return {name: ordered[min(int(len(ordered) * share), len(ordered) - 1)] for name, share in at.items()} | {
        "left": len(ordered)
    }


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
    links = {
        name: f"https://news.example.org/{name}/{number:080x}"
        for name in ("view", "unsubscribe", "preferences", "vote")
    }
    return {**links, "address": f"reader{number}@example.org", "name": "Zoë & Ada"}


def apart(*arguments: object) -> Figures:
    """One measurement in a process of its own."""
    done = subprocess.run(_ourselves(arguments), check=True, capture_output=True, text=True)  # noqa: S603 - ourselves
    found: Figures = json.loads(done.stdout.splitlines()[-1])
    return found


def _ourselves(arguments: Sequence[object]) -> list[str]:
    return [sys.executable, __file__, "--one", json.dumps(arguments)]


def one(arguments: list[Any]) -> Figures:
    """What `apart` asks for."""
    what, *rest = arguments
    if what == "fill":
        database(Path(rest[0]), rest[1]).dispose()
        return {}
    called: dict[str, Callable[..., Figures]] = {
        "plain": plain_loop,
        "smtp": smtp_loop,
        "leave": leaving,
        "floor": floor,
    }
    return called[what](*rest) if what in called else dispatch(what, *rest)


CALLED: dict[str, Callable[..., Figures]] = {"plain": plain_loop, "smtp": smtp_loop, "leave": leaving, "floor": floor}


@contextmanager
def filled(people: int) -> Iterator[str]:
    """A folder with a database of so many people, made in a process of its own: its memory is not the sender's."""
    with tempfile.TemporaryDirectory() as folder:
        apart("fill", folder, people)
        yield folder


def body_of_b() -> bytes:
    """A call of 500 full messages, as it leaves."""
    people = [
        Member(ref, f"reader{n}@example.org", "Ada Njeri", "2026-01-02", ref) for n, ref in enumerate(new_refs(500))
    ]
    return b"".join(style_b(MessageBuilder(issue_of(60), date=NOW)).body(addressing().columns(people, FIELDS)))


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
    raw_a = 1000 * raw_rate(where, "/raw", bytes(800_000))
    raw_b, prebuilt = 500 * raw_rate(where, "/raw", bytes(30_000_000)), 500 * raw_rate(where, "/batch", body_of_b())
    print(f"this machine now: {speed():.2f} µs for a keyed BLAKE2b; load {os.getloadavg()[0]:.1f}")
    print(f"sink ({where.name}), bare sockets, prebuilt: {raw_a:,.0f} recipients/s in style a, {raw_b:,.0f} in style b")
    print(f"the same with bodies of style b that it reads and answers: {prebuilt:,.0f}\n")
    print(f"{'':34} {'people/s':>11} {'people/CPU-s':>13} {'CPU µs':>10} {'RSS MB':>8} {'grown':>6}     ratio")
    plain = apart("plain", where.url(), 300)
    reference = plain["people"] / plain["wall"]
    told("plain loop, jinja2 and httpx", plain, reference, "itself")
    with smtp_sink() as port:
        told("plain loop, jinja2 and smtplib", apart("smtp", port, 300), reference, "plain loop")
    for people in sizes:
        with filled(people) as folder:
            told(f"floor, sqlite3 and a hash, {people:,}", apart("floor", folder, people), reference, "plain loop")
        with filled(people) as folder:
            told(f"ledger alone, {people:,}", apart("ledger", "a", people, "", folder), reference, "plain loop")
        for kind in POSTERS:
            told(f"style a, {kind}, {people:,}", counted(where, people, kind, "a", "/send"), reference, "plain loop")
    for kind in POSTERS:
        told(
            f"style b, {kind}, 10,000",
            counted(where, 10_000, kind, "b", "/batch"),
            prebuilt,
            "the sink with prebuilt bodies",
        )
    for kind in POSTERS:
        left = while_leaving(where, sizes[-1], kind)
        waited = ", ".join(f"{name} {left[name]:.1f} ms" for name in ("p50", "p99", "longest"))
        print(f"unsubscribing meanwhile ({kind}): {left['left']:.0f} times, {waited}")


def counted(where: Sink, people: int, kind: str, style: str, path: str) -> Figures:
    """One sending; the sink must have everybody once."""
    where.reset()
    with filled(people) as folder:
        figures = apart(kind, style, people, where.url(path), folder)
    stats = where.stats()
    assert stats["keys"] == stats["distinct"] == people, stats
    return figures


def while_leaving(where: Sink, people: int, kind: str) -> Figures:
    """How long an unsubscription waits while an issue goes out."""
    with filled(people) as folder:
        command = _ourselves(["leave", folder, people])
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
            assert process.stdout
            process.stdout.readline()
            apart(kind, "a", people, where.url(), folder)
            found, _ = process.communicate()
        left: Figures = json.loads(found.splitlines()[-1])
        return left


def profiled() -> None:
    """The ledger alone, under cProfile."""
    with filled(20_000) as folder:
        dispatch("ledger", "a", 20_000, "", folder, profile=True)


def stages(calls: int) -> None:
    """Each step of so many calls of a thousand people by itself, one after the other, in one thread: its median."""
    took: dict[str, list[float]] = {}

    @contextmanager
    def step(name: str) -> Iterator[None]:
        spent = time.process_time()
        yield
        took.setdefault(name, []).append(1000 * (time.process_time() - spent))

    with filled(1000 * calls) as folder:
        engine, builder = engine_for(f"sqlite:///{folder}/newsletter.db"), MessageBuilder(issue_of(60), date=NOW)
        provider, address = LoopbackProvider(builder, "a"), addressing()
        for _ in range(calls):
            session = Session(engine, expire_on_commit=False)
            with step("claim"):
                batch = claims.claim(session, 1, 1000, NOW, "loopback")
            assert batch, "nobody is left"
            with step("read"):
                members = claims.members(session, batch)
            with step("commit"):
                session.commit()
            with step("columns"):
                columns = address.columns(members, builder.rendered.fields)
            outgoing = OutgoingBatch(batch.key, 1, builder, columns)
            with step("body"):
                b"".join(provider.message.body(outgoing.recipients))
            receipts = provider.send(outgoing).receipts
            session.expunge_all()  # the dispatcher records in another session than it claimed in
            with step("record"):
                ledger.record(session, batch, receipts, NOW)
            with step("commit"):
                session.commit()
            session.close()
        engine.dispose()
    print(f"CPU of one thread for 1,000 people, style a, nothing posted: median of {calls} calls\n")
    for name, times in took.items():
        print(f"{name:10} {statistics.median(times):6.2f} ms")
    print("\nTwo commits a call. Claim and record begin a transaction each. What waits for the disk is not CPU.")


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    asked.add_argument("--million", action="store_true", help="a million people as well")
    asked.add_argument("--small", action="store_true", help="10,000 people only")
    asked.add_argument("--profile", action="store_true", help="where the ledger's time goes, by cProfile")
    asked.add_argument("--stages", action="store_true", help="what each step costs for a thousand people")
    asked.add_argument("--one", help=argparse.SUPPRESS)
    options = asked.parse_args()
    if options.one:
        print(json.dumps(one(json.loads(options.one))))
    elif options.profile:
        profiled()
    elif options.stages:
        stages(100)
    else:
        with sink() as where:
            more = [] if options.small else [100_000] + ([1_000_000] if options.million else [])
            table(where, [10_000, *more])


if __name__ == "__main__":
    main()
