"""Consent: evidence of a yes or a no, and the life of a subscriber that follows from it.

    pending ──▶ active ⇄ paused ──▶ unsubscribed          and from there back only by a new yes of the person

Events are added and never changed; the status in `subscriber` is what the newest event says. Suppression is another
matter (suppression.py): it outlives everything here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlmodel import Field, Session, SQLModel, col, select

from subscribers.columns import word
from subscribers.errors import IllegalChange
from subscribers.status import ON_THE_LIST, Status

__all__ = [
    "ALREADY",
    "ON_THE_LIST",
    "STEPS",
    "ConsentEvent",
    "Evidence",
    "Kind",
    "Status",
    "after",
    "events",
    "record",
    "status_at",
]


class Kind(StrEnum):
    """What happened."""

    REQUESTED = "requested"  #: somebody typed the address into a form
    CONFIRMED = "confirmed"  #: the person said yes: by the link, or an operator vouches for it
    IMPORTED = "imported"  #: came with a file, whose operator vouches for their consent
    WITHDRAWN = "withdrawn"  #: the person left
    PAUSED = "paused"
    RESUMED = "resumed"
    CHOSE = "chose"  #: topics, or how often; the wording says which
    RENEWED = "renewed"  #: was asked, and said that they still want it
    LAPSED = "lapsed"  #: was asked after a long silence, and did not answer (sunset.py)
    READDRESSED = "readdressed"  #: another address, confirmed from its own mailbox
    ERASED = "erased"  #: the profile was emptied; the evidence stays without a name


#: What follows from what happened. A pair that is not here is refused.
STEPS: dict[tuple[Status | None, Kind], Status] = {
    (None, Kind.REQUESTED): Status.PENDING,
    (None, Kind.CONFIRMED): Status.ACTIVE,
    (Status.PENDING, Kind.REQUESTED): Status.PENDING,
    (Status.PENDING, Kind.CONFIRMED): Status.ACTIVE,
    (Status.PENDING, Kind.WITHDRAWN): Status.UNSUBSCRIBED,
    (Status.ACTIVE, Kind.PAUSED): Status.PAUSED,
    (Status.ACTIVE, Kind.CHOSE): Status.ACTIVE,
    (Status.ACTIVE, Kind.WITHDRAWN): Status.UNSUBSCRIBED,
    (Status.ACTIVE, Kind.RENEWED): Status.ACTIVE,
    (Status.ACTIVE, Kind.LAPSED): Status.UNSUBSCRIBED,
    (Status.PAUSED, Kind.PAUSED): Status.PAUSED,
    (Status.PAUSED, Kind.RESUMED): Status.ACTIVE,
    (Status.PAUSED, Kind.CHOSE): Status.PAUSED,
    (Status.ACTIVE, Kind.READDRESSED): Status.ACTIVE,
    (Status.PAUSED, Kind.READDRESSED): Status.PAUSED,
    (Status.PAUSED, Kind.WITHDRAWN): Status.UNSUBSCRIBED,
    (Status.PAUSED, Kind.RENEWED): Status.PAUSED,  # to want it is not to end a break
    (Status.PAUSED, Kind.LAPSED): Status.UNSUBSCRIBED,
    (Status.UNSUBSCRIBED, Kind.REQUESTED): Status.PENDING,
    (Status.UNSUBSCRIBED, Kind.READDRESSED): Status.UNSUBSCRIBED,  # a change is undone: to have the address is no yes
    (Status.PENDING, Kind.READDRESSED): Status.UNSUBSCRIBED,  # the same: it was the other address that asked
    (Status.UNSUBSCRIBED, Kind.CONFIRMED): Status.ACTIVE,
}

#: What asks for nothing new: it is a success, changes nothing and leaves no event.
ALREADY: frozenset[tuple[Status, Kind]] = frozenset(
    {
        (Status.ACTIVE, Kind.REQUESTED),
        (Status.ACTIVE, Kind.CONFIRMED),
        (Status.ACTIVE, Kind.RESUMED),
        (Status.PAUSED, Kind.REQUESTED),  # a stranger who types the address must not end a pause
        (Status.PAUSED, Kind.CONFIRMED),
        (Status.UNSUBSCRIBED, Kind.WITHDRAWN),
    }
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where and under which words somebody said so, and who did it where it was not the person."""

    source: str  #: a page's path, a file's name, "command line"
    wording: str = ""  #: version of the words that were agreed to
    by: str = ""


class ConsentEvent(SQLModel, table=True):
    """One piece of evidence. Added, never changed."""

    __tablename__ = "consent_event"

    id: int | None = Field(default=None, primary_key=True)
    subscriber_id: int = Field(foreign_key="subscriber.id", index=True)
    kind: Kind = Field(sa_type=word(Kind))
    status: Status = Field(sa_type=word(Status))  #: what followed from it
    at: datetime
    source: str
    wording: str = ""
    by: str = ""
    fingerprint: str = ""  #: keyed hash of the address that they had then: whoever names it can be shown this evidence


def after(status: Status | None, kind: Kind) -> Status | None:
    """The status that follows, or None where nothing changes. Raises IllegalChange."""
    if status is not None and (status, kind) in ALREADY:
        return None
    if (status, kind) not in STEPS:
        raise IllegalChange(f"A subscriber who is {status or 'not on the list'} cannot be {kind}. Nothing was changed.")
    return STEPS[status, kind]


def record(
    session: Session, who: int, kind: Kind, status: Status, evidence: Evidence, now: datetime, *, print_: str
) -> None:
    """Write down what happened to the subscriber with this id, and the status that followed.

    `print_`: the fingerprint of the address that they have, or had until now.
    """
    session.add(
        ConsentEvent(
            subscriber_id=who,
            kind=kind,
            status=status,
            at=now,
            source=evidence.source,
            wording=evidence.wording,
            by=evidence.by,
            fingerprint=print_,
        )
    )
    session.flush()


def events(session: Session, subscriber_id: int) -> list[ConsentEvent]:
    """The evidence on one subscriber, oldest first."""
    query = select(ConsentEvent).where(ConsentEvent.subscriber_id == subscriber_id)
    return list(session.exec(query.order_by(col(ConsentEvent.id))))


def status_at(evidence: Iterable[ConsentEvent], moment: datetime) -> Status | None:
    """Where the subscriber stood at this moment (aware), by the evidence alone; None before the first event."""
    past = [event for event in evidence if event.at <= moment]
    return max(past, key=lambda event: (event.at, event.id or 0)).status if past else None
