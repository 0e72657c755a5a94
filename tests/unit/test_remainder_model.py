"""A call is settled person by person, its rest sent alone: it holds in every state, and each rule of it is needed."""

from pathlib import Path

import pytest
from ledger_model import CAPABILITIES
from model_checker import build, holds
from remainder_model import GUARDS, Rules, explore

TWICE, LIE = "invariant 5", "the ledger lies"
NOT_SENT, NOT_PARTIAL = "called sent that somebody has not got", "called partial that everybody has"

#: Without this guard, with a provider that can do this, this breaks, and so many steps lead there.
NEEDED = [
    ("settled_are_set_apart", "neither", TWICE, 5),
    ("rest_has_its_own_key", "key", LIE, 6),
    ("pieces_have_their_own_keys", "key", LIE, 7),
    ("doubt_keeps_its_call", "key", TWICE, 5),
    ("doubt_is_durable", "key", TWICE, 8),
    ("piece_proves_only_itself", "key", LIE, 10),
    ("lost_piece_is_doubt", "neither", TWICE, 8),
    ("lost_piece_is_doubt", "key", TWICE, 9),
    ("event_holds_the_rest", "neither", TWICE, 5),
    ("events_come_first", "neither", TWICE, 5),
    ("look_up_is_by_person", "look-up", TWICE, 6),
    ("word_is_by_person", "neither", TWICE, 6),
    ("evidence_only_closes_doubt", "neither", TWICE, 6),
    ("last_doubt_ends_it", "neither", NOT_PARTIAL, 5),
    ("refusal_keeps_it_partial", "neither", NOT_SENT, 5),
]

MODEL = Path(__file__).parents[2] / "docs" / "remainder.pml"
#: The same in Promela: what is defined.
MUTANTS = (
    "NEITHER -DAGAIN_TO_ALL",
    "KEYED -DOLD_KEY",
    "KEYED -DONE_KEY",
    "KEYED -DNEW_CALL_IN_DOUBT",
    "KEYED -DNO_DOUBT",
    "KEYED -DPIECE_PROVES_ALL",
    "NEITHER -DLOST_PIECE_IS_REST",
    "NEITHER -DEVENT_IGNORED",
    "NEITHER -DEVENTS_LATE",
    "LOOKUP -DLOOKUP_AS_A_WHOLE",
    "NEITHER -DWORD_AS_A_WHOLE",
    "NEITHER -DGUESSING",
    "NEITHER -DPARTIAL_FOR_EVER",
    "NEITHER -DSENT_ANYWAY",
)


@pytest.mark.parametrize("capability", CAPABILITIES)
def test_nobody_is_mailed_twice_lost_or_lied_about_person_by_person(capability: str) -> None:
    """Whoever of the two is taken, refused, put off or lost, in whatever order, and whoever dies or speaks."""
    found = explore(Rules(capability))

    assert not found.broken, str(found)
    assert found.states > 4_000


@pytest.mark.parametrize(("guard", "capability", "breach", "length"), NEEDED)
def test_every_rule_about_the_rest_is_needed(guard: str, capability: str, breach: str, length: int) -> None:
    """Without it there is a story that ends badly; this is the shortest."""
    found = explore(Rules(capability, **{guard: False}), only=breach)

    assert breach in found.broken, str(found)
    assert len(found.story) == length, str(found)


def test_no_rule_about_the_rest_is_left_untried() -> None:
    """Each switch of the model stands in the table above."""
    assert {guard for guard, *_ in NEEDED} == set(GUARDS)


def test_a_rest_that_goes_out_under_the_old_key_is_never_mailed() -> None:
    """The provider answers for the call that it knows: "accepted", and nobody of the rest gets anything."""
    found = explore(Rules("key", rest_has_its_own_key=False), only=LIE)

    assert found.story == (
        "is claimed",
        "the provider: A, L for [0, 1]",
        "the answer is recorded",
        "is claimed",
        "the provider repeats its answer for [1]",
        "the answer is recorded",
    )


@pytest.mark.parametrize("define", ["KEYED", "LOOKUP", "NEITHER"])
def test_the_model_checker_agrees_person_by_person(tmp_path: Path, define: str) -> None:
    """The same rules in Promela: nobody twice, nobody lost, no lie, and the issue ends as it should."""
    build(tmp_path, MODEL, define, "-DSAFETY")

    assert holds(tmp_path, "-m100000")


@pytest.mark.parametrize("define", MUTANTS)
def test_the_model_checker_needs_the_same_rules_about_the_rest(tmp_path: Path, define: str) -> None:
    """Without the guard something breaks there too."""
    build(tmp_path, MODEL, define, "-DSAFETY")

    assert not holds(tmp_path, "-m100000")


def test_both_models_take_the_same_guards_away() -> None:
    """One switch in Promela for each in Python."""
    assert len(MUTANTS) == len(GUARDS)
