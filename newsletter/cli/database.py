"""`newsletter db`: the database and its schema."""

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Engine

from newsletter.cli.door import Json, door, now
from newsletter.cli.output import as_json, progress, say
from newsletter.delivery.lock import only_dispatcher
from newsletter.desk.backup import back_up
from newsletter.migrations import upgrade as upgrade_schema
from newsletter.schema import current, filled_by, newest, refuse_newer

app = typer.Typer(help="The database and its schema. Example: newsletter db status", no_args_is_help=True)


@app.command()
def upgrade(
    context: typer.Context,
    copy: Annotated[bool, typer.Option(help="Copy the database first (a SQLite file only).")] = True,
) -> None:
    """Bring the database to the newest schema, all of it or nothing; all data is kept. Stop 'newsletter serve' first.

    Example: newsletter db upgrade
    """
    here = door(context)
    say(*raised(here.opened(here.config.database.url), copy=copy))


def raised(engine: Engine, *, copy: bool = True) -> list[str]:
    """Bring a database to the newest schema, and say what was done. One with an older schema is copied before.

    Raises DatabaseError, and changes nothing, where the schema is newer than this version, the copy fails, or somebody
    sends from this database: an older program that went on would write into tables that it does not know.
    """
    before, where = current(engine), engine.url.render_as_string(hide_password=True)
    refuse_newer(engine)
    if before == newest():
        return [f"{where} is at the newest schema, {newest()}."]
    said = []
    with only_dispatcher(engine) if before else nullcontext():
        if before and copy and engine.dialect.name == "sqlite":
            said.append(_copied(engine))
        upgrade_schema(engine)
    return [*said, f"{where} is at the newest schema, {newest()} (was {before or 'empty'})."]


def _copied(engine: Engine) -> str:
    """Copy the database into before-upgrade/, and say where it is."""
    with progress("Copying") as bar:
        made = back_up(engine, Path(engine.url.database or "").parent / "before-upgrade", now(), bar)
    return f"The database as it was is in {made.file} ({made.size / 1e6:,.1f} MB, checked)."


@app.command()
def status(context: typer.Context, json: Json = False) -> None:
    """Which schema the database has, and which this version needs.

    Example: newsletter db status --json
    """
    here = door(context)
    here.require_file()
    engine = here.opened(here.config.database.url)
    found = {"database": engine.url.render_as_string(hide_password=True), "schema": current(engine), "needed": newest()}
    if json:
        as_json(found)
    else:
        state = "up to date." if found["schema"] == found["needed"] else "run 'newsletter db upgrade'."
        if found["schema"] is None:
            state = f"there is nothing in it. {filled_by(engine)}"
        say(f"{found['database']}: schema {found['schema'] or 'none'}, needed {found['needed']}: {state}")
