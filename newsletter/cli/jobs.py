"""`newsletter jobs`: what the scheduler has done, and where it is."""

from typing import Annotated, Any

import typer

from jobs.slots import Run, next_due, runs
from newsletter.cli.door import Json, door
from newsletter.cli.output import as_json, rows, say
from newsletter.errors import NewsletterError


def jobs(
    context: typer.Context,
    slot: Annotated[str, typer.Argument(help='A slot as the listing shows it, "2026-11-19T08:00".')] = "",
    json: Json = False,
) -> None:
    """The runs of the scheduled jobs, newest first: where each is and what it said last; or all of one slot.

    Example: newsletter jobs 2026-11-19T08:00
    """
    desk = door(context).desk()
    with desk.reading() as session:
        found = runs(session, most=60)
    if slot:
        _one(slot, found, json_wanted=json)
        return
    rows([_row(run) for run in found], json_wanted=json, nothing="No slot has come yet.")
    if not json:
        schedule, zone = desk.config.schedule, desk.config.publication.tz
        due = next_due(schedule.day, schedule.time, zone, desk.clock())
        say("", f"Next: weekly, {due:%a %d %b %Y %H:%M %Z}, if 'newsletter serve' runs then.")


def _one(slot: str, found: list[Run], *, json_wanted: bool) -> None:
    mine = [run for run in found if run.slot == slot]
    if not mine:
        raise NewsletterError(f"There is no run of the slot {slot!r}. 'newsletter jobs' shows which there are.")
    story = [
        {"job": run.job, "step": step, "what_happened": said}
        for run in mine
        for step, _, said in (line.partition(": ") for line in run.report.splitlines())
    ]
    if json_wanted:
        as_json([{**_row(run), "story": [row for row in story if row["job"] == run.job]} for run in mine])
        return
    rows(story, json_wanted=False, nothing="It has not done anything yet.")


def _row(run: Run) -> dict[str, Any]:
    last = run.report.splitlines()[-1:] or [""]
    return {
        "job": run.job,
        "slot": run.slot,
        "status": str(run.status),
        "step": run.step,
        "started": run.started_at,
        "ended": run.ended_at,
        "what_it_said_last": last[0].partition(": ")[2],
    }
