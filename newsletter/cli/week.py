"""`newsletter week`: the weekly job, once."""

import sys
from contextlib import closing
from typing import Annotated

import typer

from jobs.looking import Lookout
from jobs.notices.ways import LIMITS
from jobs.weekly import Result, Weekly, run
from newsletter.cli.door import Json, door
from newsletter.cli.output import as_json, progress, rows
from newsletter.cli.waiting import counting
from newsletter.desk.desk import Desk
from newsletter.errors import IssueError, NewsletterError
from newsletter.issues.week import parse
from newsletter.providers.httpx_poster import HttpxPoster


def week(
    context: typer.Context,
    slot: Annotated[str | None, typer.Option(help="ISO week; default: this one.")] = None,
    send: Annotated[bool, typer.Option("--send", help="Send it now if it is approved, without the hold.")] = False,
    json: Json = False,
) -> None:
    """The weekly job once: collect the sources, draft, check, and hold for an editor or schedule.

    Run it again at any time: nothing is done twice. Example: newsletter week --slot 2026-W47
    """
    desk = door(context).desk()
    with progress("Sending") as bar:
        done = run(
            desk,
            parse(slot) if slot is not None else None,
            at_once=send,
            on_progress=counting(bar),
        )
    tell(done, json_wanted=json)
    look_around(desk)
    if done.result is Result.FAILED:
        raise IssueError("The week's issue was not made; the reasons are above. Mend them and run it again.")


def look_around(desk: Desk) -> None:
    """Tell who is to be told, where no `serve` does it. What fails there fails not the week: it is said."""
    if not desk.config.telling.somebody:
        return
    try:
        with closing(HttpxPoster(LIMITS)) as poster:
            for line in Lookout(desk, poster)():
                sys.stderr.write(f"{line}\n")
    except NewsletterError as error:
        sys.stderr.write(f"Nobody was told of anything: {error}\n")


def tell(done: Weekly, *, json_wanted: bool) -> None:
    """What the job did."""
    if json_wanted:
        number = done.issue.number if done.issue else None
        as_json({"result": str(done.result), "issue": number, "story": [dict([told]) for told in done.story]})
    else:
        rows(
            [{"step": step, "what happened": sentence} for step, sentence in done.story], json_wanted=False, nothing=""
        )
