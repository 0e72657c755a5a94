"""`newsletter subscribers silent`: who would be asked whether they still want it. It asks nobody."""

from dataclasses import asdict
from typing import Annotated

import typer

from newsletter.cli.door import Json, door
from newsletter.cli.output import as_json, say
from newsletter.desk.sunset import Silence, silence
from newsletter.issues.wording import numbered


def register(app: typer.Typer) -> None:
    """Add it to the people on the list."""
    app.command("silent")(silent)


def silent(
    context: typer.Context,
    days: Annotated[int, typer.Option("--days", help="As if sunset.after_days were this.", min=0, max=3650)] = 0,
    json: Json = False,
) -> None:
    """How many have given no sign of their own for long, and what becomes of them (sunset in config.toml). Asks nobody.

    Example: newsletter subscribers silent --days 180
    """
    desk = door(context).desk()
    found = silence(desk, days)
    if json:
        as_json({**asdict(found), "on": bool(desk.config.sunset.after_days)})
        return
    say(*_told(found, per_day=desk.config.sunset.per_day, is_on=bool(desk.config.sunset.after_days)))


def _told(found: Silence, *, per_day: int, is_on: bool) -> list[str]:
    off = "sunset.after_days is 0: nobody is asked, and nobody is taken off the list for being silent."
    if not found.after_days:
        return [off, "To see how many there would be: newsletter subscribers silent --days 180"]
    lines = [f"{numbered(found.silent, 'reader', 'readers')} without a sign for {found.after_days} days."]
    if found.silent:
        whole = "all of them" if found.nights == 1 else f"{per_day:,} a night, {found.nights:,} nights for all"
        would = "are asked" if is_on else "would be asked"
        lines.append(f"{found.tonight:,} {would} tonight whether they still want it ({whole}).")
    if found.open:
        lines.append(f"{numbered(found.open, 'reader', 'readers')} asked before, with time left to answer.")
    return lines if is_on else [*lines, off]
