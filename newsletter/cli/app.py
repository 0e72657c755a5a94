"""The commands, by noun."""

from pathlib import Path
from typing import Annotated

import typer

from newsletter import __version__
from newsletter.cli import (
    acts,
    backup,
    bounces,
    comparisons,
    database,
    demo,
    doctor,
    events,
    init,
    issue,
    issue_edit,
    issue_send,
    jobs,
    move,
    notices,
    serve,
    silent,
    subscribers,
    suppressions,
    transfer,
    unknown,
    week,
    worker,
)
from newsletter.cli.door import Door, config_path
from newsletter.cli.output import say

app = typer.Typer(
    help="A newsletter that writes itself and reaches every subscriber exactly once. Example: newsletter demo",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    add_completion=False,
)
app.command("demo")(demo.demo)
app.command("init")(init.init)
app.add_typer(comparisons.app, name="comparisons")
app.add_typer(issue.app, name="issue")
issue_edit.register(issue.app)
issue_send.register(issue.app)
app.add_typer(subscribers.app, name="subscribers")
transfer.register(subscribers.app)
silent.register(subscribers.app)
app.add_typer(suppressions.app, name="suppressions")
app.command("week")(week.week)
app.command("serve")(serve.serve)
app.command("worker")(worker.worker)
app.command("jobs")(jobs.jobs)
app.command("notices")(notices.notices)
app.command("acts")(acts.acts)
app.add_typer(unknown.app, name="unknown")
app.add_typer(bounces.app, name="bounces")
app.add_typer(events.app, name="events")
app.command("doctor")(doctor.doctor)
backup.register(database.app)
move.register(database.app)
app.add_typer(database.app, name="db")


def _version(wanted: bool) -> None:
    if wanted:
        say(__version__)
        raise typer.Exit


@app.callback()
def _open(
    context: typer.Context,
    config: Annotated[
        Path | None, typer.Option("--config", help="The settings. Default: $NEWSLETTER_CONFIG, or config.toml here.")
    ] = None,
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    context.obj = Door(config_path(config))
    context.call_on_close(context.obj.close)
