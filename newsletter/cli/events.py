"""`newsletter events`: what providers say became of the mail."""

from typing import Any

import typer

from newsletter.cli.door import Json, door
from newsletter.cli.output import as_json, rows, say
from newsletter.delivery.polling import PARTLY, Told
from newsletter.desk.desk import Desk
from newsletter.desk.polling import Polled, next_poll, poll, polled

app = typer.Typer(help="What providers say became of the mail. Example: newsletter events poll", no_args_is_help=True)


@app.callback()
def _events() -> None:
    """A group of its own, with one command for now."""


@app.command("poll")
def poll_(context: typer.Context, json: Json = False) -> None:
    """Ask the providers for bounces, complaints and deliveries now: for a newsletter that webhooks cannot reach.

    Example: newsletter events poll
    """
    desk = door(context).desk()
    asked = polled(desk.config)
    told = [(one, poll(desk, one)) for one in asked]
    listing = [_row(desk, one, result) for one, result in told]
    if json:
        as_json(listing)
    elif not asked:
        say(f"{desk.config.provider.name} cannot be asked for events; docs/events.md says which providers can.")
    else:
        rows([_shown(row) for row in listing], json_wanted=False, nothing="")
        say(*(f"{one.name}: {PARTLY}" for one, result in told if result.partly))
        say(*(f"{one.name}: {result.trouble} Nothing is lost; run it again." for one, result in told if result.trouble))
    if any(result.trouble for _, result in told):
        raise typer.Exit(1)


def _row(desk: Desk, one: Polled, told: Told) -> dict[str, Any]:
    return {
        "provider": one.name,
        "new": told.kept.new,
        "known": told.kept.known,
        "unknown_kinds": told.kept.unknown,
        "not_ours": told.kept.others,
        "pages": told.pages,
        "partly": told.partly,
        "read_up_to": told.at,
        "next": next_poll(desk, one),
        "trouble": told.trouble,
    }


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    """For people: times to the minute, and who asks next."""
    up_to = f"{row['read_up_to']:%Y-%m-%d %H:%M} UTC" if row["read_up_to"] else "not to the end"
    following = f"{row['next']:%H:%M} UTC, by 'serve'" if row["next"] else "when you ask"
    hidden = ("trouble", "partly")
    return {name: value for name, value in row.items() if name not in hidden} | {"read_up_to": up_to, "next": following}
