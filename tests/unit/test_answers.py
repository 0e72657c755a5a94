"""What an answer means for a batch, and what follows from it: two tables."""

import random

import pytest

from newsletter.delivery.afterwards import ATTEMPTS, TRIES, Then, Tried, afterwards
from newsletter.delivery.answers import (
    ALL_REFUSED,
    MOST_PIECES,
    NOBODY_KNOWS_WHOSE,
    Before,
    Meaning,
    layout,
    meaning,
    pieces_next,
)
from newsletter.delivery.batch import BatchStatus
from newsletter.providers.base import Alike, Answer, Directive, Outcome, Receipt

A, R, L, U = Outcome.ACCEPTED, Outcome.REFUSED, Outcome.RETRY, Outcome.UNKNOWN
LUCK = random.Random(1)  # noqa: S311 - no secret is made of it
FRESH, DOUBTFUL, PARTLY = Before(), Before(doubtful=True), Before(accepted=True)


def said(*outcomes: Outcome) -> list[Receipt]:
    """Receipts of these outcomes, in this order; a refusal has its own reason."""
    return [Receipt(str(place), one, reason=f"no {place}" if one is R else "") for place, one in enumerate(outcomes)]


TABLE = [
    (FRESH, (A, A), BatchStatus.ACCEPTED, {}, False),
    (FRESH, (A, R, U), BatchStatus.ACCEPTED, {1: R, 2: U}, False),
    (FRESH, (R, R), BatchStatus.REFUSED, {1: R}, False),  # the first reason is the batch's, the other its own
    (FRESH, (R, U), BatchStatus.REFUSED, {1: U}, False),
    (FRESH, (U, U), BatchStatus.UNKNOWN, {}, False),
    (FRESH, (), BatchStatus.UNKNOWN, {}, False),
    (FRESH, (L, L), BatchStatus.CLAIMED, {}, False),
    (FRESH, (A, L), BatchStatus.CLAIMED, {0: A}, True),
    (FRESH, (R, L, U), BatchStatus.CLAIMED, {0: R, 2: U}, True),
    (PARTLY, (R, R), BatchStatus.ACCEPTED, {0: R, 1: R}, False),
    (PARTLY, (U, U), BatchStatus.UNKNOWN, {}, False),
    (DOUBTFUL, (R, R), BatchStatus.UNKNOWN, {}, False),
    (DOUBTFUL, (L, L), BatchStatus.UNKNOWN, {}, False),
    (DOUBTFUL, (A, L, R), BatchStatus.ACCEPTED, {1: U, 2: R}, False),
]


@pytest.mark.parametrize(("before", "outcomes", "status", "apart", "part"), TABLE)
def test_what_an_answer_means(
    before: Before, outcomes: tuple[Outcome, ...], status: BatchStatus, apart: dict[int, Outcome], part: bool
) -> None:
    """One row of the table in answers.py."""
    found = meaning(said(*outcomes), before)

    assert (found.status, {place: one.outcome for place, one in found.apart}, found.part) == (status, apart, part)


@pytest.mark.parametrize("outcome", list(Outcome))
def test_receipts_that_are_alike_mean_what_a_list_of_them_means(outcome: Outcome) -> None:
    """One object for a thousand."""
    assert meaning(Alike(["a", "b"], outcome), FRESH).status is meaning(said(outcome, outcome), FRESH).status


@pytest.mark.parametrize(("people", "pieces"), [(5, 2), (5, 4), (3, 8), (1000, 64), (1, 0)])
def test_pieces_hold_everybody_once_and_none_is_empty(people: int, pieces: int) -> None:
    """In their order, of nearly the same size."""
    sizes = [len(range(people)[piece]) for piece in layout(people, pieces)]

    assert [one for piece in layout(people, pieces) for one in range(people)[piece]] == list(range(people))
    assert max(sizes) - min(sizes) <= 1
    assert min(sizes) > 0


def test_a_call_refused_as_a_whole_goes_out_in_two() -> None:
    """As another call, under another key."""
    assert meaning(Alike(["a", "b"], L), FRESH, refused_whole=True) == Meaning(BatchStatus.CLAIMED, [], 2, part=True)


def test_the_next_attempt_has_twice_as_many_pieces_as_were_refused() -> None:
    """Of four pieces of two, one was accepted and one not called: two are left over, and then four."""
    answer = said(A, A, L, L, A, A, L, L)

    assert pieces_next(answer, 4, refused_whole=True) == 4
    assert pieces_next(answer, 4, refused_whole=False) == 2


def test_where_all_of_eight_pieces_are_refused_it_is_nobodys_address() -> None:
    """The content, perhaps: everybody is refused, and nobody is blamed."""
    receipts = [Receipt(str(one), L, reason="bad request.") for one in range(16)]
    found = meaning(receipts, Before(pieces=ALL_REFUSED), refused_whole=True)

    assert (found.status, found.reason) == (BatchStatus.REFUSED, f"bad request. {NOBODY_KNOWS_WHOSE}")


def test_where_anybody_was_accepted_the_search_goes_on() -> None:
    """Then it is not the content, however many pieces are refused."""
    receipts = said(*[L] * 16)

    assert meaning(receipts, Before(pieces=8, accepted=True), refused_whole=True).pieces == 16
    assert meaning(said(A, A, *[L] * 14), Before(pieces=8), refused_whole=True).pieces == 14


def test_the_search_has_a_bound() -> None:
    """More bad addresses than half the bound in one call: the rest is refused."""
    most = Before(pieces=MOST_PIECES, accepted=True)
    found = meaning(said(A, *[L] * 255), most, refused_whole=True)

    assert (found.status, len(found.apart)) == (BatchStatus.ACCEPTED, 255)


AGAIN = Then(again=0.0)
FOLLOWS = [
    (BatchStatus.CLAIMED, Answer([]), True, AGAIN),
    (BatchStatus.CLAIMED, Answer([], Directive.SPLIT), True, AGAIN),
    (BatchStatus.CLAIMED, Answer([], wait=7.0), True, Then(again=7.0, hold=7.0)),
    (BatchStatus.CLAIMED, Answer([], Directive.SLOW_DOWN, 9.0), True, Then(again=9.0, hold=9.0)),
    (BatchStatus.CLAIMED, Answer([], Directive.SLOW_DOWN, 9.0), False, Then(again=9.0, hold=9.0)),
    (BatchStatus.UNKNOWN, Answer([]), False, Then(ask=True)),
    (BatchStatus.ACCEPTED, Answer([]), False, Then()),
]


@pytest.mark.parametrize(("status", "answer", "moved", "then"), FOLLOWS)
def test_what_follows_an_answer(status: BatchStatus, answer: Answer, moved: bool, then: Then) -> None:
    """Progress is followed at once, unless the provider asked for time."""
    tried = Tried()
    tried.note(moved=moved)

    assert afterwards(status, answer, tried, LUCK, moved=moved, other=True) == then


def test_what_was_not_taken_waits_longer_each_time() -> None:
    """About a second, then about two."""
    waits = [
        afterwards(BatchStatus.CLAIMED, Answer([]), Tried(n, n), LUCK, moved=False, other=False).again for n in (1, 2)
    ]

    assert 0.5 <= waits[0] <= 1 <= waits[1] <= 2


@pytest.mark.parametrize("tried", [Tried(TRIES, TRIES), Tried(ATTEMPTS, 0)])
@pytest.mark.parametrize(("other", "then"), [(True, Then(again=0.0, other=True)), (False, Then(give_up=True))])
def test_after_enough_tries_another_provider_gets_it_or_the_run_ends(tried: Tried, other: bool, then: Then) -> None:
    """In vain three times, or forty attempts however little each of them settled."""
    assert afterwards(BatchStatus.CLAIMED, Answer([]), tried, LUCK, moved=True, other=other) == then


def test_progress_forgets_the_tries_before_it() -> None:
    """Two in vain, one that settled somebody, one in vain: that is one."""
    tried = Tried()
    for moved in (False, False, True, False):
        tried.note(moved=moved)

    assert (tried.in_vain, tried.attempts) == (1, 4)
