"""The lines above the issue: the week in one line, the subject, the preheader. All counts are of what is inside."""

from collections.abc import Iterator, Sequence

from newsletter.comparisons.comparison import Tool, Verdict
from newsletter.issues.composition import Item, ItemKind, Split, VerdictChange
from newsletter.issues.headline import change_headline, headline, told_apart, versus
from newsletter.issues.shortening import ELLIPSIS, short_name
from newsletter.issues.splits import measurable
from newsletter.issues.wording import counted, listed, number, opened, tallied

SUBJECT = range(20, 71)  #: characters
SUBJECT_AIM = 60  #: about what a telephone shows of it
PREHEADER = range(40, 131)
ALTERNATIVES = 5
_TITLE = 48  #: for "one tool vs another" in a line that has more to say
_LONG_TITLE = 96  #: the same, where it is the only one
_NOUNS = ((Verdict.SHIP, "ship"), (Verdict.MIXED, "tie"), (Verdict.SKIP, "skip"))


def summary(items: Sequence[Item], splits: Sequence[Split] = ()) -> str:
    """The week in one line: "Six comparisons, nine ships, one tie and a skip; the skip is Forkbeam."."""
    news = _news(items)
    if not news:
        return opened(f"{counted(len(_changes(items)), 'verdict')} changed since readers had {_them(items)}.")
    tail = _tail(items, splits)
    return opened(f"{counted(len(news), 'comparison')}, {tally(items)}{f'; {tail}' if tail else ''}.")


def tally(items: Sequence[Item]) -> str:
    """Like "nine ships, one tie and a skip": each tool counted once, those of verdict changes not at all."""
    return tallied([(len(_having(items, verdict)), noun) for verdict, noun in _NOUNS])


def subjects(items: Sequence[Item], number_: int, newsletter: str) -> tuple[str, ...]:
    """Subject lines, the best first, at least four: each 20 to 70 characters, and true of these items."""
    lines = [line for line in dict.fromkeys(_subject_lines(items, number_)) if len(line) in SUBJECT]
    fresh = [line for line in lines if newsletter.casefold() not in line.casefold()]
    lines = fresh if len(fresh) > ALTERNATIVES // 2 + 1 else lines  # a name like "The" is in half of them
    return tuple(sorted(lines, key=lambda line: len(line) > SUBJECT_AIM)[: ALTERNATIVES + 1])


def preheaders(items: Sequence[Item], splits: Sequence[Split], subject: str) -> tuple[str, ...]:
    """Preheaders, the best first, at least three: each 40 to 130 characters, and not the subject again."""
    lines = dict.fromkeys(_preheader_lines(items, splits))
    return tuple(line for line in lines if len(line) in PREHEADER and subject not in line)[:ALTERNATIVES]


def _subject_lines(items: Sequence[Item], number_: int) -> Iterator[str]:
    first, more = items[0], len(items) - 1
    news, changes, tools = _news(items), _changes(items), _tools(items)
    if news:
        yield first.headline if len(first.headline) <= SUBJECT_AIM else headline(first.comparison, SUBJECT_AIM)
    if changes:
        yield change_headline(changes[:1], SUBJECT_AIM)
    if more and (pair := versus(first.comparison, _TITLE)):
        yield f"{pair}, and {number(more)} more"
    yield from _only_ones(items)
    if news:
        yield f"{opened(tally(items))} this week"
    yield f"What the panel said of {counted(len(tools), 'tool')}"
    yield f"Issue {number_}: {counted(len(items), 'comparison')}, {counted(len(tools), 'verdict')}"
    yield "The verdicts of the week, tool by tool"
    yield f"{opened(counted(len(tools), 'tool'))}, side by side"


def _only_ones(items: Sequence[Item]) -> Iterator[str]:
    """The one skip, or the one tie, of a week that has more than that."""
    ties, skips = _having(items, Verdict.MIXED), _having(items, Verdict.SKIP)
    if len(skips) == 1 and len(_tools(items)) > 2:  # noqa: PLR2004
        yield f"The one skip of the week: {short_name(skips[0].name)}"
    if len(ties) == 1:
        yield f"The panel ties on {short_name(ties[0].name, 40)}"


def _preheader_lines(items: Sequence[Item], splits: Sequence[Split]) -> Iterator[str]:
    counts, line = tally(items), summary(items, splits)
    also = [f"Also: {others}." for most in (3, 2, 1) if (others := _others(items, most))]
    yield next((words for words in also if len(words) in PREHEADER), "")
    if counts:
        counted_too = [f"{words} {opened(counts)} in all." for words in also]
        yield next((words for words in counted_too if len(words) in PREHEADER), "")
    yield line
    for split in splits[:1]:
        yield f"The panel splits on {short_name(split.tool)}: {split.sentence}"
    yield f"{line} What the panel said, tool by tool."
    yield opened(f"{counted(len(_tools(items)), 'tool')}, side by side, and what the panel made of each.")
    yield "What the panel said this week, tool by tool."


def _others(items: Sequence[Item], most: int) -> str:
    """What there is beside the first item, by title: at most so many, and how many more; empty where none has one."""
    titles = _titles(items)[:most]
    rest = len(items) - 1 - len(titles)
    return listed([*titles, *([f"{number(rest)} more"] if rest else [])]) if titles else ""


def _titles(items: Sequence[Item]) -> list[str]:
    """The pairs after the first item: names that are whole, else one such pair at some length, else cut ones."""
    named = told_apart([item.comparison for item in items])[1:]
    short = [title for one in named if (title := versus(one, _TITLE))]
    long = [title for one in named if (title := versus(one, _LONG_TITLE))]
    whole, whole_but_long = ([title for title in titles if ELLIPSIS not in title] for titles in (short, long))
    return whole or whole_but_long[:1] or short


def _tail(items: Sequence[Item], splits: Sequence[Split]) -> str:
    """What is worth knowing beyond the counts: one thing."""
    changes, tools = _changes(items), _tools(items)
    ties, skips = _having(items, Verdict.MIXED), _having(items, Verdict.SKIP)
    if changes:
        return f"{counted(len(changes), 'verdict')} {'has' if len(changes) == 1 else 'have'} changed"
    for noun, having in (("skip", skips), ("tie", ties)):
        if len(having) == 1 and len(tools) > 2:  # noqa: PLR2004
            return f"the {noun} is {short_name(having[0].name)}"
    if not ties and not skips and all(tool.panel.percent == 100 for tool in tools):  # noqa: PLR2004
        return "not one vote to skip"
    return _widest(items, splits)


def _widest(items: Sequence[Item], splits: Sequence[Split]) -> str:
    """The tool with the widest gap; nothing where a panel of the issue is not known in full, or two are level."""
    gaps = [(split.pro.score or 0) - (split.con.score or 0) for split in splits]
    if not gaps or gaps.count(gaps[0]) > 1 or not measurable(items):
        return ""
    return f"the widest gap between two reviewers is on {short_name(splits[0].tool)}"


def _them(items: Sequence[Item]) -> str:
    return "it" if len(items) == 1 else "them"


def _news(items: Sequence[Item]) -> list[Item]:
    return [item for item in items if item.kind is not ItemKind.CHANGE]


def _changes(items: Sequence[Item]) -> list[VerdictChange]:
    return [change for item in items for change in item.changes]


def _tools(items: Sequence[Item]) -> list[Tool]:
    """The tools of the news, or of the changes where there is no news; each once, by slug."""
    return list({tool.slug: tool for item in _news(items) or items for tool in item.comparison.tools}.values())


def _having(items: Sequence[Item], verdict: Verdict) -> list[Tool]:
    return [tool for tool in _tools(items) if tool.panel.verdict is verdict] if _news(items) else []
