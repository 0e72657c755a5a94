"""An operator at the terminal: what stands in the way, who sends, and what to type next."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from commands import Done
from people import NOW
from sqlalchemy import update

from newsletter.cli.issue_next import Case, providers
from newsletter.cli.issue_next import refused as refused_lines
from newsletter.cli.issue_print import danger, question
from newsletter.cli.issue_send import outcome
from newsletter.database import engine_for, transaction
from newsletter.delivery.batch import Batch
from newsletter.delivery.failover import Failover
from newsletter.delivery.flight import Ending
from newsletter.delivery.lock import only_dispatcher
from newsletter.delivery.progress import Progress
from newsletter.delivery.waits import ProviderWait, keep
from newsletter.desk.sending import Audience, Sent
from newsletter.desk.standing import Standing
from newsletter.issues.issue import Issue, IssueStatus
from newsletter.providers.base import Capabilities

Run = Callable[..., Done]
HALF = Progress(list_size=20_000, accepted=12_000, refused=0, unknown=0, under_way=500, skipped={}, to_claim=7_500)


def issue_that_is(status: IssueStatus) -> Issue:
    """Issue 3."""
    return Issue(newsletter="weekly", number=3, week="2026-W47", date=NOW.date(), status=status, created_at=NOW)


def told(run: Run, *words: str) -> str:
    """What `issue status` says of issue 1."""
    return run("issue", "status", "1", *words).stdout


@pytest.fixture
def approved(house: Run) -> Run:
    """Issue 1 is approved."""
    house("issue", "draft")
    house("issue", "approve", "1")
    return house


@pytest.fixture
def begun(approved: Run, tmp_path: Path) -> Run:
    """Ten of the 41 are under way, for the outbox could not be written; the others are still to come."""
    config = tmp_path / "config.toml"
    config.write_text(
        config.read_text().replace("batch = 500 ", "batch = 10 ").replace("in_flight = 4", "in_flight = 1")
    )
    (tmp_path / "outbox").write_text("in the way")
    approved("issue", "send", "1", "--yes", code=1)
    (tmp_path / "outbox").unlink()
    return approved


def test_the_file_that_stops_all_sending_is_named(approved: Run, tmp_path: Path) -> None:
    """By `send`, which begins nothing, and by `status`; without it the issue goes out."""
    file = tmp_path / "data" / "stop-sending"
    file.touch()
    refused = approved("issue", "send", "1", "--yes", code=1).stderr
    said = told(approved)
    file.unlink()

    assert f"{file} exists" in refused
    assert f"{file} exists" in said
    assert "is sent" in approved("issue", "send", "1", "--yes").stdout


def test_before_going_on_it_says_how_many_have_it() -> None:
    """Not the whole list again."""
    asked = question(issue_that_is(IssueStatus.SENDING), HALF, Audience(20_000, {}))

    assert asked == "Issue 3 (2026-W47): 12,000 have it; send to the remaining 8,000?"


@pytest.mark.parametrize(
    ("remembers", "words"),
    [(None, "A SECOND COPY"), (timedelta(hours=23), "less than a day"), (timedelta(days=2), "2 days")],
)
def test_the_danger_after_a_restore_depends_on_the_provider(remembers: timedelta | None, words: str) -> None:
    """Without a key it doubles, and says so."""
    can = Capabilities("other", 500, timedelta(minutes=1), remembers_keys_for=remembers)

    assert words in danger(can)[-1]


def test_a_share_of_the_warm_up_that_is_used_up_is_told(approved: Run, tmp_path: Path) -> None:
    """And not that somebody should type what would do nothing."""
    config = tmp_path / "config.toml"
    config.write_text(config.read_text().replace("warm_up = []", "warm_up = [10, 20]"))
    approved("issue", "send", "1", "--yes", code=1)
    said = told(approved)

    assert "Today's share of the warm-up is used up. A running 'newsletter serve' goes on after midnight" in said
    assert "Nobody is sending" not in said


def test_a_restored_ledger_says_what_going_on_means(approved: Run, tmp_path: Path) -> None:
    """With the number of the issue, and where to read before deciding."""
    (tmp_path / "data" / "newsletter.db.posted").write_text(f"{7:019}\n")
    refused = approved("issue", "send", "1", "--yes", code=1).stderr

    assert "knows of 0 calls, and 7 were made" in refused
    assert "Then go on: newsletter issue send 1 --after-restore; or end it" in told(approved)
    assert "docs/guarantees.md" in refused
    assert "newsletter issue send 1 --after-restore" in refused
    assert "is sent" in approved("issue", "send", "1", "--yes", "--after-restore").stdout


def test_a_word_for_an_issue_that_cannot_go_on_is_not_kept(begun: Run, tmp_path: Path) -> None:
    """A paused issue is refused; the mark stands where it stood."""
    begun("issue", "pause", "1")
    mark = tmp_path / "data" / "newsletter.db.posted"
    mark.write_text(f"{7_000:019}\n")
    begun("issue", "send", "1", "--yes", "--after-restore", code=1)

    assert int(mark.read_text()) == 7_000


def test_what_a_restore_says_to_type_is_what_goes_on(begun: Run, tmp_path: Path) -> None:
    """A copy from the middle of a sending is paused when it is put back: resume it, then say what happened since."""
    begun("db", "backup", str(tmp_path / "copies"))
    begun("issue", "send", "1", "--yes")
    said = begun("db", "restore", str(*(tmp_path / "copies").glob("*.db")), "--yes").stdout
    typed = [line.split()[1:] for line in said.rpartition(": ")[2].removesuffix("; or cancel\n").split(", then ")]

    assert typed == [["issue", "resume", "1"], ["issue", "send", "1", "--after-restore"]]
    assert "newsletter issue resume 1, then newsletter issue send 1 --after-restore" in told(begun)
    assert "newsletter issue send 1 --after-restore" in begun(*typed[0]).stdout
    begun("issue", "send", "1", "--yes", code=1)
    assert "is sent" in begun(*typed[1], "--yes").stdout


def test_a_cancelled_issue_promises_nothing(begun: Run) -> None:
    """Neither to the operator, nor of one subscriber; and watching it ends."""
    begun("issue", "cancel", "1", "--yes")
    said = told(begun, "--watch")
    last = json.loads(begun("subscribers", "list", "--status", "active", "--json").stdout)[-1]["address"]
    explained = begun("subscribers", "explain", last).stdout

    assert "still to come" not in said
    assert "Nobody else gets it" in said
    assert "cancelled before it was their turn" in explained


def test_nobody_is_asked_about_a_draft_as_if_it_went_out(house: Run) -> None:
    """It would go to them; a cancelled one goes to nobody."""
    house("issue", "draft")
    draft = told(house)
    house("issue", "cancel", "1")
    cancelled = told(house)

    assert "would now go to 41 people" in draft
    assert "newsletter issue approve 1" in draft
    assert "41" not in cancelled
    assert "newsletter issue reopen 1" in cancelled


def test_a_status_says_whether_anybody_sends(begun: Run, tmp_path: Path) -> None:
    """First nobody does; then this process holds the lock."""
    idle = told(begun)
    with only_dispatcher(engine_for(f"sqlite:///{tmp_path}/data/newsletter.db")):
        busy = told(begun)
        refused = begun("issue", "send", "1", "--yes", code=1).stderr

    assert "Nobody is sending. Go on: newsletter issue send 1" in idle
    assert "Under way: none of them has it, for the provider did not take them" in idle
    assert "cannot be written: " in idle
    assert f"A sender is running: process {os.getpid()}, since 20" in busy
    assert f"kill {os.getpid()}" in refused


def test_a_status_says_until_when_the_provider_wants_to_be_left_alone(begun: Run, tmp_path: Path) -> None:
    """With the words of the provider; once that is over, nothing of it."""
    now = datetime.now(UTC)
    with transaction(engine_for(f"sqlite:///{tmp_path}/data/newsletter.db")) as session:
        keep(session, "outbox", 300.0, now, "It answered 429.")
    until = now + timedelta(seconds=300)

    assert f"It waits until {until:%H:%M:%S} UTC: the provider asked for it (It answered 429)." in told(begun)
    assert datetime.fromisoformat(json.loads(told(begun, "--json"))["waits_until"]) == until

    with transaction(engine_for(f"sqlite:///{tmp_path}/data/newsletter.db")) as session:
        session.execute(update(ProviderWait).values(until=now))
    assert "It waits until" not in told(begun)


def standing_with(taken: dict[str, int], *left: Failover) -> Case:
    """Issue 3, sent by these providers."""
    now = Standing(None, None, None, None, wait=None, taken_by=taken, left=list(left), claimed=True)
    return Case(issue_that_is(IssueStatus.SENT), HALF, now, ZoneInfo("UTC"))


def test_a_status_says_which_provider_took_how_many_and_why_one_was_left() -> None:
    """The same reason once, with its first time; two accounts of one provider by their whole names."""
    left = [Failover(issue_id=3, at=NOW, provider="ses:1", reason="It could not be reached.") for _ in range(2)]

    assert providers(standing_with({"ses:1": 12_000, "resend:2": 1}, *left)) == [
        "Of those accepted: 12,000 by ses and 1 by resend.",
        "On Thursday, 12 November at 08:00 UTC ses was left for the fallback: It could not be reached.",
    ]
    assert providers(standing_with({"ses:1": 1, "ses:2": 2})) == ["Of those accepted: 1 by ses:1 and 2 by ses:2."]
    assert providers(standing_with({"ses:1": 12_000})) == []


def test_who_was_refused_is_named(approved: Run, tmp_path: Path) -> None:
    """The number alone leads to the names; before there are any it says so."""
    nobody = approved("issue", "refused", "1").stdout
    case = standing_with({})
    approved("issue", "send", "1", "--yes")
    with transaction(engine_for(f"sqlite:///{tmp_path}/data/newsletter.db")) as session:
        session.execute(update(Batch).values(status="refused", reason="No such mailbox."))
    rows = json.loads(approved("issue", "refused", "1", "--json").stdout)

    assert "Nobody was refused" in nobody
    assert (len(rows), {row["reason"] for row in rows}) == (41, {"No such mailbox."})
    assert "41 were refused; who, and why: newsletter issue refused 1" in told(approved)
    assert refused_lines(replace(case, state=replace(HALF, refused=1)))[0].startswith("1 was refused; who")


def test_a_paused_issue_says_who_paused_it_and_until_when_it_has_then(begun: Run) -> None:
    """And names the commands."""
    begun("issue", "pause", "1", "--by", "Mara")
    paused = told(begun, "--watch")
    resumed = begun("issue", "resume", "1").stdout

    assert "by Mara." in paused
    assert "newsletter issue resume 1, then newsletter issue send 1" in paused
    assert "It has until" in resumed


@pytest.mark.parametrize(
    ("status", "words"),
    [(IssueStatus.PAUSED, "newsletter issue resume 3"), (IssueStatus.CANCELLED, "cancelled meanwhile")],
)
def test_a_sender_says_what_somebody_else_did_to_its_issue(status: IssueStatus, words: str) -> None:
    """Paused or cancelled, not "or"."""
    said = outcome(Sent(issue_that_is(status), Ending.PAUSED, HALF))

    assert words in said
    assert "or cancelled" not in said


@pytest.mark.parametrize("ending", [ending for ending in Ending if ending is not Ending.DONE])
def test_every_early_ending_has_its_sentence(ending: Ending) -> None:
    """With the reason where there is one, and the issue's number."""
    said = outcome(Sent(issue_that_is(IssueStatus.SENDING), ending, HALF, "Because."))

    assert "newsletter issue " in said
    assert "3" in said
    assert "  " not in said


def test_the_stop_file_is_the_reason_of_a_stop() -> None:
    """Going on would loop without it."""
    said = outcome(Sent(issue_that_is(IssueStatus.SENDING), Ending.STOPPED, HALF, "FILE exists: remove it first."))

    assert "remove it first. Go on with: newsletter issue send 3" in said
