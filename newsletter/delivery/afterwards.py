"""What follows for a batch once its answer stands in the ledger: a table, pure.

| the batch is | and | then |
|---|---|---|
| claimed | the account is the problem | held for a person |
| claimed | somebody was settled, or it was cut smaller | again: at once, or after as long as the provider asked for |
| claimed | nothing of it was taken | again, after a wait that grows |
| claimed | nothing of it was taken, `TRIES` times | to the other provider; where there is none, the run ends |
| unknown | it was tried fewer than `TRIES` times | by evidence: recovery.py |

Only attempts that settled nobody are counted as tries, and `ATTEMPTS` are enough in any case.
"""

import random
from dataclasses import dataclass

from newsletter.delivery.answers import kinds_of
from newsletter.delivery.batch import BatchStatus
from newsletter.delivery.throttle import back_off
from newsletter.providers.base import Answer, Directive, Outcome

#: How often in one run what was certainly not taken is tried in vain before the run gives up and says so.
TRIES = 3
#: How often one batch is called in one run at most, however little each call settles.
ATTEMPTS = 40


@dataclass(slots=True)
class Tried:
    """What a run remembers of one batch."""

    attempts: int = 0
    in_vain: int = 0  #: in a row

    def note(self, *, moved: bool) -> None:
        """One more attempt; `moved`: it settled somebody, or showed that it has to be cut."""
        self.attempts += 1
        self.in_vain = 0 if moved else self.in_vain + 1

    @property
    def enough(self) -> bool:
        """Whether it makes no sense to go on now."""
        return self.in_vain >= TRIES or self.attempts >= ATTEMPTS


@dataclass(frozen=True, slots=True)
class Then:
    """What to do."""

    again: float | None = None  #: seconds until its next attempt
    hold: float = 0.0  #: seconds in which no call at all is begun
    other: bool = False  #: the next attempt is the other provider's
    ask: bool = False  #: it is in doubt, and evidence is looked for
    give_up: bool = False  #: the run ends


def afterwards(
    status: BatchStatus, answer: Answer, tried: Tried, luck: random.Random, *, moved: bool, other: bool
) -> Then:
    """What follows; `moved` as above, `other`: there is another provider that may take it."""
    if status is BatchStatus.UNKNOWN:
        return Then(ask=not tried.enough)
    if status is not BatchStatus.CLAIMED:
        return Then()
    if tried.enough:
        return Then(again=0.0, other=True) if other else Then(give_up=True)
    if moved and not answer.wait and answer.directive is not Directive.SLOW_DOWN:
        return Then(again=0.0)
    seconds = answer.wait if moved and answer.wait else back_off(max(0, tried.in_vain - 1), answer.wait, luck)
    return Then(again=seconds, hold=seconds)  # what one call was told holds for the next as well


def is_silence(answer: Answer) -> bool:
    """Whether a provider that is asked again may say more: it has said nothing, or "not now". A refusal is its word."""
    silent = kinds_of(answer.receipts) <= {Outcome.UNKNOWN, Outcome.RETRY}
    return silent and answer.directive is not Directive.SPLIT
