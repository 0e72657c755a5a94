"""`newsletter issue edit`: every word and every place can be changed; the changes survive a redraft."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from sqlmodel import Session

from newsletter.cli.door import By, door
from newsletter.cli.issue import Which
from newsletter.cli.issue_print import name
from newsletter.cli.output import say
from newsletter.comparisons.shelf import on_shelf
from newsletter.desk import writing
from newsletter.errors import IssueError
from newsletter.issues import edits as editing
from newsletter.issues.arranging import arrange
from newsletter.issues.edits import Edits
from newsletter.issues.finding import find_key
from newsletter.issues.issue import Issue, items_of


@dataclass(frozen=True, slots=True)
class Keys:
    """The comparisons there are, by key, and those of the issue, in order."""

    titles: dict[str, str]
    positions: list[str]

    def meant(self, typed: str) -> str:
        """The key of what was typed: a key, its beginning, a tool, or a number in the issue."""
        return find_key(typed, self.titles, positions=self.positions)


Change = Callable[[Edits, Keys], Edits]


def register(app: typer.Typer) -> None:
    """Add the command to the noun."""
    app.command("edit")(edit)


def edit(
    context: typer.Context,
    which: Which,
    by: By,
    subject: Annotated[str | None, typer.Option(help="20 to 70 characters; '' gives it back to the rules.")] = None,
    preheader: Annotated[str | None, typer.Option(help="The line after the subject; '' gives it back.")] = None,
    intro: Annotated[str | None, typer.Option(help="Markdown above the lead; '' removes it.")] = None,
    intro_file: Annotated[Path | None, typer.Option(help="The same, from a file.")] = None,
    lead: Annotated[str | None, typer.Option(help="The comparison to lead with; '' lets the rules decide.")] = None,
    pin: Annotated[list[str] | None, typer.Option(help="Put this comparison in, against rest and caps.")] = None,
    drop: Annotated[list[str] | None, typer.Option(help="Leave this comparison out.")] = None,
    release: Annotated[list[str] | None, typer.Option(help="Neither pinned nor dropped any more.")] = None,
    order: Annotated[str | None, typer.Option(help="KEY,KEY,…: the order of the items.")] = None,
    readers: Annotated[
        bool | None, typer.Option("--readers/--no-readers", help="Whether it says how readers voted on the last one.")
    ] = None,
    headline: Annotated[list[str] | None, typer.Option(help="KEY=TEXT; an empty text gives it back.")] = None,
) -> None:
    """Change the words, the items and their order. What is not named stays; an approval is void after it.

    A comparison is named by its key, the beginning of it, a tool, or its number in 'newsletter issue show'.
    Example: newsletter issue edit 3 --lead heron --drop 5 --intro "Five tools, {name}, and one tie."
    """
    if intro is not None and intro_file is not None:
        raise IssueError("Name --intro or --intro-file, not both.")
    text = _text(intro_file) if intro_file else intro
    changes: list[Change] = []
    if subject is not None:
        changes.append(lambda edits, _: editing.with_subject(edits, subject))
    if preheader is not None:
        changes.append(lambda edits, _: editing.with_preheader(edits, preheader))
    if text is not None:
        changes.append(lambda edits, _: editing.with_intro(edits, text))
    if lead is not None or pin or drop or release or order is not None:
        changes.append(_places(lead, pin or [], drop or [], release or [], order))
    if readers is not None:
        changes.append(lambda edits, _: editing.with_readers(edits, shown=readers))
    changes += [_headline(pair) for pair in headline or ()]
    if not changes:
        raise IssueError("Nothing to change was named. 'newsletter issue edit --help' shows what can be.")
    issue, lost = writing.edit(door(context).desk(), which, _all(changes), by=by)
    say(f"{name(issue)} is changed. Its subject: {issue.subject}", *([lost] if lost else []))


def _all(changes: list[Change]) -> Callable[[Session, Issue, Edits], Edits]:
    """All changes as one; what a person typed for a comparison is looked for on the shelf and in the issue."""

    def change(session: Session, issue: Issue, edits: Edits) -> Edits:
        titles = {row.comparison.key: row.comparison.title for row in on_shelf(session)}
        positions = [item.key for item in items_of(session, issue)]
        for one in changes:
            edits = one(edits, Keys(titles, positions))
        return edits

    return change


def _places(lead: str | None, pins: list[str], drops: list[str], releases: list[str], order: str | None) -> Change:
    """Everything that moves items, in one go: what contradicts itself is refused."""
    places = [word.strip() for word in order.split(",") if word.strip()] if order is not None else []
    if order is not None and not places:
        raise IssueError(
            "--order names no comparison; write KEY,KEY or the numbers that 'newsletter issue show' gives."
        )
    return lambda edits, keys: arrange(
        edits,
        keys.titles,
        lead=lead,
        pins=pins,
        drops=drops,
        releases=releases,
        order=places,
        positions=keys.positions,
    )


def _headline(pair: str) -> Change:
    typed, equals, text = pair.partition("=")
    if not equals:
        raise IssueError(f"'{pair}' is not KEY=TEXT; write --headline heron=\"A tie\".")
    return lambda edits, keys: editing.with_headline(edits, keys.meant(typed.strip()), text.strip(), keys.titles)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise IssueError(f"There is no file {path}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise IssueError(f"{path} cannot be read as UTF-8 text: {error}.") from None
