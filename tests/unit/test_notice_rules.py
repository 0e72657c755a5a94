"""What there is to tell, by the rules alone."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from notice_samples import DONE, SLOT, facts, issue, kinds, of_slot, post, sent, told
from people import NOW

from jobs.notices.facts import Certificate, Rates
from jobs.notices.rules import RULES
from jobs.slots import RunStatus
from newsletter.config import Backup, Config, Sending, Telling
from newsletter.desk.notices import Kind, Severity
from newsletter.issues.issue import IssueStatus

S = IssueStatus
HOUR = timedelta(hours=1)


def test_of_a_quiet_house_nothing_is_told() -> None:
    """Nobody gets used to notices that mean nothing."""
    assert told() == []


def test_a_draft_is_told_with_its_deadline_and_what_is_left() -> None:
    """The sentence that an editor gets in the morning."""
    (one,) = told(slot=SLOT, issues=(issue(S.DRAFT),))

    assert (one.key, one.severity) == ("draft-ready:1", Severity.INFO)
    assert one.sentence == (
        "The draft of issue 1 (2026-W46) is ready, deadline in 6 h (Thu 12 Nov 14:00 UTC). "
        "Not approved by then, it waits."
    )
    assert "newsletter issue approve 1" in one.todo


def test_a_draft_whose_deadline_is_near_is_told_again_as_such() -> None:
    """Four hours before; a thing of its own, so that it is told though the draft was."""
    (one,) = told(slot=SLOT, issues=(issue(S.DRAFT),), now=NOW + 2 * HOUR)

    assert (one.kind, one.severity) == (Kind.DEADLINE, Severity.WARNING)


def test_an_approved_issue_without_a_time_is_told_after_a_while() -> None:
    """The weekly job gives it one within minutes, where the settings do."""
    assert kinds(issues=(issue(S.APPROVED),)) == []
    assert kinds(issues=(issue(S.APPROVED),), now=NOW + HOUR) == ["no-time"]


@pytest.mark.parametrize(
    ("hours", "slot", "issues", "why"),
    [
        (9, SLOT, [issue(S.DRAFT)], "was not approved; it was to leave Thu 12 Nov 14:00 UTC."),
        (1, of_slot(status=RunStatus.FAILED, said="No page answers."), [], "No page answers."),
        (3, of_slot(status=None, begun=None), [], "nobody has begun its run."),
        (9, of_slot(status=RunStatus.RUNNING, step="draft"), [], "its run is at the step 'draft'."),
        (1, SLOT, [issue(S.SCHEDULED, scheduled=NOW)], "was to begin Thu 12 Nov 08:00 UTC, and has not."),
    ],
)
def test_a_week_in_which_nothing_was_sent_is_told_with_the_reason(
    hours: int, slot: Any, issues: list[Any], why: str
) -> None:
    """Ghost's silent refusals were noticed weeks later (product reference, part 5)."""
    found = [one for one in told(slot=slot, issues=tuple(issues), now=NOW + hours * HOUR) if one.kind is Kind.NOT_SENT]

    assert [(why in one.sentence, one.severity) for one in found] == [(True, Severity.URGENT)]


@pytest.mark.parametrize(
    ("hours", "slot", "issues"),
    [
        (1, of_slot(status=None, begun=None), []),
        (30, of_slot(status=RunStatus.DONE, step="draft"), []),
        (30, of_slot(status=RunStatus.DONE), [issue(S.CANCELLED)]),
        (30, SLOT, [issue(S.SCHEDULED, scheduled=NOW + 40 * HOUR)]),
        (30, of_slot(status=RunStatus.DONE), [sent()]),
    ],
)
def test_a_week_that_went_as_somebody_decided_is_not_told(hours: int, slot: Any, issues: list[Any]) -> None:
    """Quiet, cancelled, put off, or sent."""
    assert kinds(slot=slot, issues=tuple(issues), now=NOW + hours * HOUR) == []


@pytest.mark.parametrize(("minutes", "expected"), [(29, []), (30, ["source-failed"])])
def test_a_source_that_fails_is_told_after_half_an_hour(minutes: int, expected: list[str]) -> None:
    """The first tries are made in silence: most sources come back."""
    slot = of_slot(status=RunStatus.RUNNING, step="collect", said="The page answers 502.")

    assert kinds(slot=slot, now=NOW + timedelta(minutes=minutes)) == expected


@pytest.mark.parametrize(
    ("by", "severity"), [("the dispatcher: three calls in a row failed", "urgent"), ("ada", "warning")]
)
def test_a_pause_is_told_with_who_began_it(by: str, severity: str) -> None:
    """A person's own pause is no alarm; each pause is a thing of its own, by its step."""
    (one,) = told(issues=(issue(S.PAUSED, step_by=by),))

    assert (one.key, str(one.severity), by.partition(": ")[0] in one.sentence) == ("held:1:7", severity, True)


def test_an_issue_on_its_way_that_does_not_move_is_told() -> None:
    """An hour without a call, and nothing that explains it."""
    under_way = (issue(S.SENDING, post=replace(post(), finished=None)),)

    assert kinds(issues=under_way, now=NOW + HOUR) == ["stuck"]
    assert kinds(issues=under_way, now=NOW + HOUR, waits_until=NOW + 2 * HOUR) == []


@pytest.mark.parametrize(("hours", "expected"), [(9, []), (10, []), (11, ["stuck"])])
def test_an_issue_that_waits_for_its_next_wave_is_not_stuck(hours: int, expected: list[str]) -> None:
    """By the readers' own time there may be hours between two; an hour after it opened it is."""
    waiting = (issue(S.SENDING, post=replace(post(), finished=None, next_wave=NOW + 10 * HOUR)),)

    assert kinds(issues=waiting, now=NOW + hours * HOUR) == expected


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (replace(DONE, accepted=1_001, to_claim=-1), ["counts-differ"]),
        (replace(DONE, accepted=999, to_claim=1), ["counts-differ"]),
        (replace(DONE, accepted=999, refused=1), ["not-everybody"]),
        (replace(DONE, accepted=900, skipped={"paused": 100}), []),
    ],
)
def test_an_issue_that_went_to_more_or_fewer_than_its_audience_is_told(state: Any, expected: list[str]) -> None:
    """Sent means what the counts say."""
    assert kinds(issues=(sent(state=state),)) == expected


def test_two_reports_of_one_delivery_are_an_alarm() -> None:
    """With the one command that stops everything."""
    (one,) = told(issues=(issue(S.SENT, post=replace(post(), doubled=3)),))

    assert (one.kind, one.severity, "stop-sending" in one.todo) == (Kind.DOUBLED, Severity.URGENT, True)


@pytest.mark.parametrize(("minutes", "expected"), [(59, False), (60, True)])
def test_a_doubt_is_told_when_it_is_an_hour_old(minutes: int, expected: bool) -> None:
    """Events close most of them before."""
    found = kinds(issues=(sent(state=replace(DONE, accepted=990, unknown=10)),), now=NOW + timedelta(minutes=minutes))

    assert ("in-doubt" in found) is expected


@pytest.mark.parametrize(
    ("accepted", "complained", "severity"),
    [(2_000, 1, None), (2_000, 2, "warning"), (2_001, 2, None), (1_000, 3, "urgent")],
)
def test_complaints_are_told_from_one_in_a_thousand_on(accepted: int, complained: int, severity: str | None) -> None:
    """Gmail's limits, and never for a single person."""
    found = told(issues=(sent(state=replace(DONE, list_size=accepted, accepted=accepted), complained=complained),))

    assert [str(one.severity) for one in found] == ([severity] if severity else [])


@pytest.mark.parametrize(
    ("left", "usual", "expected"),
    [
        (9, None, []),
        (10, None, ["unsubscribes"]),
        (14, 500, []),
        (15, 500, ["unsubscribes"]),
        (10, 100, ["unsubscribes"]),
    ],
)
def test_people_who_leave_are_told_where_they_are_more_than_usual(
    left: int, usual: int | None, expected: list[str]
) -> None:
    """Of a thousand: one in a hundred at least, and three times what is usual."""
    custom = Rates(100_000, 0, 0, usual) if usual is not None else None

    assert kinds(issues=(sent(unsubscribed=left),), usual=custom) == expected


def test_four_people_are_no_rate() -> None:
    """A list of forty: one in ten left or bounced, and that is four people."""
    small = replace(DONE, list_size=40, accepted=40)

    assert kinds(issues=(sent(state=small, unsubscribed=4, bounced=4),)) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"free": 499_000_000}, "disk"),
        ({"free": 1_900_000_000, "size": 10**9}, "disk"),
        ({"night": "backup: failed: no room"}, "chores-failed"),
        ({"unreadable": ("data/postmark.key",)}, "key-file"),
        ({"stopped_since": NOW - HOUR}, "stop-file"),
        ({"polls": (("mailgun", NOW - 6 * HOUR, "401"),)}, "poll-failed"),
        ({"unread": (("brevo", 3),)}, "events-not-read"),
        ({"config": Config(backup=Backup(folder=Path("b"))), "newest_copy": NOW - 50 * HOUR}, "backup"),
        ({"config": Config(backup=Backup(folder=Path("b"))), "kept_since": NOW - 50 * HOUR}, "backup"),
    ],
)
def test_trouble_of_the_house_is_told(changes: dict[str, Any], expected: str) -> None:
    """Each as one thing."""
    assert kinds(**changes) == [expected]


@pytest.mark.parametrize(
    "changes",
    [
        {"free": 501_000_000},
        {"stopped_since": NOW - HOUR / 2},
        {"polls": (("mailgun", NOW - HOUR, "401"),)},
        {"newest_copy": NOW - 500 * HOUR},
        {"config": Config(backup=Backup(folder=Path("b")))},
    ],
)
def test_what_is_not_yet_trouble_is_not_told(changes: dict[str, Any]) -> None:
    """A copy is missed only where one is wanted, and could have been made."""
    assert kinds(**changes) == []


def test_a_new_account_that_warms_up_is_not_stuck() -> None:
    """It waits for the next day, on purpose."""
    warm = Config(sending=Sending(warm_up=(200,)))

    assert kinds(config=warm, issues=(issue(S.SENDING, post=replace(post(), finished=None)),), now=NOW + 9 * HOUR) == []


def test_every_rule_can_look_at_any_house() -> None:
    """None of them stands on another."""
    assert [list(rule(facts())) for rule in RULES] == [[] for _ in RULES]


@pytest.mark.parametrize(
    ("seen", "severity"),
    [
        (None, []),
        (Certificate(NOW + timedelta(days=14)), []),
        (Certificate(NOW + timedelta(days=13)), ["warning"]),
        (Certificate(NOW + timedelta(days=2)), ["urgent"]),
        (Certificate(None, "certificate has expired"), ["urgent"]),
    ],
)
def test_a_certificate_is_told_before_it_runs_out(seen: Certificate | None, severity: list[str]) -> None:
    """What renews itself does so thirty days before: fourteen are late."""
    assert [str(one.severity) for one in told(certificate=seen)] == severity


@pytest.mark.parametrize(
    ("days", "said"),
    [(15, []), (10, ["runs out in 9 days (Sun 22 Nov 00:00 UTC)"]), (-2, ["ran out Tue 10 Nov 00:00 UTC"])],
)
def test_a_key_is_told_before_it_runs_out(days: int, said: list[str]) -> None:
    """Its day stands in the settings; nobody else knows it."""
    config = Config(telling=Telling(expires={"The Postmark key": (NOW + timedelta(days=days)).date()}))

    assert [one.sentence for one in told(config=config)] == [f"The Postmark key {words}." for words in said]


def test_ways_that_fail_are_one_thing_whoever_has_them() -> None:
    """Two editors whose mail is refused: one sentence, without their addresses."""
    (one,) = told(untold=(("mail:edna@desk.example", "No key"), ("mail:eric@desk.example", "No key")))

    assert (one.key, one.sentence) == ("not-told:mail", "Notices cannot be told by mail: No key.")
