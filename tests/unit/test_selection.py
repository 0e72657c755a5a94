"""Which comparisons make an issue, and the sentence for each."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from issue_samples import NOW, WEEK, ZONE, candidate, comparisons, pair, pairs, told_in, tool

from newsletter.comparisons.comparison import Comparison
from newsletter.config import Selection
from newsletter.issues.candidates import Candidate, Selected, Shown
from newsletter.issues.composition import ItemKind
from newsletter.issues.edits import Edits
from newsletter.issues.selection import select
from newsletter.issues.week import Week, window


def chosen_from(
    candidates: Sequence[Candidate],
    edits: Edits | None = None,
    shown: Sequence[Shown] = (),
    now: datetime = NOW,
    week: Week = WEEK,
    **rules: Any,
) -> Selected:
    """The selection for the sample week, by these rules."""
    settings_ = Selection(**{"fewest": 1, **rules})
    return select(candidates, week=week, zone=ZONE, now=now, rules=settings_, edits=edits, shown=shown)


def keys(selected: Selected) -> list[str]:
    """The items, in order."""
    return [item.key for item in selected.items]


def reason(selected: Selected, comparison: Comparison) -> str:
    """The sentence for this comparison."""
    return next(decision.reason for decision in selected.decisions if decision.key == comparison.key)


def test_the_new_comparisons_of_the_week_are_chosen() -> None:
    """What was first seen in the week is in it, and says so."""
    [one] = pairs(1)
    selected = chosen_from([candidate(one)])

    assert keys(selected) == [one.key]
    assert reason(selected, one) == "the lead: new this week"


def test_what_is_first_seen_at_the_end_of_the_window_belongs_to_the_next_week() -> None:
    """The window is half-open."""
    [one] = pairs(1)
    end = window(WEEK, ZONE)[1]
    selected = chosen_from([Candidate(one, 1, 1, end, end)], now=end + timedelta(days=9))

    assert "first seen in 2026-W48, after this issue's time" in reason(selected, one)


def test_what_is_first_seen_after_now_is_not_chosen() -> None:
    """What is seen in the very instant of drafting is in: a job collects and drafts by one clock."""
    [one] = pairs(1)
    later = NOW + timedelta.resolution
    selected = chosen_from([Candidate(one, 1, 1, later, later)])

    assert not selected.items
    assert chosen_from([Candidate(one, 1, 1, NOW, NOW)]).items


def test_a_late_arrival_is_carried_over_after_the_new_ones() -> None:
    """First seen earlier and in no issue yet: it comes after the new ones and says from which week."""
    late, new = pair(tool("a", 0, 4), "b"), pair("c", "d")
    selected = chosen_from([candidate(late, weeks_ago=2), candidate(new)])

    assert keys(selected) == [new.key, late.key]
    assert reason(selected, late) == "carried over from 2026-W45"


@pytest.mark.parametrize(("weeks_ago", "inside"), [(4, True), (5, False)])
def test_a_late_arrival_is_kept_for_keep_weeks(weeks_ago: int, *, inside: bool) -> None:
    """Then it is left out with a sentence, not in silence."""
    old, new = pairs(2)
    selected = chosen_from([candidate(old, weeks_ago=weeks_ago), candidate(new)], keep_weeks=4)

    assert (old.key in keys(selected)) is inside
    assert inside or reason(selected, old) == (
        "left out: first seen in 2026-W42; what is unused is kept for four weeks"
    )


def test_what_readers_had_is_not_chosen_again() -> None:
    """Also where its date says that it is new: the ledger decides, not the clock."""
    had, new = pairs(2)
    selected = chosen_from([candidate(had, told=told_in(had)), candidate(new)])

    assert keys(selected) == [new.key]
    assert reason(selected, had) == "left out: it was in issue 8 (2026-W43), and its verdicts have not changed"


def test_changed_words_with_the_same_verdicts_are_no_news() -> None:
    """A new version alone is not a reason."""
    before, new = pairs(2)
    after = pair(tool("a00", description="Told in other words."), "b00")
    selected = chosen_from([candidate(after, told=told_in(before), version=2), candidate(new)])

    assert keys(selected) == [new.key]


def test_a_changed_verdict_is_an_item_of_its_own_kind() -> None:
    """It names what it was and what it is, and comes after the news."""
    before, after, new = pair("a", "b"), pair(tool("a", 2, 2), "b"), pair("c", "d")
    selected = chosen_from([candidate(after, told=told_in(before), version=2), candidate(new)])

    assert [(item.key, item.kind) for item in selected.items] == [
        (new.key, ItemKind.LEAD),
        (after.key, ItemKind.CHANGE),
    ]
    assert selected.items[1].before == before
    assert reason(selected, after) == "verdict changed since issue 8 (2026-W43): A was ship and is mixed"


def test_a_change_that_another_issue_told_is_no_news() -> None:
    """The same tool was shown since, in another comparison, with the verdict that it has now."""
    before, after, other = pair("a", "b"), pair(tool("a", 2, 2), "b"), pair(tool("a", 2, 2), "c")
    known = [
        candidate(after, told=told_in(before, weeks_ago=9, number=3), version=2),
        candidate(other, told=told_in(other, weeks_ago=5, number=7)),
    ]
    selected = chosen_from(known)

    assert not selected.items
    assert reason(selected, after) == (
        "left out: it was in issue 3 (2026-W38), and issue 7 (2026-W42) told its change of verdict"
    )


def test_a_change_after_the_issues_time_waits() -> None:
    """An issue of an earlier week does not know the future."""
    before, after = pair("a", "b"), pair(tool("a", 2, 2), "b")
    late = Candidate(after, 2, 2, NOW - timedelta(weeks=5), NOW + timedelta(hours=1), told_in(before))

    assert "verdict changed after this issue's time" in reason(chosen_from([late]), after)


def test_changes_fill_at_most_half_of_an_issue_while_new_ones_wait() -> None:
    """A review of everything at once does not push out the news."""
    changes = [candidate(pair(tool(f"x{n}", 1, 3), f"y{n}"), told=told_in(pair(f"x{n}", f"y{n}"))) for n in range(5)]
    selected = chosen_from([*changes, *map(candidate, pairs(5))], most=4)

    assert [item.kind for item in selected.items].count(ItemKind.CHANGE) == 2


def test_changes_take_the_places_that_nothing_new_wants() -> None:
    """Half is a limit only while somebody waits."""
    changes = [candidate(pair(tool(f"x{n}", 1, 3), f"y{n}"), told=told_in(pair(f"x{n}", f"y{n}"))) for n in range(5)]

    assert len(chosen_from([*changes, candidate(pairs(1)[0])], most=4).items) == 4


def test_a_change_does_not_wait_until_its_tool_has_rested() -> None:
    """Who read of the tool two weeks ago is who should know."""
    before, after = pair("a", "b"), pair(tool("a", 2, 2), "b")
    change = candidate(after, told=told_in(before, weeks_ago=2), version=2)
    shown = [Shown("a", WEEK.plus(-2), 11)]

    assert keys(chosen_from([change], shown=shown)) == [after.key]


def test_the_issue_holds_no_more_than_its_maximum() -> None:
    """And who did not fit is told the number."""
    selected = chosen_from([candidate(one) for one in pairs(5)], most=3)

    assert len(selected.items) == 3
    assert [decision.reason for decision in selected.decisions if not decision.chosen] == [
        "left out: the issue is full (3)"
    ] * 2


def test_a_tool_is_shown_once_in_an_issue() -> None:
    """The better of its comparisons is taken."""
    plain_, contrast = pair("a", "b"), pair("a", tool("c", 0, 4))
    selected = chosen_from([candidate(plain_), candidate(contrast)])

    assert keys(selected) == [contrast.key]
    assert reason(selected, plain_) == "left out: A is in this issue already (at most once)"


def test_a_tool_may_be_shown_as_often_as_the_rules_say() -> None:
    """`most_per_tool` counts items that show it."""
    three = [candidate(pair("a", other)) for other in ("b", "c", "d")]

    assert len(chosen_from(three, most_per_tool=2).items) == 2


@pytest.mark.parametrize(("weeks_ago", "inside"), [(1, False), (3, False), (4, True)])
def test_a_tool_rests_after_it_was_shown(weeks_ago: int, *, inside: bool) -> None:
    """For `tool_rest_weeks` weeks after its issue."""
    selected = chosen_from([candidate(pair("a", "b"))], shown=[Shown("a", WEEK.plus(-weeks_ago), 11)])

    assert bool(selected.items) is inside


def test_a_resting_tool_is_explained_with_issue_and_rest() -> None:
    """Numbers as an editor would say them."""
    selected = chosen_from([candidate(pair("patchwork", "b"))], shown=[Shown("patchwork", WEEK.plus(-2), 11)])

    assert selected.decisions[0].reason.startswith("left out: ")
    [refused] = chosen_from(
        [candidate(pair("patchwork", "b")), candidate(pair("c", "d"))],
        shown=[Shown("patchwork", WEEK.plus(-2), 11)],
    ).decisions[1:]
    assert refused.reason == "left out: Patchwork was in issue 11 two weeks ago (rests three weeks)"


def test_a_tool_rests_before_a_later_issue_too() -> None:
    """An issue that is drafted after its successor does not repeat what that one shows."""
    selected = chosen_from([candidate(pair("a", "b"))], shown=[Shown("a", WEEK.plus(1), 13)])

    assert (
        "A is in issue 13 of 2026-W48"
        in chosen_from([candidate(pair("a", "b")), candidate(pair("c", "d"))], shown=[Shown("a", WEEK.plus(1), 13)])
        .decisions[1]
        .reason
    )
    assert not selected.items


def test_a_category_has_its_cap() -> None:
    """Only where one is set; a pair that spans two categories counts in both."""
    games = [candidate(pair(tool(f"g{n}", category="Games"), tool(f"h{n}", category="Games"))) for n in range(3)]
    selected = chosen_from(games, most_per_category=2)

    assert len(selected.items) == 2
    assert selected.decisions[2].reason == "left out: Games has its share of this issue (at most two items)"


def test_a_quiet_week_is_skipped_and_says_so() -> None:
    """The default: nothing goes out, and every comparison says that it waits."""
    one, two = pairs(2)
    selected = chosen_from([candidate(one), candidate(two)], fewest=3)

    assert not selected.items
    assert selected.quiet == "No issue for 2026-W47: only two comparisons are ready, and an issue needs three items."
    assert reason(selected, one).startswith("left out: no issue for 2026-W47: only two")


def test_a_quiet_week_can_be_a_short_issue() -> None:
    """`carry`: what there is goes out."""
    assert len(chosen_from([candidate(one) for one in pairs(2)], fewest=3, quiet_week="carry").items) == 2


def test_a_quiet_week_can_be_filled_with_older_ones() -> None:
    """`fill`: only as many as an issue needs, and they say where they are from."""
    new, *old = pairs(5)
    shelf = [candidate(new), *(candidate(one, weeks_ago=8) for one in old)]
    selected = chosen_from(shelf, fewest=3, quiet_week="fill")

    assert len(selected.items) == 3
    assert reason(selected, old[0]).startswith("fills a quiet week; first seen in 2026-W39")


def test_older_ones_do_not_fill_a_week_that_has_enough() -> None:
    """The oldest stay where they are."""
    *new, old = pairs(4)
    shelf = [*(candidate(one) for one in new), candidate(old, weeks_ago=8)]

    assert old.key not in keys(chosen_from(shelf, fewest=3, quiet_week="fill"))


@pytest.mark.parametrize("policy", ["skip", "carry", "fill"])
def test_a_week_with_nothing_at_all_has_no_issue(policy: str) -> None:
    """Whatever the policy: an empty mail is never the answer."""
    selected = chosen_from([], quiet_week=policy)

    assert selected.quiet == "No issue for 2026-W47: no comparison is ready, and an issue needs one item."


def test_a_pin_overrides_rest_and_caps_and_says_so() -> None:
    """The editor knows why; the reader of the log should too."""
    resting, new = pair("a", "b"), pair("c", "d")
    selected = chosen_from(
        [candidate(resting), candidate(new)], Edits(pins=(resting.key,)), shown=[Shown("a", WEEK.plus(-2), 11)]
    )

    assert keys(selected) == [resting.key, new.key]
    assert reason(selected, resting) == (
        "the lead: pinned by the editor (new this week), although A was in issue 11 two weeks ago (rests three weeks)"
    )


def test_pins_take_their_places_first_and_pass_the_maximum() -> None:
    """Nobody else gets a place then."""
    *pinned, other = pairs(4)
    selected = chosen_from(
        [candidate(one) for one in (*pinned, other)], Edits(pins=tuple(p.key for p in pinned)), most=2
    )

    assert set(keys(selected)) == {one.key for one in pinned}
    assert sum("although the issue is full (2)" in decision.reason for decision in selected.decisions) == 1


def test_a_pin_brings_in_what_is_too_old() -> None:
    """Age is a cap, too."""
    [old] = pairs(1)

    assert keys(chosen_from([candidate(old, weeks_ago=30)], Edits(pins=(old.key,)))) == [old.key]


def test_a_pin_does_not_repeat_what_readers_had() -> None:
    """Invariant 2 is not the editor's to break."""
    [had] = pairs(1)
    selected = chosen_from([candidate(had, told=told_in(had))], Edits(pins=(had.key,)))

    assert not selected.items
    assert reason(selected, had).startswith("left out: pinned, but it was in issue 8")


def test_a_drop_is_absolute() -> None:
    """Also against a pin of the same comparison."""
    out, new = pairs(2)
    selected = chosen_from([candidate(out), candidate(new)], Edits(pins=(out.key,), drops=(out.key,), lead=out.key))

    assert keys(selected) == [new.key]
    assert reason(selected, out) == "left out: dropped by the editor"


def test_the_order_is_pins_then_the_editors_then_the_rules() -> None:
    """What the editor did not name follows as the rules have it."""
    a, b, c, d = pairs(4)
    selected = chosen_from([candidate(one) for one in (a, b, c, d)], Edits(pins=(d.key,), order=(c.key,)))

    assert keys(selected) == [d.key, c.key, a.key, b.key]


def test_the_editors_lead_leads() -> None:
    """Before any pin, and it is in even if the rules would leave it out."""
    a, b, c = pairs(3)
    selected = chosen_from([candidate(a), candidate(b), candidate(c, weeks_ago=20)], Edits(pins=(b.key,), lead=c.key))

    assert keys(selected) == [c.key, b.key, a.key]
    assert selected.items[0].kind is ItemKind.LEAD


def test_a_change_of_verdict_cannot_lead_and_a_note_says_so() -> None:
    """The lead is read in full; a change is told against what was."""
    before, after, new = pair("a", "b"), pair(tool("a", 2, 2), "b"), pair("c", "d")
    selected = chosen_from([candidate(after, told=told_in(before)), candidate(new)], Edits(lead=after.key))

    assert selected.items[0].key == new.key
    assert f"{after.key} is a change of verdict, which cannot be the lead." in selected.notes


def test_a_disagreement_makes_a_better_lead_than_two_ships() -> None:
    """A reader opens for a decision."""
    level, contrast, tie = pair("a", "b"), pair("y", tool("z", 0, 4)), pair("m", tool("n", 2, 2))

    assert keys(chosen_from([candidate(level), candidate(tie), candidate(contrast)])) == [
        contrast.key,
        tie.key,
        level.key,
    ]


def test_more_voices_make_a_better_lead() -> None:
    """Equal verdicts, more reviews to quote."""
    few, many = pair("a", "b"), pair(tool("y", 7), tool("z", 7))

    assert keys(chosen_from([candidate(few), candidate(many)])) == [many.key, few.key]


def test_a_cut_page_leads_only_if_nothing_else_can() -> None:
    """It can be a brief at any time, also a pinned one."""
    cut, whole = pair("a", tool("b", 0, 4), truncated=True), pair("c", "d")
    pinned = Edits(pins=(cut.key,))

    assert keys(chosen_from([candidate(cut), candidate(whole)], pinned)) == [whole.key, cut.key]
    assert chosen_from([candidate(cut)]).items[0].kind is ItemKind.LEAD


def test_equal_interest_is_parted_by_the_key() -> None:
    """Arbitrary, and the same every time."""
    assert keys(chosen_from([candidate(one) for one in reversed(pairs(3))])) == [
        "a00-vs-b00",
        "a01-vs-b01",
        "a02-vs-b02",
    ]


def test_two_tools_of_one_name_are_pointed_out() -> None:
    """Names repeat across tools: a question for the editor, no rule."""
    twins = [candidate(pair(tool("a", name="Codex 2.0"), "b")), candidate(pair(tool("c", name="Codex  2.0"), "d"))]

    assert chosen_from(twins).notes == ("a and c have the same name, Codex  2.0. Is one a duplicate?",)


def test_an_edit_without_effect_is_pointed_out() -> None:
    """It is kept, but the editor should know."""
    [one] = pairs(1)

    assert chosen_from([candidate(one)], Edits(order=("gone-vs-home",))).notes == (
        "gone-vs-home is named in the edits and is not in this issue.",
    )


@st.composite
def shelves(draw: st.DrawFn) -> list[Candidate]:
    """A shelf of comparisons of few tools, some of them told, some changed since."""
    found = []
    for one in draw(st.lists(comparisons, max_size=14, unique_by=lambda one: one.key)):
        weeks_ago = draw(st.integers(-1, 7))
        had = draw(st.sampled_from([None, one, pair(one.left.slug, one.right.slug)]))
        told = told_in(had, draw(st.integers(1, 9)), 5) if had else None
        found.append(candidate(one, weeks_ago=weeks_ago, told=told, version=draw(st.sampled_from([1, 2]))))
    return found


POLICIES = st.sampled_from(["skip", "carry", "fill"])


@settings(max_examples=60, deadline=None)
@given(shelf=shelves(), policy=POLICIES, random=st.randoms(), pins=st.integers(0, 3))
def test_selection_never_repeats_and_does_not_depend_on_order(
    shelf: list[Candidate], policy: str, random: Any, pins: int
) -> None:
    """Whatever the shelf: the same result for any order of it, and a reason for everything."""
    edits = Edits(pins=tuple(one.key for one in shelf[:pins]))
    selected = chosen_from(shelf, edits, quiet_week=policy, fewest=3, most=5)
    random.shuffle(shelf)

    assert selected == chosen_from(shelf, edits, quiet_week=policy, fewest=3, most=5)
    assert sorted(decision.key for decision in selected.decisions) == sorted(one.key for one in shelf)
    assert len(set(keys(selected))) == len(selected.items) <= 5
    told = {one.key for one in shelf if one.told}
    assert all((item.key in told) == (item.kind is ItemKind.CHANGE) and bool(item.changed) == (item.key in told)
               for item in selected.items)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(shelf=shelves())
def test_without_pins_no_tool_is_shown_twice(shelf: list[Candidate]) -> None:
    """The cap holds for verdict changes, too."""
    slugs = [tool_.slug for item in chosen_from(shelf).items for tool_ in item.comparison.tools]

    assert len(slugs) == len(set(slugs))
