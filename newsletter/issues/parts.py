"""The parts of an issue that readers can ask for: one for everybody who gets the same comparisons, never one a reader.

Theory. A choice (topics, how often) names a subset of the issue's comparisons. There are some hundred choices at most
(`most six topics`), and few of them differ in what they hold: choices that hold the same are one part, with one name
and the same bytes. The name is that of the plainest such choice, like "models", "models.tools" or "changes".

| how often | holds |
|---|---|
| weekly | what is in a chosen topic, or in no topic at all |
| changes | of that, the changed verdicts; nothing in a week without any |
| monthly | in the first issue of a month the same as weekly, and of the issues before it what this reader did not get |

`changes_too` is for whoever wants all changed verdicts besides, as of the tools that they keep an eye on.

How readers voted on the issue before is in a part for those tools that are in its topics; where only changed verdicts
were asked for, it is not. It does not make two parts of one: those who get the same comparisons get the same mail.

The lead stays the lead where it is in a part; else the first brief is it. A part without news has no lead.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from newsletter.issues.candidates import Chosen
from newsletter.issues.composition import ItemKind, ReadersVotes
from newsletter.topics import Topic
from subscribers.choice import Choice, Frequency

WHOLE = ""  #: the name of the whole issue

_FIRST = (ItemKind.LEAD, ItemKind.CHANGE, ItemKind.BRIEF)


@dataclass(frozen=True, slots=True)
class Asked:
    """What can be asked of an issue: a reader's choice, and whether all changed verdicts are wanted besides."""

    choice: Choice
    changes_too: bool = False

    @property
    def key(self) -> str:
        """For the table of a frozen issue."""
        return f"{self.choice.text}|{self.choice.frequency}{'|and-changes' if self.changes_too else ''}"

    @property
    def name(self) -> str:
        """Of the part that this is the plainest way to ask for: readable, and no reader's."""
        often = () if self.choice.frequency is Frequency.WEEKLY else (str(self.choice.frequency),)
        return ".".join((*self.choice.topics, *often, *(("and-changes",) if self.changes_too else ())))


@dataclass(frozen=True, slots=True)
class Part:
    """What is in one part: of the issue itself, and of the month's issues before it."""

    items: tuple[Chosen, ...]
    earlier: tuple[Chosen, ...] = ()
    readers: ReadersVotes | None = None  #: how they voted on the issue before, of these topics

    @property
    def keys(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """What makes two parts the same."""
        return tuple(one.key for one in self.items), tuple(one.key for one in self.earlier)

    def arranged(self, most: int) -> tuple[Chosen, ...]:
        """All items as they stand in it, at most so many of the earlier ones: leads before the rest."""
        early = sorted(self.earlier, key=lambda one: _FIRST.index(one.kind))[:most]
        briefs = (replace(one, kind=ItemKind.BRIEF) if one.kind is ItemKind.LEAD else one for one in early)
        return tuple(_led([*self.items, *briefs]))


@dataclass(frozen=True, slots=True)
class Plan:
    """The parts of one issue by name, without the whole; and which choice gets which. None: nothing."""

    parts: dict[str, Part]
    table: dict[str, str | None]


def plan(
    items: Sequence[Chosen],
    topics: Sequence[Topic],
    month: Sequence[Chosen] | None,
    readers: ReadersVotes | None = None,
) -> Plan:
    """Every part that can be asked for. `month`: what the monthly mail has of earlier issues; None: it is not due.

    `readers`: how they voted on the issue before.
    """
    known = {Part(tuple(items)).keys: WHOLE}
    made = Plan({}, {})
    for asked in everything_asked(topics):
        part = _part(asked, items, topics, month)
        if not part.items and not part.earlier:
            made.table[asked.key] = None
            continue
        name = known.setdefault(part.keys, asked.name)
        made.table[asked.key] = name
        if name != WHOLE:
            made.parts.setdefault(name, replace(part, readers=_of_topics(readers, asked.choice, topics)))
    return made


def everything_asked(topics: Sequence[Topic]) -> Iterator[Asked]:
    """Every choice there can be, the plainest first; all topics are the same as none."""
    slugs = [topic.slug for topic in topics]
    for changes_too in (False, True):
        for number in range(max(1, len(slugs))):
            for frequency in Frequency:
                for some in combinations(slugs, number):
                    yield Asked(Choice.of(some, frequency), changes_too)


def _part(asked: Asked, items: Sequence[Chosen], topics: Sequence[Topic], month: Sequence[Chosen] | None) -> Part:
    often = asked.choice.frequency
    mine = {one.key for one in items if _is_in(one, asked.choice.topics, topics)}
    if often is Frequency.MONTHLY and month is None:
        mine = set()
    if often is Frequency.CHANGES:
        mine &= _changes(items)
    if asked.changes_too:
        mine |= _changes(items)
    here = {one.key for one in items}
    earlier = (month or ()) if often is Frequency.MONTHLY else ()
    early = {one.key: one for one in earlier if one.key not in here and _is_in(one, asked.choice.topics, topics)}
    return Part(tuple(one for one in items if one.key in mine), tuple(early.values()))


def _changes(items: Iterable[Chosen]) -> set[str]:
    return {one.key for one in items if one.kind is ItemKind.CHANGE}


def _is_in(one: Chosen, chosen: Sequence[str], topics: Sequence[Topic]) -> bool:
    return _holds([tool.category for tool in one.comparison.tools if tool.category], chosen, topics)


def _of_topics(readers: ReadersVotes | None, choice: Choice, topics: Sequence[Topic]) -> ReadersVotes | None:
    if readers is None or choice.frequency is Frequency.CHANGES:
        return None
    tools = tuple(one for one in readers.tools if _holds(one.categories, choice.topics, topics))
    return readers.model_copy(update={"tools": tools}) if tools else None


def _holds(categories: Sequence[str], chosen: Sequence[str], topics: Sequence[Topic]) -> bool:
    """Whether these are in one of the chosen topics; what is in no topic at all is for everybody."""
    of = {topic.slug for topic in topics if topic.holds(categories)}
    return not chosen or not of or not of.isdisjoint(chosen)


def _led(items: Sequence[Chosen]) -> Iterator[Chosen]:
    first = next((one.key for one in items if one.kind is ItemKind.BRIEF), None)
    if any(one.kind is ItemKind.LEAD for one in items):
        first = None
    for one in items:
        yield replace(one, kind=ItemKind.LEAD) if one.key == first else one
