"""Whether every topic that readers can choose has something on the shelf: a category is easily misspelt.

Whoever chooses a topic without any comparison gets what is in no topic, and never learns why.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from newsletter.comparisons.shelf import on_shelf
from newsletter.desk.desk import Desk
from newsletter.errors import NewsletterError
from newsletter.issues.wording import listed, numbered
from newsletter.providers.checkup import Finding, green, yellow
from newsletter.topics import Topic

LOOKED_AT = "Topics"
MOST = 8  #: categories of the shelf that are named


def findings(desk: Desk) -> list[Finding]:
    """A yellow line for each topic that nothing on the shelf belongs to; none without topics, or with a bare shelf.

    Reads the whole shelf, as a draft does.
    """
    if not desk.config.topics:
        return []
    try:
        with desk.reading() as session:
            shelf = [tuple(tool.category for tool in one.comparison.tools) for one in on_shelf(session)]
    except NewsletterError as error:
        return [yellow(LOOKED_AT, str(error), "Mend that first: the shelf could not be read.")]
    return judged(desk.config.topics, shelf)


def judged(topics: Sequence[Topic], shelf: Sequence[Iterable[str]]) -> list[Finding]:
    """The lines for these topics, with the categories of each comparison on the shelf."""
    if not shelf:
        return []
    of = {topic.slug: sum(topic.holds(one) for one in shelf) for topic in topics}
    bare = [topic for topic in topics if not of[topic.slug]]
    if not bare:
        said = listed([f"{slug} {number}" for slug, number in of.items()])
        return [green(LOOKED_AT, f"Each has comparisons on the shelf: {said}.")]
    free = Counter(one for pair in shelf for one in set(pair) if not any(topic.holds([one]) for topic in topics))
    there = listed([f"'{name}'" for name, _ in free.most_common(MOST)])
    here = f" On the shelf, and in no topic: {there}." if free else ""
    return [_bare(topic, len(shelf), here) for topic in bare]


def _bare(topic: Topic, number: int, here: str) -> Finding:
    named = listed([f"'{one}'" for one in topic.categories])
    one = numbered(number, "comparison", "comparisons")
    found = f"Nothing of the {one} on the shelf is in {topic.slug} ({named}): whoever chooses it gets next to nothing."
    return yellow(LOOKED_AT, found, f"Write its categories as the site spells them, or take the topic out.{here}")
