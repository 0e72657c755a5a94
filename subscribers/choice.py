"""What a reader wants to get: which topics, and how often. Values, without a database.

Topics are known here by their slugs alone; which there are, and what is in them, is the newsletter's matter. A choice
of no topic is a choice of everything, also of what is added later.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

#: How a topic is written in a choice, in a file and in an address.
SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
LONGEST = 200  #: characters of all the topics of one reader


class Frequency(StrEnum):
    """How often."""

    WEEKLY = "weekly"  #: every issue
    MONTHLY = "monthly"  #: one issue a month, with what the others of the month had
    CHANGES = "changes"  #: only verdicts that have changed, in the weeks in which there are any


@dataclass(frozen=True, slots=True)
class Choice:
    """What one reader wants. Equal wishes are equal values."""

    topics: tuple[str, ...] = ()  #: slugs in the order of letters, each once; none: everything
    frequency: Frequency = Frequency.WEEKLY

    @classmethod
    def of(cls, topics: str | Iterable[str] = (), frequency: str = Frequency.WEEKLY) -> "Choice":
        """From topics in any order, or a text like "models,tools". Raises ValueError for what is no slug or no word."""
        wanted = topics.split(",") if isinstance(topics, str) else topics
        slugs = sorted({one.strip() for one in wanted} - {""})
        if not all(map(SLUG.fullmatch, slugs)) or len(",".join(slugs)) > LONGEST:
            raise ValueError("topics are words of small letters, digits and hyphens with commas between them")
        return cls(tuple(slugs), Frequency(frequency))

    @classmethod
    def stored(cls, topics: str, frequency: str) -> "Choice":
        """From a row, whatever stands in it: what cannot be read says nothing, and keeps nobody from their mail."""
        slugs = sorted({slug for slug in topics.split(",") if SLUG.fullmatch(slug)})
        return cls(tuple(slugs), Frequency(frequency) if frequency in list(Frequency) else Frequency.WEEKLY)

    @property
    def text(self) -> str:
        """The topics as they are kept: "models,tools"; empty: everything."""
        return ",".join(self.topics)

    @property
    def words(self) -> str:
        """For the evidence: "topics: models, tools; how often: monthly"."""
        return f"topics: {', '.join(self.topics) or 'all'}; how often: {self.frequency}"


EVERYTHING = Choice()
