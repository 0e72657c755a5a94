"""`newsletter unknown`: deliveries of which nobody knows, and an operator's word on them."""

from typing import Annotated, Any

import typer

from newsletter.cli.door import By, Json, door
from newsletter.cli.output import Told, rows, say
from newsletter.delivery.batch import Batch, BatchStatus
from newsletter.desk import doubting
from newsletter.issues.issue import Issue
from newsletter.issues.wording import numbered

app = typer.Typer(
    help="Deliveries of which nobody knows whether they left. Example: newsletter unknown list", no_args_is_help=True
)

Number = Annotated[int, typer.Argument(help="The batch, as 'list' shows it.")]
Note = Annotated[str, typer.Option(help="What you saw, and where; it is kept.")]


@app.command("list")
def list_(context: typer.Context, json: Json = False) -> None:
    """Every batch in doubt, with what is known of it.

    Example: newsletter unknown list
    """
    found = doubting.in_doubt(door(context).desk())
    rows([_row(issue, batch) for issue, batch in found], json_wanted=json, nothing="Nothing is in doubt.")
    if found and not json:
        say(
            "",
            "Look the batch up in the provider's console by its key or its time, then say what you saw:",
            "  newsletter unknown accepted BATCH --note ...   it left: nobody in it is mailed again",
            "  newsletter unknown not-sent BATCH --note ...   it certainly did not: the next send tries it again",
        )


@app.command()
def accepted(context: typer.Context, batch: Number, note: Note, by: By) -> None:
    """The provider has it: nobody in the batch is mailed again.

    Example: newsletter unknown accepted 12 --note "console, 12 Nov 09:01: 500 delivered"
    """
    number = doubting.decide(door(context).desk(), batch, BatchStatus.ACCEPTED, by=by, note=note)
    say(f"Batch {batch} counts as accepted: {numbered(number, 'delivery', 'deliveries')}.")


@app.command("not-sent")
def not_sent(context: typer.Context, batch: Number, note: Note, by: By) -> None:
    """The provider certainly does not have it: the next send tries the batch again, under the same key.

    Example: newsletter unknown not-sent 12 --note "console shows nothing between 09:00 and 09:10"
    """
    number = doubting.decide(door(context).desk(), batch, BatchStatus.CLAIMED, by=by, note=note)
    say(f"Batch {batch} will be tried again by the next send: {numbered(number, 'delivery', 'deliveries')}.")


def _row(issue: Issue, batch: Batch) -> dict[str, Any]:
    return {
        "batch": batch.id,
        "issue": issue.number,
        "people": batch.size,
        "key": batch.key,
        "provider": batch.provider,
        "attempts": batch.attempt,
        "last_attempt": batch.attempted_at,
        "what_was_heard": Told(batch.reason or "nothing", batch.reason),
    }
