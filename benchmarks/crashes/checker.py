"""The one judge of every fault: the provider's own log against the ledger."""

from collections.abc import Mapping
from dataclasses import astuple, dataclass

from sqlmodel import Session, col, select

from newsletter.delivery.addressing import Addressing
from newsletter.delivery.batch import Batch, Delivery, DeliveryException
from subscribers.subscriber import Status, Subscriber

CLOSED = ("accepted", "refused", "unknown")


@dataclass(frozen=True)
class Verdict:
    """Counts of people; all but `held` and `asked` must be 0."""

    doubled: int = 0  #: mailed more than once
    lost: int = 0  #: to be mailed, and neither closed nor shown as unknown, or an issue that never ends
    lied: int = 0  #: accepted and not mailed, or refused and mailed, or a sum that does not add up
    held: int = 0  #: unknown: shown, and not sent again without evidence
    asked: int = 0  #: not people: how often it went on only on an operator's word

    def __add__(self, other: "Verdict") -> "Verdict":
        """Both together."""
        return Verdict(*(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))

    @property
    def clean(self) -> bool:
        """Nobody twice, nobody lost, no lie."""
        return not (self.doubled or self.lost or self.lied)


def judge(ledger: Mapping[str, str], mailed: Mapping[str, int], *, ended: bool, adds_up: bool) -> Verdict:
    """`ledger`: the state of each delivery by its key; `mailed`: how often the provider mailed it."""
    lies = sum(
        (state == "accepted" and not mailed.get(key)) or (state == "refused" and bool(mailed.get(key)))
        for key, state in ledger.items()
    )
    return Verdict(
        doubled=sum(times > 1 for times in mailed.values()),
        lost=sum(state not in CLOSED for state in ledger.values()) + (not ended),
        lied=lies + len(set(mailed) - set(ledger)) + (not adds_up),
        held=sum(state == "unknown" for state in ledger.values()),
    )


def ledger_of(session: Session, addressing: Addressing) -> dict[str, str]:
    """The state of everybody who was to be mailed, by the key that the provider saw."""
    refs = {person.id: person.ref for person in session.exec(select(Subscriber)) if person.status is Status.ACTIVE}
    states = {addressing.key(ref): "forgotten" for ref in refs.values()}
    issue = addressing.issue_id
    rows = (
        select(Delivery.subscriber_id, Batch.status)
        .join(Batch, col(Batch.id) == col(Delivery.batch_id))
        .where(Delivery.issue_id == issue)
    )
    states |= {addressing.key(refs[who]): str(status) for who, status in session.exec(rows)}
    exceptions = select(DeliveryException).where(DeliveryException.issue_id == issue)
    return states | {addressing.key(refs[one.subscriber_id]): str(one.outcome) for one in session.exec(exceptions)}
