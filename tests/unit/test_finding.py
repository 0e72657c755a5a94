"""What a person types for a comparison, and which one that is."""

import pytest

from newsletter.errors import IssueError
from newsletter.issues.finding import find_key

KNOWN = {
    "forkbeam-vs-patchwork": "Forkbeam vs Patchwork",
    "git-why-vs-mo": "git-why vs Mo",
    "claude-4-vs-minutely": "Claude 4 API: Tool Use vs Minutely",
    "claude-5-vs-gpt-6": "Claude 5 vs GPT 6",
    "gpt-6-vs-modal-run": "GPT 6 vs Modal Run",
}
POSITIONS = ("gpt-6-vs-modal-run", "git-why-vs-mo")


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("git-why-vs-mo", "git-why-vs-mo"),
        (" Git-Why-VS-mo ", "git-why-vs-mo"),
        ("patchwork-vs-forkbeam", "forkbeam-vs-patchwork"),
        ("mo", "git-why-vs-mo"),
        ("git", "git-why-vs-mo"),
        ("claude-4", "claude-4-vs-minutely"),
        ("tool use", "claude-4-vs-minutely"),
        ("Modal", "gpt-6-vs-modal-run"),
        ("#2", "git-why-vs-mo"),
        ("1", "gpt-6-vs-modal-run"),
    ],
)
def test_a_comparison_is_found_by_what_a_person_types(typed: str, key: str) -> None:
    """A key in either order, a slug, a beginning, a part of a name, a place in the issue."""
    assert find_key(typed, KNOWN, positions=POSITIONS) == key


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("claude", "'claude' fits two comparisons: claude-4-vs-minutely and claude-5-vs-gpt-6. Write more"),
        ("gpt-6", "'gpt-6' fits two comparisons: claude-5-vs-gpt-6 and gpt-6-vs-modal-run. Write more"),
        ("gti-why-vs-mo", r"no comparison 'gti-why-vs-mo'. Did you mean git-why-vs-mo\?"),
        ("patchwrk", r"no comparison 'patchwrk'. Did you mean forkbeam-vs-patchwork\?"),
        ("gtp-6", r"Did you mean claude-5-vs-gpt-6 or gpt-6-vs-modal-run\?"),
        ("§", "no comparison '§'. 'newsletter comparisons list' shows"),
        ("", "There is no comparison ''"),
        ("#3", "There is no item 3: the issue has two items."),
        ("0", "There is no item 0"),
    ],
)
def test_what_fits_none_or_several_is_refused_in_one_sentence(typed: str, message: str) -> None:
    """Nothing is guessed: the wrong comparison would be dropped."""
    with pytest.raises(IssueError, match=message):
        find_key(typed, KNOWN, positions=POSITIONS)


def test_a_refusal_lists_five_candidates_at_most() -> None:
    """The rest is counted."""
    many = {f"tool-{at}-vs-zebra": f"Tool {at} vs Zebra" for at in range(8)}

    with pytest.raises(IssueError, match=r"fits eight comparisons: tool-0-\S+, .*tool-4-\S+ and three more\."):
        find_key("tool", many)


def test_a_number_is_no_place_where_there_is_no_issue() -> None:
    """Then it is a part of a name, or nothing."""
    assert find_key("Claude 5", KNOWN) == "claude-5-vs-gpt-6"
    with pytest.raises(IssueError, match="no comparison '#1'"):
        find_key("#1", KNOWN)
