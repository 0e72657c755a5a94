"""One address, once in a call: for providers that refuse a repeated address, or key their values by it.

Subscribers are unique by address already; this is for lists that became so by an older rule. Upper and lower case are
one address here, as they are at SendGrid. Who comes second is left out of the call and refused by us, so that nobody
is sent somebody else's links and a thousand are not refused for two.
"""

from collections.abc import Sequence
from dataclasses import replace

from newsletter.mail.columns import Columns
from newsletter.providers.base import Answer, Outcome, OutgoingBatch, Receipt

REASON = "The same address stands in this call already; it is sent there once."


def once_each(recipients: Columns) -> Columns:
    """The same recipients without those whose address came before."""
    again = _again(recipients.addresses)
    return Columns.of([one for at, one in enumerate(recipients) if at not in again]) if again else recipients


def places(recipients: Columns) -> list[int]:
    """Where those whom `once_each` keeps stand among all."""
    again = _again(recipients.addresses)
    return [at for at in range(len(recipients)) if at not in again]


def for_everybody(batch: OutgoingBatch, answer: Answer) -> Answer:
    """The answer to a call that `once_each` shortened, with a receipt for those left out.

    Where it says of the first that nothing was taken, it stays as it is: they wait, or are refused, with the rest.
    """
    again = _again(Columns.of(batch.recipients).addresses)
    if not again or answer.receipts[0].outcome not in (Outcome.ACCEPTED, Outcome.UNKNOWN):
        return answer
    receipts = [
        Receipt(receipt.key, Outcome.REFUSED, reason=REASON) if at in again else receipt
        for at, receipt in enumerate(answer.receipts)
    ]
    return replace(answer, receipts=receipts)


def _again(addresses: Sequence[str]) -> set[int]:
    """The places of addresses that stand further up as well."""
    alike = [address.lower() for address in addresses]
    if len(set(alike)) == len(alike):
        return set()
    first = {address: at for at, address in reversed(list(enumerate(alike)))}
    return {at for at, address in enumerate(alike) if first[address] != at}
