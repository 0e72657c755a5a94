"""`newsletter issue send`, and what belongs to it: pause, resume, status."""

import sys
import time
from dataclasses import asdict
from typing import Annotated

import typer
from sqlmodel import Session

from newsletter.cli import issue_next as next_
from newsletter.cli import issue_print as show_
from newsletter.cli.door import By, Json, door
from newsletter.cli.issue import Which
from newsletter.cli.output import progress, rows, say
from newsletter.cli.stopping import stoppable
from newsletter.cli.waiting import counting, passed, waiting
from newsletter.delivery import refusals
from newsletter.delivery.events import counts as said_later
from newsletter.delivery.flight import Ending
from newsletter.delivery.progress import Progress, passed_over
from newsletter.delivery.progress import progress as progress_of
from newsletter.desk import sending
from newsletter.desk.desk import Desk
from newsletter.desk.doubting import settles_itself
from newsletter.desk.standing import standing
from newsletter.errors import IssueError
from newsletter.issues.issue import OFFERS, Issue, IssueStatus
from newsletter.issues.wording import sentence

AFTER_RESTORE = (
    "After a backup was put back: go on from this ledger, although calls were made that it does not know of. They are "
    "made again, which is safe only where the provider honours its key (outbox, resend, ...): docs/guarantees.md, "
    "'When in doubt'."
)


def register(app: typer.Typer) -> None:
    """Add the commands to those of `newsletter issue`."""
    for command in (send, pause, resume, status, refused):
        app.command()(command)


def send(
    context: typer.Context,
    which: Which,
    by: By,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    after_restore: Annotated[bool, typer.Option("--after-restore", help=AFTER_RESTORE)] = False,
) -> None:
    """Send an approved issue now, or go on where an earlier run stopped. Nobody gets it twice.

    Ctrl-C stops after the batch under way; run it again to go on. Example: newsletter issue send 3
    """
    desk = door(context).desk()
    if file := sending.stopped_by(desk):
        raise IssueError(f"Nothing was sent: {file} exists, which stops all sending. Remove it, then send again.")
    skips = _skips(desk, which)
    if not yes:
        _confirm(desk, which, skips, after_restore=after_restore)
    with stoppable() as stop, progress("Sending") as bar:
        ended = sending.send(
            desk,
            which,
            by=by,
            after_restore=after_restore,
            stop=stop.is_set,
            pause=stop.wait,
            on_progress=counting(bar, skips),
            on_wait=waiting(bar, desk.config.publication.tz),
        )
    show_.progress(ended.issue, ended.progress, passed=passed(ended.progress, skips))
    with desk.transaction() as session:
        case = case_of(desk, session, ended.issue, ended.progress)
    say(*next_.providers(case), *next_.refused(case))
    if ended.ending is Ending.LATER:
        say(sentence(outcome(ended)))
    elif ended.ending is not Ending.DONE:
        raise IssueError(outcome(ended))


def outcome(ended: sending.Sent) -> str:
    """Why a sending ended before its end, and what to type to go on."""
    words = MEANWHILE.get(ended.issue.status) if ended.ending is Ending.PAUSED else None
    why = f"{sentence(ended.reason)} " if ended.reason else ""
    return (words or ENDINGS[ended.ending]).format(which=ended.issue.number, why=why)


MEANWHILE = {
    IssueStatus.PAUSED: "the issue was paused meanwhile. Go on with: newsletter issue resume {which}, then newsletter "
    "issue send {which}",
    IssueStatus.CANCELLED: "the issue was cancelled meanwhile: nobody else gets it.",
}
ENDINGS = {
    Ending.STOPPED: "stopped as asked. {why}Go on with: newsletter issue send {which}",
    Ending.PAUSED: "somebody changed the issue meanwhile. See: newsletter issue status {which}",
    Ending.REFUSING: "not everybody could be handed over, and nobody was lost. {why}Try again: "
    "newsletter issue send {which}",
    Ending.HALTED: "paused: the provider says that the account is the problem. {why}Mend it, then: "
    "newsletter issue resume {which}, then newsletter issue send {which}",
    Ending.BREAKER: "paused, because something looks wrong. {why}If it is right: newsletter issue resume {which}, "
    "then newsletter issue send {which}",
    Ending.CAPPED: "enough for today. {why}The scheduler goes on by itself, or: newsletter issue send {which}",
    Ending.LATER: "{why}A running 'newsletter serve' goes on by itself, or: newsletter issue send {which}",
    Ending.STALE: "paused: it is late. {why}If it is still news: newsletter issue resume {which}, then newsletter "
    "issue send {which}; if not, cancel it.",
}


def pause(context: typer.Context, which: Which, by: By) -> None:
    """Stop a sending after the batch under way.

    Example: newsletter issue pause 3
    """
    issue = sending.pause(door(context).desk(), which, by=by)
    say(f"{show_.name(issue)} is paused. Go on with: newsletter issue resume {issue.number}")


def resume(context: typer.Context, which: Which, by: By) -> None:
    """Let a paused sending go on.

    Example: newsletter issue resume 3
    """
    desk = door(context).desk()
    issue = sending.resume(desk, which, by=by)
    with desk.reading() as session:
        late = case_of(desk, session, issue)
    by_itself = f"A running 'newsletter serve' does it, or: newsletter issue send {issue.number}"
    say(
        f"{show_.name(issue)} may go on. {next_.going_on(late) if late.now.doubt else by_itself}",
        f"It has until {late.at(late.now.not_after)} (sending.latest_hours, {desk.config.sending.latest_hours}, from "
        "now); what is left then waits for a person.",
    )


def status(
    context: typer.Context,
    which: Which,
    watch: Annotated[bool, typer.Option("--watch", help="Again every two seconds, while anything moves.")] = False,
    json: Json = False,
) -> None:
    """Where a sending stands: counts, what is unknown, and what comes next.

    Example: newsletter issue status latest --watch
    """
    desk, skips = door(context).desk(), None
    while True:
        with desk.reading() as session:
            issue = desk.find(session, which)
            state = progress_of(session, issue.id or 0)
            would = None if state else sending.audience(desk, session, issue)
            later = said_later(session, issue.id or 0)
            case = case_of(desk, session, issue, state)
        skips = _skips(desk, which) if skips is None and state else skips  # once: it looks at everybody who is to come
        passes = passed(state, skips or 0) if state else 0
        more = next_.for_programs(case) | {"passed": passes}
        show_.status(issue, state, would, json_wanted=json, later=later, then=next_.lines(case), **more)
        if not watch or not next_.moves(case):
            return
        time.sleep(2)


def refused(context: typer.Context, which: Which, json: Json = False) -> None:
    """Whom the provider refused, and in which words.

    Example: newsletter issue refused latest
    """
    desk = door(context).desk()
    with desk.reading() as session:
        issue = desk.find(session, which)
        found = [asdict(one) for one in refusals.refused(session, issue.id or 0)]
    rows(found, json_wanted=json, nothing=f"Nobody was refused in {issue.name}.")


def case_of(desk: Desk, session: Session, issue: Issue, state: Progress | None = None) -> next_.Case:
    """The issue with all that decides what comes next."""
    return next_.Case(issue, state, standing(desk, session, issue), desk.config.publication.tz)


def _skips(desk: Desk, which: str) -> int:
    """How many are skipped by the end of it, as things are now, of an issue that may be sent."""
    with desk.reading() as session:
        issue = desk.find(session, which)
        if issue.status not in next_.MAY_GO_ON:
            return 0
        state = progress_of(session, issue.id or 0, counted=False)
        if state is None:
            return sum(sending.audience(desk, session, issue).excluded.values())
        return state.skipped_in_all + passed_over(session, issue.id or 0, desk.clock())


def _confirm(desk: Desk, which: str, skips: int, *, after_restore: bool) -> None:
    """Say to how many it goes, or how many have it already, and ask; a script without a terminal says --yes."""
    with desk.reading() as session:
        issue = desk.find(session, which)
        state, would = progress_of(session, issue.id or 0), sending.audience(desk, session, issue)
        sure, _ = settles_itself(desk, session, issue)
    if "send" not in OFFERS[issue.status]:
        return  # it is refused, with what can be done instead
    if after_restore:
        say(*show_.danger(desk.provider.capabilities))
    question = show_.question(issue, state, would, sure, passed(state, skips) if state else 0)
    if not sys.stdin.isatty():
        raise IssueError("Nothing was sent: this asks before it sends, and there is no terminal. Add --yes.")
    if not typer.confirm(question):
        raise IssueError("Nothing was sent.")
