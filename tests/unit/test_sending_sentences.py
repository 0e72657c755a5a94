"""What the command line says of a sending that ended early, or that has left some over."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from newsletter.cli.issue_next import Case, lines, turns_of
from newsletter.cli.issue_print import progress, question
from newsletter.cli.issue_send import outcome
from newsletter.delivery.flight import Ending
from newsletter.delivery.progress import Progress
from newsletter.delivery.waves import Wave
from newsletter.desk.sending import Audience, Sent
from newsletter.desk.standing import Standing
from newsletter.issues.issue import Command, Issue, IssueStatus, IssueStep

NOW = datetime(2026, 11, 12, 9, 0, tzinfo=UTC)


def issue(status: IssueStatus) -> Issue:
    """Number 3."""
    return Issue(newsletter="w", number=3, week="2026-W46", date=date(2026, 11, 12), status=status, created_at=NOW)


def numbers(refused: int = 0, unknown: int = 0) -> Progress:
    """Of nine people."""
    return Progress(9, 9 - refused - unknown, refused, unknown, 0, {}, 0)


def said(found: Issue, state: Progress, by: str = "") -> str:
    """The closing sentences of a status."""
    step = IssueStep(issue_id=3, command=Command.PAUSE, before=found.status, after=found.status, at=NOW, by=by)
    return " ".join(lines(Case(found, state, Standing(None, None, step, None, claimed=True), ZoneInfo("UTC"))))


@pytest.mark.parametrize(
    ("why", "shown"),
    [
        ("Mailgun answered 401: Forbidden", "the problem. Mailgun answered 401: Forbidden. Mend it, then:"),
        ("Is it in the other region?", "the problem. Is it in the other region? Mend it, then:"),
        ("", "the problem. Mend it, then:"),
    ],
)
def test_advice_stands_behind_a_whole_sentence(why: str, shown: str) -> None:
    """However the reason ends."""
    assert shown in outcome(Sent(issue(IssueStatus.PAUSED), Ending.HALTED, numbers(), why))


@pytest.mark.parametrize(("by", "end"), [("ada", "ada. "), ("it: other region?", "region? "), ("it: no.", "no. ")])
def test_who_paused_ends_with_one_mark(by: str, end: str) -> None:
    """A person, or the dispatcher with its reason."""
    assert f"UTC by {by.rstrip('.?')}{end[-2:]}" in said(issue(IssueStatus.PAUSED), numbers(), by)


@pytest.mark.parametrize(
    ("status", "typed"),
    [
        (IssueStatus.APPROVED, "Then go on: newsletter issue send 3 --after-restore; or end it"),
        (IssueStatus.SENDING, "Then go on: newsletter issue send 3 --after-restore; or end it"),
        (
            IssueStatus.PAUSED,
            "Then go on: newsletter issue resume 3, then newsletter issue send 3 --after-restore; or end it",
        ),
    ],
)
def test_after_a_restore_somebody_has_to_say_what_happened_since(status: IssueStatus, typed: str) -> None:
    """Whatever else would come next is refused by the ledger."""
    now = Standing(None, None, None, None, claimed=True, doubt="This ledger is older.")
    told = " ".join(lines(Case(issue(status), numbers(), now, ZoneInfo("UTC"))))

    assert "This ledger is older. Nothing is sent before you say what happened since: 'When in doubt'" in told
    assert typed in told
    assert told.count("newsletter issue send") == 1


def test_an_issue_that_is_over_needs_no_word_after_a_restore() -> None:
    """Nothing more is sent of it."""
    now = Standing(None, None, None, None, claimed=True, doubt="This ledger is older.")

    assert "older" not in " ".join(lines(Case(issue(IssueStatus.SENT), numbers(), now, ZoneInfo("UTC"))))


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        (numbers(unknown=1), "Whether 1 reader has it, nobody knows."),
        (numbers(unknown=2), "Whether 2 readers have it, nobody knows."),
        (numbers(refused=1), "1 was refused;"),
        (numbers(refused=2), "2 were refused;"),
    ],
)
def test_one_is_not_many(state: Progress, shown: str) -> None:
    """Of those who did not get it, or perhaps not."""
    assert shown in said(issue(IssueStatus.PARTIAL), state)


@pytest.mark.parametrize("ending", [Ending.HALTED, Ending.BREAKER, Ending.STALE])
def test_what_pauses_an_issue_is_called_so_and_says_both_commands(ending: Ending) -> None:
    """After `resume` alone nothing is sent."""
    told = outcome(Sent(issue(IssueStatus.PAUSED), ending, numbers(), "Why."))

    assert told.startswith("paused")
    assert "newsletter issue resume 3, then newsletter issue send 3" in told


def test_who_may_not_be_mailed_is_not_among_the_remaining(capsys: pytest.CaptureFixture[str]) -> None:
    """Neither in what is asked, nor in the table, which still adds up."""
    state = Progress(9, 3, 0, 0, 0, {"pending": 1}, 5)
    asked = question(issue(IssueStatus.SENDING), state, Audience(0, {}), passed=2)
    progress(issue(IssueStatus.SENDING), state, passed=2)
    table = dict(line.rsplit(maxsplit=1) for line in capsys.readouterr().out.splitlines()[1:6])

    assert "send to the remaining 3?" in asked
    assert (table["still to come"], table["to be passed over"], table["on the list"]) == ("3", "2", "9")


def test_whose_turn_it_is_counts_everybody_of_that_hour_whatever_they_chose() -> None:
    """There is a wave for each part of the issue then; people know of hours."""
    noon, one = NOW + timedelta(hours=3), NOW + timedelta(hours=4)
    opened = [(NOW, "", True), (NOW, "models", True), (noon, "", False), (noon, "models", False), (one, "", False)]
    waves = [
        Wave(issue_id=3, number=at, opens_at=moment, ahead=0, size=2, part=part, walked=walked)
        for at, (moment, part, walked) in enumerate(opened, start=1)
    ]
    now = Standing(None, None, None, None, claimed=True, waves=waves, looked_at=NOW)

    told = turns_of(Case(issue(IssueStatus.SENDING), numbers(), now, ZoneInfo("UTC")))
    assert told.startswith("1 wave of 3 done; 4 people on the list come next, on Thursday, 12 November at 12:00 UTC.")
