"""What a day at the provider is like: which calls meet trouble, and who is refused or put off. Pure.

A day is named in the path of a call (or in the sender's domain): "plain", or a family and a seed, like "bad-17". The
same name makes the same day again.

| family | what happens |
|---|---|
| `bad` | half of all calls meet some trouble of any kind, a tenth of the people are refused |
| `pieces` | a call is refused as a whole while a marked address is in it; a third of the answers are lost |
| `partial` | in one answer some are accepted, some "not now", some refused; a fifth of the calls meet trouble besides |
| `throttled` | two calls in three are told to slow down |
"""

import random
from dataclasses import dataclass
from functools import lru_cache

#: Trouble → whether the call is taken all the same, and what is answered.
TROUBLES = {
    "drop": (False, "reset"),
    "take, then reset": (True, "reset"),
    "take late": (True, "late"),
    "not now": (False, "throttled"),
    "half an answer": (True, "half"),
    "nonsense": (True, "nonsense"),
    "nonsense, not taken": (False, "nonsense"),
    "an error after taking": (True, "error"),
    "an error": (False, "error"),
    "stall": (True, "stall"),
    "stall, not taken": (False, "stall"),
    "an error inside a 200": (False, "inside"),
    "the account is at fault": (False, "account"),
}
LOST = ("drop", "take, then reset", "take late", "half an answer", "nonsense", "an error after taking", "an error")


@dataclass(frozen=True)
class Day:
    """Shares are of calls or of people, from 0 to 1."""

    name: str
    trouble: float = 0.0
    troubles: tuple[str, ...] = tuple(TROUBLES)
    marked: float = 0.0  #: people in whose company nobody is taken
    refused: float = 0.0
    later: float = 0.0  #: "not now", at this call

    def meets(self, call: str) -> str:
        """The trouble that this call meets; empty for none."""
        luck = random.Random(f"{self.name} {call}")
        return luck.choice(self.troubles) if luck.random() < self.trouble else ""

    def word(self, who: str, call: str) -> str:
        """What becomes of this person in this call: refused for good, put off for now, or accepted."""
        if random.Random(f"{self.name} refused {who}").random() < self.refused:
            return "refused"
        put_off = random.Random(f"{self.name} later {who} {call}").random() < self.later
        return "retry" if put_off else "accepted"

    def is_marked(self, who: str) -> bool:
        """Whether no call with this person in it is taken."""
        return random.Random(f"{self.name} marked {who}").random() < self.marked


FAMILIES = {
    "plain": Day("plain"),
    "bad": Day("", trouble=0.5, refused=0.1),
    "pieces": Day("", trouble=0.33, troubles=LOST, marked=0.08),
    "partial": Day("", trouble=0.2, troubles=(*LOST, "not now"), refused=0.1, later=0.3),
    "throttled": Day("", trouble=0.67, troubles=("not now",)),
}


@lru_cache
def day_of(name: str) -> Day:
    """The day of this name. Raises KeyError for a family that is none."""
    family = FAMILIES[name.partition("-")[0]]
    return Day(name, family.trouble, family.troubles, family.marked, family.refused, family.later)
