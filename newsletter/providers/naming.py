"""Who it was, where the refusal of a whole call says so: then one reader is refused, and the others are not split.

Nobody is refused on a guess. A place counts where it is one of the call's; an address counts where it is one of ours,
the only one in the sentence, nobody else's and not the sender's, and where the sentence says that it is not valid.
Anything else names nobody, and the call is taken apart until it is clear who it was.
"""

import re
from collections.abc import Collection
from email.utils import parseaddr
from http import HTTPStatus

from newsletter.mail.columns import Columns
from newsletter.providers.base import Answer, Outcome, OutgoingBatch, Receipt

OTHERS = "Somebody else in the call was refused, and with them the whole call; it is sent again without them."
#: The statuses of a call that is refused for its content.
FOR_CONTENT = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY)
_NOT_VALID = re.compile(r"\b(?:not (?:a )?valid|invalid|illegal|malformed)\b", re.IGNORECASE)
#: The sentence is about the sender, or about addresses as such: "follow the email@example.com format".
_OF_ANOTHER = re.compile(r"\b(?:from|sender|sending|reply|format)", re.IGNORECASE)
_AROUND = "<>()[]{}\"'`,;:.!?"


def by_address(batch: OutgoingBatch, words: str) -> set[int]:
    """The place of the recipient whose address this refusal names as not valid; none where it is not certain."""
    if not _NOT_VALID.search(words) or _OF_ANOTHER.search(words):
        return set()
    named = {word.strip(_AROUND).lower() for word in words.split() if "@" in word}
    sender = batch.builder.sender
    if named & {parseaddr(mailbox)[1].lower() for mailbox in (sender.sender, sender.reply_to)}:
        return set()
    places = [at for at, one in enumerate(Columns.of(batch.recipients).addresses) if one.lower() in named]
    return set(places) if len(named) == len(places) == 1 else set()


def all_but(batch: OutgoingBatch, places: Collection[int], why: str) -> Answer | None:
    """These are refused, and the others may be sent again at once. None where that is not a sure reading.

    That is: nobody is named, or everybody; and in a batch in doubt nothing that is said is about the first attempt.
    """
    keys = Columns.of(batch.recipients).keys
    if batch.doubtful or not 0 < len(places) < len(keys):
        return None
    return Answer(
        [
            Receipt(key, Outcome.REFUSED, reason=why) if at in places else Receipt(key, Outcome.RETRY, reason=OTHERS)
            for at, key in enumerate(keys)
        ]
    )
