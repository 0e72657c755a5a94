"""Asking a provider what became of our mail: the port for those whose webhooks cannot reach us. Pure: bytes out and in.

A poll asks for a span of time, page by page, and gives the same events as the provider's hook. Providers index some of
what happened late, so a later span begins before the end of the last one (`overlap`): what is read twice is known.
Where an answer does not hold our key it holds the provider's id of a message, or nothing but an address (`Found`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Protocol

from newsletter.errors import ProviderError
from newsletter.providers.hooks import Event
from newsletter.providers.judging import waiting_time
from newsletter.providers.poster import Answered, Failed, Request

#: When an event says no time that can be read.
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
#: How many characters a page's mark may have: it is kept in the database.
LONGEST_PLACE = 4_000
#: Headers that say seconds until more may be asked, beside Retry-After: Resend's and Brevo's.
_RESETS = ("ratelimit-reset", "x-sib-ratelimit-reset")
#: What a mark that the provider has forgotten is answered with: the span is begun again.
_FORGOTTEN = (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.GONE, HTTPStatus.UNPROCESSABLE_ENTITY)


@dataclass(frozen=True, slots=True)
class Span:
    """What is asked for: from when to when (aware), and which page of it."""

    since: datetime
    until: datetime
    place: str = ""  #: the poll's own mark of a page; empty: the first


@dataclass(frozen=True, slots=True)
class Found:
    """An event as a poll gives it. Its key is empty where the provider does not give ours back."""

    event: Event
    provider_id: str = ""  #: then the provider's id of the message, as its answer to the call gave it
    address: str = field(default="", repr=False)  #: where not even that is known; it proves nothing of a delivery


@dataclass(frozen=True, slots=True)
class Page:
    """One answer."""

    found: Sequence[Found]
    place: str | None  #: the mark of the next page; None: the span is read
    too_much: bool = False  #: the span holds more than the provider shows: a shorter one is to be asked for


@dataclass(frozen=True, slots=True)
class Trouble:
    """No page, and why."""

    reason: str  #: a sentence, the same for the same trouble: it is said once
    wait: float = 0.0  #: seconds that the provider asks for, where it throttles
    throttled: bool = False
    again: bool = False  #: the page's mark is not known any more: the span is to be begun again


class Poll(Protocol):
    """One provider's API of events."""

    @property
    def name(self) -> str:
        """As people know it."""
        ...

    @property
    def tells(self) -> str:
        """What it tells, in a few words; for the table of providers."""
        ...

    @property
    def overlap(self) -> timedelta:
        """How far before the end of what was read the next span begins."""
        ...

    @property
    def reach(self) -> timedelta:
        """How far back the first span of all goes."""
        ...

    @property
    def needs(self) -> str:
        """What the key must be allowed to do, in a few words."""
        ...

    def ask(self, span: Span) -> Request:
        """The request for a page. It changes nothing at the provider."""
        ...

    def page(self, _: Span, said: Answered, /) -> Page:
        """What a 200 says. Raises ProviderError for one that is not what the provider documents."""
        ...


def read(poll: Poll, span: Span, said: Answered | Failed) -> Page | Trouble:
    """The page, or why there is none. Never raises for what a provider says."""
    if isinstance(said, Failed):
        return Trouble(f"{poll.name} gave no answer when it was asked for events.")
    if trouble := _trouble(poll, span, said):
        return trouble
    try:
        page = poll.page(span, said)
    except ProviderError as error:
        return Trouble(str(error))
    if page.place is not None and len(page.place) > LONGEST_PLACE:
        return Trouble(f"{poll.name} names a next page with a mark that is too long.")
    return page


def _trouble(poll: Poll, span: Span, said: Answered) -> Trouble | None:
    """What any answer but 200 says."""
    if said.status == HTTPStatus.TOO_MANY_REQUESTS:
        wait = waiting_time(said.headers, *_RESETS)
        return Trouble(f"{poll.name} asks to wait before it is asked for events again (429).", wait, throttled=True)
    if said.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return Trouble(f"{poll.name} does not let this key read events ({said.status}). It needs {poll.needs}.")
    if span.place and said.status in _FORGOTTEN:
        return Trouble(f"{poll.name} does not know the next page any more ({said.status}).", again=True)
    if said.status == HTTPStatus.OK:
        return None
    return Trouble(f"{poll.name} answered {said.status} when it was asked for events.")


def not_a_page(name: str) -> ProviderError:
    """For a 200 that is not what the provider documents."""
    return ProviderError(f"{name} gave an answer that is no page of events. Look at provider.address.")


def moment(said: object) -> datetime:
    """A time of ISO 8601, or seconds since 1970, in UTC; 1970 itself for what is neither, as the hooks have it."""
    try:
        if isinstance(said, str):
            when = datetime.fromisoformat(said)
            return (when if when.tzinfo else when.replace(tzinfo=UTC)).astimezone(UTC)
        if isinstance(said, int | float) and not isinstance(said, bool):
            return datetime.fromtimestamp(said, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    return NEVER
