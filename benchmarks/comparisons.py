"""How fast pages are read and shelved, and that hostile pages cost no more than their length (security reference S-36).

    python benchmarks/comparisons.py

Fails (exit 1) where a shape's time grows faster than three times for twice the size, or 2 MB take longer than 2 s.
"""

import contextlib
import random
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from sqlmodel import SQLModel

from newsletter.comparisons import shelf
from newsletter.comparisons.page import read_page
from newsletter.comparisons.sitemap import xml_kind
from newsletter.database import engine_for, transaction
from newsletter.errors import NotAComparison

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
import page_printer as printer

ONE = "Dev\nA\ntag\n75%\nPanel ship\n—\nCommunity\nFree\nEntry\n"
TOP = f"AI tool comparison\nA vs B\nintro\n{ONE}Text.\n{ONE.replace('A', 'B')}"
SCORES = f"{TOP}Text.\nReviewer scorecard\nBuilder\n88/100 · ship\n"
LARGEST = 2_000_000
MOST_TAGS = 29_900  #: more are refused unread
QUICK = 0.05  #: seconds below which a ratio says nothing

#: Text that is repeated n times, and what stands before it.
SHAPES: dict[str, tuple[str, str]] = {
    "brackets": ("<", "<"),
    "nested boxes": ("<div>", "<div>"),
    "nested spans": ("<html><body>", "<span>"),
    "empty siblings": ("<div>", "<b></b>"),
    "empty boxes beside a score": ("<div>88/100 · ship", "<div></div>"),
    "open paragraphs": ("<div>", "<p>"),
    "comments": ("<div>", "<!-- -->a"),
    "attributes": ("<div ", "a=1 "),
    "short tags full of attributes": ("<div>", f"<i {' '.join(f'a{i}' for i in range(490))}></i>"),
    "canonical links": ("<base href='/'>", "<link rel=canonical href=/compare/a-vs-b>"),
    "table cells": ("<table><tr>", "<td></td>"),
    "short lines": ("", "a\n"),
    "cores": ("", "75%\nPanel ship\n—\nCommunity\nFree\nEntry\n"),
    "titles": ("AI tool comparison\n", "a vs b\n"),
    "one long title": ("AI tool comparison\n", "a vs "),
    "one long sentence": (TOP, "x "),
    "sentence ends": (TOP, ". "),
    "decisions": (f"{TOP}Text.\n", "Decision\n"),
    "scorecards": (f"{TOP}Text.\n", "Reviewer scorecard\n"),
    "cells": (SCORES, "88/100 · ship\n"),
    "almost no review": (SCORES, "no review review "),
    "curly quotes": (f"{TOP}Text.\nReviewer scorecard\n", "“q”\n"),
    "combining marks": (f"{TOP}a", "\u0315\u0300"),
    "empty comments": ("", "<!---->"),
    "instructions": ("", "<?a?>"),
    "comments and instructions": ("", "<!----><?a?>\n"),
    "addresses": ("<link rel=canonical href='/compare/", "-vs-"),
}


def timed(call: Callable[[], object]) -> float:
    """The best of three, in seconds."""
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        with contextlib.suppress(NotAComparison):
            call()
        best = min(best, time.perf_counter() - start)
    return best


def hostile(name: str) -> bool:
    """Print one shape's times for n, 2n and 4n; whether they are as promised."""
    head, part = SHAPES[name]
    most = min(LARGEST // len(part), MOST_TAGS // part.count("<") if "<" in part else LARGEST)
    texts = [(head + part * (most // share))[:LARGEST] for share in (4, 2, 1)]
    quarter, half, full = (timed(lambda text=text: xml_kind(text) or read_page(text)) for text in texts)
    ratios = [b / a for a, b in ((quarter, half), (half, full)) if a > QUICK]
    fine = full < 2 and all(ratio < 3 for ratio in ratios)
    print(f"{name:30} {quarter:7.3f} {half:7.3f} {full:7.3f} s  {'' if fine else 'TOO SLOW'}")
    return fine


def ordinary(how_many: int = 1_000) -> None:
    """Print how long a thousand pages take to read, to shelve, and to shelve again."""
    dice = random.Random(47)
    prints = (printer.text_b, printer.text_a, printer.html_divs, printer.html_table)
    pages = [dice.choice(prints)(printer.sheet(dice, reviewers=dice.choice((3, 4, 7)))) for _ in range(how_many)]
    start = time.perf_counter()
    read = [read_page(page, file_name=f"a-{number}-vs-b-{number}.txt") for number, page in enumerate(pages)]
    print(f"read {how_many} pages: {time.perf_counter() - start:.2f} s")
    engine = engine_for("sqlite://")
    SQLModel.metadata.create_all(engine)
    for told in ("shelve", "shelve again"):
        start = time.perf_counter()
        with transaction(engine) as session:
            for comparison in read:
                shelf.put(session, comparison, now=datetime(2026, 11, 20, tzinfo=UTC))
        print(f"{told} {how_many}: {time.perf_counter() - start:.2f} s")
    start = time.perf_counter()
    with transaction(engine) as session:
        found = sum(1 for _ in shelf.on_shelf(session))
    print(f"the shelf, {found} comparisons: {time.perf_counter() - start:.2f} s")


if __name__ == "__main__":
    ordinary()
    sys.exit(1 if sum(not hostile(name) for name in SHAPES) else 0)
