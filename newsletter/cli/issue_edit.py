"""`newsletter issue edit`: every word and every place can be changed; the changes survive a redraft."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
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
from newsletter.issues.edits import Edits
from newsletter.issues.finding import find_key
from newsletter.issues.issue import Issue, items_of


@dataclass(frozen=True, slots=True)
class Keys:
    """The comparisons there are, and which one is meant by what was typed: a key, its beginning, a tool, a number."""

    known: list[str]
    meant: Callable[[str], str]


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
    headline: Annotated[list[str] | None, typer.Option(help="KEY=TEXT; an empty text gives it back.")] = None,
) -> None:
    """Change the words, the items and their order. What is not named stays; an approval is void after it.

    A comparison is named by its key, the beginning of it, a tool, or its number in 'newsletter issue show'.
    Example: newsletter issue edit 3 --lead heron --drop 5 --intro "Five tools, {name}, and one tie."
    """
    if intro is not None and intro_file is not None:
        raise IssueError("Name --intro or --intro-file, not both.")
    if both := set(pin or ()) & set(drop or ()):
        raise IssueError(f"'{min(both)}' is to be pinned and dropped at once. Decide for one.")
    text = _text(intro_file) if intro_file else intro
    changes: list[Change] = []
    if subject is not None:
        changes.append(lambda edits, _: editing.with_subject(edits, subject))
    if preheader is not None:
        changes.append(lambda edits, _: editing.with_preheader(edits, preheader))
    if text is not None:
        changes.append(lambda edits, _: editing.with_intro(edits, text))
    if lead is not None:
        changes.append(
            _for_key(editing.lead_with, lead) if lead else lambda edits, _: editing.lead_with(edits, None, ())
        )
    changes += [_for_key(editing.pin, key) for key in pin or ()]
    changes += [_for_key(editing.drop, key) for key in drop or ()]
    changes += [_for_key(editing.release, key) for key in release or ()]
    if order is not None:
        changes.append(_order(order))
    changes += [_headline(pair) for pair in headline or ()]
    if not changes:
        raise IssueError("Nothing to change was named. 'newsletter issue edit --help' shows what can be.")
    issue, lost = writing.edit(door(context).desk(), which, _all(changes), by=by)
    say(f"{name(issue)} is changed. Its subject: {issue.subject}", *([lost] if lost else []))


def _all(changes: list[Change]) -> Callable[[Session, Issue, Edits], Edits]:
    """All changes as one; what a person typed for a comparison is looked for on the shelf and in the issue."""

    def change(session: Session, issue: Issue, edits: Edits) -> Edits:
        titles = {row.comparison.key: row.comparison.title for row in on_shelf(session)}
        meant = partial(find_key, known=titles, positions=[item.key for item in items_of(session, issue)])
        for one in changes:
            edits = one(edits, Keys(list(titles), meant))
        return edits

    return change


def _for_key(act: Callable[[Edits, str, list[str]], Edits], typed: str) -> Change:
    return lambda edits, keys: act(edits, keys.meant(typed), keys.known)


def _order(typed: str) -> Change:
    words = [word.strip() for word in typed.split(",") if word.strip()]
    if not words:
        raise IssueError(
            "--order names no comparison; write KEY,KEY or the numbers that 'newsletter issue show' gives."
        )
    return lambda edits, keys: editing.reorder(edits, [keys.meant(word) for word in words], keys.known)


def _headline(pair: str) -> Change:
    typed, equals, text = pair.partition("=")
    if not equals:
        raise IssueError(f"'{pair}' is not KEY=TEXT; write --headline heron=\"A tie\".")
    return lambda edits, keys: editing.with_headline(edits, keys.meant(typed.strip()), text.strip(), keys.known)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise IssueError(f"{path} cannot be read as UTF-8 text: {error}.") from None
