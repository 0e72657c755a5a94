"""`newsletter db`: the database and its schema."""

import typer

from newsletter.cli.door import Json, door
from newsletter.cli.output import as_json, say
from newsletter.migrations import current, newest
from newsletter.migrations import upgrade as upgrade_schema

app = typer.Typer(help="The database and its schema. Example: newsletter db status", no_args_is_help=True)


@app.command()
def upgrade(context: typer.Context) -> None:
    """Bring the database to the newest schema; all data is kept.

    Example: newsletter db upgrade
    """
    here = door(context)
    engine = here.opened(here.config.database.url)
    before = current(engine)
    upgrade_schema(engine)
    where = engine.url.render_as_string(hide_password=True)
    say(
        f"{where} is at the newest schema, {newest()}" + ("." if before == newest() else f" (was {before or 'empty'}).")
    )


@app.command()
def status(context: typer.Context, json: Json = False) -> None:
    """Which schema the database has, and which this version needs.

    Example: newsletter db status --json
    """
    here = door(context)
    engine = here.opened(here.config.database.url)
    found = {"database": engine.url.render_as_string(hide_password=True), "schema": current(engine), "needed": newest()}
    if json:
        as_json(found)
    else:
        state = "up to date" if found["schema"] == found["needed"] else "run 'newsletter db upgrade'"
        say(f"{found['database']}: schema {found['schema'] or 'none'}, needed {found['needed']}: {state}.")
