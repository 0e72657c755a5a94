"""`newsletter issue`: from a draft to a sent issue."""

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from newsletter.cli import issue_print as show_
from newsletter.cli.door import By, Json, door
from newsletter.cli.output import as_json, rows, say
from newsletter.delivery.progress import progress as progress_of
from newsletter.desk import looking, sending, writing
from newsletter.desk.editions import edition
from newsletter.errors import IssueError
from newsletter.issues.issue import OFFERS, issues, steps_of
from newsletter.issues.week import parse
from newsletter.issues.wording import numbered
from newsletter.mail.rendered import Level
from subscribers.choice import Choice, Frequency

app = typer.Typer(
    help="Issues: draft, edit, check, approve, send. Example: newsletter issue draft", no_args_is_help=True
)

Topics = Annotated[str, typer.Option(help="As who chose these topics gets it: models,tools")]
Often = Annotated[Frequency, typer.Option(help="As who chose this gets it.")]
Which = Annotated[str, typer.Argument(help="Its number, its week (2026-W47), or 'latest'.")]


@app.command()
def draft(
    context: typer.Context,
    week: Annotated[str | None, typer.Option(help="ISO week; default: this one.")] = None,
    json: Json = False,
) -> None:
    """Select and write the week's issue, and say why each comparison is in it or not.

    Doing it again keeps every edit. Example: newsletter issue draft --week 2026-W47
    """
    made = writing.draft(door(context).desk(), parse(week) if week is not None else None)
    show_.draft(made, json_wanted=json)


@app.command("list")
def list_(context: typer.Context, json: Json = False) -> None:
    """Every issue, newest first.

    Example: newsletter issue list
    """
    desk = door(context).desk()
    with desk.reading() as session:
        listing = [show_.row(issue) for issue in issues(session, desk.config.publication.slug)]
    rows(listing, json_wanted=json, nothing="No issue yet. 'newsletter issue draft' writes the week's.")


@app.command()
def show(context: typer.Context, which: Which, json: Json = False) -> None:
    """One issue: its words, its items, its history.

    Example: newsletter issue show latest
    """
    desk = door(context).desk()
    with desk.reading() as session:
        issue = desk.find(session, which)
        words = writing.words(desk, session, issue)
        history = [
            {"at": step.at, "step": str(step.command), "to": str(step.after), "by": step.by}
            for step in steps_of(session, issue)
        ]
        show_.issue(issue, words, history, json_wanted=json)


@app.command()
def render(
    context: typer.Context,
    which: Which,
    out: Annotated[Path, typer.Option(help="The folder for issue.html, issue.txt and issue.eml.")] = Path("preview"),
    as_: Annotated[str | None, typer.Option("--as", help="As this subscriber would get it.")] = None,
    topics: Topics = "",
    often: Often = Frequency.WEEKLY,
) -> None:
    """Write the issue as a reader gets it: HTML, text, and the whole message.

    Example: newsletter issue render 3 --out preview --as ada@example.org
    """
    for path in looking.write(door(context).desk(), which, out, address=as_, choice=_choice(topics, often)):
        say(str(path))


@app.command()
def check(context: typer.Context, which: Which, json: Json = False) -> None:
    """The preflight: errors block approval, warnings advise. Exit code 1 where there are errors.

    Example: newsletter issue check latest
    """
    desk = door(context).desk()
    with desk.reading() as session:
        issue = desk.find(session, which)
        made = edition(desk, session, issue)
    if json:
        as_json({"findings": [asdict(finding) for finding in made.findings], **show_.sizes(made)})
    else:
        show_.findings(issue, made)
    if any(finding.level is Level.ERROR for finding in made.findings):
        raise typer.Exit(1)


@app.command("test")
def send_test(
    context: typer.Context,
    which: Which,
    to: Annotated[list[str], typer.Option(help="An address; may be repeated.")],
    topics: Topics = "",
    often: Often = Frequency.WEEKLY,
) -> None:
    """Send a marked copy through the provider. The ledger is not touched, its links lead to the issue's page only.

    Example: newsletter issue test 3 --to editor@example.org --topics models
    """
    part = sending.send_test(door(context).desk(), which, to, _choice(topics, often))
    copies = f"{len(to)} test {'copy' if len(to) == 1 else 'copies'}"
    say(f"{copies} of {f'the part {part!r}' if part else 'the whole'} accepted; the subject begins with [TEST].")


@app.command()
def approve(context: typer.Context, which: Which, by: By) -> None:
    """Bind an approval to the exact bytes that will be sent. Any later edit voids it.

    Example: newsletter issue approve 3 --by Mara
    """
    issue, made = writing.approve(door(context).desk(), which, by=by)
    say(
        f"{show_.name(issue)} is approved by {by}. What is sent has the digest {made.digest[:16]}….",
        *show_.parts(made),
        f"Next: newsletter issue schedule {issue.number}, or newsletter issue send {issue.number}.",
    )


@app.command()
def schedule(
    context: typer.Context,
    which: Which,
    by: By,
    at: Annotated[
        str | None, typer.Option(help="2026-11-19T08:00, in the publication's zone; default: after the hold.")
    ] = None,
    everywhere: Annotated[
        bool, typer.Option("--everywhere", help="Everybody gets it when their own clock shows that time.")
    ] = False,
) -> None:
    """Let an approved issue start by itself, while 'newsletter serve' runs. 'reopen' undoes it until then.

    Example: newsletter issue schedule 3 --at 2026-11-19T08:00
    """
    desk = door(context).desk()
    issue = sending.schedule(desk, which, at=_moment(at, desk.config.publication.tz), by=by, everywhere=everywhere)
    local = (issue.scheduled_at or desk.clock()).astimezone(desk.config.publication.tz)
    own = f", and reaches everybody at {issue.wall_time[-5:]} by their own clock" if issue.wall_time else ""
    say(
        f"{show_.name(issue)} starts on {local:%A, %d %B %Y at %H:%M %Z}{own}, if 'newsletter serve' is running.",
        f"Undo: newsletter issue reopen {issue.number}",
    )


@app.command()
def reopen(context: typer.Context, which: Which, by: By) -> None:
    """Make an approved, scheduled or unsent cancelled issue a draft again; its approval is void.

    Example: newsletter issue reopen 3
    """
    issue = writing.reopen(door(context).desk(), which, by=by)
    say(f"{show_.name(issue)} is a draft again; nothing is sent until it is approved.")


@app.command()
def cancel(
    context: typer.Context,
    which: Which,
    by: By,
    yes: Annotated[bool, typer.Option("--yes", help="Also if some readers have it already.")] = False,
) -> None:
    """End an issue before it is sent, or in the middle. Its comparisons are free again, unless somebody got it already.

    Once some readers have it, it cannot be taken up again: pause it instead. Example: newsletter issue cancel 3
    """
    desk = door(context).desk()
    with desk.transaction() as session:
        issue = desk.find(session, which)
        state = progress_of(session, issue.id or 0)
    has_it = state.list_size - state.to_claim - state.skipped_in_all if state else 0
    they = numbered(has_it, "reader has", "readers have")
    if has_it and not yes and "cancel" in OFFERS[issue.status]:  # else it is refused, or was done already
        raise IssueError(
            f"{they} {issue.name} already, or may have it; cancelled, the others never get it. "
            f"Nothing was changed. Pause it: newsletter issue pause {issue.number}. Or add --yes."
        )
    issue = writing.cancel(desk, which, by=by)
    say(f"{show_.name(issue)} is cancelled." + (f" {they} it, or may have it." if has_it else ""))


def _choice(topics: str, often: Frequency) -> Choice:
    try:
        return Choice.of(topics, often)
    except ValueError as error:
        raise IssueError(f"--topics: {error}.") from None


def _moment(text: str | None, zone: Any) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise IssueError(f"'{text}' is not a time; write it like 2026-11-19T08:00.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)
