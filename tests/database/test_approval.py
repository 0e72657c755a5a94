"""Approval: exact bytes are frozen, items are reserved, and any edit voids it."""

import hashlib
from datetime import timedelta

import pytest
from issue_samples import NOW, RULES, WEEK, on_shelf, pair, pairs, tool
from sqlalchemy import Engine, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, select

from newsletter.comparisons.comparison import Comparison
from newsletter.database import transaction
from newsletter.errors import IllegalStep, IssueError
from newsletter.issues.approval import FrozenIssue, approve, cancel, edit, frozen, reopen, schedule
from newsletter.issues.drafting import draft
from newsletter.issues.edits import Edits, with_subject
from newsletter.issues.history import told
from newsletter.issues.issue import Command, Issue, IssueItem, IssueStatus, find, items_of, step
from newsletter.issues.week import Week

CONTENT = '{"subject": "Patchwork ships"}'


def digest_of(content: str) -> str:
    """What the mail room would say of it."""
    return hashlib.sha256(content.encode()).hexdigest()


def drafted(session: Session, week: Week = WEEK) -> Issue:
    """The draft of a week, from the shelf."""
    issue = draft(session, week, RULES, NOW + timedelta(weeks=week.since(WEEK))).issue
    assert issue
    return issue


def approved(session: Session, week: Week = WEEK) -> Issue:
    """The approved issue of a week; its content names the week."""
    issue = drafted(session, week)
    content = f"{CONTENT} {week}"
    approve(session, issue, digest=digest_of(content), content=content, by="Ada", now=NOW)
    return issue


def reserved(session: Session) -> list[str | None]:
    """What live issues hold."""
    return sorted(session.exec(select(IssueItem.reserved).where(IssueItem.reserved != None)))  # noqa: E711


def test_what_is_approved_is_frozen(engine: Engine) -> None:
    """Byte for byte, with who and when."""
    on_shelf(engine, *pairs(1))
    with transaction(engine) as session:
        issue = approved(session)

        assert frozen(session, issue, digest_of) == f"{CONTENT} 2026-W47"
        assert (issue.status, issue.approved_by) == (IssueStatus.APPROVED, "Ada")


def test_invariant_4_other_bytes_than_the_approved_ones_are_refused(engine: Engine) -> None:
    """Whoever changed the stored render, it is not sent."""
    on_shelf(engine, *pairs(1))
    with transaction(engine) as session:
        issue = approved(session)
        session.execute(update(FrozenIssue).values(content="other words"))

        with pytest.raises(IssueError, match=r"is not what was approved .* Nothing is sent"):
            frozen(session, issue, digest_of)


def test_invariant_4_a_render_of_another_digest_is_refused(engine: Engine) -> None:
    """Also where bytes and digest were changed together."""
    on_shelf(engine, *pairs(1))
    with transaction(engine) as session:
        issue = approved(session)
        session.execute(update(FrozenIssue).values(content="x", digest=digest_of("x")))

        with pytest.raises(IssueError, match="is not what was approved"):
            frozen(session, issue, digest_of)


@pytest.mark.parametrize("scheduled", [False, True])
def test_invariant_4_any_edit_voids_the_approval(engine: Engine, *, scheduled: bool) -> None:
    """Loudly: the frozen render is dropped, the issue is a draft, and the sentence says so."""
    on_shelf(engine, *pairs(1))
    with transaction(engine) as session:
        issue = approved(session)
        if scheduled:
            schedule(session, issue, NOW, NOW)
        sentence = edit(session, issue, with_subject(Edits(), "Other words"), NOW, by="Ben")

        assert sentence.startswith("The approval by Ada of issue 1 (2026-W47) is void: it is a draft again")
        assert (issue.status, issue.digest, issue.scheduled_at) == (IssueStatus.DRAFT, None, None)
        with pytest.raises(IssueError, match="no approved render"):
            frozen(session, issue, digest_of)


def test_an_edit_that_changes_nothing_voids_nothing(engine: Engine) -> None:
    """Saving a form untouched is no edit."""
    on_shelf(engine, *pairs(1))
    with transaction(engine) as session:
        issue = approved(session)

        assert edit(session, issue, Edits(), NOW) == ""
        assert issue.status is IssueStatus.APPROVED


@pytest.mark.parametrize("status", ["sending", "paused", "sent", "partial", "cancelled"])
def test_an_issue_on_its_way_is_not_edited(engine: Engine, status: str) -> None:
    """Nor one that is at its end."""
    on_shelf(engine, *pairs(1))
    with transaction(engine) as session:
        issue = drafted(session)
        issue.status = IssueStatus(status)

        with pytest.raises(IllegalStep, match=f"is {issue.state}: it cannot be edited"):
            edit(session, issue, with_subject(Edits(), "Other words"), NOW)


def test_nothing_is_not_approved(engine: Engine) -> None:
    """An issue without items."""
    on_shelf(engine, *pairs(1))
    with transaction(engine) as session:
        issue = drafted(session)
        for item in items_of(session, issue):
            session.delete(item)

        with pytest.raises(IssueError, match="nothing in issue 1"):
            approve(session, issue, digest="d", content="c", by="Ada", now=NOW)


def test_approving_reserves_the_items_and_reopening_releases_them(engine: Engine) -> None:
    """A comparison is held by its key."""
    one, two = pairs(2)
    on_shelf(engine, one, two)
    with transaction(engine) as session:
        issue = approved(session)
        held = reserved(session)
        reopen(session, issue, NOW)

        assert (held, reserved(session)) == ([one.key, two.key], [])


def two_drafts_of_one(session: Session) -> tuple[Issue, Issue]:
    """Two weeks' drafts that hold the same comparison: neither has told anybody yet."""
    return drafted(session), drafted(session, WEEK.plus(1))


def test_invariant_2_a_comparison_is_in_one_live_issue_only(engine: Engine) -> None:
    """The second approval is refused, names the comparison and the issue, and changes nothing."""
    on_shelf(engine, *pairs(1))
    with transaction(engine) as session:
        first, second = two_drafts_of_one(session)
        approve(session, first, digest="1", content="1", by="Ada", now=NOW)

        with pytest.raises(IssueError, match=r"a00-vs-b00 is in issue 1 \(2026-W47\) already, which is approved"):
            approve(session, second, digest="2", content="2", by="Ada", now=NOW)
        assert (second.status, second.digest) == (IssueStatus.DRAFT, None)
        assert [row.issue_id for row in session.exec(select(FrozenIssue))] == [first.id]


def test_invariant_2_is_kept_by_the_database(engine: Engine) -> None:
    """Not by a look before: the same reservation is refused, whoever writes it."""
    on_shelf(engine, *pairs(1))
    with transaction(engine) as session:
        two_drafts_of_one(session)

        with pytest.raises(IntegrityError, match="reserved"):
            session.execute(update(IssueItem).values(reserved="a00-vs-b00"))


def test_invariant_2_what_was_sent_is_consumed(engine: Engine) -> None:
    """The next week does not choose it again, however often it is drafted."""
    [one] = pairs(1)
    on_shelf(engine, one)
    with transaction(engine) as session:
        issue = approved(session)
        schedule(session, issue, NOW, NOW)
        step(session, issue, Command.START, NOW)
        step(session, issue, Command.FINISH, NOW)
        nothing = draft(session, WEEK.plus(1), RULES, NOW + timedelta(weeks=1))

        assert (reserved(session), nothing.issue) == ([one.key], None)
        assert "it was in issue 1 (2026-W47)" in nothing.selected.decisions[0].reason


def changed(before: Comparison) -> Comparison:
    """The same pair with another verdict."""
    return pair(tool(before.left.slug, 1, 3), before.right)


def test_invariant_2_a_changed_verdict_comes_back_once_as_a_change(engine: Engine) -> None:
    """It is reserved by key and version, and is then what readers had last."""
    [one] = pairs(1)
    on_shelf(engine, one)
    with transaction(engine) as session:
        approved(session)
    on_shelf(engine, changed(one), weeks_ago=-1)
    with transaction(engine) as session:
        second = approved(session, WEEK.plus(1))
        third = draft(session, WEEK.plus(2), RULES, NOW + timedelta(weeks=2))

        assert reserved(session) == [one.key, f"{one.key}#2"]
        assert told(session)[one.key].number == second.number
        assert third.issue is None


def test_a_cancelled_issue_gives_its_comparisons_back(engine: Engine) -> None:
    """Nobody had them."""
    on_shelf(engine, *pairs(1))
    with transaction(engine) as session:
        cancel(session, approved(session), NOW)

        assert reserved(session) == []
        assert drafted(session, WEEK.plus(1)).number == 2


def test_a_cancelled_issue_that_some_readers_may_have_keeps_them(engine: Engine) -> None:
    """They would see it twice."""
    on_shelf(engine, *pairs(1))
    with transaction(engine) as session:
        issue = approved(session)
        schedule(session, issue, NOW, NOW)
        step(session, issue, Command.START, NOW)
        cancel(session, issue, NOW, claimed=True)

        assert reserved(session) == ["a00-vs-b00"]
        assert frozen(session, issue, digest_of)
        said = "stays cancelled because some readers may have it.$"
        for again in (
            lambda: reopen(session, issue, NOW, claimed=True),
            lambda: reopen(session, issue, NOW),
            lambda: edit(session, issue, Edits(subject="Another"), NOW),
            lambda: draft(session, WEEK, RULES, NOW),
        ):
            with pytest.raises(IllegalStep, match=said):
                again()


def test_a_time_that_is_past_is_refused(engine: Engine) -> None:
    """Approving late never means sending at once."""
    on_shelf(engine, *pairs(1))
    with transaction(engine) as session:
        issue = approved(session)

        with pytest.raises(IssueError, match="2026-11-19 07:59 UTC is past"):
            schedule(session, issue, NOW - timedelta(minutes=1), NOW)
        assert issue.status is IssueStatus.APPROVED


def test_one_render_is_not_frozen_for_two_issues(engine: Engine) -> None:
    """Equal bytes would carry the wrong number to somebody."""
    on_shelf(engine, pairs(2)[0])
    with transaction(engine) as session:
        approved(session)
    on_shelf(engine, pairs(2)[1], weeks_ago=-1)
    with transaction(engine) as session:
        second = drafted(session, WEEK.plus(1))
        content = f"{CONTENT} 2026-W47"

        with pytest.raises(IssueError, match="is frozen for another issue already"):
            approve(session, second, digest=digest_of(content), content=content, by="Ada", now=NOW)


def test_a_later_look_finds_the_same_bytes(engine: Engine) -> None:
    """In another transaction, as the dispatcher has it."""
    on_shelf(engine, *pairs(1))
    with transaction(engine) as session:
        approved(session)
    with transaction(engine) as session:
        assert frozen(session, find(session, "weekly", "1"), digest_of) == f"{CONTENT} 2026-W47"
