"""What a fault in a provider's first call does, for every adapter: tests hold the dispatcher to it, a page shows it.

Ten readers, four in the first call (over SMTP: one message of it). Each fault comes once; then all is well.
"""

from dataclasses import dataclass

#: Whose answers speak of single people.
BY_PERSON = ("postmark", "resend", "ses", "smtp")
FAULTS = (
    "500",
    "429",
    "no connection",
    "reset after the body",
    "stall",
    "half a document",
    "page of a proxy",
    "error inside a 200",
)
NOT_TAKEN = ("429", "no connection")


@dataclass(frozen=True)
class Cell:
    """What is seen of one fault at one provider."""

    words: str
    posts: int  #: of what met the fault: more than one only where repeating is safe
    accepted: int  #: of the ten, in the ledger's end state
    refused: int = 0
    unknown: int = 0


AGAIN = Cell("again", 2, 10)
UNDER_ITS_KEY = Cell("by key", 2, 10)
HELD = Cell("held", 1, 6, unknown=4)
ONE_HELD = Cell("one held", 1, 9, unknown=1)
ONE_REFUSED = Cell("one refused", 1, 9, refused=1)


def cell(name: str, fault: str, *, keyed: bool) -> Cell:
    """What is to be seen, for a provider of this name; `keyed`: it honours a key."""
    if fault in NOT_TAKEN:
        return AGAIN
    if fault == "error inside a 200" and name in BY_PERSON:
        return ONE_REFUSED
    if name == "smtp":  # its 554 after the final dot is a 500, and is about one message
        return ONE_REFUSED if fault == "500" else ONE_HELD
    return UNDER_ITS_KEY if keyed else HELD
