"""What it costs to check and approve an issue with its parts: how many there are, seconds, and bytes in the database.

    python benchmarks/parts.py            without topics, and with three, four, five and six
    python benchmarks/parts.py 6          with six

Made-up weeks: the sample's compare pages under other names, in categories of a site as they are spread on one (every
third pair has two), one of them with a changed verdict. Of each number of topics two issues are approved: one in the
middle of a month, and the first of a month, whose monthly mail has the two issues before it. docs/parts.md has the
numbers.
"""

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from desk_samples import Clock, Place, place
from sqlalchemy import text

from newsletter.comparisons.comparison import Comparison, Panel, Tool, Verdict
from newsletter.comparisons.page import read_page
from newsletter.comparisons.shelf import put
from newsletter.database import engine_for
from newsletter.desk import sending, writing
from newsletter.migrations import upgrade
from newsletter.sample import PAGES
from newsletter.topics import Topic

WEEKS = tuple(datetime(2026, month, day, 9, tzinfo=UTC) for month, day in ((11, 12), (11, 19), (11, 26), (12, 3)))
TOPICS = tuple(
    Topic(slug=slug, name=slug.title(), categories=categories)
    for slug, categories in {
        "models": ("Models", "AI Models", "Open Source Models"),
        "tools": ("Developer Tools", "Developer Productivity", "Agents"),
        "apps": ("AI Clients", "AI Hardware", "Productivity"),
        "words": ("Writing", "Research", "Education"),
        "media": ("Design", "Audio", "Video"),
        "work": ("Data", "Marketing", "Finance"),
    }.items()
)
CATEGORIES = [one for topic in TOPICS for one in topic.categories] + ["Health", "Gaming"]


def comparisons(week: int, chance: Random) -> Iterator[Comparison]:
    """The pages of a week."""
    for page in sorted(PAGES.iterdir()):
        found = read_page(page.read_text(encoding="utf-8"), file_name=page.name)
        first = chance.choice(CATEGORIES)
        second = chance.choice(CATEGORIES) if chance.random() < 1 / 3 else first
        yield found.model_copy(
            update={"left": renamed(found.left, week, first), "right": renamed(found.right, week, second)}
        )


def renamed(tool: Tool, week: int, category: str) -> Tool:
    """Another tool with as much to say."""
    return tool.model_copy(update={"slug": f"{tool.slug}-{week}", "name": f"{tool.name} {week}", "category": category})


def changed(one: Comparison) -> Comparison:
    """The same, of which the panel thinks otherwise now."""
    percent = 25 if one.left.panel.percent > 50 else 100
    ship = percent // 25
    panel = Panel(verdict=Verdict.at(percent), percent=percent, ship=ship, skip=4 - ship)
    return one.model_copy(update={"left": one.left.model_copy(update={"panel": panel, "reviews": ()})})


def spent(here: Place, number: str) -> tuple[list[Comparison], int, float, float, int]:
    """Draft and approve it: its items, the number of its parts, seconds of processor and of wall time, and bytes."""
    writing.draft(here.desk)
    before, cpu, wall = size(here), time.process_time(), time.perf_counter()
    issue, made = writing.approve(here.desk, number, by="Mara")
    cost, grown = (time.process_time() - cpu, time.perf_counter() - wall), size(here) - before
    with here.desk.reading() as session:
        items = [one.comparison for one in writing.words(here.desk, session, issue).items]
    sending.send(here.desk, number, by="Mara")
    return items, len(made.parts), *cost, grown


def size(here: Place) -> int:
    """Of the database, whatever of it is still in its log."""
    with here.desk.reading() as session:
        pages, each = (session.scalar(text(f"pragma {name}")) for name in ("page_count", "page_size"))
        return int(pages * each)


def year(number: int) -> None:
    """Four issues with so many topics; two of them are told."""
    with tempfile.TemporaryDirectory(prefix="parts-") as name:
        engine, chance = engine_for(f"sqlite:///{name}/newsletter.db"), Random(7)
        upgrade(engine)
        here, told = place(engine), list[Comparison]()
        for week, now in enumerate(WEEKS, start=1):
            here.desk = replace(here.desk, clock=Clock(now))
            topics = TOPICS[:number] if week >= 3 else ()
            here.desk = replace(here.desk, config=here.desk.config.model_copy(update={"topics": topics}))
            with here.desk.transaction() as session:
                for one in (*comparisons(week, chance), *map(changed, told[:1])):
                    put(session, one, now=now)
            told, parts, cpu, wall, grown = spent(here, str(week))
            if topics or (not number and week > 2):
                kind = "first of a month" if week == len(WEEKS) else "any other"
                print(
                    f"{number} topics, {kind:<17}{len(told):>3} items {parts:>4} parts {cpu:>7.2f} s processor "
                    f"{wall:>7.2f} s wall {grown / 1024:>8.0f} KB",
                    flush=True,
                )
        engine.dispose()


def main() -> None:
    """Print the table."""
    print(f"load {os.getloadavg()[0]:.1f}")
    for number in [int(one) for one in sys.argv[1:]] or [0, 3, 4, 5, 6]:
        year(number)


if __name__ == "__main__":
    main()
