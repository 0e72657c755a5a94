"""What one run of the dispatcher keeps in mind, and why it ends."""

import math
from collections import defaultdict
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import StrEnum

from newsletter.delivery.afterwards import Tried
from newsletter.delivery.batch import Batch, BatchStatus
from newsletter.delivery.progress import Progress
from newsletter.providers.base import Answer

#: Refusals: from so many on, and above this share, something is wrong with more than single addresses.
REFUSALS, REFUSED_SHARE = 50, 0.2
#: Seconds within which two moments are one to whoever reads of them.
AT_ONCE = 1.0


class Ending(StrEnum):
    """Why a run of the dispatcher ended."""

    DONE = "done"  #: nothing is left to do
    STOPPED = "stopped"  #: it was asked to stop; the next run goes on
    PAUSED = "paused"  #: the issue is not `sending` any more
    REFUSING = "refusing"  #: the provider takes nothing; the next run goes on
    HALTED = "halted"  #: the account is the problem: a person has to mend it
    BREAKER = "breaker"  #: too many refusals, or numbers that do not add up: a person has to look
    CAPPED = "capped"  #: today's share of the warm-up is used up; it goes on tomorrow
    LATER = "later"  #: it is not yet the hour of those who are left; the next run goes on
    STALE = "stale"  #: past its time: a person decides whether the news is still news


@dataclass(slots=True)
class Flight:
    """What is under way, and what is to be tried again."""

    calls: dict[Future[Answer], Batch] = field(default_factory=dict)
    parked: list[tuple[float, Batch]] = field(default_factory=list)  #: not before (monotonic), batch to send again
    asked: list[tuple[float, Batch]] = field(default_factory=list)  #: not before (monotonic), batch to ask about
    state: Progress | None = None
    looked_at: float = -math.inf  #: when `state` was counted (monotonic)
    tried: defaultdict[int, Tried] = field(default_factory=lambda: defaultdict(Tried))  #: by the batch's id
    silent: int = 0  #: calls in a row that ended in a doubt which nobody can close
    doubted: set[int | None] = field(default_factory=set)  #: ids of batches that were in doubt when the run began
    unanswered: str = ""  #: why a call that can be repeated is in doubt still, after all tries: for the next run
    throttled: bool = False  #: the last look at what to claim ended at the throttle
    asked_for_until: float = -math.inf  #: until then (monotonic) a provider has asked to be left alone
    asked_for: str = ""  #: and in which words
    away_until: float = -math.inf  #: until then (monotonic) the second provider sends
    unheard: bool = False  #: the answer to a commit was lost: what it claimed is to be read back
    others: bool = False  #: other dispatchers still have calls of this issue: one that dies leaves work
    ending: Ending | None = None
    reason: str = ""

    def halt(self, ending: Ending, reason: str = "") -> None:
        """No further claim; what is under way is finished. The first reason stays."""
        if self.ending is None:
            self.ending, self.reason = ending, reason

    def why(self, moment: float) -> tuple[str, str]:
        """Why nothing happens before this moment: in a few words, and what the provider said."""
        if moment <= self.asked_for_until + AT_ONCE:
            return "the provider asked for it", self.asked_for
        if self.asked or any(batch.status is not BatchStatus.CLAIMED for _, batch in self.parked):
            return "a call without an answer must be over before it is looked into", ""
        if self.parked:
            return "what was not taken is tried again then", self.parked[0][1].reason
        if self.others and not self.throttled:
            return "other workers have calls under way", ""
        return "the rate of sending.per_second", ""


def suspicious(state: Progress | None, *, refusals: bool = True) -> str:
    """Why nothing more should be sent before a person has looked; empty if all is well."""
    if state is None:
        return "The ledger of this issue is gone."
    if state.to_claim < 0:
        return f"More people were claimed than the {state.list_size} on the list."
    answered = state.accepted + state.refused
    if refusals and state.refused >= REFUSALS and state.refused > answered * REFUSED_SHARE:
        return f"The provider refused {state.refused} of {answered}."
    return ""
