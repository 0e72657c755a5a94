"""The rules of the ledger hold in every state that can be reached, and each of them is needed."""

from pathlib import Path

import pytest
from ledger_model import CAPABILITIES, GUARDS, Rules, explore
from model_checker import build, holds

TWICE, GUESS, LIE = "invariant 5", "invariant 7", "the ledger lies"
LEDGER = Path(__file__).parents[2] / "docs" / "ledger.pml"

#: Without this guard, with a provider that can do this, this breaks, and so many steps lead there.
NEEDED = [
    ("stale_claim_is_doubt", "neither", TWICE, 9),
    ("stale_claim_is_doubt", "look-up", TWICE, 9),
    ("lost_answer_is_doubt", "neither", TWICE, 8),
    ("lost_answer_is_doubt", "key", LIE, 9),
    ("doubt_is_durable", "key", LIE, 10),
    ("age_checked_at_post", "key", TWICE, 11),
    ("age_checked_at_post", "look-up", TWICE, 9),
    ("key_age_has_margin", "key", TWICE, 11),
    ("receipts_are_fenced", "key", LIE, 11),
    ("receipts_are_fenced", "neither", LIE, 11),
    ("recovery_spares_the_young", "look-up", TWICE, 7),
    ("wait_covers_the_request", "look-up", TWICE, 8),
    ("look_up_waits", "look-up", TWICE, 9),
    ("evidence_only_closes_doubt", "neither", TWICE, 9),
]

#: The same in Promela: what is defined, and which claim it breaks.
MUTANTS = [
    ("LOOKUP -DLEASE", "nobody_twice"),
    ("NEITHER -DBLIND_RETRY", "nobody_twice"),
    ("KEYED -DNO_DOUBT", "truthful"),
    ("KEYED -DNO_LATE_CHECK", "nobody_twice"),
    ("KEYED -DNO_MARGIN", "nobody_twice"),
    ("KEYED -DNO_FENCE", "truthful"),
    ("LOOKUP -DHASTY_RECOVERY", "nobody_twice"),
    ("LOOKUP -DSHORT_WAIT", "nobody_twice"),
    ("LOOKUP -DHASTY_LOOKUP", "nobody_twice"),
    ("NEITHER -DGUESSING", "nobody_twice"),
]


@pytest.mark.parametrize("capability", CAPABILITIES)
def test_invariants_5_6_and_7_hold_in_every_state(capability: str) -> None:
    """Nobody twice, nobody lost, no guess, no lie: whoever dies, sleeps, answers late or forgets."""
    found = explore(Rules(capability))

    assert not found.broken, str(found)
    assert found.states > 500


@pytest.mark.parametrize(("guard", "capability", "breach", "length"), NEEDED)
def test_every_rule_is_needed(guard: str, capability: str, breach: str, length: int) -> None:
    """Without it there is a story that ends badly; this is the shortest."""
    found = explore(Rules(capability, **{guard: False}), only=breach)

    assert breach in found.broken, str(found)
    assert len(found.story) == length, str(found)


def test_no_rule_is_left_untried() -> None:
    """Each switch of the model stands in the table above."""
    assert {guard for guard, *_ in NEEDED} == set(GUARDS)


def test_the_classic_lease_doubles_in_these_steps() -> None:
    """The story that every queue with a lease could tell."""
    found = explore(Rules("neither", stale_claim_is_doubt=False), only=TWICE)

    assert found.story == (
        "A claims",
        "A posts",
        "A hears 'accepted'",
        "time passes",
        "the longest request is over",
        "recovery gives the claim back",
        "B claims",
        "B posts",
        "B hears 'accepted'",
    )


def spin(tmp_path: Path, define: str, *claims: str, fair: bool = False) -> list[bool]:
    """Whether each claim holds, by the model checker; skips where it is not installed."""
    build(tmp_path, LEDGER, define, *(["-DNFAIR=3"] if fair else []))
    return [holds(tmp_path, "-a", "-m200000", *(["-f"] if fair else []), "-N", claim) for claim in claims]


@pytest.mark.parametrize("capability", ["KEYED", "LOOKUP", "NEITHER"])
def test_the_model_checker_agrees(tmp_path: Path, capability: str) -> None:
    """The same rules in Promela, with three attempts."""
    assert spin(tmp_path, capability, "nobody_twice", "truthful") == [True, True]


@pytest.mark.parametrize("capability", ["LOOKUP", "NEITHER"])
def test_the_model_checker_sees_every_batch_come_to_an_end(tmp_path: Path, capability: str) -> None:
    """Nobody lost, however unlucky the order, as long as everybody gets a turn."""
    assert spin(tmp_path, capability, "nobody_lost", fair=True) == [True]


@pytest.mark.parametrize(("define", "claim"), MUTANTS)
def test_the_model_checker_needs_the_same_rules(tmp_path: Path, define: str, claim: str) -> None:
    """Without the guard the claim breaks there too."""
    assert spin(tmp_path, define, claim) == [False]
