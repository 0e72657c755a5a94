"""`newsletter issue edit`: every word and every place can be changed; the changes survive a redraft."""

from collections.abc import Callable
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
from newsletter.issues.issue import Issue


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

    Example: newsletter issue edit 3 --lead heron-vs-zuraw --intro "Five tools, {name}, and one tie."
    """
    if intro is not None and intro_file is not None:
        raise IssueError("Name --intro or --intro-file, not both.")
    if both := set(pin or ()) & set(drop or ()):
        raise IssueError(f"'{min(both)}' is to be pinned and dropped at once. Decide for one.")
    text = _text(intro_file) if intro_file else intro
    changes: list[Callable[[Edits, list[str]], Edits]] = []
    if subject is not None:
        changes.append(lambda edits, _: editing.with_subject(edits, subject))
    if preheader is not None:
        changes.append(lambda edits, _: editing.with_preheader(edits, preheader))
    if text is not None:
        changes.append(lambda edits, _: editing.with_intro(edits, text))
    if lead is not None:
        changes.append(lambda edits, known: editing.lead_with(edits, lead or None, known))
    changes += [_for_key(editing.pin, key) for key in pin or ()]
    changes += [_for_key(editing.drop, key) for key in drop or ()]
    changes += [_for_key(editing.release, key) for key in release or ()]
    if order is not None:
        keys = [key.strip() for key in order.split(",") if key.strip()]
        changes.append(lambda edits, known: editing.reorder(edits, keys, known))
    changes += [_headline(pair) for pair in headline or ()]
    if not changes:
        raise IssueError("Nothing to change was named. 'newsletter issue edit --help' shows what can be.")
    issue, lost = writing.edit(door(context).desk(), which, _all(changes), by=by)
    say(f"{name(issue)} is changed. Its subject: {issue.subject}", *([lost] if lost else []))


def _all(changes: list[Callable[[Edits, list[str]], Edits]]) -> Callable[[Session, Issue, Edits], Edits]:
    def change(session: Session, _issue: Issue, edits: Edits) -> Edits:
        known = [row.comparison.key for row in on_shelf(session)]
        for one in changes:
            edits = one(edits, known)
        return edits

    return change


def _for_key(act: Callable[[Edits, str, list[str]], Edits], key: str) -> Callable[[Edits, list[str]], Edits]:
    return lambda edits, known: act(edits, key, known)


def _headline(pair: str) -> Callable[[Edits, list[str]], Edits]:
    key, equals, text = pair.partition("=")
    if not equals:
        raise IssueError(f"'{pair}' is not KEY=TEXT; write --headline heron-vs-zuraw=\"A tie\".")
    return lambda edits, known: editing.with_headline(edits, key.strip(), text.strip(), known)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise IssueError(f"{path} cannot be read as UTF-8 text: {error}.") from None
