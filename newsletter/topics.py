"""Topics: what readers can choose to read of, as names for some of the site's categories.

The site's categories overlap ("Models", "AI Models", "Open Source Models") and come and go; a topic is what a reader
would call them. A comparison belongs to every topic that has one of its two tools' categories; one that is in no topic
goes to everybody.
"""

from collections.abc import Collection, Iterable

from pydantic import BaseModel, ConfigDict, Field, field_validator

from subscribers.choice import SLUG

#: With more of them the number of different issues that can be asked for grows beyond what anybody can look at.
MOST_TOPICS = 6
#: Words that stand beside topics in the name of a part of an issue.
TAKEN = frozenset({"whole", "monthly", "changes", "and-changes"})


class Topic(BaseModel):
    """One of `[[topics]]` in config.toml."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    slug: str = Field(max_length=30)  #: in readers' choices and in addresses: choose once, never change
    name: str = Field(min_length=1, max_length=40)  #: what readers read
    categories: tuple[str, ...] = Field(min_length=1)  #: the site's, in its own spelling

    @field_validator("slug")
    @classmethod
    def _is_slug(cls, slug: str) -> str:
        if not SLUG.fullmatch(slug) or slug in TAKEN:
            raise ValueError(f"'{slug}' cannot be a topic's slug: small letters, digits and hyphens, as open-models")
        return slug

    def holds(self, categories: Iterable[str]) -> bool:
        """Whether one of these categories belongs to it; letter case is of no account."""
        mine = {one.casefold() for one in self.categories}
        return any(one.casefold() in mine for one in categories)


def require_distinct(topics: Collection[Topic]) -> None:
    """Raise ValueError where there are too many, or two share a slug."""
    if len(topics) > MOST_TOPICS:
        raise ValueError(f"there are {len(topics)} topics; at most {MOST_TOPICS}")
    if len({topic.slug for topic in topics}) < len(topics):
        raise ValueError("two topics have the same slug")
