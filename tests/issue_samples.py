"""Comparisons, candidates and a shelf of our own, for the tests of `newsletter.issues`."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from hypothesis import strategies as st
from sqlalchemy import Engine
from sqlmodel import Session, SQLModel

from newsletter.comparisons.comparison import Comparison, Panel, Problem, Review, Tool, Verdict, comparison_of
from newsletter.comparisons.shelf import ShelvedComparison, put
from newsletter.config import Publication, Selection
from newsletter.database import engine_for, transaction
from newsletter.issues.approval import FrozenIssue
from newsletter.issues.candidates import Candidate, Chosen, Told
from newsletter.issues.composition import ItemKind
from newsletter.issues.drafting import Rules
from newsletter.issues.issue import Issue, IssueItem, IssueStep
from newsletter.issues.week import Week

WEEK = Week(2026, 47)
ZONE = ZoneInfo("UTC")
NOW = datetime(2026, 11, 19, 8, tzinfo=UTC)  # Thursday of the week
REVIEWERS = ("Builder", "Skeptic", "Futurist", "Founder")
PUBLICATION = Publication(site_url="https://compare.example.org")
RULES = Rules(PUBLICATION, Selection(fewest=1))
TABLES = (Issue, IssueItem, IssueStep, FrozenIssue, ShelvedComparison)


def review(reviewer: str, verdict: str, score: int | None, quote: str | None = None) -> Review:
    """One reviewer's word on a tool."""
    said = quote if quote is not None else f"{reviewer} says {verdict} because of reason {score}."
    return Review(reviewer=reviewer, verdict=Verdict(verdict), score=score, quote=said or None)


def tool(slug: str, ships: int = 4, skips: int = 0, *, name: str = "", **rest: object) -> Tool:
    """A tool with a panel of so many ships and skips, and a review for each."""
    percent = round(100 * ships / (ships + skips))
    reviews = tuple(
        review(REVIEWERS[at % 4] + "+" * (at // 4), "ship" if at < ships else "skip", 90 - 7 * at)
        for at in range(ships + skips)
    )
    facts: dict[str, object] = {
        "slug": slug,
        "name": name or slug.replace("-", " ").title(),
        "category": "Developer Tools",
        "tagline": f"What {slug} does",
        "description": f"{slug} does one thing. It does it well.",
        "entry": "Free",
        "panel": Panel(verdict=Verdict.at(percent), percent=percent, ship=ships, skip=skips),
        "reviews": reviews,
    }
    return Tool.model_validate({**facts, **rest})


def pair(one: Tool | str, other: Tool | str, **rest: object) -> Comparison:
    """A comparison of two tools, given whole or by slug."""
    tools = [tool(side) if isinstance(side, str) else side for side in (one, other)]
    reviewers = dict.fromkeys(said.reviewer for side in tools for said in side.reviews)
    return comparison_of(*tools, **{"reviewers": tuple(reviewers), **rest})


def pairs(count: int) -> list[Comparison]:
    """So many comparisons without a tool in common."""
    return [pair(f"a{at:02}", f"b{at:02}") for at in range(count)]


def candidate(comparison: Comparison, *, weeks_ago: int = 0, told: Told | None = None, version: int = 1) -> Candidate:
    """A comparison first seen on the Tuesday of the week, or of an earlier one."""
    seen = NOW - timedelta(days=2, weeks=weeks_ago)
    changed = NOW - timedelta(days=1) if version > 1 else seen
    return Candidate(comparison, row_id=version, version=version, first_seen=seen, changed_at=changed, told=told)


def told_in(comparison: Comparison, weeks_ago: int = 4, number: int = 8) -> Told:
    """That readers had this version so many weeks ago."""
    return Told(comparison, 1, WEEK.plus(-weeks_ago), number)


def chosen(*comparisons: Comparison) -> tuple[Chosen, ...]:
    """A lead and briefs."""
    kinds = [ItemKind.LEAD, *[ItemKind.BRIEF] * (len(comparisons) - 1)]
    return tuple(Chosen(kind, one, at) for at, (kind, one) in enumerate(zip(kinds, comparisons, strict=True), 1))


def change(before: Comparison, after: Comparison) -> Chosen:
    """An item of a changed verdict."""
    return Chosen(ItemKind.CHANGE, after, 2, before, 1)


@contextmanager
def own_engine(folder: Path | None = None) -> Iterator[Engine]:
    """A database with the tables of this room and the shelf: in a folder, or in memory."""
    engine = engine_for(f"sqlite:///{folder / 'issues.db'}" if folder else "sqlite://")
    SQLModel.metadata.create_all(
        engine, tables=[SQLModel.metadata.tables[str(table.__tablename__)] for table in TABLES]
    )
    yield engine
    engine.dispose()


def shelve(session: Session, *comparisons: Comparison, weeks_ago: int = 0) -> None:
    """Put these on the shelf, as seen on the Tuesday of the week or of an earlier one."""
    for comparison in comparisons:
        put(session, comparison, now=NOW - timedelta(days=2, weeks=weeks_ago))


def on_shelf(engine: Engine, *comparisons: Comparison, weeks_ago: int = 0) -> None:
    """The same, in a transaction of its own."""
    with transaction(engine) as session:
        shelve(session, *comparisons, weeks_ago=weeks_ago)


DERIVED = Problem(code="slugs-derived", message="The slugs were made from the names.")

#: Names as bad as they come: long, of one word, of several scripts, with brackets, colons and what is not a letter.
names = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=200),
    st.lists(
        st.sampled_from(["Claude 4", "API:", "–", "(v0)", "Ünder", "& Co.", "量子", "git-why", "🛠️"]), min_size=1
    ).map(lambda words: " ".join(words)[:200]),
)
slugs = st.sampled_from([f"t{at}" for at in range(12)])
votes = st.tuples(st.integers(0, 4), st.integers(0, 4)).filter(any)
tools = st.builds(lambda slug, vote, name: tool(slug, *vote, name=name), slugs, votes, names)
comparisons = st.tuples(tools, tools).filter(lambda two: two[0].slug != two[1].slug).map(lambda two: pair(*two))
