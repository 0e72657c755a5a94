"""Where a subscriber stands. A word alone: whoever only reads a file needs no database for it (ahead.py)."""

from enum import StrEnum


class Status(StrEnum):
    """Where a subscriber stands."""

    PENDING = "pending"  #: has asked, has not confirmed: gets the confirmation and nothing else
    ACTIVE = "active"  #: gets every issue
    PAUSED = "paused"  #: gets nothing until `paused_until`, or until they come back
    UNSUBSCRIBED = "unsubscribed"  #: has left


#: Who has said yes and not left: a break ends by itself.
ON_THE_LIST = (Status.ACTIVE, Status.PAUSED)
