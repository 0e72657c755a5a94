"""Drafting from the shelf, and drafting again."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from issue_samples import NOW, PUBLICATION, RULES, WEEK, on_shelf, pair, pairs, tool
from sqlalchemy import Engine
from sqlmodel import Session, select

from newsletter.comparisons.shelf import put
from newsletter.config import Selection
from newsletter.database import transaction
from newsletter.errors import IllegalStep, IssueError
from newsletter.issues.approval import approve, edit
from newsletter.issues.composition import ItemKind
from newsletter.issues.drafting import Rules, composition_of, draft, preview, revise
from newsletter.issues.edits import Edits, drop, pin, with_headline, with_subject
from newsletter.issues.history import shown_tools, told
from newsletter.issues.issue import Issue, IssueStatus, edits_of, items_of
from newsletter.issues.week import window

THREE = Rules(PUBLICATION, Selection(fewest=3))


def drafted(session: Session) -> Issue:
    """The week's issue, from the shelf."""
    issue = draft(session, WEEK, RULES, NOW).issue
    assert issue
    return issue


def keys(session: Session, issue: Issue) -> list[str]:
    """The stored items, in order."""
    return [item.key for item in items_of(session, issue)]


def approve_it(session: Session, issue: Issue) -> None:
    """With bytes of no interest here."""
    approve(session, issue, digest=f"digest {issue.id}", content="content", by="Ada", now=NOW)


def test_the_draft_of_a_week_is_stored_with_its_words(engine: Engine) -> None:
    """Items, subject and preheader; dated on the day on which issues are sent."""
    on_shelf(engine, *pairs(3))
    with transaction(engine) as session:
        made = draft(session, WEEK, RULES, NOW)

        assert made.issue
        assert made.composition
        assert keys(session, made.issue) == [item.key for item in made.composition.items]
        assert (made.issue.subject, made.skipped) == (made.composition.subject, "")
        assert made.issue.date.isoformat() == "2026-11-19"


def test_the_stored_issue_has_the_words_of_the_draft(engine: Engine) -> None:
    """Preview, check and approval read what was stored: also where the shelf went on since."""
    on_shelf(engine, *pairs(2))
    with transaction(engine) as session:
        made = draft(session, WEEK, RULES, NOW)
        put(session, pair(tool("a00", 0, 4), "b00"), now=NOW)

        assert made.issue
        assert composition_of(session, made.issue, PUBLICATION) == made.composition


def test_invariant_1_drafting_again_makes_no_second_issue(engine: Engine) -> None:
    """It takes in what came since."""
    on_shelf(engine, pairs(2)[0])
    with transaction(engine) as session:
        first = drafted(session)
        put(session, pairs(2)[1], now=NOW - timedelta(hours=1))
        again = drafted(session)

        assert first.id == again.id
        assert keys(session, again) == ["a00-vs-b00", "a01-vs-b01"]


def test_invariant_1_holds_however_many_ask_at_once(engine: Engine) -> None:
    """Four hands on one database."""
    on_shelf(engine, *pairs(2))

    def ask(_: int) -> int | None:
        with transaction(engine) as session:
            return drafted(session).id

    with ThreadPoolExecutor(4) as hands:
        made = set(hands.map(ask, range(8)))
    with transaction(engine) as session:
        assert made == {issue.id for issue in session.exec(select(Issue))}


def test_a_quiet_week_makes_nothing_and_says_so(engine: Engine) -> None:
    """The caller records the sentence."""
    on_shelf(engine, *pairs(2))
    with transaction(engine) as session:
        made = draft(session, WEEK, THREE, NOW)

        assert made.skipped.startswith("No issue for 2026-W47: only two comparisons are ready")
        assert (made.issue, made.composition) == (None, None)
        assert not session.exec(select(Issue)).all()


def test_an_issue_that_exists_is_not_unmade_by_a_drop(engine: Engine) -> None:
    """Three became two by the editor's hand: a short issue, not none."""
    on_shelf(engine, *pairs(3))
    with transaction(engine) as session:
        issue = draft(session, WEEK, THREE, NOW).issue
        assert issue
        composition, _ = revise(session, issue, drop(Edits(), "a01-vs-b01", keys(session, issue)), THREE, NOW)

        assert [item.key for item in composition.items] == ["a00-vs-b00", "a02-vs-b02"]


def test_dropping_everything_is_refused(engine: Engine) -> None:
    """An empty mail is never the answer; the sentence says what is."""
    on_shelf(engine, *pairs(1))
    with transaction(engine) as session:
        issue = drafted(session)

        with pytest.raises(IssueError, match="has no items"):
            revise(session, issue, drop(Edits(), "a00-vs-b00", ["a00-vs-b00"]), RULES, NOW)


def test_the_editors_changes_survive_a_redraft(engine: Engine) -> None:
    """Subject, headline and pin are there again, with what came since."""
    on_shelf(engine, *pairs(2))
    with transaction(engine) as session:
        issue = drafted(session)
        edits = with_headline(with_subject(Edits(), "My subject"), "a01-vs-b01", "My headline", keys(session, issue))
        edits = pin(edits, "a01-vs-b01", keys(session, issue))
        edit(session, issue, edits, NOW)
        put(session, pair("x", tool("y", 0, 4)), now=NOW - timedelta(hours=1))
        again = draft(session, WEEK, RULES, NOW)

        assert edits_of(issue) == edits
        assert again.composition
        assert (again.composition.subject, again.composition.items[0].headline) == ("My subject", "My headline")
        assert len(again.composition.items) == 3


def test_a_change_of_words_does_not_change_the_items(engine: Engine) -> None:
    """Nothing new slips in under the editor's hands."""
    on_shelf(engine, *pairs(1))
    with transaction(engine) as session:
        issue = drafted(session)
        put(session, pair("x", "y"), now=NOW - timedelta(hours=1))
        composition, void = revise(session, issue, with_subject(Edits(), "My subject"), RULES, NOW)

        assert [item.key for item in composition.items] == ["a00-vs-b00"]
        assert (issue.subject, void) == ("My subject", "")


@pytest.mark.parametrize("status", [status for status in IssueStatus if status is not IssueStatus.DRAFT])
def test_an_issue_that_is_no_draft_is_not_drafted_again(engine: Engine, status: IssueStatus) -> None:
    """Its words are somebody's decision; the sentence says whether it can be reopened."""
    on_shelf(engine, *pairs(1))
    with transaction(engine) as session:
        issue = drafted(session)
        issue.status = status

        with pytest.raises(IllegalStep, match=f"^Issue 1 .* is {issue.state}\\. "):
            draft(session, WEEK, RULES, NOW)


def test_a_draft_tells_nobody_anything(engine: Engine) -> None:
    """Only what is approved rests and is told."""
    on_shelf(engine, *pairs(1))
    with transaction(engine) as session:
        issue = drafted(session)
        before = told(session), shown_tools(session, WEEK.plus(1), 3)
        approve_it(session, issue)
        after = told(session), shown_tools(session, WEEK.plus(1), 3)

        assert before == ({}, [])
        assert (after[0]["a00-vs-b00"].number, {shown.slug for shown in after[1]}) == (1, {"a00", "b00"})


def test_a_tool_rests_in_the_weeks_after_its_issue(engine: Engine) -> None:
    """Through the database, with the sentence."""
    on_shelf(engine, pair("patchwork", "b"))
    with transaction(engine) as session:
        approve_it(session, drafted(session))
    on_shelf(engine, pair("patchwork", "c"), pair("d", "e"), weeks_ago=-1)
    with transaction(engine) as session:
        made = draft(session, WEEK.plus(1), RULES, NOW + timedelta(weeks=1))
        reasons = {decision.key: decision.reason for decision in made.selected.decisions}

        assert reasons["c-vs-patchwork"] == "left out: Patchwork was in issue 1 one week ago (rests three weeks)"


def test_what_readers_had_before_our_time_is_not_new(engine: Engine) -> None:
    """Only a change of its verdict is."""
    before, after = pair("a", "b"), pair(tool("a", 1, 3), "b")
    with transaction(engine) as session:
        put(session, before, now=NOW - timedelta(days=3), covered=True)
        nothing = draft(session, WEEK, RULES, NOW)
        put(session, after, now=NOW - timedelta(days=1))
        made = draft(session, WEEK, RULES, NOW)

        assert nothing.issue is None
        assert made.composition
        assert [item.kind for item in made.composition.items] == [ItemKind.CHANGE]
        assert made.issue
        assert composition_of(session, made.issue, PUBLICATION) == made.composition


def test_a_preview_changes_nothing(engine: Engine) -> None:
    """The desk may ask at any time."""
    on_shelf(engine, *pairs(2))
    with transaction(engine) as session:
        selected = preview(session, WEEK, RULES, NOW)

        assert len(selected.items) == 2
        assert not session.exec(select(Issue)).all()


def test_a_change_at_the_very_end_of_a_week_is_of_the_next(engine: Engine) -> None:
    """The earlier week has the version that it knew."""
    before, after = pair("a", "b"), pair(tool("a", 1, 3), "b")
    on_shelf(engine, before, weeks_ago=1)
    with transaction(engine) as session:
        put(session, after, now=window(WEEK, PUBLICATION.tz)[0])
        made = draft(session, WEEK.plus(-1), RULES, NOW)

        assert [item.comparison for item in made.selected.items] == [before]


def test_a_past_week_knows_only_what_was_seen_then(engine: Engine) -> None:
    """What came after its window is not in it."""
    on_shelf(engine, pairs(2)[0], weeks_ago=1)
    on_shelf(engine, pairs(2)[1])
    with transaction(engine) as session:
        made = draft(session, WEEK.plus(-1), RULES, NOW)

        assert [item.key for item in made.selected.items] == ["a00-vs-b00"]
