"""`newsletter demo`: the whole pipeline on the bundled sample week, into ./outbox."""

import csv
import json
import shutil
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from sqlmodel import col, select

from jobs.weekly import Weekly, run
from newsletter import config as settings
from newsletter import secret_settings
from newsletter.cli.door import Door, desk_for, door, make_key
from newsletter.cli.output import progress, rows, say
from newsletter.cli.waiting import counting
from newsletter.config import Selection
from newsletter.database import transaction
from newsletter.delivery.progress import progress as progress_of
from newsletter.desk import looking, sending, writing
from newsletter.desk.collecting import collect_all
from newsletter.desk.desk import Desk
from newsletter.errors import IssueError
from newsletter.issues.week import parse
from newsletter.issues.wording import numbered
from newsletter.migrations import upgrade
from newsletter.sample import BEFORE, PAGES, SAMPLE_WEEK, SUBSCRIBERS, SUPPRESSIONS, VOTES
from subscribers.address import parse as parse_address
from subscribers.rows import Terms
from subscribers.subscriber import Subscriber
from subscribers.suppression import Reason, suppress_all
from subscribers.transfer import import_csv
from subscribers.votes import Choice, cast, may_vote

#: The demo's clock stands still, so that everybody gets the same bytes.
BEFORE_NOW, NOW = datetime(2026, 11, 5, 9, tzinfo=UTC), datetime(2026, 11, 12, 9, tzinfo=UTC)
BY = "newsletter demo"
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
postal_address = "1 Sample Street, 12345 Exampletown"

[database]
url = "sqlite:///newsletter.db"

[sources]
collect = [{pages}]

[schedule]
approve = "automatic"

[provider]
folder = ".."

[secrets]
key_file = "secret.key"
"""


def demo(
    context: typer.Context,
    into: Annotated[Path, typer.Option(help="The folder; the demo makes it and begins anew in it.")] = Path("outbox"),
    again: Annotated[
        bool, typer.Option("--again", help="Keep what is there: see that nobody gets a second copy.")
    ] = False,
) -> None:
    """Run the weekly job on a sample week: compare pages in, one issue out, one message per subscriber.

    Example: newsletter demo --into /tmp/outbox
    """
    _prepare(into, again=again)
    desk = _desk(door(context), into)
    began = time.perf_counter()
    if again:
        story = [("list", _people(desk))]
    else:
        story = [("before", _earlier(desk)), ("list", _people(desk)), ("votes", _votes(desk))]
    with desk.reading() as session:
        skips = sum(sending.audience(desk, session).excluded.values())
    with progress("Sending") as bar:
        done = run(
            desk,
            parse(SAMPLE_WEEK),
            at_once=True,
            on_progress=counting(bar, skips),
        )
    steps = [{"step": step, "what happened": sentence} for step, sentence in (*story, *done.story)]
    seconds = time.perf_counter() - began
    rows(steps, json_wanted=False, nothing="", title=f"The sample week {SAMPLE_WEEK}, in {seconds:.1f} s\n")
    _tell(desk, into, done)


def _tell(desk: Desk, into: Path, done: Weekly) -> None:
    """What came out, and where to look."""
    if done.issue is None:
        raise IssueError("The demo made no issue; the reasons are above.")
    number, with_it = str(done.issue.number), f"{_typed()} --config {into / 'demo' / 'config.toml'}"
    looking.write(desk, number, into)
    with desk.transaction() as session:
        issue = desk.find(session, number)
        rendered = writing.rendered(desk, session, issue)
        state = progress_of(session, issue.id or 0)
    say("", f"Subject    {rendered.subject}", f"Preheader  {rendered.preheader}")
    if state:
        skipped = ", ".join(f"{count} {reason}" for reason, count in state.skipped.items() if count)
        say(f"Sent       to {state.accepted} of {state.list_size} on the list; skipped: {skipped}")
    say(
        "",
        "Look at",
        f"  {into / 'issue.html'}   the issue in a browser ({len(rendered.html.encode()) / 1024:.1f} KB)",
        f"  {into / 'issue.txt'}    the same as plain text",
        f"  {into / 'new'}/         one .eml per subscriber: a Maildir, for any mail program",
        "",
        "Try",
        f"  {with_it} issue show {number}",
        f"  {with_it} subscribers explain dov@example.org",
        f"  {with_it} serve     its pages, at {desk.config.publication.base_url}",
        f"  {_typed()} demo --into {into} --again     nobody gets a second copy",
    )


def _typed() -> str:
    """The command as it can be typed here: its name if that is on the path, else where it is."""
    here = Path(sys.argv[0])
    found = shutil.which("newsletter")
    if here.name != "newsletter" or (found and Path(found).samefile(here)):
        return "newsletter"
    return str(here.relative_to(Path.cwd()) if here.is_relative_to(Path.cwd()) else here)


def _prepare(into: Path, *, again: bool) -> None:
    """An empty folder with our mark; only a folder with that mark is ever emptied."""
    if into.exists() and any(into.iterdir()) and not (into / MARK).exists():
        raise IssueError(f"{into} holds something that the demo did not make. Name another folder with --into.")
    if into.exists() and not again:
        for path in into.iterdir():
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    (into / "demo").mkdir(parents=True, exist_ok=True)
    (into / MARK).touch()
    (into / "demo" / "config.toml").write_text(CONFIG.format(pages=json.dumps(str(PAGES))), encoding="utf-8")


def _desk(here: Door, into: Path) -> Desk:
    config = settings.read(into / "demo" / "config.toml")
    engine = here.opened(config.database.url)
    upgrade(engine)
    make_key(config, engine)
    return desk_for(config, engine, secret_settings.secret_key(config), lambda: NOW)


def _earlier(desk: Desk) -> str:
    """Last week's issue, before anybody was on the list: the weekly job then finds what is new and what has changed."""
    short = desk.config.model_copy(update={"selection": Selection(quiet_week="carry")})
    earlier = desk_for(short, desk.engine, desk.secret, lambda: BEFORE_NOW)
    collected = collect_all(earlier, [str(BEFORE)]).summary
    writing.draft(earlier)
    writing.approve(earlier, "1", by=BY)
    issue = sending.send(earlier, "1", by=BY).issue
    return f"{collected} They are {issue.name}, sent while the list was empty."


def _votes(desk: Desk) -> str:
    """Made-up votes of the made-up readers on last week's tools: this week's issue says how they voted."""
    with transaction(desk.engine) as session, VOTES.open(encoding="utf-8", newline="") as file:
        people = session.exec(select(Subscriber).order_by(col(Subscriber.id))).all()
        voters, found = [one.id or 0 for one in people if may_vote(session, one)], list(csv.DictReader(file))
        for row in found:
            choices = [Choice.SHIP] * int(row["ship"]) + [Choice.SKIP] * int(row["skip"])
            for who, choice in zip(voters, choices, strict=False):
                cast(session, who, row["comparison"], row["tool"], choice, NOW)
    number = sum(int(row["ship"]) + int(row["skip"]) for row in found)
    return f"{number} made-up votes on the {len(found)} tools of last week."


def _people(desk: Desk) -> str:
    terms = Terms(source="the sample list", wording=WORDING, by=BY, consented=True)
    with transaction(desk.engine) as session, SUBSCRIBERS.open("rb") as people:
        done = import_csv(session, people, terms, secret=desk.secret, now=NOW)
    with transaction(desk.engine) as session, SUPPRESSIONS.open(encoding="utf-8", newline="") as addresses:
        found = [(parse_address(row["address"]), Reason(row["reason"])) for row in csv.DictReader(addresses)]
        suppress_all(session, found, NOW, secret=desk.secret, note="the sample list", by=BY)
    counts = ", ".join(f"{number} {what}" for what, number in done.counts.items() if number)
    return f"{counts}; {numbered(len(found), 'address', 'addresses')} suppressed."
