"""`newsletter demo`: the whole pipeline on the bundled sample week, into ./outbox."""

import csv
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from jobs.weekly import Weekly, run
from newsletter import config as settings
from newsletter.cli.door import desk_for
from newsletter.cli.output import progress, rows, say
from newsletter.database import engine_for, transaction
from newsletter.delivery.progress import progress as progress_of
from newsletter.desk import looking, writing
from newsletter.desk.collecting import collect_all
from newsletter.desk.desk import Desk
from newsletter.errors import IssueError
from newsletter.issues.week import parse
from newsletter.migrations import upgrade
from newsletter.sample import BEFORE, PAGES, SAMPLE_WEEK, SUBSCRIBERS, SUPPRESSIONS
from subscribers.address import parse as parse_address
from subscribers.rows import Terms
from subscribers.suppression import Reason, suppress_all
from subscribers.transfer import import_csv

#: The demo's clock stands still, so that everybody gets the same bytes.
BEFORE_NOW, NOW = datetime(2026, 11, 5, 9, tzinfo=UTC), datetime(2026, 11, 12, 9, tzinfo=UTC)
MARK = ".made-by-newsletter-demo"
WORDING = "Weekly AI Tool Verdicts, one mail a week (sample data: nobody real)"

CONFIG = """\
# The demo's own settings: try any command with --config on this file.
[publication]
name = "Weekly AI Tool Verdicts"
from = "Weekly Verdicts <verdicts@example.org>"
reply_to = "Editor of Weekly Verdicts <editor@example.org>"
base_url = "http://localhost:8000"
site_url = "https://compare.example.org"
site_name = "Compare Example"
postal_address = "Weekly Verdicts, 1 Sample Street, 12345 Exampletown"

[database]
url = "sqlite:///newsletter.db"

[schedule]
approve = "automatic"

[provider]
folder = ".."

[secrets]
key_file = "secret.key"
"""


def demo(
    into: Annotated[Path, typer.Option(help="The folder; the demo makes it and begins anew in it.")] = Path("outbox"),
    again: Annotated[
        bool, typer.Option("--again", help="Keep what is there: see that nobody gets a second copy.")
    ] = False,
) -> None:
    """Run the weekly job on a sample week: compare pages in, one issue out, one message per subscriber.

    Example: newsletter demo --into /tmp/outbox
    """
    _prepare(into, again=again)
    desk = _desk(into)
    steps: list[dict[str, Any]] = []
    with _step(steps, "pages read") as note:
        note(_collect(desk))
    with _step(steps, "list imported") as note:
        note(_people(desk))
    with _step(steps, f"weekly job {SAMPLE_WEEK}") as note, progress("Sending") as bar:
        done = run(
            desk,
            parse(SAMPLE_WEEK),
            at_once=True,
            on_progress=lambda now: bar(now.list_size - now.to_claim, now.list_size),
        )
        note(" ".join(done.story))
    rows(steps, json_wanted=False, nothing="", title=f"Weekly Verdicts: the sample week {SAMPLE_WEEK}\n")
    _tell(desk, into, done)


def _tell(desk: Desk, into: Path, done: Weekly) -> None:
    """What came out, and where to look."""
    if done.issue is None:
        raise IssueError("The demo made no issue; the reasons are above.")
    number = str(done.issue.number)
    looking.write(desk, number, into)
    with desk.transaction() as session:
        issue = desk.find(session, number)
        rendered = writing.rendered(desk, session, issue)
        state = progress_of(session, issue.id or 0)
    say("", f"Subject   {rendered.subject}", f"Digest    {rendered.digest[:16]}…  what was approved is what was sent")
    if state:
        skipped = ", ".join(f"{count} {reason}" for reason, count in state.skipped.items() if count)
        say(f"Sent      to {state.accepted} of {state.list_size} on the list; skipped: {skipped}")
    say(
        "",
        "Look at",
        f"  {into / 'issue.html'}   the issue in a browser ({len(rendered.html.encode()) / 1024:.1f} KB)",
        f"  {into / 'issue.txt'}    the same as plain text",
        f"  {into / 'new'}/         one .eml per subscriber: a Maildir, for any mail program",
        "",
        "Try",
        f"  newsletter --config {into / 'demo' / 'config.toml'} issue show {number}",
        f"  newsletter --config {into / 'demo' / 'config.toml'} subscribers explain dov@example.org",
        f"  newsletter demo --into {into} --again     nobody gets a second copy",
    )


def _prepare(into: Path, *, again: bool) -> None:
    """An empty folder with our mark; only a folder with that mark is ever emptied."""
    if into.exists() and any(into.iterdir()) and not (into / MARK).exists():
        raise IssueError(f"{into} holds something that the demo did not make. Name another folder with --into.")
    if into.exists() and not again:
        for path in into.iterdir():
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    (into / "demo").mkdir(parents=True, exist_ok=True)
    (into / MARK).touch()
    (into / "demo" / "config.toml").write_text(CONFIG, encoding="utf-8")


def _desk(into: Path) -> Desk:
    config = settings.read(into / "demo" / "config.toml")
    settings.make_secret_key(config.secrets.key_file)
    engine = engine_for(config.database.url)
    upgrade(engine)
    return desk_for(config, engine, settings.secret_key(config), lambda: NOW)


def _collect(desk: Desk) -> str:
    """Last week's pages as readers had them, then this week's."""
    earlier = desk_for(desk.config, desk.engine, desk.secret, lambda: BEFORE_NOW)
    collect_all(earlier, [str(BEFORE)], covered=True)
    came = collect_all(desk, [str(PAGES)])
    if came.failed:
        raise IssueError("\n".join(came.failures))
    return ", ".join(f"{number} {what}" for what, number in came.counts.items() if number)


def _people(desk: Desk) -> str:
    terms = Terms(source="the sample list", wording=WORDING, by="newsletter demo", consented=True)
    with transaction(desk.engine) as session, SUPPRESSIONS.open(encoding="utf-8", newline="") as no:
        found = [(parse_address(row["address"]), Reason(row["reason"])) for row in csv.DictReader(no)]
        suppress_all(session, found, NOW, secret=desk.secret, note="the sample list", by="newsletter demo")
        with SUBSCRIBERS.open("rb") as yes:
            done = import_csv(session, yes, terms, secret=desk.secret, now=NOW)
    return ", ".join(f"{number} {what}" for what, number in done.counts.items() if number)


@contextmanager
def _step(steps: list[dict[str, Any]], what: str) -> Iterator[Callable[[str], None]]:
    said: list[str] = []
    began = time.perf_counter()
    yield said.append
    steps.append({"step": what, "what happened": " ".join(said), "seconds": f"{time.perf_counter() - began:.2f}"})
