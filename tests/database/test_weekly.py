"""The weekly job: on its own, once a slot, and never from a half-read week."""

from dataclasses import replace

from desk_samples import Place, furnished, place
from people import everybody
from sqlalchemy import Engine

from jobs.slots import RunStatus, runs
from jobs.ticking import JOB, send_due
from jobs.weekly import Result, run
from newsletter.config import Sources
from newsletter.database import transaction
from newsletter.desk import sending, writing
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
    assert [step for step, _ in done.story] == ["collect", "draft", "check", "approve"]


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
