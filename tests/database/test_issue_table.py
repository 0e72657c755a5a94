"""The life-cycle of an issue, and what the database itself refuses."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from issue_samples import NOW, WEEK, own_engine, pairs, shelve
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, select

from newsletter.database import transaction
from newsletter.errors import IllegalStep, IssueError
from newsletter.issues.composition import ItemKind
from newsletter.issues.issue import (
    ISSUE_STEPS,
    OFFERS,
    Command,
    Issue,
    IssueItem,
    IssueStatus,
    IssueStep,
    ensure,
    find,
    issues,
    possible,
    step,
    steps_of,
)

DAY = WEEK.day("thursday")


@pytest.fixture
def session() -> Iterator[Session]:
    """A session on an empty database."""
    with own_engine() as engine, transaction(engine) as session:
        yield session


def issue_in(session: Session, status: IssueStatus = IssueStatus.DRAFT) -> Issue:
    """The week's issue, in this status."""
    issue, _ = ensure(session, "weekly", WEEK, DAY, NOW)
    issue.status = status
    session.add(issue)
    session.flush()
    return issue


def test_the_life_of_an_issue_is_the_designs() -> None:
    """Draft, approved, scheduled, sending and paused, sent or partial; reopened and cancelled before that."""
    S, C = IssueStatus, Command  # noqa: N806
    forward = [(C.APPROVE, S.APPROVED), (C.SCHEDULE, S.SCHEDULED), (C.START, S.SENDING), (C.FINISH, S.SENT)]
    before = [S.DRAFT, S.APPROVED, S.SCHEDULED, S.SENDING]

    assert [ISSUE_STEPS[status, command] for status, (command, _) in zip(before, forward, strict=True)] == [
        after for _, after in forward
    ]
    assert {status for (status, command) in ISSUE_STEPS if command is C.CANCEL} == {*before, S.PAUSED}
    assert {status for (status, command) in ISSUE_STEPS if command is C.REOPEN} == {
        S.APPROVED,
        S.SCHEDULED,
        S.CANCELLED,
    }
    assert (possible(S.SENT), possible(S.PARTIAL)) == ([], [C.TAKE_UP, C.FINISH])


@pytest.mark.parametrize("status", IssueStatus)
@pytest.mark.parametrize("command", Command)
def test_a_step_that_the_table_does_not_have_changes_nothing(
    session: Session, status: IssueStatus, command: Command
) -> None:
    """All others do what it says, and are logged."""
    issue = issue_in(session, status)
    after = ISSUE_STEPS.get((status, command))
    if after:
        assert step(session, issue, command, NOW, by="Ada") is issue.status is after
    else:
        with pytest.raises(IllegalStep):
            step(session, issue, command, NOW)

    session.refresh(issue)
    assert issue.status is (after or status)
    assert [(one.before, one.after, one.by) for one in steps_of(session, issue)] == (
        [(status, after, "Ada")] if after else []
    )


def test_an_illegal_step_says_what_is_possible() -> None:
    """The reader knows what to do next."""
    issue = Issue(
        newsletter="weekly",
        number=12,
        week="2026-W47",
        date=DAY,
        status=IssueStatus.PAUSED,
        created_at=NOW,
        updated_at=NOW,
    )

    with pytest.raises(
        IllegalStep, match=r"^Issue 12 \(2026-W47\) is paused; it cannot be approved. Possible now: resume, cancel.$"
    ):
        step(Session(), issue, Command.APPROVE, NOW)


@pytest.mark.parametrize("status", IssueStatus)
def test_what_is_offered_can_be_done(status: IssueStatus) -> None:
    """In words that a person can type; every step that a person takes is offered, and no other."""
    steps = {"send": Command.START, **{str(command): command for command in Command}}
    offered = {steps[word] for word in OFFERS[status] if word != "edit"}
    on_the_way = {Command.START} if status in (IssueStatus.APPROVED, IssueStatus.SENDING) else set()
    own = {Command.FINISH, Command.FINISH_PARTLY, Command.TAKE_UP}  # of the dispatcher, or of a doubt that is closed

    assert offered - on_the_way == set(possible(status)) - own


def test_a_draft_that_is_to_be_sent_says_what_a_person_can_do(session: Session) -> None:
    """Not which step of the table is missing."""
    said = r"^Issue 1 \(2026-W47\) is a draft; it cannot be sent\. Possible now: edit, approve, cancel\.$"

    with pytest.raises(IllegalStep, match=said):
        step(session, issue_in(session), Command.START, NOW)


def test_a_sent_issue_offers_nothing(session: Session) -> None:
    """It is a fact."""
    with pytest.raises(IllegalStep, match=r"is sent already\. Nothing is left to cancel\.$"):
        step(session, issue_in(session, IssueStatus.SENT), Command.CANCEL, NOW)


@pytest.mark.parametrize(
    ("status", "command"),
    [
        (IssueStatus.APPROVED, Command.APPROVE),
        (IssueStatus.SENT, Command.START),
        (IssueStatus.SCHEDULED, Command.SCHEDULE),
    ],
)
def test_what_was_done_is_not_called_impossible(session: Session, status: IssueStatus, command: Command) -> None:
    """To type it twice is no mistake that must be mended."""
    with pytest.raises(IllegalStep, match=rf"^Issue 1 \(2026-W47\) is {status} already\. [A-Z]"):
        step(session, issue_in(session, status), command, NOW)


def test_an_issue_that_ended_partly_names_the_way_on(session: Session) -> None:
    """A doubt that an operator closes as "not sent" takes it up again."""
    with pytest.raises(IllegalStep, match=r"is partly sent; it cannot be resumed\. Nobody is left to mail"):
        step(session, issue_in(session, IssueStatus.PARTIAL), Command.RESUME, NOW)


def test_of_two_hands_on_one_step_only_one_takes_it(session: Session) -> None:
    """Compare and set: the second sees a row count of nought, also where it still believes in the old status."""
    issue = issue_in(session, IssueStatus.SCHEDULED)
    session.expunge(issue)
    other = session.get_one(Issue, issue.id)
    step(session, other, Command.START, NOW)
    session.expunge(other)
    session.add(issue)

    with pytest.raises(IllegalStep, match="is sending by now: somebody was quicker"):
        step(session, issue, Command.CANCEL, NOW)
    assert len(steps_of(session, issue)) == 1


def test_a_cancelled_issue_that_some_readers_may_have_stays_cancelled(session: Session) -> None:
    """The ledger knows, and its caller says so."""
    issue = issue_in(session, IssueStatus.CANCELLED)

    with pytest.raises(
        IllegalStep, match=r"^Issue 1 .* is cancelled, and stays cancelled because some readers may have it\.$"
    ):
        step(session, issue, Command.REOPEN, NOW, claimed=True)
    assert step(session, issue, Command.REOPEN, NOW) is IssueStatus.DRAFT


COMMANDS = st.lists(st.sampled_from(Command), max_size=12)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(commands=COMMANDS)
def test_any_commands_lead_only_where_the_table_leads(session: Session, commands: list[Command]) -> None:
    """The log of steps is a path through the table that ends in the status."""
    issue = issue_in(session)
    start = len(steps_of(session, issue))
    for command in commands:
        try:
            step(session, issue, command, NOW)
        except IllegalStep:
            assert (issue.status, command) not in ISSUE_STEPS

    path = steps_of(session, issue)[start:]
    assert [one.after for one in path] == [ISSUE_STEPS[one.before, one.command] for one in path]
    assert [IssueStatus.DRAFT, *(one.after for one in path)][-1] is issue.status


def test_numbers_go_up_by_one(session: Session) -> None:
    """In the order in which the issues are made."""
    made = [ensure(session, "weekly", WEEK.plus(weeks), DAY, NOW)[0].number for weeks in range(3)]

    assert made == [1, 2, 3]
    assert [issue.number for issue in issues(session, "weekly")] == [3, 2, 1]


def test_invariant_1_one_issue_per_newsletter_and_week(session: Session) -> None:
    """Who asks again gets the one that there is."""
    first, made = ensure(session, "weekly", WEEK, DAY, NOW)
    again, made_again = ensure(session, "weekly", WEEK, DAY, NOW + timedelta(hours=1))
    other, _ = ensure(session, "daily", WEEK, DAY, NOW)

    assert (made, made_again, first.id) == (True, False, again.id)
    assert other.id != first.id


def test_invariant_1_is_kept_by_the_database(session: Session) -> None:
    """Not by a look before: a second row for the week is refused, whoever writes it."""
    issue_in(session)
    session.add(Issue(newsletter="weekly", number=2, week=str(WEEK), date=DAY, created_at=NOW, updated_at=NOW))

    with pytest.raises(IntegrityError, match=r"issue\.week"):
        session.flush()


def rivals(session: Session, count: int, **row: Any) -> None:
    """Somebody else writes such an issue just before each of our next inserts."""
    left = [count]

    @event.listens_for(session, "before_flush")
    def _write(writing: Session, _context: object, _instances: object) -> None:
        if left[0] and any(isinstance(new, Issue) for new in writing.new):
            left[0] -= 1
            values = {"newsletter": "weekly", "status": "draft", "subject": "", "preheader": "", "edits": "{}"}
            times = {"created_at": NOW, "updated_at": NOW, "date": DAY}
            writing.connection().execute(Issue.__table__.insert().values({**values, **times, **row}))


def test_a_number_that_another_process_took_is_not_used_twice(session: Session) -> None:
    """The insert fails, and the next look finds the next number."""
    rivals(session, 2, number=1, week="2026-W40")

    assert ensure(session, "weekly", WEEK, DAY, NOW)[0].number == 1
    assert len(issues(session, "weekly")) == 1


def test_a_race_without_end_is_given_up_with_a_sentence(session: Session) -> None:
    """Ten lost races are no accident."""
    rivals(session, 99, number=1, week="2026-W40")

    with pytest.raises(IssueError, match="Others are making issues all the time"):
        ensure(session, "weekly", WEEK, DAY, NOW)


def test_an_issue_is_found_by_number_and_by_week(session: Session) -> None:
    """As a person writes them."""
    issue = issue_in(session)

    assert find(session, "weekly", "#1").id == find(session, "weekly", " 2026-W47 ").id == issue.id


@pytest.mark.parametrize(
    ("which", "sentence"),
    [
        ("7", r"no issue 7\. The newest is 1; 'newsletter issue list'"),
        ("2026-W48", r"no issue 2026-W48\. The newest is 1"),
        ("99999999999999999999", "no issue 9999"),
        ("x", "is not an ISO week"),
    ],
)
def test_an_unknown_issue_is_refused_with_what_there_is(session: Session, which: str, sentence: str) -> None:
    """One sentence."""
    issue_in(session)

    with pytest.raises(IssueError, match=sentence):
        find(session, "weekly", which)


def test_an_empty_archive_says_that_it_is_empty(session: Session) -> None:
    """There is no newest one to name."""
    with pytest.raises(IssueError, match="There is none yet"):
        find(session, "weekly", "1")


def test_a_comparison_stands_once_in_an_issue(session: Session) -> None:
    """The database keeps that, too."""
    issue = issue_in(session)
    shelve(session, *pairs(1))
    for position in (0, 1):
        session.add(IssueItem(issue_id=issue.id or 0, position=position, kind=ItemKind.BRIEF, key="a-vs-b", row_id=1))

    with pytest.raises(IntegrityError, match=r"issue_item\.key"):
        session.flush()


def test_a_planned_start_is_given_back_with_its_zone(tmp_path: Path) -> None:
    """SQLite forgets it; who compares it with the clock must not."""
    with own_engine(tmp_path) as engine:
        with transaction(engine) as session:
            issue_in(session).scheduled_at = NOW
        with transaction(engine) as session:
            assert session.exec(select(Issue)).one().starts_at == NOW
            assert not session.exec(select(IssueStep)).all()
