"""What an answer means for a batch. No database: outcomes go in, and what the ledger is to write comes out.

| the attempt … | and the answer has … | the batch is … | rows of their own get |
|---|---|---|---|
| may have been taken before | nobody accepted | unknown | nobody: a refusal proves nothing now |
| may have been taken before | somebody accepted | accepted | refused ones; all others: unknown |
| any other | nobody known at all | unknown | nobody: in doubt as a whole |
| any other | everybody settled | accepted, or refused if nobody ever was | whoever fared otherwise |
| any other | some certainly not taken | claimed, with these as the remainder | whoever is settled |
| any other | all certainly not taken | claimed, as it was | nobody |

A call that was refused as a whole, perhaps for one address, is cut: the next attempt is two pieces, then twice as many
as were refused, until the pieces that are refused are one person each. Given up is where it is no single address: eight
pieces or more, all refused, and nobody in the batch ever accepted; or where more than `MOST_PIECES` would be needed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from newsletter.delivery.batch import BatchStatus
from newsletter.providers.base import Alike, Outcome, Receipt

#: From so many pieces on, if all are refused, it is the content.
ALL_REFUSED = 8
#: So many calls in one attempt at most: with more bad addresses than half of it in one batch nobody looks further.
MOST_PIECES = 64
NOBODY_KNOWS_WHOSE = "It was refused together with others: nobody knows whose address it was."


@dataclass(frozen=True, slots=True)
class Before:
    """What the ledger knows of the batch when the answer comes."""

    doubtful: bool = False  #: an earlier attempt under the same key ended without an answer
    pieces: int = 0  #: of the attempt that was answered
    accepted: bool = False  #: somebody in it was accepted at an earlier attempt


@dataclass(frozen=True, slots=True)
class Meaning:
    """What to write down."""

    status: BatchStatus
    apart: Sequence[tuple[int, Receipt]] = ()  #: who gets a row, by the place in the answer
    pieces: int = 0  #: of the next attempt, if there is one
    part: bool = False  #: the next attempt is another call than this one: a new generation
    reason: str = ""  #: why those without a row fare as they do


def meaning(receipts: Sequence[Receipt], before: Before, *, refused_whole: bool = False) -> Meaning:
    """What this answer means; `receipts` is empty where it does not fit those who were handed over.

    `refused_whole`: the call, or a piece of it with more than one person, was refused as a whole (their receipts say
    RETRY).
    """
    kinds = kinds_of(receipts)
    if before.doubtful:
        return _after_doubt(receipts) if Outcome.ACCEPTED in kinds else Meaning(BatchStatus.UNKNOWN, (), before.pieces)
    if kinds <= {Outcome.UNKNOWN}:
        return Meaning(BatchStatus.UNKNOWN, (), before.pieces)
    if Outcome.RETRY not in kinds:
        return _settled(receipts, accepted=before.accepted or Outcome.ACCEPTED in kinds)
    pieces = pieces_next(receipts, before.pieces, refused_whole=refused_whole)
    if refused_whole and _is_hopeless(kinds, before, pieces):
        given_up = [_blamed_on_nobody(one) if one.outcome is Outcome.RETRY else one for one in receipts]
        return _settled(given_up, accepted=before.accepted or Outcome.ACCEPTED in kinds)
    apart = [] if kinds == {Outcome.RETRY} else _otherwise(receipts, Outcome.RETRY)
    why = first_reason([one for one in receipts if one.outcome is Outcome.RETRY] if apart else receipts)
    return Meaning(BatchStatus.CLAIMED, apart, pieces, part=bool(apart) or pieces != before.pieces, reason=why)


def kinds_of(receipts: Sequence[Receipt]) -> set[Outcome]:
    """Which outcomes there are."""
    if isinstance(receipts, Alike):
        return {receipts.outcome}
    return {receipt.outcome for receipt in receipts}


def layout(people: int, pieces: int) -> list[slice]:
    """So many people, in their order, cut into pieces of nearly the same size, none of them empty."""
    number = max(1, min(pieces, people))
    ends = [-(-people * at // number) for at in range(number + 1)]
    return [slice(start, end) for start, end in pairwise(ends)]


def pieces_next(receipts: Sequence[Receipt], pieces: int, *, refused_whole: bool) -> int:
    """In how many pieces the rest goes out: as many as hold any of it, or twice as many once they are refused."""
    if isinstance(receipts, Alike) or not pieces:
        left = max(1, pieces)
    else:
        cut = layout(len(receipts), pieces)
        left = sum(any(one.outcome is Outcome.RETRY for one in receipts[piece]) for piece in cut)
    wanted = 2 * left if refused_whole else left
    return wanted if wanted > 1 else 0


def _is_hopeless(kinds: set[Outcome], before: Before, pieces: int) -> bool:
    """Whether looking for the one bad address ends here."""
    nobody = not before.accepted and not kinds & {Outcome.ACCEPTED, Outcome.UNKNOWN}
    return pieces > MOST_PIECES or (nobody and before.pieces >= ALL_REFUSED)


def _after_doubt(receipts: Sequence[Receipt]) -> Meaning:
    """A repetition of what may have been taken: "not now" says nothing of the earlier attempt."""
    said = [replace(one, outcome=Outcome.UNKNOWN) if one.outcome is Outcome.RETRY else one for one in receipts]
    return _settled(receipts if isinstance(receipts, Alike) else said, accepted=True)


def _settled(receipts: Sequence[Receipt], *, accepted: bool) -> Meaning:
    """Nobody is left to be handed over."""
    if accepted:
        return Meaning(BatchStatus.ACCEPTED, _otherwise(receipts, Outcome.ACCEPTED), reason=first_reason(receipts))
    reason = first_reason(receipts)
    apart = [
        (place, one)
        for place, one in enumerate(() if isinstance(receipts, Alike) else receipts)
        if (one.outcome, one.reason) != (Outcome.REFUSED, reason)
    ]
    return Meaning(BatchStatus.REFUSED, apart, reason=reason)


def _otherwise(receipts: Sequence[Receipt], usual: Outcome) -> list[tuple[int, Receipt]]:
    if isinstance(receipts, Alike) and receipts.outcome is usual:
        return []
    return [(place, one) for place, one in enumerate(receipts) if one.outcome is not usual]


def _blamed_on_nobody(receipt: Receipt) -> Receipt:
    reason = f"{receipt.reason.rstrip('.')}. {NOBODY_KNOWS_WHOSE}" if receipt.reason else NOBODY_KNOWS_WHOSE
    return replace(receipt, outcome=Outcome.REFUSED, reason=reason)


def first_reason(receipts: Sequence[Receipt]) -> str:
    """The first that anybody's receipt gives."""
    some = receipts[:1] if isinstance(receipts, Alike) else receipts
    return next((receipt.reason for receipt in some if receipt.reason), "")
