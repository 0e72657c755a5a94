"""`newsletter subscribers import` and `export`: the list as CSV."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO, TextIO

import typer

from newsletter.cli.acts import noted
from newsletter.cli.door import By, Json, door, now, plain
from newsletter.cli.output import Told, as_json, progress, rows, say
from newsletter.database import reading, transaction
from newsletter.delivery.heap import settled_heap
from newsletter.issues.wording import numbered
from subscribers.consent import Status
from subscribers.errors import BadFile
from subscribers.report import ImportReport
from subscribers.rows import Terms
from subscribers.transfer import export_csv, import_csv


def register(app: typer.Typer) -> None:
    """Add both commands to the noun."""
    app.command("import")(import_)
    app.command("export")(export)


def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A CSV file with a column of addresses.")],
    consent: Annotated[
        str, typer.Option(help="Where and to what these people said yes; kept as evidence.", callback=plain)
    ],
    by: By,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen, change nothing.")] = False,
    unconfirmed: Annotated[
        bool, typer.Option("--unconfirmed", help="They did not confirm: import as pending.")
    ] = False,
    map_: Annotated[list[str] | None, typer.Option("--map", help="OURS=THEIRS, e.g. email='E-Mail-Adresse'.")] = None,
    report: Annotated[Path | None, typer.Option(help="Write line, outcome and reason of each row not added.")] = None,
    guarded: Annotated[bool, typer.Option("--guarded", help="The file is our export with guarded formulas.")] = False,
    json: Json = False,
) -> None:
    """Bring a list in. Suppressed people stay suppressed, who left stays away; importing again changes nothing.

    Example: newsletter subscribers import list.csv --dry-run --consent "sign-up form at example.org/weekly"
    """
    here = door(context)
    engine, secret = here.keyed()
    columns = dict(_pair(text) for text in map_ or ())
    terms = Terms(source=told(file.name), wording=consent, by=by, consented=not unconfirmed)
    with (
        opened(file) as content,
        _details(report, file) as details,
        progress("Importing") as bar,
        settled_heap(),
        transaction(engine) as session,
    ):
        done = import_csv(
            session,
            content,
            terms,
            secret=secret,
            now=now(),
            columns=columns,
            dry_run=dry_run,
            guarded=guarded,
            topics=frozenset(topic.slug for topic in here.config.topics),
            details=details,
            progress=lambda number: bar(number, None),
        )
    if not dry_run:
        noted(engine, "subscribers import", f"{told(file.name)}: {numbered(done.rows, 'row', 'rows')}", by)
    if json:
        as_json({"dry_run": dry_run, "rows": done.rows, "counts": done.counts, "reasons": reasons(done)})
        return
    rows(
        [{"outcome": str(what), "rows": number} for what, number in done.counts.items()], json_wanted=False, nothing=""
    )
    rows(reasons(done), json_wanted=False, nothing="", title="\nWhy") if done.whys else None
    say("", f"{numbered(done.rows, 'row', 'rows')}." + (" Dry run: nothing was changed." if dry_run else ""))


def export(
    context: typer.Context,
    file: Annotated[Path | None, typer.Argument(help="Where to; default: standard output.")] = None,
    raw: Annotated[bool, typer.Option("--raw", help="Do not guard cells that a spreadsheet would run.")] = False,
    status: Annotated[Status | None, typer.Option(help="Only these.")] = None,
) -> None:
    """Write the list as CSV. Cells that a spreadsheet would run as formulas get a quote in front; --raw leaves them.

    Example: newsletter subscribers export list.csv --raw
    """
    engine = door(context).engine()
    noted(
        engine, "subscribers export", f"to {told(file.name) if file else 'standard output'}"
    )  # before anything leaves
    with reading(engine) as session, written(file) as out:
        number = export_csv(session, out, raw=raw, status=status)
    if file:
        say(f"{numbered(number, 'person', 'people')} written to {told(file)}.")


def reasons(done: ImportReport) -> list[dict[str, object]]:
    """Why rows were not added, as rows of a listing."""
    return [
        {
            "outcome": str(why.outcome),
            "reason": why.reason,
            "rows": why.rows,
            "lines": Told(", ".join(map(str, why.lines)), list(why.lines)),
        }
        for why in done.whys.values()
    ]


def told(name: object) -> str:
    """A file's name that can be kept and printed, whatever bytes are in it."""
    return str(name).encode(errors="replace").decode()


def _pair(text: str) -> tuple[str, str]:
    ours, equals, theirs = text.partition("=")
    if not equals:
        raise BadFile(f"'{text}' is not OURS=THEIRS; write --map email='E-Mail-Adresse'.")
    return ours.strip(), theirs.strip()


@contextmanager
def opened(file: Path) -> Iterator[BinaryIO]:
    """A file to import. Raises BadFile with a sentence where it cannot be read."""
    try:
        content = file.open("rb")
    except OSError as error:
        raise BadFile(f"{file} cannot be read: {error.strerror}. Nothing was imported.") from None
    with content:
        yield content


@contextmanager
def _details(path: Path | None, file: Path) -> Iterator[TextIO | None]:
    if path is None:
        yield None
        return
    if path.exists() and path.samefile(file):
        raise BadFile("--report would write over the file that is imported; name another. Nothing was imported.")
    with path.open("w", encoding="utf-8", newline="") as out:
        yield out


@contextmanager
def written(path: Path | None) -> Iterator[TextIO]:
    """A new file for its owner's eyes, or standard output."""
    if path is None:
        yield sys.stdout
        return
    path.touch(mode=0o600)
    with path.open("w", encoding="utf-8", newline="") as out:
        yield out
