"""`newsletter issue`: from a draft to a sent issue."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from newsletter.cli import issue_print as show_
from newsletter.cli.door import By, Json, door
from newsletter.cli.output import as_json, progress, rows, say
from newsletter.delivery.flight import Ending
from newsletter.delivery.progress import progress as progress_of
from newsletter.desk import looking, sending, writing
from newsletter.errors import IssueError
from newsletter.issues.issue import Issue, issues, steps_of
from newsletter.issues.week import parse
from newsletter.mail.rendered import Level

app = typer.Typer(
    help="Issues: draft, edit, check, approve, send. Example: newsletter issue draft", no_args_is_help=True
)

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
    with desk.transaction() as session:
        listing = [show_.row(issue) for issue in issues(session, desk.config.publication.slug)]
    rows(listing, json_wanted=json, nothing="No issue yet. 'newsletter issue draft' writes the week's.")


@app.command()
def show(context: typer.Context, which: Which, json: Json = False) -> None:
    """One issue: its words, its items, its history.

    Example: newsletter issue show latest
    """
    desk = door(context).desk()
    with desk.transaction() as session:
        issue = desk.find(session, which)
        words = writing.words(desk, session, issue)
        history = [
            {"at": f"{step.at:%Y-%m-%d %H:%M}", "step": str(step.command), "to": str(step.after), "by": step.by}
            for step in steps_of(session, issue)
        ]
        show_.issue(issue, words, history, json_wanted=json)


@app.command()
def render(
    context: typer.Context,
    which: Which,
    out: Annotated[Path, typer.Option(help="The folder for issue.html, issue.txt and issue.eml.")] = Path("preview"),
    as_: Annotated[str | None, typer.Option("--as", help="As this subscriber would get it.")] = None,
) -> None:
    """Write the issue as a reader gets it: HTML, text, and the whole message.

    Example: newsletter issue render 3 --out preview --as ada@example.org
    """
    for path in looking.write(door(context).desk(), which, out, address=as_):
        say(str(path))


@app.command()
def check(context: typer.Context, which: Which, json: Json = False) -> None:
    """The preflight: errors block approval, warnings advise. Exit code 1 where there are errors.

    Example: newsletter issue check latest
    """
    desk = door(context).desk()
    with desk.transaction() as session:
        issue = desk.find(session, which)
        rendered = writing.rendered(desk, session, issue)
    if json:
        as_json({"findings": [asdict(finding) for finding in rendered.findings], **show_.sizes(rendered)})
    else:
        show_.findings(issue, rendered)
    if any(finding.level is Level.ERROR for finding in rendered.findings):
        raise typer.Exit(1)


@app.command()
def test(
    context: typer.Context, which: Which, to: Annotated[list[str], typer.Option(help="An address; may be repeated.")]
) -> None:
    """Send a marked copy through the provider. The ledger is not touched, its links lead to the issue's page only.

    Example: newsletter issue test 3 --to editor@example.org
    """
    number = sending.test(door(context).desk(), which, to)
    say(f"{number} test {'copy' if number == 1 else 'copies'} accepted; the subject begins with [TEST].")


@app.command()
def approve(context: typer.Context, which: Which, by: By) -> None:
    """Bind an approval to the exact bytes that will be sent. Any later edit voids it.

    Example: newsletter issue approve 3 --by Mara
    """
    issue, rendered = writing.approve(door(context).desk(), which, by=by)
    say(
        f"{show_.name(issue)} is approved by {by}. What is sent has the digest {rendered.digest[:16]}….",
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
) -> None:
    """Let an approved issue start by itself, while 'newsletter serve' runs. 'reopen' undoes it until then.

    Example: newsletter issue schedule 3 --at 2026-11-19T08:00
    """
    desk = door(context).desk()
    issue = sending.schedule(desk, which, at=_moment(at, desk.config.publication.tz), by=by)
    local = (issue.scheduled_at or desk.clock()).astimezone(desk.config.publication.tz)
    say(
        f"{show_.name(issue)} starts on {local:%A, %d %B %Y at %H:%M %Z}, if 'newsletter serve' is running.",
        f"Undo: newsletter issue reopen {issue.number}",
    )


@app.command()
def send(
    context: typer.Context,
    which: Which,
    by: By,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    after_restore: Annotated[
        bool, typer.Option("--after-restore", help="This ledger is older, and is the truth.")
    ] = False,
) -> None:
    """Send an approved issue now, or go on where an earlier run stopped. Nobody gets it twice.

    Ctrl-C stops after the batch under way; run it again to go on. Example: newsletter issue send 3
    """
    desk = door(context).desk()
    if not yes:
        _confirm(desk, which)
    with _stoppable() as stop, progress("Sending") as bar:
        ended = sending.send(
            desk,
            which,
            by=by,
            after_restore=after_restore,
            stop=stop.is_set,
            pause=stop.wait,
            on_progress=lambda now: bar(now.list_size - now.to_claim, now.list_size),
        )
    show_.progress(ended.issue, ended.progress)
    if ended.ending is not Ending.DONE:
        raise IssueError(ENDINGS[ended.ending].format(which=ended.issue.number, why=ended.reason))


ENDINGS = {
    Ending.STOPPED: "stopped as asked. Go on with: newsletter issue send {which}",
    Ending.PAUSED: "the issue was paused or cancelled meanwhile. See: newsletter issue status {which}",
    Ending.REFUSING: "the provider takes nothing now; nobody was lost. {why} Try again: newsletter issue send {which}",
    Ending.HALTED: "held: the provider says that the account is the problem. {why} Mend it, then: "
    "newsletter issue resume {which}",
    Ending.BREAKER: "held, because something looks wrong. {why} If it is right: newsletter issue resume {which}",
    Ending.STALE: "held: it is late. {why} If it is still news: newsletter issue resume {which}; if not, cancel it.",
}


@app.command()
def pause(context: typer.Context, which: Which, by: By) -> None:
    """Stop a sending after the batch under way.

    Example: newsletter issue pause 3
    """
    issue = sending.pause(door(context).desk(), which, by=by)
    say(f"{show_.name(issue)} is paused. Go on with: newsletter issue resume {issue.number}")


@app.command()
def resume(context: typer.Context, which: Which, by: By) -> None:
    """Let a paused sending go on.

    Example: newsletter issue resume 3
    """
    issue = sending.resume(door(context).desk(), which, by=by)
    say(
        f"{show_.name(issue)} may go on. A running 'newsletter serve' does it, or: newsletter issue send {issue.number}"
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
    """End an issue before it is sent. Its comparisons are free for the next one, unless somebody got it already.

    Once some readers have it, it cannot be taken up again: pause it instead. Example: newsletter issue cancel 3
    """
    desk = door(context).desk()
    with desk.transaction() as session:
        issue = desk.find(session, which)
        state = progress_of(session, issue.id or 0)
    has_it = state.list_size - state.to_claim - state.skipped_in_all if state else 0
    if has_it and not yes:
        raise IssueError(
            f"{has_it:,} readers have {issue.name} already, or may have it; cancelled, the others never get it. "
            f"Nothing was changed. Pause it: newsletter issue pause {issue.number}. Or add --yes."
        )
    issue = writing.cancel(desk, which, by=by)
    say(f"{show_.name(issue)} is cancelled." + (f" {has_it:,} readers have it, or may have it." if has_it else ""))


@app.command()
def status(
    context: typer.Context,
    which: Which,
    watch: Annotated[bool, typer.Option("--watch", help="Again every two seconds, until it is over.")] = False,
    json: Json = False,
) -> None:
    """Where a sending stands: counts, what is unknown, and what comes next.

    Example: newsletter issue status latest --watch
    """
    desk = door(context).desk()
    while True:
        with desk.transaction() as session:
            issue = desk.find(session, which)
            state = progress_of(session, issue.id or 0)
            would = None if state else sending.audience(desk, session)
        show_.status(issue, state, would, json_wanted=json)
        if not watch or state is None or not (state.to_claim or state.under_way):
            return
        time.sleep(2)


def _confirm(desk: Any, which: str) -> None:
    """Say to how many it goes, and ask; a script without a terminal says --yes."""
    with desk.transaction() as session:
        issue: Issue = desk.find(session, which)
        would = sending.audience(desk, session)
    show_.audience(issue, would)
    if not sys.stdin.isatty():
        raise IssueError("Nothing was sent: this asks before it sends, and there is no terminal. Add --yes.")
    if not typer.confirm(f"Send {issue.name} to {would.eligible:,} people?"):
        raise IssueError("Nothing was sent.")


def _moment(text: str | None, zone: Any) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise IssueError(f"'{text}' is not a time; write it like 2026-11-19T08:00.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


@contextmanager
def _stoppable() -> Iterator[threading.Event]:
    """Yields an event that SIGINT or SIGTERM sets; a second signal ends the process at once, which is safe too."""
    asked = threading.Event()

    def ask(_number: int, _frame: Any) -> None:
        if asked.is_set():
            os._exit(130)  # as safe as a power cut: what was claimed is taken up by the next run
        asked.set()
        sys.stderr.write("Stopping after the calls under way … (again: at once)\n")

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
