"""What to do with a batch whose answer nobody has: by evidence, and never on a guess.

| the provider … | a batch in doubt is … |
|---|---|
| honours a key | sent again under the same key, once the last attempt cannot be under way any more |
| answers look-ups | asked about, after the same wait; what it certainly does not have is sent again |
| does neither, or is not configured any more | held as unknown, until an event or an operator says what became of it |

Where the clock shows less than at the newest attempt it was set back, and nobody can tell how old a key is: it counts
as forgotten from then on, also when the clock has caught up.

Claims younger than twice the longest request are left alone: their owner may be alive, may post at the last moment
that `calling` allows, and the request may take its time (security reference 3.1, rule 4).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Engine
from sqlmodel import Session

from newsletter.database import reading, transaction
from newsletter.delivery import claims, evidence, ledger
from newsletter.delivery.addressing import Members
from newsletter.delivery.answers import kinds_of
from newsletter.delivery.batch import OPEN, Batch, BatchStatus
from newsletter.delivery.calling import CLOCK_TOLERANCE
from newsletter.providers.base import Capabilities, Outcome, Provider, Receipt

Waiting = tuple[float, Batch]  #: seconds from now, and the batch


@dataclass(slots=True)
class Stock:
    """Open batches, by what may be done with them and when."""

    again: list[Waiting] = field(default_factory=list)  #: safe to send again
    to_look_up: list[Waiting] = field(default_factory=list)  #: the provider can be asked

    def leaves(self, batch: Batch) -> bool:
        """Whether a call ended in a doubt that this run cannot close."""
        return batch.status is BatchStatus.UNKNOWN and not self.again and not self.to_look_up


Known = Mapping[str, Capabilities]  #: what the providers that can be asked are able to do, by name


def take_stock(session: Session, known: Known, found: Iterable[Batch], now: datetime) -> Stock:
    """Sort open batches that nobody else has in hand; what can neither be repeated nor asked about becomes unknown."""
    stock = Stock()
    for batch in found:
        if batch.status is BatchStatus.CLAIMED:
            stock.again.append((0.0, batch))
        else:
            place(stock, session, known, batch, now)
    return stock


def place(stock: Stock, session: Session, known: Known, batch: Batch, now: datetime) -> None:
    """Put one batch in doubt where it belongs.

    Only the provider that it was handed to can tell: another, or another account, knows nothing of it, and its "nothing
    there" would be no evidence.
    """
    can = known.get(batch.provider)
    if can is None:
        ledger.doubt(session, batch)
        return
    longest = 2 * can.longest_request  # it may be posted late, and then take its time
    rest = min(max(batch.attempted_at + longest - now, timedelta()), longest).total_seconds()
    keyed = can.remembers_keys_for
    if keyed and now < batch.attempted_at - CLOCK_TOLERANCE:
        ledger.lose_age(session, batch, now - keyed)
        keyed = None
    if keyed:
        stock.again.append((rest, batch))
    elif can.answers_look_ups:
        stock.to_look_up.append((rest, batch))
    else:
        ledger.doubt(session, batch)


@dataclass(frozen=True, slots=True)
class Outlook:
    """That the next run settles a doubt by itself."""

    when: datetime  #: not before
    by_asking: bool  #: by a look-up; else it is sent again under its key


def outlook(known: Known, batch: Batch, now: datetime) -> Outlook | None:
    """Whether the next run can settle the doubt about this batch by itself, and from when on. None: it cannot."""
    can = known.get(batch.provider)
    if can is None or batch.status not in OPEN:
        return None
    over = batch.attempted_at + 2 * can.longest_request
    if can.remembers_keys_for:
        good_until = (batch.keyed_at or batch.claimed_at) + can.remembers_keys_for - can.longest_request
        return Outlook(over, by_asking=False) if max(now, over) < good_until - CLOCK_TOLERANCE else None
    return Outlook(over, by_asking=True) if can.answers_look_ups else None


def settle(session: Session, batch: Batch, found: Sequence[Receipt], now: datetime) -> BatchStatus:
    """Close a doubt by what a look-up found, and say what the batch is now.

    What it says of everybody is believed, person by person: whoever is there is accepted, and whom the provider
    certainly does not have are sent theirs. Where it does not know of somebody, or denies whom an event has shown, the
    batch stays unknown; but whoever was found is not in doubt any more.
    """
    batch = session.get_one(Batch, batch.id, populate_existing=True)  # events may have come while it was asked about
    whole = len(found) == ledger.handed_over(session, batch) and Outcome.UNKNOWN not in kinds_of(found)
    if whole and not ledger.contradicts(session, batch, found):
        note = f"{len(found)} of {batch.size} deliveries looked up"
        ledger.record_found(session, batch, found, now, by="look-up", note=note)
    else:
        ledger.doubt(session, batch)
        evidence.prove_some(session, batch, found, now, by="look-up")
    return session.get_one(Batch, batch.id, populate_existing=True).status


def members_of(engine: Engine, batch: Batch) -> Members:
    """Who is handed over with a batch, read while others write: it was fixed before. Raises DatabaseError."""
    with reading(engine) as session:
        return claims.members(session, batch)


def look_into(
    engine: Engine, provider: Provider, key: Callable[[str], str], batch: Batch, clock: Callable[[], datetime]
) -> Batch | None:
    """Ask the provider about a batch in doubt and write down what it says. Returns it where it may be sent again.

    `key` makes the key of a delivery from a subscriber's ref. An answer about an earlier attempt says nothing of the
    newest: where somebody else has taken the batch up since, nothing is written.
    """
    found = provider.look_up(batch.call_key, [key(member.ref) for member in members_of(engine, batch)])
    with transaction(engine) as session:
        now = session.get_one(Batch, batch.id, populate_existing=True)
        if (now.attempt, now.worker) != (batch.attempt, batch.worker):
            return None
        status = settle(session, batch, found, clock())
        return session.get_one(Batch, batch.id, populate_existing=True) if status is BatchStatus.CLAIMED else None
