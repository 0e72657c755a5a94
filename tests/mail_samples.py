"""Compositions made by hand, as rich as a real week: for the tests of `newsletter.mail`."""

from datetime import UTC, date, datetime
from enum import Enum
from typing import Any

from pydantic import BaseModel

from newsletter.comparisons.comparison import Comparison, Panel, Review, Tool, Verdict, Votes, comparison_of
from newsletter.config import Publication, templates_folder
from newsletter.issues.composition import (
    Composition,
    Item,
    ItemKind,
    Quote,
    ReadersVotes,
    Split,
    ToolVotes,
    VerdictChange,
)
from newsletter.mail.message import Recipient
from newsletter.mail.rendered import RenderedIssue
from newsletter.mail.rendering import render

TEMPLATES = templates_folder()
DATE = datetime(2026, 1, 16, 8, 0, tzinfo=UTC)
REVIEWERS = ("Mara Lind", "Theo Okafor", "Priya Nair", "Jonas Weiss")
SITE = "https://compare.example.org"

PUBLICATION = Publication.model_validate(
    {
        "name": "Weekly AI Tool Verdicts",
        "slug": "weekly",
        "from": "Weekly Verdicts <verdicts@news.example.org>",
        "reply_to": "Editor <editor@news.example.org>",
        "unsubscribe_mailbox": "leave@news.example.org",
        "base_url": "https://news.example.org",
        "site_url": SITE,
        "site_name": "Compare Corner",
        "postal_address": "Example Press, 12 Sample Street, 10115 Berlin",
        "privacy_url": "https://news.example.org/privacy",
    }
)

QUOTES = (
    (
        "It kept my diff small enough to review in one sitting, and it asked before it touched the build files. "
        "That is most of what I want from an assistant that can write to my working tree."
    ),
    (
        "Exhilarating for a day and exhausting for a sprint: two of its five pull requests deleted a failing test "
        "instead of mending the code, and the summaries did not mention it."
    ),
    (
        "The free tier is honest, the limits are printed next to the button, and the export is plain Markdown. "
        "I moved a team of six onto it within an afternoon, without a call with sales."
    ),
    (
        "I stopped noticing that it was there, which is the highest praise I have. Where it fails, it fails loudly and "
        "early, with a message that tells you which file to open."
    ),
    (
        "Nice demo, thin product. Once a meeting has two languages in it the transcript falls apart, and there is "
        "no way to correct a speaker's name once and keep it corrected."
    ),
)
DESCRIPTIONS = (
    (
        "Edits across a whole repository from inside the editor you already use: it reads the neighbouring modules, "
        "proposes one reviewable change at a time, and keeps a log of why each line was touched."
    ),
    (
        "Opens pull requests while you sleep. You describe an outcome, it plans the steps, runs the test suite in a "
        "sandbox, and comes back with a branch, a summary and a list of what it did not dare to change."
    ),
)
NAMES = (
    ("Patchwork", "Forkbeam", "Coding assistant"),
    ("Minutely", "Recapify", "Meeting notes"),
    ("Cursor v0.50 – Background Agent & Codebase Refactoring", "Code Llama 4 (70B & 400B)", "Developer tools"),
    ("git-why", "Mo", "Developer tools"),
    ("Voxel Forge", "Plainsong", "Audio and video"),
    ("Sheetwise", "Tabulae", "Spreadsheets"),
    ("Lantern", "Quillion", "Writing"),
    ("Harbour", "Kestrel", "Search"),
    ("Ostrich DB", "Pebble", "Data"),
    ("Northwind", "Saffron", "Support"),
    ("Umbra", "Verdigris", "Design"),
    ("Willow", "Yarrow", "Scheduling"),
)


def panel(ship: int, skip: int) -> Panel:
    """A panel with these counts."""
    percent = round(100 * ship / (ship + skip))
    return Panel(verdict=Verdict.at(percent), percent=percent, ship=ship, skip=skip)


def reviews(ship: int, skip: int, offset: int = 0) -> tuple[Review, ...]:
    """One review per reviewer: the first `ship` of them say ship."""
    return tuple(
        Review(
            reviewer=REVIEWERS[number],
            verdict=Verdict.SHIP if number < ship else Verdict.SKIP,
            score=(88 if number < ship else 41) - 3 * number,
            quote=QUOTES[(number + offset) % len(QUOTES)],
        )
        for number in range(ship + skip)
    )


def tool(name: str, category: str, ship: int, skip: int, offset: int = 0) -> Tool:
    """A tool with a full set of facts."""
    return Tool(
        slug="".join(character if character.isalnum() and character.isascii() else "-" for character in name.lower())
        .strip("-")
        .replace("---", "-")
        .replace("--", "-"),
        name=name,
        category=category,
        tagline=("Repo-wide edits from inside your editor", "An agent that opens pull requests")[offset % 2],
        description=DESCRIPTIONS[offset % 2],
        entry="Free",
        pricing=("Free tier; Pro $20/month; Team $40/seat", "Usage-based; about $55–$90 a month")[offset % 2],
        panel=panel(ship, skip),
        votes=None if offset % 2 else Votes(percent=74, count=1312),
        reviews=reviews(ship, skip, offset),
    )


SPLITS = ((3, 1), (2, 2), (1, 3), (4, 0))


def comparison(number: int) -> Comparison:
    """One of twelve comparisons."""
    left, right, category = NAMES[number]
    return comparison_of(
        tool(left, category, *SPLITS[number % 4], 2 * number),
        tool(right, category, *SPLITS[(number + 1) % 4], 2 * number + 1),
        reviewers=REVIEWERS,
        url=f"{SITE}/compare/{number}",
    )


def quotes(value: Comparison) -> tuple[Quote, ...]:
    """All quotes of a comparison, in the order of the scorecard."""
    return tuple(
        Quote(
            reviewer=review.reviewer,
            tool=side.name,
            verdict=review.verdict,
            score=review.score,
            text=review.quote or "",
        )
        for side, review in value.quotes()
    )


def strongest(value: Comparison) -> tuple[Quote, ...]:
    """One quote for and one against, where there are any."""
    both = (next((q for q in quotes(value) if q.verdict is v), None) for v in (Verdict.SHIP, Verdict.SKIP))
    return tuple(quote for quote in both if quote)


def item(number: int, kind: ItemKind) -> Item:
    """One comparison in an issue."""
    value = comparison(number)
    return Item(
        kind=kind,
        headline=value.title,
        comparison=value,
        texts=(value.left.description, value.right.description),
        taglines=(value.left.tagline, value.right.tagline),
        quotes=quotes(value) if kind is ItemKind.LEAD else strongest(value),
        changes=(VerdictChange(tool=value.left.name, before=panel(3, 1), after=value.left.panel),)
        if kind is ItemKind.CHANGE
        else (),
        url=value.url,
        tool_urls=tuple(f"{SITE}/tool/{side.slug}" for side in value.tools),  # type: ignore[arg-type]
    )


def readers(*said: tuple[str, int, int, Panel, str]) -> ReadersVotes:
    """How readers voted on issue 41: a name, the percentage, how many votes, the panel, and a word on it."""
    tools = tuple(
        ToolVotes(
            key=f"{name.lower()}-vs-other",
            tool=name,
            categories=("Models",),
            votes=Votes(percent=percent, count=count),
            ship=round(percent * count / 100),
            panel=told,
            sentence=sentence,
        )
        for name, percent, count, told, sentence in said
    )
    return ReadersVotes(number=41, tools=tools)


READERS = readers(
    ("Meridian", 33, 12, panel(3, 1), "Readers skip what the panel ships."),
    ("Quillion", 67, 9, panel(2, 2), "The panel ties; readers ship it."),
    ("Harbour", 90, 41, panel(4, 0), ""),
)


def composition(count: int = 6, changes: int = 1, **update: object) -> Composition:
    """An issue of one lead, `changes` verdict changes and briefs, `count` items in all."""
    kinds = [ItemKind.LEAD, *[ItemKind.CHANGE] * changes, *[ItemKind.BRIEF] * (count - 1 - changes)]
    split_on = comparison(1)
    pro, con = strongest(split_on)
    made = Composition(
        newsletter=PUBLICATION.name,
        number=42,
        week="2026-W03",
        date=date(2026, 1, 16),
        subject="Patchwork ships, Forkbeam divides the panel",
        preheader="Six comparisons, seven tools that ship, one verdict that changed since you read it.",
        summary="Twelve tools went in; seven came out with a ship. The closest call was meeting notes.",
        intro="Hello {name},\n\nthis week was about tools that **change files on their own**. We read every review "
        "twice and put the [closest call](https://compare.example.org/compare/1) first.",
        items=tuple(item(number, kind) for number, kind in enumerate(kinds)),
        splits=(
            Split(
                key=split_on.key,
                tool=split_on.left.name,
                panel=split_on.left.panel,
                sentence="Jonas Weiss skips what Mara Lind would ship tomorrow.",
                pro=pro,
                con=con,
            ),
        ),
        readers=READERS,
    )
    return made.model_copy(update=update)


def rendered(count: int = 6, publication: Publication = PUBLICATION, **update: object) -> RenderedIssue:
    """A rendered issue."""
    return render(composition(count, **update), publication, templates=TEMPLATES)  # type: ignore[arg-type]


#: Fields that are no words: identities and addresses.
NOT_WORDS = {"slug", "url", "tool_urls", "key", "week", "kind", "verdict", "sender", "reply_to", "base_url", "site_url",
             "privacy_url", "language", "zone", "unsubscribe_mailbox"}  # fmt: skip


def saying(value: Any, words: str) -> Any:
    """The same value with these words in every field that holds words."""
    if isinstance(value, Enum):
        return value
    if isinstance(value, str):
        return words
    if isinstance(value, tuple):
        return tuple(saying(part, words) for part in value)
    if isinstance(value, BaseModel):
        return value.model_copy(
            update={name: saying(part, words) for name, part in value if name not in NOT_WORDS and part is not None}
        )
    return value


def values(who: str) -> dict[str, str]:
    """The merge values of one reader."""
    return {
        "view": f"https://news.example.org/v/{who}",
        "unsubscribe": f"https://news.example.org/u/{who}",
        "preferences": f"https://news.example.org/p/{who}",
        "vote": f"https://news.example.org/vote/{who}",
        "since": "3 March 2025",
        "name": who.title(),
    }


def recipient(who: str = "ada") -> Recipient:
    """One of the characters, as the mail room sees them."""
    return Recipient(f"{who}@example.org", f"i42-{who}", values(who))
