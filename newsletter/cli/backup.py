"""`newsletter db backup` and `restore`: a copy that can be trusted, and the way back."""

from pathlib import Path
from typing import Annotated

import typer

from newsletter.cli.acts import noted
from newsletter.cli.door import By, Json, door, now
from newsletter.cli.output import as_json, progress, say
from newsletter.desk import backup as copies
from newsletter.desk.sealing import new_identity, unsealed
from newsletter.errors import DatabaseError
from newsletter.issues.issue import IssueStatus
from newsletter.issues.wording import opened
from newsletter.migrations import upgrade


def register(app: typer.Typer) -> None:
    """Add both commands to `newsletter db`."""
    app.command()(backup)
    app.command()(restore)
    app.command()(keygen)


def backup(
    context: typer.Context,
    folder: Annotated[Path | None, typer.Argument(help="Where to; default: [backup] folder.")] = None,
    json: Json = False,
) -> None:
    """Copy the database while everything runs, and check the copy. The secret key is not in it: keep that apart.

    Example: newsletter db backup /mnt/backups
    """
    here = door(context)
    into, recipients = folder or here.config.backup.folder, here.config.backup.recipients
    if into is None:
        raise DatabaseError("Say where to: newsletter db backup FOLDER, or set [backup] folder in config.toml.")
    with progress("Copying") as bar:
        made = copies.back_up(here.engine(), into, now(), bar, recipients=recipients)
    if json:
        as_json({"file": str(made.file), "bytes": made.size, "rows": made.rows, "sealed": bool(recipients)})
        return
    say(f"{made.file}: {made.size / 1e6:,.1f} MB, checked{', sealed' if recipients else ''}. {_rows(made.rows)}.")


def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A copy that 'newsletter db backup' made.")],
    by: By,
    identity: Annotated[Path | None, typer.Option(help="What opens a sealed copy: the file of 'db keygen'.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Put a copy back. Nothing is mailed afterwards before you have said what happened since.

    Example: newsletter db restore /mnt/backups/newsletter-20261119T030000Z.db
    """
    here = door(context)
    engine = here.opened(here.config.database.url, make=False)
    had = copies.holds_something(engine)
    where = engine.url.render_as_string(hide_password=True)
    with unsealed(file, identity, copies.room_of(engine)) as copy:
        rows = copies.look_through(copy)
        if not yes:
            say(f"{file}: checked. {_rows(rows)}.")
            kept = " (What is there is kept in before-restore/.)" if had else ""
            typer.confirm(f"Put it in the place of {where}?{kept}", abort=True)
        with progress("Copying") as bar:
            _, held = copies.restore(engine, copy, now(), upgrade, by=by, on_progress=bar)
    noted(engine, "db restore", file.name.encode(errors="replace").decode(), by)
    kept = f" What was there is in {Path(engine.url.database or '').parent}/before-restore/." if had else ""
    say(f"{where} is what it was then.{kept}")
    say(
        "Nothing is sent from it before you say what happened since: 'When in doubt' in docs/guarantees.md. Who left "
        "or was suppressed after the copy is on the list again: see the provider's own suppressions."
    )
    for issue in held:
        first = f"newsletter issue resume {issue.number}, then " if issue.status is IssueStatus.PAUSED else ""
        going_on = f"{first}newsletter issue send {issue.number} --after-restore"
        say(f"  {opened(issue.name)} is {issue.state}: {going_on}; or cancel")


def keygen(
    file: Annotated[Path, typer.Argument(help="A new file, for the private half. Keep it twice, and not here.")],
) -> None:
    """Make a key that alone opens copies of the database. Take the file off this machine afterwards.

    Example: newsletter db keygen backup.key
    """
    public = new_identity(file)
    say(f"{file}: keep it twice, and neither on this machine nor beside the copies. In config.toml, under [backup]:\n")
    say(f'recipients = ["{public}"]')


def _rows(rows: dict[str, int]) -> str:
    return ", ".join(f"{number:,} × {name.replace('_', ' ')}" for name, number in rows.items())
