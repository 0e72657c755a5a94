"""How long rendering, checking, merging and building messages take: `python benchmarks/rendering.py`.

Each figure is also given as a ratio to a reference measured in the same minute (a join of 27 pieces into 54 kB), so
that two machines, or two days, can be compared. `--check` fails where a budget is exceeded by far.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from mail_samples import DATE, PUBLICATION, TEMPLATES, composition, recipient, rendered, values

from newsletter.mail.merging import Merger
from newsletter.mail.message import MessageBuilder
from newsletter.mail.preflight import check
from newsletter.mail.rendering import render


def seconds(work: Callable[[], object], least: float = 0.5) -> float:
    """The best of five: seconds a call, each measured over a fifth of `least` seconds or more."""
    best, calls = float("inf"), 1
    for _ in range(5):
        while True:
            start = time.process_time()
            for _ in range(calls):
                work()
            took = time.process_time() - start
            if took >= least / 5:
                break
            calls *= 2
        best = min(best, took / calls)
    return best


def main() -> int:
    """Print the table; 1 where a budget is missed."""
    issue, words = rendered(6), composition(6)
    twelve, dozen = rendered(12), composition(12)
    merger, builder = Merger(issue), MessageBuilder(issue, date=DATE)
    own, one = {**values("ada"), "address": "ada@example.org"}, recipient()
    pieces = ["x" * 2000] * 27
    reference = seconds(lambda: "".join(pieces))
    rows = (
        ("render, 6 items", lambda: render(words, PUBLICATION, templates=TEMPLATES), 0.1),
        ("render, 12 items", lambda: render(dozen, PUBLICATION, templates=TEMPLATES), 0.2),
        ("preflight, 6 items", lambda: check(issue, words, PUBLICATION), 0.2),
        ("preflight, 12 items", lambda: check(twelve, dozen, PUBLICATION), 0.2),
        ("merge, both parts", lambda: merger.merge(own), 1 / 20_000),
        ("message as bytes", lambda: builder.mime(one), 1 / 10_000),
        ("message as values", lambda: builder.message(one), 1 / 10_000),
    )
    print(f"reference join: {reference * 1e6:.2f} µs; HTML of 6: {len(issue.html.encode()):,} B, of 12: "
          f"{len(twelve.html.encode()):,} B; message: {len(builder.mime(one)):,} B")  # fmt: skip
    missed = 0
    for name, work, budget in rows:
        took = seconds(work)
        missed += took > budget
        print(f"{name:22} {took * 1e3:10.4f} ms {1 / took:12,.0f} /s {took / reference:10,.1f} x reference")
    return 1 if missed and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
