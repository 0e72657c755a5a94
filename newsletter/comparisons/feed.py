"""Our own JSON feed: comparisons as data, for sites that can print them. `docs/feed.md` describes it.

A feed is read whole or not at all: one wrong entry, and the source has failed. The published schema,
`feed.schema.json` beside this file, is made from the models below; a test keeps the two equal.
"""

from collections import Counter
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, AwareDatetime, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from newsletter.comparisons.address import shortened, web_address
from newsletter.comparisons.comparison import (
    Comparison,
    Line,
    Panel,
    Percent,
    Problem,
    Review,
    Slug,
    Tool,
    Value,
    Verdict,
    Votes,
    comparison_of,
)
from newsletter.comparisons.page_checks import tool_problems
from newsletter.comparisons.page_lines import clean
from newsletter.errors import SourceError

FORMAT = "weekly-verdicts-feed/1"
MOST_ENTRIES = 50_000  #: security reference S-35
_MOST_MISTAKES = 5


def _clean_line(text: str) -> str:
    if not (cleaned := clean(text)):
        raise ValueError("is blank")
    return cleaned


def _clean_text(text: str) -> str:
    return "\n".join(filter(None, map(clean, text.splitlines())))


_Line = Annotated[Line, AfterValidator(_clean_line)]
_Text = Annotated[str, Field(max_length=20_000), AfterValidator(_clean_text)]
_Count = Annotated[int, Field(ge=0, le=10_000)]


class FeedReview(Value):
    """One reviewer on one tool."""

    reviewer: _Line
    verdict: Literal["ship", "skip"]
    score: Percent | None = None
    quote: _Text | None = None


class FeedPanel(Value):
    """The panel's counts; a percentage alone is enough where they are not known."""

    percent: Percent | None = None
    ship: _Count | None = None
    skip: _Count | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if (self.ship is None) != (self.skip is None) or self.ship == self.skip == 0:
            raise ValueError("give both 'ship' and 'skip', at least one of them above 0")
        if self.percent is None and self.ship is None:
            raise ValueError("give 'ship' and 'skip', or 'percent'")
        return self

    def panel(self) -> Panel:
        """The panel, its percentage worked out where it is not given (rounded half up, as the site does)."""
        percent = self.percent
        if percent is None:
            ship, skip = self.ship or 0, self.skip or 0
            percent = (200 * ship + ship + skip) // (2 * (ship + skip))
        return Panel(verdict=Verdict.at(percent), percent=percent, ship=self.ship, skip=self.skip)


class FeedVotes(Value):
    """The community's votes on a tool; leave them out where there are none."""

    percent: Percent
    count: Annotated[int, Field(ge=1)] | None = None


class FeedTool(Value):
    """One side of a comparison."""

    slug: Slug
    name: _Line
    category: _Line
    tagline: _Line
    description: _Text = ""
    entry: _Line = "Unknown"
    pricing: _Line | None = None
    panel: FeedPanel
    votes: FeedVotes | None = None
    reviews: tuple[FeedReview, ...] = ()

    @model_validator(mode="after")
    def _one_review_each(self) -> Self:
        names = [review.reviewer for review in self.reviews]
        if len(set(names)) != len(names):
            raise ValueError("a reviewer stands twice in 'reviews'")
        return self

    def tool(self) -> Tool:
        """The tool as a comparison holds it."""
        return Tool(
            slug=self.slug,
            name=self.name,
            category=self.category,
            tagline=self.tagline,
            description=self.description,
            entry=self.entry,
            pricing=self.pricing,
            panel=self.panel.panel(),
            votes=Votes(percent=self.votes.percent, count=self.votes.count) if self.votes else None,
            reviews=tuple(
                Review(reviewer=r.reviewer, verdict=Verdict(r.verdict), score=r.score, quote=r.quote or None)
                for r in self.reviews
            ),
        )


class FeedEntry(Value):
    """One comparison; the order of the two tools means nothing."""

    tools: tuple[FeedTool, FeedTool]
    url: Annotated[str, Field(max_length=2_000, pattern=r"^https?://")] | None = None
    published: AwareDatetime | None = None  #: when readers could first see it, with its offset

    @model_validator(mode="after")
    def _two_tools(self) -> Self:
        if self.tools[0].slug == self.tools[1].slug:
            raise ValueError("both tools have the same slug")
        if self.url and not web_address(self.url):
            raise ValueError("'url' is not a web address that may be linked")
        return self

    def comparison(self) -> Comparison:
        """The comparison, with what it says twice and differently."""
        tools = [entry.tool() for entry in self.tools]
        problems: list[Problem] = [problem for tool in tools for problem in tool_problems(tool, whole=True)]
        reviewers = dict.fromkeys(review.reviewer for tool in tools for review in tool.reviews)
        return comparison_of(
            *tools, reviewers=tuple(reviewers), url=self.url, published=self.published, problems=tuple(problems)
        )


class Feed(Value):
    """The whole feed. No entries means: there certainly are none."""

    format: Literal["weekly-verdicts-feed/1"]
    comparisons: Annotated[tuple[FeedEntry, ...], Field(max_length=MOST_ENTRIES)]

    @model_validator(mode="after")
    def _no_pair_twice(self) -> Self:
        keys = [tuple(sorted(tool.slug for tool in entry.tools)) for entry in self.comparisons]
        if twice := [key for key, times in Counter(keys).items() if times > 1]:
            raise ValueError(f"the pair {' and '.join(map(shortened, twice[0]))} stands twice")
        return self


def read_feed(text: str | bytes, place: str = "The feed") -> tuple[Comparison, ...]:
    """All comparisons of this feed, in its order. Raises SourceError, naming entry and field, if any part is wrong."""
    try:
        feed = Feed.model_validate_json(text)
    except ValidationError as error:
        details = error.errors(include_input=False, include_url=False)
        mistakes = "; ".join(map(_mistake, details[:_MOST_MISTAKES]))
        more = f" (and {len(details) - _MOST_MISTAKES} more)" if len(details) > _MOST_MISTAKES else ""
        raise SourceError(f"{shortened(place)} cannot be read: {mistakes}{more}. Nothing of it was imported.") from None
    return tuple(entry.comparison() for entry in feed.comparisons)


def is_feed(text: str) -> bool:
    """Whether the text is meant to be a feed: a JSON object."""
    return text.lstrip("\ufeff \t\r\n").startswith("{")


def schema() -> dict[str, Any]:
    """The feed's JSON Schema (draft 2020-12)."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Weekly Verdicts feed",
        **Feed.model_json_schema(),
    }


def schema_file() -> Path:
    """The published schema inside the package."""
    return Path(__file__).with_name("feed.schema.json")


def _mistake(detail: ErrorDetails) -> str:
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{shortened(part)}" for part in detail["loc"]).lstrip(
        "."
    )
    return f"{place or 'the document'}: {detail['msg'].removeprefix('Value error, ')}"
