"""Mailgun: one form for a thousand people, with a dictionary of each one's values.

Its API takes multipart/form-data only. Values are put in by name (`%recipient.name%`) in texts and in headers; without
that dictionary everybody would read everybody's address, so it is always there, with every name for everybody.
Sources: Mailgun's OpenAPI file; providers reference, A.1, A.2 and F.
"""

import base64
import re
from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from newsletter.errors import ProviderError
from newsletter.issues.wording import sentence
from newsletter.mail.message import MessageBuilder
from newsletter.providers.adapter import Account, checked_options
from newsletter.providers.base import Answer, Capabilities, Directive, Outcome, OutgoingBatch, all_alike
from newsletter.providers.judging import STATUSES, document, judged, member, waiting_time
from newsletter.providers.mailgun_form import MOST_BYTES, MailgunCalls
from newsletter.providers.poster import Answered, Failed
from newsletter.providers.repeats import for_everybody

OPTIONS = {"domain": "", "region": "us", "test": "no"}
REGIONS = {"us": "https://api.mailgun.net", "eu": "https://api.eu.mailgun.net"}

#: Mailgun answers 200 with a greeting to a path that it does not know: the call went to nobody.
GREETING = b"Mailgun Magnificent API"
_DOMAIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?")  # a slash would lead to the greeting
_AGAIN = re.compile(r"try again after (?:(\d+) seconds?|(.+?))\.?$", re.IGNORECASE)
_MESSAGE_ID = re.compile(r"[!-~]{1,300}")


class Mailgun:
    """The adapter. Options: `domain` (else the sender's), `region` us or eu, `test` yes (not delivered) or no."""

    def __init__(self, account: Account) -> None:
        """Raises ProviderError for an unknown option, a domain that is none, or no key."""
        options = checked_options("mailgun", account, OPTIONS)
        self._base = account.address.rstrip("/") or _choice("region", options["region"], REGIONS)
        self._domain, self._test = (
            _domain(options["domain"]),
            _choice("test", options["test"], {"yes": True, "no": False}),
        )
        if not account.secret.strip():
            raise ProviderError("The key of Mailgun's API is missing. Copy it from API Security in its console.")
        self._authorization = base64.b64encode(f"api:{account.secret}".encode()).decode("ascii")

    @property
    def capabilities(self) -> Capabilities:
        """Mailgun remembers no key of ours and answers no questions here: doubt is closed by its events alone."""
        return Capabilities("mailgun", batch_size=1000, batch_bytes=MOST_BYTES)

    def calls(self, builder: MessageBuilder) -> MailgunCalls:
        """The calls of one issue. Raises MailError for one that Mailgun cannot take."""
        url = f"{self._base}/v3/{self._domain or builder.domain}/messages"
        return MailgunCalls.of(builder, url, f"Basic {self._authorization}", test=self._test)

    def interpret(self, batch: OutgoingBatch, said: Answered | Failed) -> Answer:
        """200 with an id and "Queued": all are taken. Its greeting means a wrong address, and nobody is."""
        return for_everybody(batch, _alike(batch, said))


def _alike(batch: OutgoingBatch, said: Answered | Failed) -> Answer:
    words = _words(said) if isinstance(said, Answered) else ""
    if isinstance(said, Answered) and said.status == HTTPStatus.OK:
        found = member(document(said), "id")
        if _MESSAGE_ID.fullmatch(found) and words.startswith("Queued"):
            return Answer(all_alike(batch, Outcome.ACCEPTED, provider_ids=[found] * len(batch.recipients)))
        if said.body.strip().strip(b'"') == GREETING:
            reason = (
                "Mailgun only greeted: the address of its API, the region or the domain is wrong. Nothing was sent."
            )
            return Answer(all_alike(batch, Outcome.RETRY, reason), Directive.HALT)
    answer = judged(batch, said, name="Mailgun", words=_words, statuses=_meanings(words))
    if isinstance(said, Answered) and answer.directive is Directive.SLOW_DOWN and not answer.wait:
        return replace(answer, wait=_named_time(words, said.headers))
    return answer


def _meanings(words: str) -> Mapping[int, tuple[Outcome, Directive]]:
    """400 and 403 are also what Mailgun says of a domain or account that may not send, for now or at all."""
    if "not allowed to send" not in words.lower():
        return STATUSES
    meaning = (Outcome.RETRY, Directive.SLOW_DOWN if _AGAIN.search(words) else Directive.HALT)
    return {**STATUSES, HTTPStatus.BAD_REQUEST: meaning, HTTPStatus.FORBIDDEN: meaning}


def _named_time(words: str, headers: Mapping[str, str]) -> float:
    """Seconds to wait: Mailgun names them, or a date, in its sentence and nowhere else."""
    found = _AGAIN.search(words)
    return waiting_time({**headers, "retry-after": found[1] or found[2]}) if found else 0.0


def _words(said: Answered) -> str:
    """Its sentence; a refused key is answered with a bare word."""
    found = document(said)
    words = found if isinstance(found, str) else member(found, "message") or said.body.decode("utf-8", "replace")
    return f"{sentence(words)} Is the domain in the other region?" if said.status == HTTPStatus.NOT_FOUND else words


def _domain(value: str) -> str:
    if value and not _DOMAIN.fullmatch(value):
        raise ProviderError("[provider.options]: mailgun's 'domain' is a bare domain, as mg.example.org.")
    return value


def _choice(name: str, value: str, known: Mapping[str, Any]) -> Any:
    if value not in known:
        raise ProviderError(f"[provider.options]: mailgun's '{name}' is one of {', '.join(known)}.")
    return known[value]
