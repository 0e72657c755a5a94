"""The commands, by noun."""

from pathlib import Path
from typing import Annotated

import typer

from newsletter import __version__
from newsletter.cli.nouns import Nouns

app = typer.Typer(
    cls=Nouns,
    help="A newsletter that writes itself and reaches every subscriber exactly once. Example: newsletter demo",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    add_completion=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _open(
    context: typer.Context,
    config: Annotated[
        Path | None, typer.Option("--config", help="The settings. Default: $NEWSLETTER_CONFIG, or config.toml here.")
    ] = None,
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    context.obj = config  # the door is opened when a command asks for it (door.py): that takes a second
