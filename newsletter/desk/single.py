"""One mail to one person, letter or notice, and the second provider where the first cannot be reached.

The second gets only what the first certainly did not take (as an issue's calls do: delivery/afterwards.py); what it may
have taken is no other's. An issue waits three tries before that; whoever waits for a single mail does not.
"""

from newsletter.desk.desk import Desk
from newsletter.errors import NewsletterError
from newsletter.providers.base import Answer, Directive, Outcome, OutgoingBatch


def hand_over(desk: Desk, batch: OutgoingBatch, *, in_any_case: bool = False) -> Answer:
    """Hand over a batch of one. Raises NewsletterError where the provider cannot be made, for want of a key.

    `in_any_case`: the second is asked too where the first is not away but refuses us, or cannot be made: what is wrong
    with the first must be told by somebody.
    """
    try:
        answer = desk.provider.send(batch)
    except NewsletterError:
        if desk.fallback is None or not in_any_case:
            raise
        return desk.fallback.send(batch)  # nothing has left yet
    if desk.fallback is None or not _was_not_taken(answer):
        return answer
    if answer.directive is not Directive.GO_ON and not in_any_case:
        return answer
    try:
        return desk.fallback.send(batch)
    except NewsletterError:
        return answer  # what the first said is as true as before


def _was_not_taken(answer: Answer) -> bool:
    return [receipt.outcome for receipt in answer.receipts] == [Outcome.RETRY]
