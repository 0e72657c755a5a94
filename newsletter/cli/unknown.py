"""`newsletter unknown`: people of whom nobody knows whether they were sent an issue, and an operator's word on them."""

from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from newsletter.cli import issue_print as show_
from newsletter.cli.acts import noted
from newsletter.cli.door import By, Json, door
from newsletter.cli.output import Told, rows, say
from newsletter.delivery.batch import BatchStatus
from newsletter.delivery.recovery import Outlook
from newsletter.desk import doubting
from newsletter.desk.doubting import FEW, Doubt
from newsletter.issues.issue import IssueStatus
from newsletter.issues.wording import numbered

app = typer.Typer(
    help="People of whom nobody knows whether they were sent an issue. Example: newsletter unknown list",
    no_args_is_help=True,
)

Number = Annotated[int, typer.Argument(help="The batch, as 'list' shows it.")]
Note = Annotated[str, typer.Option(help="What you saw, and where; it is kept.")]
Person = Annotated[
    list[str] | None,
    typer.Option("--person", help="Only this one: an address, or a ref as 'people' shows it. May be given repeatedly."),
]

WHAT_TO_DO = (
    "",
    "Search the provider's log for the addresses, at that time; most do not know our keys. Then say what you saw:",
    "  newsletter unknown accepted BATCH --note ...   they have it: nobody of them is mailed again",
    "  newsletter unknown not-sent BATCH --note ...   they certainly were not sent it: the next send does that,",
    "                                               unless the issue is cancelled: then they stand as not sent",
    "With --person ADDRESS, once or several times, either is said of these alone.",
)


@app.command("list")
def list_(context: typer.Context, json: Json = False) -> None:
    """Every call with anybody in doubt, and what is known of it.

    Example: newsletter unknown list
    """
    desk = door(context).desk()
    found, zone = doubting.in_doubt(desk), desk.config.publication.tz
    rows([_row(doubt, zone, all_=json) for doubt in found], json_wanted=json, nothing="Nothing is in doubt.")
    if found and not json and any(doubt.outlook is None or doubt.batch.unknown for doubt in found):
        say(*WHAT_TO_DO)


@app.command("people")
def people(context: typer.Context, batch: Number, json: Json = False) -> None:
    """Everybody in doubt in one call: what to search for in the provider's log.

    Example: newsletter unknown people 12 --json
    """
    _, found = doubting.people(door(context).desk(), batch)
    listing = [
        {
            "address": one.address or "(erased)",
            "ref": one.ref,
            "key": key,
            "provider": one.provider,
            "what_was_heard": Told(one.reason or "nothing", one.reason),
        }
        for one, key in found
    ]
    rows(listing, json_wanted=json, nothing="")


@app.command()
def accepted(context: typer.Context, batch: Number, note: Note, by: By, person: Person = None) -> None:
    """The provider has it: nobody of them is mailed again.

    Example: newsletter unknown accepted 12 --note "console, 12 Nov 09:01: 500 delivered"
    """
    desk = door(context).desk()
    done = doubting.decide(desk, batch, BatchStatus.ACCEPTED, by=by, note=note, only=person or ())
    noted(desk.engine, "unknown accepted", f"batch {batch}: {note}", by)
    count = numbered(done.people, "person counts", "people count")
    say(f"Batch {batch}: {count} as accepted now. {show_.name(done.issue)} is {done.issue.state}.")


@app.command("not-sent")
def not_sent(context: typer.Context, batch: Number, note: Note, by: By, person: Person = None) -> None:
    """The provider certainly does not have it: the next send hands it over, to them alone; not of a cancelled issue.

    Example: newsletter unknown not-sent 12 --note "console shows nothing between 09:00 and 09:10"
    """
    desk = door(context).desk()
    done = doubting.decide(desk, batch, BatchStatus.CLAIMED, by=by, note=note, only=person or ())
    noted(desk.engine, "unknown not-sent", f"batch {batch}: {note}", by)
    number = done.issue.number
    if done.issue.status is IssueStatus.CANCELLED:
        count = numbered(done.people, "person counts", "people count")
        say(f"Batch {batch}: {count} as not sent now. {show_.name(done.issue)} is cancelled: nobody else gets it.")
        return
    resume = f"newsletter issue resume {number}, then: " if done.issue.status is IssueStatus.PAUSED else ""
    who = numbered(done.people, "person", "people")
    say(
        f"Batch {batch}: the next send goes to {who} in it, and to nobody else in it.",
        f"Next: {resume}newsletter issue send {number}",
    )


def _row(doubt: Doubt, zone: ZoneInfo, *, all_: bool) -> dict[str, Any]:
    """One line: whom to look for where they are few, and what comes next. A program gets the key as well."""
    batch = doubt.batch
    few = [one.address or "(erased)" for one in doubt.some] if doubt.people <= FEW else []
    heard = doubt.some[0].reason if doubt.some else batch.reason
    row = {
        "batch": batch.id,
        "issue": doubt.issue.number,
        "people": doubt.people,
        "look_for": Told(", ".join(few) or f"newsletter unknown people {batch.id}", few),
        "provider": batch.provider,
        "last_attempt": batch.attempted_at,
        "what_was_heard": Told(heard or "nothing", heard),
        "next": Told(next_of(doubt.outlook, zone) or "your word", doubt.outlook.when if doubt.outlook else None),
    }
    return row | {"key": batch.call_key, "attempts": batch.attempt} if all_ else row


def next_of(outlook: Outlook | None, zone: ZoneInfo) -> str:
    """Like "asked again by the next send after 09:02 CET", or nothing: there is nothing for a person to do then."""
    if outlook is None:
        return ""
    does = "looked up" if outlook.by_asking else "asked again, under its key,"
    return f"{does} by the next send after {outlook.when.astimezone(zone):%H:%M %Z}"
