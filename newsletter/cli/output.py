"""What the commands print: tables for people, JSON for programs, progress on standard error."""

import json
import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

#: Wide when it is not a terminal: a pipe has no width, and nothing may be cut that a program reads.
WIDE = 200
#: Seconds between two lines on how far it is, and on what it waits for, where there is no terminal.
LINE_EVERY, WAIT_LINE_EVERY = 10.0, 60.0


def console(*, error: bool = False) -> Console:
    """Where to print. No markup: brackets in a tool's name are brackets."""
    stream = sys.stderr if error else sys.stdout
    return Console(file=stream, markup=False, highlight=False, emoji=False, width=None if stream.isatty() else WIDE)


def say(*lines: str) -> None:
    """Print sentences."""
    for line in lines:
        console().print(line, soft_wrap=True)


def as_json(value: Any) -> None:
    """Print one JSON document."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=_for_programs) + "\n")


@dataclass(frozen=True, slots=True)
class Told:
    """A cell that people read otherwise than programs."""

    text: str
    value: Any


def _for_programs(value: Any) -> Any:
    if isinstance(value, Told):
        return value.value
    return value.isoformat() if isinstance(value, date) else str(value)  # a datetime is a date as well


def rows(found: Sequence[dict[str, Any]], *, json_wanted: bool, nothing: str, title: str | None = None) -> None:
    """Print a listing: a table, or the same rows as JSON; `nothing` is the sentence for an empty one."""
    if json_wanted:
        as_json(list(found))
        return
    if not found:
        say(nothing)
        return
    texts = [{name.replace("_", " "): _cell(value) for name, value in row.items()} for row in found]
    if sys.stdout.isatty() and _width(texts) > console().width:
        say(*([title, ""] if title else []))
        _blocks(texts)
        return
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for name in found[0]:
        numeric = all(isinstance(row[name], int) and not isinstance(row[name], bool) for row in found)
        table.add_column(name.replace("_", " "), justify="right" if numeric else "left", overflow="fold")
    for row in found:
        table.add_row(*(_cell(value) for value in row.values()))
    console().print(table)


def _width(texts: list[dict[str, str]]) -> int:
    """How wide a table of these rows would be."""
    return sum(2 + max(len(name), *(len(row[name]) for row in texts)) for name in texts[0])


def _blocks(texts: list[dict[str, str]]) -> None:
    """Rows that do not fit side by side, one below the other: nothing is chopped, so that a key can be copied."""
    longest = max(len(name) for name in texts[0])
    for row in texts:
        say(*(f"{name:{longest}}  {value}" for name, value in row.items() if value), "")


def _cell(value: Any) -> str:
    if value is None or value is False:
        return ""
    if value is True:
        return "yes"
    if isinstance(value, Told):
        return value.text
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
    return f"{value:,}" if isinstance(value, int) else str(value)


class Telling(Protocol):
    """Says how far something is."""

    def __call__(self, done: int, total: int | None, words: str = "") -> None:
        """So many are done; `words` say more than the two numbers."""
        ...

    def waits(self, sentence: str) -> None:
        """It waits, and says for what; empty: it goes on."""
        ...


@contextmanager
def progress(what: str, ticks: Callable[[], float] = time.monotonic) -> Iterator[Telling]:
    """A bar with count and time left on standard error; yields what is to be called with (done, total).

    Where that is no terminal: a line at the first count, and one every ten seconds (`ticks` are seconds).
    """
    if not sys.stderr.isatty():
        yield Lines(what, ticks)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console(error=True), transient=True) as bar:
        yield Bar(what, bar, bar.add_task(what, total=None))


@dataclass
class Bar:
    """On a terminal: one line that is written over again."""

    what: str
    bar: Progress
    task: TaskID

    def __call__(self, done: int, total: int | None, words: str = "") -> None:
        """So many are done."""
        said = f"{self.what}: {words}" if words else self.what
        self.bar.update(self.task, completed=done, total=total, description=said)

    def waits(self, sentence: str) -> None:
        """In the place of what is done."""
        self.bar.update(self.task, description=sentence or self.what)


@dataclass
class Lines:
    """In a log: lines, and not too many of them."""

    what: str
    ticks: Callable[[], float]
    said_at: dict[str, float] = field(default_factory=dict)

    def __call__(self, done: int, total: int | None, words: str = "") -> None:
        """A line every ten seconds."""
        counts = f"{done:,} of {total:,}" if total else f"{done:,}"
        self._say("count", LINE_EVERY, f"{self.what}: {words or counts}")

    def waits(self, sentence: str) -> None:
        """A line when it begins, and one every minute."""
        if sentence:
            self._say("wait", WAIT_LINE_EVERY, sentence)
        else:
            self.said_at.pop("wait", None)

    def _say(self, kind: str, every: float, sentence: str) -> None:
        now = self.ticks()
        if now >= self.said_at.get(kind, -math.inf) + every:
            self.said_at[kind] = now
            sys.stderr.write(f"{sentence}\n")
            sys.stderr.flush()
