"""What to do with a batch whose answer nobody has: by evidence, and never on a guess.

| the provider … | a batch in doubt is … |
|---|---|
| honours a key | sent again under the same key, once the last attempt cannot be under way any more |
| answers look-ups | asked about, after the same wait; what it certainly does not have is sent again |
| does neither, or is not configured any more | held as unknown, until an event or an operator says what became of it |

Claims younger than twice the longest request are left alone: their owner may be alive, may post at the last moment
that `calling` allows, and the request may take its time (security reference 3.1, rule 4).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import Session

from newsletter.delivery import evidence, ledger
from newsletter.delivery.batch import Batch, BatchStatus
from newsletter.providers.base import Capabilities, Outcome, Receipt

Waiting = tuple[float, Batch]  #: seconds from now, and the batch


@dataclass(slots=True)
class Stock:
    """Open batches, by what may be done with them and when."""

    again: list[Waiting] = field(default_factory=list)  #: safe to send again
    to_look_up: list[Waiting] = field(default_factory=list)  #: the provider can be asked


Known = Mapping[str, Capabilities]  #: what the providers that can be asked are able to do, by name


def take_stock(session: Session, known: Known, issue_id: int, now: datetime) -> Stock:
    """Sort the open batches of an issue; what can neither be repeated nor asked about becomes unknown."""
    stock = Stock()
    for batch in ledger.open_batches(session, issue_id):
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
    over = batch.attempted_at + 2 * can.longest_request  # it may be posted late, and then take its time
    rest = max(0.0, (over - now).total_seconds())
    if can.remembers_keys_for:
        stock.again.append((rest, batch))
    elif can.answers_look_ups:
        stock.to_look_up.append((rest, batch))
    else:
        ledger.doubt(session, batch)


def settle(session: Session, batch: Batch, found: Sequence[Receipt], now: datetime) -> BatchStatus:
    """Close a doubt by what a look-up found, and say what the batch is now.

    Everybody there or refused: closed. Certainly nothing there: it may be sent again, unless an event has shown that
    something was. Anything else stays unknown: a batch of which a part was taken cannot be repeated, and its membership
    does not change; but whoever was found is not in doubt any more.
    """
    batch = session.get_one(Batch, batch.id, populate_existing=True)  # events may have come while it was asked about
    whole = len(found) == ledger.handed_over(session, batch)
    outcomes = {receipt.outcome for receipt in found} if whole else {Outcome.UNKNOWN}
    note = f"{len(found)} of {batch.size} deliveries looked up"
    if outcomes == {Outcome.RETRY} and not batch.proved:
        ledger.resolve(session, batch, BatchStatus.CLAIMED, now, by="look-up", note=note)
    elif outcomes == {Outcome.REFUSED} and not batch.proved:
        ledger.resolve(session, batch, BatchStatus.REFUSED, now, by="look-up", note=note)
    elif outcomes <= {Outcome.ACCEPTED, Outcome.REFUSED}:
        ledger.record_found(session, batch, found, now, by="look-up", note=note)
    else:
        ledger.doubt(session, batch)
        evidence.prove_some(session, batch, found, now, by="look-up")
    return session.get_one(Batch, batch.id, populate_existing=True).status
