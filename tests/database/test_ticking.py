"""The scheduler's side of the week: one run a slot, step by step, through restarts and people's hands."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from desk_samples import Place, furnished, place
from sqlalchemy import Engine

from jobs.slots import LEASE, Run, RunStatus, newest_due, runs, seize, take, write
from jobs.ticking import JOB, send_due, tick
from newsletter.config import Sources
from newsletter.database import transaction
from newsletter.delivery.lock import only_dispatcher
from newsletter.desk import sending, writing
from newsletter.issues.issue import IssueStatus, issues

#: What the clock of the tests shows first is a slot's minute: Thursday, 12 November 2026, 8:00 UTC.
SLOT = "2026-11-12T08:00"


def newest(here: Place) -> Run:
    """The newest run."""
    with here.desk.transaction() as session:
        return runs(session, JOB)[0]


def at(here: Place) -> tuple[str, RunStatus]:
    """Where the newest run is."""
    found = newest(here)
    return found.step, found.status


def status(here: Place) -> IssueStatus:
    """Of the newest issue."""
    with here.desk.transaction() as session:
        return issues(session, "weekly")[0].status


def broken(here: Place) -> Place:
    """The same desk with one more source, which does not exist."""
    sources = Sources(collect=(*here.desk.config.sources.collect, "nowhere"))
    return replace(here, desk=replace(here.desk, config=here.desk.config.model_copy(update={"sources": sources})))


def test_a_slot_runs_once_however_often_it_ticks(engine: Engine) -> None:
    """The first tick does the work, the others find nothing new."""
    here = place(engine)
    said = [tick(here.desk) for _ in range(3)]

    assert [line.partition(":")[0] for line in said[0]] == ["collect", "draft", "check", "approve"]
    assert (said[1:], at(here)) == ([[], []], ("approve", RunStatus.WAITING))


def test_two_schedulers_claim_a_slot_once(engine: Engine) -> None:
    """The database decides, not a look before."""
    here = place(engine)
    slot = newest_due("thursday", "08:00", here.desk.config.publication.tz, here.clock())
    claimed = []
    for _ in range(2):
        with transaction(engine) as session:
            claimed.append(take(session, JOB, slot, "collect", here.clock()))

    assert claimed == [True, False]


def test_the_first_start_does_not_run_a_slot_of_days_ago(engine: Engine) -> None:
    """Installed on Saturday: the first issue is next Thursday's."""
    here = place(engine)
    here.clock.forward(days=2)

    assert tick(here.desk) == []


def test_next_weeks_slot_runs_next_week(engine: Engine) -> None:
    """Seven days later there is a slot again."""
    here = place(engine)
    tick(here.desk)
    here.clock.forward(days=7)
    tick(here.desk)

    with here.desk.transaction() as session:
        assert [found.slot for found in runs(session, JOB)] == ["2026-11-19T08:00", SLOT]


def test_a_draft_that_nobody_approved_is_over_when_the_next_slot_comes(engine: Engine) -> None:
    """It is told as a failure, and its issue is left for a person."""
    here = place(engine)
    tick(here.desk)
    here.clock.forward(days=7)
    tick(here.desk)

    with here.desk.transaction() as session:
        old = session.get_one(Run, (JOB, SLOT))
    assert (old.status, "Nobody took it further" in old.report) == (RunStatus.FAILED, True)


@pytest.mark.parametrize(("missed", "ended"), [("ask", "waiting"), ("skip", "done"), ("run", "waiting")])
def test_a_slot_that_was_missed_by_days_is_dealt_with_as_the_settings_say(
    engine: Engine, missed: str, ended: str
) -> None:
    """Down from Thursday to Saturday: ask a person, leave it out, or make the draft all the same."""
    here = place(engine, missed=missed)
    tick(here.desk)
    here.clock.forward(days=9)
    tick(here.desk)

    assert at(here) == ("approve" if missed == "run" else "collect", ended)


def test_a_slot_that_was_missed_by_an_hour_runs(engine: Engine) -> None:
    """Late by minutes is fine."""
    here = place(engine)
    tick(here.desk)
    here.clock.forward(days=7, hours=1)

    assert any("draft" in line for line in tick(here.desk))


def test_a_source_that_fails_is_tried_again_and_then_the_week_goes_on(engine: Engine) -> None:
    """Nothing is drafted from half a week; a quarter of an hour later the source answers."""
    here = place(engine)
    first = tick(broken(here).desk)
    at_once = tick(here.desk)
    here.clock.forward(minutes=15)

    assert ("nowhere" in first[0], at_once) == (True, [])
    assert "draft" in tick(here.desk)[1]


def test_a_source_that_fails_for_half_a_day_fails_the_run(engine: Engine) -> None:
    """Past schedule.latest_hours a person has to look."""
    here = broken(place(engine))
    for _ in range(13):
        tick(here.desk)
        here.clock.forward(hours=1)

    assert at(here) == ("collect", RunStatus.FAILED)
    assert newest(here).report.count("half-read") == 1


def test_a_step_that_cannot_be_done_is_tried_again(engine: Engine) -> None:
    """A missing template folder, say: it is written down, and when it is there again the run goes on."""
    here = furnished(engine)
    lost = replace(here.desk, templates=here.desk.templates / "nowhere")
    tick(lost)
    assert at(here) == ("check", RunStatus.RUNNING)
    here.clock.forward(minutes=15)
    tick(here.desk)

    assert at(here) == ("approve", RunStatus.WAITING)


def test_it_sends_by_itself_where_the_settings_say_so(engine: Engine) -> None:
    """Drafted, approved, held, sent, reported: nobody touched it."""
    here = furnished(engine, approve="automatic")
    tick(here.desk)
    early = send_due(here.desk)
    here.clock.forward(minutes=10)
    sent = send_due(here.desk)
    told = tick(here.desk)

    assert (early, [issue.status for issue in sent]) == ([], [IssueStatus.SENT])
    assert (told, at(here)) == (
        ["report: 1 accepted, 0 refused, 0 unknown, 4 skipped: 5 on the list."],
        ("report", RunStatus.DONE),
    )


def test_what_is_approved_in_time_leaves_at_its_time(engine: Engine) -> None:
    """Drafted at eight, approved at nine, sent at two."""
    here = furnished(engine, send_time="14:00")
    tick(here.desk)
    here.clock.forward(hours=1)
    writing.approve(here.desk, "1", by="Mara")
    tick(here.desk)
    with here.desk.transaction() as session:
        assert issues(session, "weekly")[0].starts_at == here.clock() + timedelta(hours=5)
    here.clock.forward(hours=5)

    assert [issue.status for issue in send_due(here.desk)] == [IssueStatus.SENT]


def test_what_is_approved_late_waits_for_a_time(engine: Engine) -> None:
    """Approving after the planned time never means "now"."""
    here = furnished(engine, send_time="14:00")
    tick(here.desk)
    here.clock.forward(hours=7)
    writing.approve(here.desk, "1", by="Mara")
    said = tick(here.desk)

    assert ("Name another" in said[0], status(here), send_due(here.desk)) == (True, IssueStatus.APPROVED, [])


def test_what_was_approved_in_time_leaves_late_after_an_hour_of_downtime(engine: Engine) -> None:
    """The process was down at two; at three it gives the issue its hold and sends it."""
    here = furnished(engine, send_time="14:00")
    tick(here.desk)
    writing.approve(here.desk, "1", by="Mara")
    here.clock.forward(hours=7)
    tick(here.desk)
    here.clock.forward(minutes=10)

    assert [issue.status for issue in send_due(here.desk)] == [IssueStatus.SENT]


def test_what_was_approved_in_time_waits_for_a_time_after_a_day_of_downtime(engine: Engine) -> None:
    """Late by days needs a decision."""
    here = furnished(engine, send_time="14:00")
    tick(here.desk)
    writing.approve(here.desk, "1", by="Mara")
    here.clock.forward(hours=20)
    tick(here.desk)

    assert (status(here), at(here)) == (IssueStatus.APPROVED, ("approve", RunStatus.WAITING))


@pytest.mark.parametrize(
    ("unapproved", "then"),
    [("wait", IssueStatus.DRAFT), ("send", IssueStatus.SCHEDULED), ("skip", IssueStatus.CANCELLED)],
)
def test_what_nobody_approved_by_its_time_is_dealt_with_as_the_settings_say(
    engine: Engine, unapproved: str, then: IssueStatus
) -> None:
    """Wait for a person, send what has no errors, or leave the week out."""
    here = furnished(engine, send_time="14:00", unapproved=unapproved)
    tick(here.desk)
    here.clock.forward(hours=6)
    tick(here.desk)

    assert status(here) is then


def test_nothing_with_errors_is_approved_by_itself(engine: Engine) -> None:
    """Also past its time: a person mends it."""
    here = furnished(engine, approve="automatic")
    bare = here.desk.config.publication.model_copy(update={"postal_address": ""})
    config = here.desk.config.model_copy(update={"publication": bare})
    tick(replace(here.desk, config=config))

    assert (status(here), at(here)) == (IssueStatus.DRAFT, ("approve", RunStatus.WAITING))


def test_an_editor_who_sends_by_hand_is_followed(engine: Engine) -> None:
    """The run finds the issue sent, and reports."""
    here = furnished(engine)
    tick(here.desk)
    writing.approve(here.desk, "1", by="Mara")
    sending.send(here.desk, "1", by="Mara")
    tick(here.desk)

    assert at(here) == ("report", RunStatus.DONE)


def test_an_issue_that_was_reopened_waits_for_its_approval_again(engine: Engine) -> None:
    """From the hold back to the editor's desk."""
    here = furnished(engine, approve="editor", send_time="14:00")
    tick(here.desk)
    writing.approve(here.desk, "1", by="Mara")
    tick(here.desk)
    writing.reopen(here.desk, "1", by="Mara")
    tick(here.desk)

    assert at(here) == ("approve", RunStatus.WAITING)


def test_an_issue_that_was_cancelled_ends_its_run(engine: Engine) -> None:
    """Somebody decided: no issue this week."""
    here = furnished(engine)
    tick(here.desk)
    writing.cancel(here.desk, "1", by="Mara")
    tick(here.desk)

    assert at(here) == ("report", RunStatus.DONE)


def test_a_run_whose_process_died_is_taken_up_by_another(engine: Engine) -> None:
    """Whoever worked on it has it for some minutes; then it is anybody's."""
    here = place(engine)
    with transaction(engine) as session:
        slot = newest_due("thursday", "08:00", here.desk.config.publication.tz, here.clock())
        take(session, JOB, slot, "collect", here.clock())
        seize(session, runs(session, JOB)[0], here.clock())
    early = tick(here.desk)
    here.clock.now += LEASE + timedelta(seconds=1)

    assert (early, len(tick(here.desk))) == ([], 4)


def test_a_clock_that_is_set_back_runs_no_slot_twice(engine: Engine) -> None:
    """Back to before the slot, and through it again."""
    here = place(engine)
    tick(here.desk)
    here.clock.forward(hours=-1)
    said = [tick(here.desk)]
    here.clock.forward(hours=1)

    assert [*said, tick(here.desk)] == [[], []]


def test_a_clock_that_was_a_year_ahead_for_a_moment_costs_no_week(engine: Engine) -> None:
    """The slot of next year that it claimed does not stand in the way of this year's."""
    here = place(engine)
    here.clock.forward(days=364)
    tick(here.desk)
    here.clock.forward(days=-364)

    assert any("draft" in line for line in tick(here.desk))


def test_a_retry_is_not_put_off_by_a_clock_that_is_set_back(engine: Engine) -> None:
    """A source failed when the clock was a day ahead: a quarter of an hour is not a day and a quarter of an hour."""
    here = place(engine)
    tick(here.desk)
    here.clock.forward(days=8)
    tick(broken(here).desk)
    here.clock.forward(days=-1)

    assert any("draft" in line for line in tick(here.desk))


def test_a_run_whose_process_died_before_the_clock_was_set_back_is_taken_up(engine: Engine) -> None:
    """By the clock somebody took it tomorrow: nobody holds a run for so long."""
    here = place(engine)
    slot = newest_due("thursday", "08:00", here.desk.config.publication.tz, here.clock())
    with transaction(engine) as session:
        take(session, JOB, slot, "collect", here.clock())
        seize(session, runs(session, JOB)[0], here.clock() + timedelta(days=1))

    assert len(tick(here.desk)) == 4


def test_who_was_taken_for_dead_writes_nothing_over_the_work_of_another(engine: Engine) -> None:
    """A process that was frozen wakes up after its run was taken over."""
    here = place(engine)
    tick(here.desk)
    with transaction(engine) as session:
        run = runs(session, JOB)[0]
        seize(session, run, here.clock())
        before: datetime = here.clock()
        here.clock.now += LEASE + timedelta(seconds=1)
        assert seize(session, run, here.clock())

        assert write(session, run, before, step="collect") is False


def test_a_second_scheduler_leaves_a_sending_to_the_first(engine: Engine) -> None:
    """Whoever has the dispatcher's lock goes on; the other one says nothing and looks again later."""
    here = furnished(engine, approve="automatic")
    tick(here.desk)
    here.clock.forward(minutes=10)
    with only_dispatcher(engine):
        assert send_due(here.desk) == []
