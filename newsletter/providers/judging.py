"""What an answer of HTTP means for everybody in a call, as long as a provider does not say more.

The classes are those of the providers reference, A.2: certainly not taken (again later), refused as a whole (cut in
pieces), the account's fault (a person), nobody knows.
"""

import json
from collections.abc import Callable, Collection, Mapping
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from newsletter.providers import naming
from newsletter.providers.base import Answer, Directive, Outcome, OutgoingBatch, all_alike
from newsletter.providers.plain_words import reason
from newsletter.providers.poster import Answered, Failed, Taken

LONGEST_WAIT = 3600.0  #: seconds; nobody waits for a day in front of an open issue

#: What a status says by itself. Any other, a redirect among them, is doubt.
STATUSES: Mapping[int, tuple[Outcome, Directive]] = {
    HTTPStatus.BAD_REQUEST: (Outcome.REFUSED, Directive.SPLIT),
    HTTPStatus.UNAUTHORIZED: (Outcome.RETRY, Directive.HALT),
    HTTPStatus.PAYMENT_REQUIRED: (Outcome.RETRY, Directive.HALT),
    HTTPStatus.FORBIDDEN: (Outcome.RETRY, Directive.HALT),
    HTTPStatus.NOT_FOUND: (Outcome.RETRY, Directive.HALT),
    HTTPStatus.METHOD_NOT_ALLOWED: (Outcome.RETRY, Directive.HALT),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: (Outcome.REFUSED, Directive.SPLIT),
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: (Outcome.RETRY, Directive.HALT),
    HTTPStatus.UNPROCESSABLE_ENTITY: (Outcome.REFUSED, Directive.SPLIT),
    HTTPStatus.TOO_MANY_REQUESTS: (Outcome.RETRY, Directive.SLOW_DOWN),
}


def judged(
    batch: OutgoingBatch,
    said: Answered | Failed,
    *,
    name: str,
    words: Callable[[Answered], str],
    statuses: Mapping[int, tuple[Outcome, Directive]] = STATUSES,
    named: Callable[[Answered], Collection[int]] | None = None,
) -> Answer:
    """Everybody alike, by the status or the failure; or one apart, where a refusal says for whom the call is refused.

    `words` finds the provider's own sentence in an answer; `named` the places of whom it refuses, where it does not
    name them by address in that sentence.
    """
    if isinstance(said, Failed):
        taken = Outcome.RETRY if said.taken is Taken.NOT_SENT else Outcome.UNKNOWN
        return Answer(all_alike(batch, taken, said.reason))
    outcome, directive = statuses.get(said.status, (Outcome.UNKNOWN, Directive.GO_ON))
    why = reason(f"{name} answered {said.status}", words(said))
    if directive is Directive.SPLIT and said.status in naming.FOR_CONTENT:
        places = named(said) if named else naming.by_address(batch, words(said))
        if apart := naming.all_but(batch, places, why):
            return apart
    return Answer(all_alike(batch, outcome, why), directive, waiting_time(said.headers))


def waiting_time(headers: Mapping[str, str], *names: str) -> float:
    """Seconds that the provider asks for: Retry-After (RFC 9110, 10.2.3: seconds, or a date), or one of these headers.

    0 where it does not say, or says nonsense; never more than an hour. A date counts from the answer's own Date: the
    two clocks need not agree.
    """
    for name in ("retry-after", *names):
        text = headers.get(name, "").strip()
        if seconds := _seconds(text) or _until(text, headers.get("date", "")):
            return min(seconds, LONGEST_WAIT)
    return 0.0


def _seconds(text: str) -> float:
    plain = text.replace(".", "", 1)
    return float(text) if plain.isascii() and plain.isdigit() else 0.0


def _until(then: str, now: str) -> float:
    try:
        return max(0.0, (parsedate_to_datetime(then) - parsedate_to_datetime(now)).total_seconds())
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0.0


def document(said: Answered) -> Any:
    """The JSON of an answer; None where it is none: a page of a proxy, half a document."""
    try:
        return json.loads(said.body)
    except (ValueError, RecursionError):
        return None


def member(found: Any, *path: str | int, kind: type = str) -> Any:
    """What stands at this path of a document; an empty one of that kind where nothing of it does."""
    for step in path:
        try:
            found = found[step]
        except (KeyError, IndexError, TypeError):
            return kind()
    return found if isinstance(found, kind) else kind()
