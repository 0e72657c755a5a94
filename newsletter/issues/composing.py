"""The issue in words, from what was selected: every text chosen and cut here, so that the mail only sets it."""

from collections.abc import Sequence
from datetime import date
from urllib.parse import quote, urlsplit

from newsletter.comparisons.comparison import Comparison
from newsletter.config import Publication
from newsletter.errors import IssueError
from newsletter.issues.candidates import Chosen
from newsletter.issues.composition import Composition, Item, ItemKind, ReadersVotes, VerdictChange
from newsletter.issues.edits import Edits
from newsletter.issues.headline import change_headline, heading, told_apart
from newsletter.issues.lines import preheaders, subjects, summary
from newsletter.issues.quoting import for_and_against, scorecard
from newsletter.issues.shortening import shorten
from newsletter.issues.splits import splits
from newsletter.issues.week import Week

LEAD_TEXT = 280  #: characters of a tool's description, at most
BRIEF_TEXT = 160
TAGLINE = 90  #: of a brief, where it says what the tool is
READERS_ON = 5  #: tools of the issue before, at most


def compose(
    chosen: Sequence[Chosen],
    *,
    number: int,
    week: Week,
    date: date,
    edits: Edits,
    publication: Publication,
    readers: ReadersVotes | None = None,
) -> Composition:
    """All words of the issue. The same arguments give the same words. Raises IssueError where nothing is chosen.

    `readers`: how they voted on the issue before, as it was kept.
    """
    if not chosen:
        raise IssueError(f"Issue {number} ({week}) has no items. Take back a drop or pin something, or cancel it.")
    named = told_apart([one.comparison for one in chosen])
    items = tuple(
        _item(one, turn, name, edits, publication) for turn, (one, name) in enumerate(zip(chosen, named, strict=True))
    )
    split = splits(items, edits)
    lines = subjects(items, number, publication.name)
    subject = edits.subject or lines[0]
    previews = preheaders(items, split, subject)
    return Composition(
        newsletter=publication.name,
        number=number,
        week=str(week),
        date=date,
        subject=subject,
        subject_alternatives=tuple(line for line in lines if line != subject),
        preheader=edits.preheader or previews[0],
        preheader_alternatives=tuple(line for line in previews if line != (edits.preheader or previews[0])),
        summary=summary(items, split),
        intro=edits.intro,
        items=items,
        splits=split,
        readers=_shown(readers) if edits.readers else None,
    )


def _item(one: Chosen, turn: int, named: Comparison, edits: Edits, publication: Publication) -> Item:
    comparison, lead = one.comparison, one.kind is ItemKind.LEAD
    changes = tuple(VerdictChange(tool=new.name, before=old.panel, after=new.panel) for old, new in one.changed)
    words = change_headline(changes) if one.kind is ItemKind.CHANGE else heading(named, turn)
    left, right = (shorten(tool.description, LEAD_TEXT if lead else BRIEF_TEXT) for tool in comparison.tools)
    what, what_else = (shorten(tool.tagline, TAGLINE) for tool in comparison.tools)
    url, tool_urls = links(comparison, publication.site_url)
    return Item(
        kind=one.kind,
        headline=edits.headlines.get(one.key, words),
        comparison=comparison,
        texts=(left, right),
        taglines=(what, what_else),
        quotes=scorecard(comparison, edits) if lead else for_and_against(comparison, edits),
        changes=changes,
        url=url,
        tool_urls=tool_urls,
        voted=one.voted,
    )


def _shown(readers: ReadersVotes | None) -> ReadersVotes | None:
    return readers and readers.model_copy(update={"tools": readers.tools[:READERS_ON]})


def links(comparison: Comparison, site_url: str | None) -> tuple[str | None, tuple[str | None, str | None]]:
    """The address of the comparison's page, and of both tools' (product reference, 1.9); None where it is not known.

    Where slugs were only derived from names, no address is made of them: it would lead nowhere.
    """
    page = comparison.url if comparison.url and urlsplit(comparison.url).scheme in ("http", "https") else None
    derived = any(problem.code == "slugs-derived" for problem in comparison.problems)
    site = site_url or (_host(page) if page else None)
    if derived or not site:
        return page, (None, None)
    left, right = (f"{site.rstrip('/')}/tool/{quote(tool.slug)}" for tool in comparison.tools)
    return page or f"{site.rstrip('/')}/compare/{quote(comparison.key)}", (left, right)


def _host(page: str) -> str:
    parts = urlsplit(page)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
