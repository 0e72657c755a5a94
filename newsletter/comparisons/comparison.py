"""A comparison: two tools side by side, with what the panel said of each.

The values are validated and frozen: a comparison that exists is whole, and cannot be changed. What a page says twice
and differently does not stop it from being read; it is kept as a `Problem` for the editor (product reference, part 1).
"""

import hashlib
from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator

Line = Annotated[str, StringConstraints(min_length=1, max_length=400)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=200)]
Percent = Annotated[int, Field(ge=0, le=100)]


class Value(BaseModel):
    """A frozen, closed value."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Verdict(StrEnum):
    """What the panel, or one reviewer, says of a tool."""

    SHIP = "ship"  #: more than half say ship
    MIXED = "mixed"  #: exactly half; never used for a single reviewer
    SKIP = "skip"  #: fewer than half say ship

    @classmethod
    def at(cls, percent: int) -> Self:
        """The verdict at this percentage of ships. A tie is mixed (the site's own tool page calls it a skip)."""
        if percent == 50:  # noqa: PLR2004
            return cls("mixed")
        return cls("ship" if percent > 50 else "skip")  # noqa: PLR2004


class Problem(Value):
    """Something that the page says and that cannot be right, or a part that is missing; for the editor to see."""

    code: str  #: stable, for tests and filters: "percent-disagrees", "truncated", "slugs-derived", …
    message: str  #: one sentence that names what and where


class Panel(Value):
    """The reviewers' verdict on a tool. The counts are missing where the page was cut or its text had no table."""

    verdict: Verdict
    percent: Percent
    ship: int | None = Field(default=None, ge=0)
    skip: int | None = Field(default=None, ge=0)

    @property
    def split(self) -> str:
        """The counts as "3 ship / 1 skip", or "75% ship" where the page did not tell them."""
        return f"{self.percent}% ship" if self.ship is None else f"{self.ship} ship / {self.skip} skip"


class Votes(Value):
    """The community's votes on a tool. No votes are `None` where this is used: none is not zero percent."""

    percent: Percent
    count: int | None = Field(default=None, ge=0)


class Review(Value):
    """One reviewer on one tool. Reviewers are an open set: any name may appear."""

    reviewer: Line
    verdict: Verdict
    score: Percent | None = None
    quote: str | None = None  #: whole, or None: half a quote is never kept


class Tool(Value):
    """One side of a comparison. Its identity is the slug: names repeat across different tools."""

    slug: Slug
    name: Line
    category: Line
    tagline: Line
    description: str
    entry: Line  #: the page's crude "Free" or "Paid" flag; show `pricing` instead where it is known
    pricing: Line | None = None  #: free text, never to be parsed as a number
    panel: Panel
    votes: Votes | None = None
    reviews: tuple[Review, ...] = ()

    def review_by(self, reviewer: str) -> Review | None:
        """What this reviewer said, or None if they did not review the tool."""
        return next((review for review in self.reviews if review.reviewer == reviewer), None)


class Comparison(Value):
    """Two tools side by side. `left.slug < right.slug` always: A against B and B against A are one comparison."""

    left: Tool
    right: Tool
    reviewers: tuple[str, ...] = ()  #: everybody who reviewed at least one of the two, in the page's order
    url: str | None = None
    published: AwareDatetime | None = None  #: only a feed tells it; compare pages carry no date
    truncated: bool = False  #: the page was cut: what is here is whole, but it is not all
    problems: tuple[Problem, ...] = ()

    @model_validator(mode="after")
    def _in_canonical_order(self) -> Self:
        if self.left.slug >= self.right.slug:
            raise ValueError("the two tools of a comparison must differ and stand in slug order")
        return self

    @property
    def tools(self) -> tuple[Tool, Tool]:
        """Left and right."""
        return self.left, self.right

    def tool(self, slug: str) -> Tool | None:
        """The side with this slug, or None."""
        return next((tool for tool in self.tools if tool.slug == slug), None)

    @property
    def title(self) -> str:
        """The two names, as the page heads itself."""
        return f"{self.left.name} vs {self.right.name}"

    @property
    def key(self) -> str:
        """The identity: both slugs in order, as in the page's address."""
        return f"{self.left.slug}-vs-{self.right.slug}"

    @property
    def verdicts(self) -> tuple[Verdict, Verdict]:
        """Left's and right's verdict."""
        return self.left.panel.verdict, self.right.panel.verdict

    @cached_property
    def digest(self) -> str:
        """Over the facts (not the problems found, nor where the page was read): equal facts, equal digest."""
        facts = self.model_dump_json(exclude={"problems", "url", "published"})
        return hashlib.blake2b(facts.encode(), digest_size=16).hexdigest()

    def quotes(self) -> Iterator[tuple[Tool, Review]]:
        """Every review that has a quote, with its tool, in the order of the scorecard."""
        for reviewer in self.reviewers:
            for tool in self.tools:
                review = tool.review_by(reviewer)
                if review and review.quote:
                    yield tool, review


def comparison_of(one: Tool, other: Tool, **rest: object) -> Comparison:
    """A comparison of two tools given in any order."""
    left, right = sorted((one, other), key=lambda tool: tool.slug)
    return Comparison.model_validate({"left": left, "right": right, **rest})


def seen_time(comparison: Comparison, now: datetime) -> datetime:
    """When readers could first see it: `now` at the latest, also where a feed claims a later date."""
    return min(comparison.published or now, now)
