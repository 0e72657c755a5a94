"""`newsletter db move`: from the SQLite file to PostgreSQL, with a proof."""

from typing import Annotated

import typer

from newsletter import config as settings
from newsletter.cli.door import Json, door
from newsletter.cli.output import as_json, progress, say
from newsletter.desk.moving import Moved
from newsletter.desk.moving import move as move_all
from newsletter.errors import ConfigError
from newsletter.migrations import upgrade_in
from newsletter.schema import refuse_newer


def register(app: typer.Typer) -> None:
    """Add the command to `newsletter db`."""
    app.command()(move)


def move(
    context: typer.Context,
    url: Annotated[str, typer.Argument(help="An empty database: postgresql://newsletter@localhost/newsletter")],
    json: Json = False,
) -> None:
    """Copy everything into an empty PostgreSQL database: all of it or nothing, with a count and a digest per table.

    Example: newsletter db move postgresql://newsletter@localhost/newsletter
    """
    here = door(context)
    try:
        settings.Database(url=url)
    except ValueError:
        raise ConfigError("The URL holds a password: put it into NEWSLETTER_DATABASE_PASSWORD.") from None
    source, target = here.engine(), here.opened(url)
    refuse_newer(target)
    with progress("Moving") as bar:
        moved = move_all(source, target, upgrade_in, bar)
    if json:
        as_json({one.table: {"rows": one.rows, "sha256": one.digest} for one in moved})
        return
    _tell(moved, url, source.url.database or "")


def _tell(moved: list[Moved], url: str, file: str) -> None:
    for one in moved:
        if one.rows:
            say(f"  {one.table:20} {one.rows:>12,} rows, read back and equal (sha256 {one.digest[:16]}…)")
    say(
        f"{sum(one.rows for one in moved):,} rows are in {url}. Now write into config.toml:",
        "  [database]",
        f'  url = "{url}"',
        f"{file} is as it was, but nothing is sent from it any more. Keep it until the first issue has gone out.",
    )
