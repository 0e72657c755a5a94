"""`newsletter db backup` and `restore`: a copy that can be trusted, and the way back."""

from pathlib import Path
from typing import Annotated

import typer

from newsletter.cli.door import By, Json, door, now
from newsletter.cli.output import as_json, progress, say
from newsletter.desk import backup as copies
from newsletter.errors import DatabaseError
from newsletter.issues.wording import opened
from newsletter.migrations import upgrade


def register(app: typer.Typer) -> None:
    """Add both commands to `newsletter db`."""
    app.command()(backup)
    app.command()(restore)


def backup(
    context: typer.Context,
    folder: Annotated[Path | None, typer.Argument(help="Where to; default: [backup] folder.")] = None,
    json: Json = False,
) -> None:
    """Copy the database while everything runs, and check the copy. The secret key is not in it: keep that apart.

    Example: newsletter db backup /mnt/backups
    """
    here = door(context)
    into = folder or here.config.backup.folder
    if into is None:
        raise DatabaseError("Say where to: newsletter db backup FOLDER, or set [backup] folder in config.toml.")
    with progress("Copying") as bar:
        made = copies.back_up(here.engine(), into, now(), bar)
    if json:
        as_json({"file": str(made.file), "bytes": made.size, "rows": made.rows})
        return
    say(f"{made.file}: {made.size / 1e6:,.1f} MB, checked. {_rows(made.rows)}.")


def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A copy that 'newsletter db backup' made.")],
    by: By,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Put a copy back. Nothing is mailed afterwards before you have said what happened since.

    Example: newsletter db restore /mnt/backups/newsletter-20261119T030000Z.db
    """
    here = door(context)
    rows = copies.look_through(file)
    engine = here.opened(here.config.database.url)
    where = engine.url.render_as_string(hide_password=True)
    if not yes:
        say(f"{file}: checked. {_rows(rows)}.")
        typer.confirm(f"Put it in the place of {where}? (What is there is kept in before-restore/.)", abort=True)
    with progress("Copying") as bar:
        _, held = copies.restore(engine, file, now(), upgrade, by=by, on_progress=bar)
    say(f"{where} is what it was then. What was there is in {Path(engine.url.database or '').parent}/before-restore/.")
    say(
        "Nothing is sent from it before you say what happened since: 'When in doubt' in docs/guarantees.md. Who left "
        "or was suppressed after the copy is on the list again: see the provider's own suppressions."
    )
    for issue in held:
        say(f"  {opened(issue.name)} is {issue.state}: newsletter issue send {issue.number} --after-restore, or cancel")


def _rows(rows: dict[str, int]) -> str:
    return ", ".join(f"{number:,} × {name.replace('_', ' ')}" for name, number in rows.items())
