"""`newsletter suppressions`: addresses that must not be mailed."""

from pathlib import Path
from typing import Annotated

import typer

from newsletter.cli.acts import noted
from newsletter.cli.door import By, Json, door, now, plain
from newsletter.cli.output import Told, as_json, rows, say
from newsletter.cli.transfer import opened, reasons, told, written
from newsletter.database import reading, transaction
from newsletter.issues.wording import numbered
from subscribers.address import fingerprint, parse
from subscribers.suppression import Reason, lift, suppress, suppressions
from subscribers.suppression_files import export_suppressions, import_suppressions

app = typer.Typer(
    help="Addresses that must not be mailed, and why. Example: newsletter suppressions list", no_args_is_help=True
)

Address = Annotated[str, typer.Argument(help="An email address.")]


@app.command("list")
def list_(context: typer.Context, json: Json = False) -> None:
    """Every suppression.

    Example: newsletter suppressions list --json
    """
    with reading(door(context).engine()) as session:
        found = suppressions(session, limit=1_000_000)
        listing = [
            {
                "address": Told("(erased)", None) if row.address is None else row.address,
                "reason": row.reason,
                "since": row.at,
                "note": row.note,
                "by": row.by,
            }
            for row in found
        ]
    rows(listing, json_wanted=json, nothing="No address is suppressed.")


@app.command("import")
def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A CSV file: address, reason.")],
    by: By,
    json: Json = False,
) -> None:
    """Suppress every address of a CSV file: what another system knew of bounces and complaints.

    Example: newsletter suppressions import bounces.csv
    """
    engine, secret = door(context).keyed()
    with opened(file) as content, transaction(engine) as session:
        done = import_suppressions(session, content, secret=secret, now=now(), by=by)
    noted(engine, "suppressions import", f"{told(file.name)}: {numbered(done.rows, 'row', 'rows')}", by)
    if json:
        as_json({"rows": done.rows, "counts": done.counts, "reasons": reasons(done)})
        return
    counts = ", ".join(f"{number:,} {what}" for what, number in done.counts.items() if number)
    rows(reasons(done), json_wanted=False, nothing="") if done.whys else None
    say(f"{numbered(done.rows, 'row', 'rows')}: {counts or 'nothing to do'}.")


@app.command()
def export(
    context: typer.Context,
    file: Annotated[Path | None, typer.Argument(help="Where to; default: standard output.")] = None,
    raw: Annotated[bool, typer.Option("--raw", help="Do not guard cells that a spreadsheet would run.")] = False,
) -> None:
    """Write every suppressed address as CSV. Who was erased has no address any more and is not in it.

    Example: newsletter suppressions export suppressed.csv
    """
    engine = door(context).engine()
    noted(engine, "suppressions export", f"to {told(file.name) if file else 'standard output'}")
    with reading(engine) as session, written(file) as out:
        number = export_suppressions(session, out, raw=raw)
    if file:
        say(f"{numbered(number, 'address', 'addresses')} written to {told(file)}.")


@app.command()
def add(
    context: typer.Context,
    address: Address,
    by: By,
    reason: Annotated[Reason, typer.Option(help="Why.")] = Reason.MANUAL,
    note: Annotated[str, typer.Option(help="Anything the next operator should know.", callback=plain)] = "",
) -> None:
    """Never mail an address again, whether or not it is on the list.

    Example: newsletter suppressions add dov@example.org --reason hard-bounce
    """
    here, whom = door(context), parse(address)
    engine, secret = here.keyed()
    with transaction(engine) as session:
        print_ = fingerprint(whom.key, secret)
        new = suppress(session, print_, reason, now(), address=whom.display, note=note, by=by)
    if new:
        noted(engine, "suppressions add", reason, by)
    say("Suppressed: this address gets nothing more." if new else "It was suppressed already; nothing was changed.")


@app.command()
def remove(
    context: typer.Context,
    address: Address,
    note: Annotated[str, typer.Option(help="Why it may be mailed again; it is kept.", callback=plain)],
    by: By,
) -> None:
    """Let an address be mailed again, and write down who said so.

    Example: newsletter suppressions remove dov@example.org --note "new mailbox, asked by phone"
    """
    here, whom = door(context), parse(address)
    engine, secret = here.keyed()
    with transaction(engine) as session:
        done = lift(session, fingerprint(whom.key, secret), now(), by=by, note=note)
    if done:
        noted(engine, "suppressions remove", note, by)
    say("Lifted: this address may be mailed again." if done else "It was not suppressed; nothing was changed.")
