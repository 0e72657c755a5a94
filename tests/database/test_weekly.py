"""The weekly job: on its own, once a slot, and never from a half-read week."""

from dataclasses import replace

import pytest
from desk_samples import Place, furnished, place
from people import everybody
from sqlalchemy import Engine

from jobs.slots import RunStatus, runs, take
from jobs.ticking import JOB, tick
from jobs.weekly import Result, run, send_due
from newsletter.config import Sources
from newsletter.database import transaction
from newsletter.desk import sending, writing
from newsletter.errors import NewsletterError
from newsletter.issues.issue import IssueStatus, issues


def statuses(here: Place) -> list[IssueStatus]:
    """The status of every issue."""
    with here.desk.transaction() as session:
        return [issue.status for issue in issues(session, "weekly")]


def last_run(here: Place) -> RunStatus:
    """How the newest run of the weekly job ended."""
    with here.desk.transaction() as session:
        return runs(session, JOB)[0].status


def broken(here: Place) -> Place:
    """The same desk with one more source, which does not exist."""
    sources = Sources(collect=(*here.desk.config.sources.collect, "nowhere"))
    return replace(here, desk=replace(here.desk, config=here.desk.config.model_copy(update={"sources": sources})))


def test_it_writes_itself_and_waits_for_an_editor(engine: Engine) -> None:
    """The default: the draft is there, a person approves it."""
    done = run(place(engine).desk)

    assert done.result is Result.WAITING
    assert [step for step, _ in done.story] == ["collect", "draft", "wait"]


def test_it_sends_by_itself_where_the_settings_say_so(engine: Engine) -> None:
    """Collect, draft, check, approve; after the hold it goes out."""
    here = furnished(engine, approve="automatic")
    done = run(here.desk)
    early = send_due(here.desk)
    here.clock.forward(minutes=10)

    assert (done.result, early) == (Result.SCHEDULED, [])
    assert [issue.status for issue in send_due(here.desk)] == [IssueStatus.SENT]
    assert list(here.provider.log.values()) == [1]


def test_invariant_3_a_failed_source_makes_no_issue(engine: Engine) -> None:
    """One of two sources cannot be read: nothing is drafted from the other, and it is said which failed."""
    here = broken(furnished(engine))
    done = run(here.desk)

    assert done.result is Result.FAILED
    assert "nowhere" in done.story[0][1]
    assert statuses(here) == []


def test_a_quiet_week_is_said(engine: Engine) -> None:
    """No comparison at all: no issue, and a sentence why."""
    here = place(engine)
    config = here.desk.config.model_copy(update={"sources": Sources()})
    done = run(replace(here.desk, config=config))

    assert done.result is Result.QUIET
    assert "No issue for 2026-W46" in done.story[-1][1]


def test_run_again_it_does_nothing_twice(engine: Engine) -> None:
    """After a sent issue there is nothing left to do this week."""
    here = furnished(engine, approve="automatic")
    run(here.desk, at_once=True)
    again = run(here.desk, at_once=True)

    assert again.result is Result.SENT
    assert "already" in again.story[0][1]
    assert list(here.provider.log.values()) == [1]


def test_an_approved_issue_is_sent_at_once_when_asked(engine: Engine) -> None:
    """The editor approved; `week --send` sends."""
    here = furnished(engine)
    run(here.desk)
    writing.approve(here.desk, "1", by="Mara")

    assert run(here.desk, at_once=True).result is Result.SENT


def test_errors_in_the_preflight_stop_it(engine: Engine) -> None:
    """Nothing is approved automatically that a person could not approve."""
    here = furnished(engine, approve="automatic")
    bare = here.desk.config.publication.model_copy(update={"postal_address": ""})
    config = here.desk.config.model_copy(update={"publication": bare})
    done = run(replace(here.desk, config=config))

    assert done.result is Result.FAILED
    assert statuses(here) == [IssueStatus.DRAFT]


def test_a_provider_that_takes_nothing_is_gone_on_with_later(engine: Engine) -> None:
    """The run ends early and says so; the next tick reaches everybody."""
    here = furnished(engine, approve="automatic")
    here.provider.next_answers = ["later"] * 3
    done = run(here.desk, at_once=True)

    assert done.result is Result.STOPPED
    assert [issue.status for issue in send_due(here.desk)] == [IssueStatus.SENT]
    assert list(here.provider.log.values()) == [1]


def test_a_slot_runs_once_however_often_it_ticks(engine: Engine) -> None:
    """NOW is a slot's minute: the first tick does the work, the others find it done."""
    here = place(engine)
    said = [tick(here.desk) for _ in range(3)]

    assert "wait" in said[0][-1]
    assert said[1:] == [[], []]
    assert last_run(here) is RunStatus.WAITING


def test_two_schedulers_claim_a_slot_once(engine: Engine) -> None:
    """The database decides, not a look before."""
    here = place(engine)
    with transaction(engine) as session:
        assert take(session, JOB, "2026-11-12T08:00", here.clock()) is True
    with transaction(engine) as session:
        assert take(session, JOB, "2026-11-12T08:00", here.clock()) is False


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
        assert [found.slot for found in runs(session, JOB)] == ["2026-11-19T08:00", "2026-11-12T08:00"]


def test_a_slot_that_was_missed_by_long_waits_for_a_person(engine: Engine) -> None:
    """Down from Thursday to Saturday: late by days needs a decision."""
    here = place(engine)
    tick(here.desk)
    here.clock.forward(days=9)

    assert "was missed" in tick(here.desk)[0]
    assert last_run(here) is RunStatus.WAITING


def test_a_slot_that_was_missed_by_an_hour_runs(engine: Engine) -> None:
    """Late by minutes is fine."""
    here = place(engine)
    tick(here.desk)
    here.clock.forward(days=7, hours=1)

    assert any("draft" in line for line in tick(here.desk))


def test_a_failed_run_is_written_down(engine: Engine) -> None:
    """What failed stands in the run's row."""
    here = broken(place(engine))
    tick(here.desk)

    assert last_run(here) is RunStatus.FAILED


def test_a_run_that_raises_is_written_down_too(engine: Engine) -> None:
    """A missing template folder, say: the slot is closed as failed, and the error goes on."""
    here = furnished(engine, approve="automatic")
    lost = replace(here.desk, templates=here.desk.templates / "nowhere")

    with pytest.raises(NewsletterError):
        tick(lost)
    assert last_run(here) is RunStatus.FAILED


def test_an_issue_that_was_paused_meanwhile_is_left_alone(engine: Engine) -> None:
    """The tick sends what is due, and a paused issue is not."""
    here = furnished(engine)
    run(here.desk)
    writing.approve(here.desk, "1", by="Mara")
    sending.start(here.desk, "1", by="Mara")
    sending.pause(here.desk, "1", by="Mara")

    assert send_due(here.desk) == []


def test_everybody_on_the_list_of_the_characters_is_accounted_for(engine: Engine) -> None:
    """One accepted, four skipped: five on the list."""
    here = place(engine, approve="automatic")
    with transaction(engine) as session:
        everybody(session)
    done = run(here.desk, at_once=True)

    assert done.story[-1] == ("send", "1 accepted, 0 refused, 0 unknown, 4 skipped: 5 on the list.")
