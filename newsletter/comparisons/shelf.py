"""The shelf: every comparison seen so far, one row per version.

A version is a set of facts (`Comparison.digest`). Importing again changes nothing: equal facts are no new version, an
address that is learned later is filled in, and a page that was cut, or read from a text without a decision table,
does not replace a fuller reading of the same verdicts.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import func
from sqlmodel import Field, Session, SQLModel, UniqueConstraint, col, or_, select

from newsletter.comparisons.comparison import Comparison, Tool, seen_time
from newsletter.database import UtcTime, utc


class Shelved(StrEnum):
    """What putting a comparison on the shelf came to."""

    NEW = "new"  #: its first version
    CHANGED = "changed"  #: a further version
    UNCHANGED = "unchanged"  #: these facts are its latest version already
    KEPT = "kept"  #: the shelf has a fuller reading, and kept it


class ShelvedComparison(SQLModel, table=True):
    """One version of one comparison. Rows are only ever added; of an old row, only an unknown address is filled in."""

    __tablename__ = "comparison"
    __table_args__ = (UniqueConstraint("key", "version"),)

    id: int | None = Field(default=None, primary_key=True)
    key: str  #: both slugs in order; the unique constraint's index finds it
    version: int  #: from 1
    digest: str
    content: str  #: the comparison as JSON
    url: str | None = None
    seen_at: datetime = Field(sa_type=UtcTime, index=True)
    covered: bool = False  #: readers had this version before we began
    left_slug: str = Field(index=True)
    left_name: str = Field(index=True)  #: as `same_name` compares it
    right_slug: str = Field(index=True)
    right_name: str = Field(index=True)

    @property
    def comparison(self) -> Comparison:
        """The comparison as it was at this version, with the address known by now."""
        return Comparison.model_validate_json(self.content).model_copy(update={"url": self.url})

    @property
    def seen(self) -> datetime:
        """When this version was first seen, aware UTC (SQLite gives times back without their zone)."""
        return _aware(self.seen_at)


@dataclass(frozen=True, slots=True)
class OnShelf:
    """One comparison in its latest version."""

    comparison: Comparison
    row_id: int
    version: int
    first_seen: datetime  #: of the comparison, aware UTC
    changed_at: datetime  #: of this version; that of version 1 is `first_seen`
    covered: bool  #: readers had this very version before we began
    covered_row: int | None  #: the newest version that readers had before we began


def put(session: Session, comparison: Comparison, *, now: datetime, covered: bool = False) -> Shelved:
    """Put a comparison on the shelf, seen `now` (aware); says what came of it.

    `covered` tells that readers had this version before we began: it is never new to them, a later change may be.
    """
    last = _last_row(session, comparison.key)
    if last is None:
        session.add(_row(comparison, 1, seen_time(comparison, utc(now)), covered=covered))
        session.flush()
        return Shelved.NEW
    if last.digest == comparison.digest:
        _complete(session, last, comparison, covered=covered)
        return Shelved.UNCHANGED
    if _poorer(comparison, last.comparison):
        return Shelved.KEPT
    session.add(_row(comparison, last.version + 1, utc(now), covered=covered))
    session.flush()
    return Shelved.CHANGED


def latest(session: Session, key: str) -> Comparison | None:
    """The latest version of this comparison, or None."""
    row = _last_row(session, key)
    return row.comparison if row else None


def versions(session: Session, key: str) -> list[ShelvedComparison]:
    """All versions of this comparison, oldest first."""
    question = select(ShelvedComparison).where(ShelvedComparison.key == key).order_by(col(ShelvedComparison.version))
    return list(session.exec(question))


def on_shelf(session: Session, *, until: datetime | None = None) -> Iterator[OnShelf]:
    """Every comparison in its latest version (the latest that was seen by `until`, aware), oldest first: one query."""
    row = ShelvedComparison
    covered_row = func.max(row.id).filter(col(row.covered))
    sums = select(
        row.key,
        func.max(row.version).label("version"),
        func.min(row.seen_at).label("first_seen"),
        covered_row.label("covered_row"),
    ).group_by(row.key)
    if until is not None:
        sums = sums.where(row.seen_at <= utc(until).astimezone(UTC))
    newest = sums.subquery()
    question = (
        select(row, newest.c.first_seen, newest.c.covered_row)
        .join(newest, (col(row.key) == newest.c.key) & (col(row.version) == newest.c.version))
        .order_by(newest.c.first_seen, col(row.key))
    )
    for found, first_seen, covered_row in session.exec(question):
        yield OnShelf(
            comparison=found.comparison,
            row_id=found.id or 0,
            version=found.version,
            first_seen=_aware(first_seen),
            changed_at=found.seen,
            covered=found.covered,
            covered_row=covered_row,
        )


def version_at(session: Session, row_id: int) -> Comparison:
    """The comparison as it is in this row. Raises KeyError where there is no such row."""
    row = session.get(ShelvedComparison, row_id)
    if row is None:
        raise KeyError(f"no version {row_id} on the shelf")
    return row.comparison


def newest_with(session: Session, slugs: Collection[str]) -> dict[str, Comparison]:
    """For each of these tools the comparison that was read last with it in it; what is on no page is missing."""
    rows: dict[str, int] = {}
    for slug in (col(ShelvedComparison.left_slug), col(ShelvedComparison.right_slug)):
        found = select(slug, func.max(ShelvedComparison.id)).where(slug.in_(slugs)).group_by(slug)
        for name, row in session.execute(found):
            rows[name] = max(row, rows.get(name, 0))
    read = select(ShelvedComparison).where(col(ShelvedComparison.id).in_(set(rows.values())))
    known = {row.id: row.comparison for row in session.exec(read)}
    return {slug: known[row] for slug, row in rows.items()}


def count(session: Session) -> int:
    """How many comparisons, not versions."""
    return session.exec(select(func.count(func.distinct(ShelvedComparison.key)))).one()


def same_name(session: Session, comparison: Comparison) -> list[str]:
    """Keys of comparisons that show a tool of the same name under another slug: perhaps a duplicate, for the editor."""
    row = ShelvedComparison
    twins = [
        (name == folded(tool.name)) & (slug != tool.slug)
        for tool in comparison.tools
        for name, slug in ((col(row.left_name), col(row.left_slug)), (col(row.right_name), col(row.right_slug)))
    ]
    return list(
        session.exec(select(row.key).where(row.key != comparison.key, or_(*twins)).distinct().order_by(row.key))
    )


def folded(name: str) -> str:
    """A tool's name as `same_name` compares it: letters and digits in lower case."""
    return "".join(c for c in name.casefold() if c.isalnum()) or name.casefold()


def _last_row(session: Session, key: str) -> ShelvedComparison | None:
    question = select(ShelvedComparison).where(ShelvedComparison.key == key)
    return session.exec(question.order_by(col(ShelvedComparison.version).desc()).limit(1)).first()


def _row(comparison: Comparison, version: int, seen_at: datetime, *, covered: bool) -> ShelvedComparison:
    left, right = comparison.tools
    return ShelvedComparison(
        key=comparison.key,
        version=version,
        digest=comparison.digest,
        content=comparison.model_dump_json(exclude={"url"}),
        url=comparison.url,
        seen_at=seen_at.astimezone(UTC),
        covered=covered,
        left_slug=left.slug,
        left_name=folded(left.name),
        right_slug=right.slug,
        right_name=folded(right.name),
    )


def _complete(session: Session, row: ShelvedComparison, comparison: Comparison, *, covered: bool) -> None:
    """Fill in what was not known when the row was made, and nothing that was."""
    row.url = row.url or comparison.url
    row.covered = row.covered or covered
    session.add(row)
    session.flush()


def _poorer(fresh: Comparison, kept: Comparison) -> bool:
    """Whether the fresh reading tells less of the same: a cut page, or a text that lost the decision table."""
    if fresh.truncated and not kept.truncated:
        return True
    bare = not fresh.reviewers and all(tool.panel.ship is None for tool in fresh.tools)
    same = [tool.panel.percent for tool in fresh.tools] == [tool.panel.percent for tool in kept.tools]
    return (fresh.truncated or bare) and same and _richness(fresh) < _richness(kept)


def _richness(comparison: Comparison) -> tuple[int, ...]:
    def count_of(tool: Tool) -> int:
        return sum(fact is not None for fact in (tool.panel.ship, tool.pricing, tool.votes))

    tools = comparison.tools
    return (
        not comparison.truncated,
        sum(1 for _ in comparison.quotes()),
        sum(len(tool.reviews) for tool in tools),
        sum(map(count_of, tools)),
        sum(len(tool.description) for tool in tools),
    )


def _aware(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
