"""Several changes in one edit: they are made together, or none is."""

import pytest

from newsletter.errors import IssueError
from newsletter.issues.arranging import arrange
from newsletter.issues.edits import Edits, drop

KNOWN = {"forkbeam-vs-patchwork": "Forkbeam vs Patchwork", "git-why-vs-mo": "git-why vs Mo", "a-vs-b": "A vs B"}
ONE, TWO, THREE = KNOWN


def test_lead_pins_drops_and_order_are_one_edit() -> None:
    """Each may be named as a person types it."""
    edits = arrange(Edits(), KNOWN, lead="patchwork", pins=["1"], drops=["a-vs-b"], order=["mo"], positions=[TWO])

    assert edits == Edits(lead=ONE, pins=(ONE, TWO), drops=(THREE,), order=(TWO,))


def test_keys_without_titles_are_taken_as_they_are() -> None:
    """As from the web, where nobody types them."""
    assert arrange(Edits(pins=(ONE,)), list(KNOWN), releases=[ONE]) == Edits()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"pins": [ONE], "drops": ["patchwork"]}, "'pin' and 'drop'"),
        ({"lead": ONE, "drops": [ONE]}, "'lead with' and 'drop'"),
        ({"order": [TWO, ONE], "drops": [ONE]}, "'order' and 'drop'"),
        ({"pins": [ONE], "releases": [ONE]}, "'release' and 'pin'"),
        ({"lead": ONE, "releases": [ONE]}, "'release' and 'lead with'"),
    ],
)
def test_an_edit_that_contradicts_itself_is_refused(asked: dict[str, list[str]], said: str) -> None:
    """Which of the two is meant cannot be known."""
    with pytest.raises(IssueError, match=f"^{said} of {ONE} contradict each other. Nothing was changed.$"):
        arrange(Edits(), KNOWN, **asked)  # type: ignore[arg-type]


def test_a_lead_takes_back_the_drop_of_an_earlier_edit() -> None:
    """Across edits the last word counts, as with a pin."""
    dropped = drop(Edits(), ONE, KNOWN)

    assert arrange(dropped, KNOWN, lead=ONE) == Edits(pins=(ONE,), lead=ONE)
    assert arrange(arrange(dropped, KNOWN, lead=ONE), KNOWN, drops=[ONE]) == Edits(drops=(ONE,))


def test_the_lead_can_be_given_back_to_the_rules() -> None:
    """An empty name; none at all leaves it."""
    led = Edits(pins=(ONE,), lead=ONE)

    assert arrange(led, KNOWN, lead="").lead is None
    assert arrange(led, KNOWN, pins=[TWO]).lead == ONE
