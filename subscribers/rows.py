"""The rows of an imported file as values for the list; what cannot be read is refused with a reason in plain words."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, BinaryIO, NamedTuple
from zoneinfo import available_timezones

from subscribers.address import fingerprint, parse
from subscribers.choice import Choice
from subscribers.errors import BadAddress, BadFile
from subscribers.names import clean_name
from subscribers.sheet import Limits, Sheet, unguard
from subscribers.status import ON_THE_LIST, Status

BATCH = 5_000  #: rows that are looked up and inserted together

#: What a row says in words, by the columns of the list, as every driver takes them.
TEXTS = ("address", "address_key", "fingerprint", "name", "source", "zone", "topics", "frequency")
_STATUS = {status.value: status for status in Status}


@dataclass(frozen=True, slots=True)
class Terms:
    """What the operator says about the people in a file. Without it nothing is imported."""

    source: str  #: where these people agreed: "sign-up sheet, Berlin fair 2026"
    wording: str  #: what they agreed to, or the version of the words
    by: str  #: who says so
    consented: bool  #: True: they confirmed, rows without a status are active. False: they are asked first, pending


class _Refused(Exception):
    """A row that cannot be read, with the reason in plain words."""


def require(terms: Terms) -> None:
    """Raise BadFile unless the terms say where and what."""
    if not (terms.source.strip() and terms.wording.strip()):
        raise BadFile("Say where these people agreed and to what: an import keeps it as the evidence of their consent.")


@dataclass(frozen=True, slots=True)
class Reading:
    """How a file is to be read: all that its rows depend on besides the file."""

    terms: Terms
    secret: bytes  #: for the fingerprints
    now: datetime
    columns: Mapping[str, str]
    limits: Limits
    guarded: bool
    topics: frozenset[str] | None = None  #: those that there are; None: any that could be one

    def batches(self, file: BinaryIO) -> Iterator["Batch"]:
        """The rows of this file, some thousand at a time. The header is read at once. Raises BadFile."""
        return Rows(Sheet(file, self.limits, self.columns), self).batches()


class Standing(NamedTuple):
    """Status and times of a row: whole files share a few of them."""

    status: Status
    signed_up_at: datetime
    confirmed_at: datetime | None
    status_since: datetime
    paused_until: datetime | None


class Batch(NamedTuple):
    """Some rows of a file, column by column: as it is quickest handed on and inserted."""

    lines: Sequence[int]  #: of what can be inserted
    texts: dict[str, Sequence[str]]  #: theirs, by the names in TEXTS
    standings: Sequence[Standing]  #: and theirs
    refused: list[tuple[int, str]]  #: line of what cannot be read, and why

    def rows(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Line and values of each, by the columns of the list."""
        standings = {id(one): one._asdict() for one in self.standings}
        for line, standing, *texts in zip(self.lines, self.standings, *self.texts.values(), strict=True):
            yield line, dict(zip(self.texts, texts, strict=True)) | standings[id(standing)]


class Rows:
    """The rows of a sheet as values that can be inserted."""

    def __init__(self, sheet: Sheet, how: Reading) -> None:
        self.sheet, self.terms, self.secret, self.now, self.guarded = sheet, how.terms, how.secret, how.now, how.guarded
        self.topics = how.topics
        self.places, self.width = sheet.places, len(sheet.header)
        self.standing = lru_cache(maxsize=4096)(self._standing)  # whole files share a few of them

    def batches(self, most: int = BATCH) -> Iterator[Batch]:
        """At most so many rows that can be read, and those between them that cannot."""
        read: list[tuple[int, Standing, *tuple[str, ...]]] = []
        refused: list[tuple[int, str]] = []
        for line, cells in self.sheet.rows():
            try:
                read.append((line, *self._values(cells)))
            except (_Refused, BadAddress) as reason:
                refused.append((line, str(reason)))
            if most in (len(read), len(refused)):
                yield _batch(read, refused)
                read, refused = [], []
        if read or refused:
            yield _batch(read, refused)

    def _values(self, cells: list[str]) -> tuple[Standing, *tuple[str, ...]]:
        """The standing, then the texts in their order."""
        if len(cells) > self.width and any(cells[self.width :]):
            raise _Refused(
                f"has more cells than the {self.width} columns: a {self.sheet.delimiter} outside quotation marks?"
            )
        if self.guarded:
            cells = [unguard(cell) for cell in cells]
        found = {name: cells[at].strip() for name, at in self.places.items() if at < len(cells)}
        address = parse(found["email"]) if found.get("email") else _refuse("has no address")
        return (
            self.standing(*map(found.get, Standing._fields)),
            address.display,
            address.key,
            fingerprint(address.key, self.secret),
            clean_name(_name(found)),
            _source(found.get("source") or self.terms.source),
            _zone(found.get("zone", "")),
            *self._choice(found.get("topics", ""), found.get("frequency", "")),
        )

    def _choice(self, topics: str, frequency: str) -> tuple[str, str]:
        chosen = _choice(topics, frequency)
        if chosen[0] and self.topics is not None and (unknown := set(chosen[0].split(",")) - self.topics):
            have = f"there are {', '.join(sorted(self.topics))}" if self.topics else "there is none"
            raise _Refused(f"has the topic '{min(unknown)}', which is not one of [[topics]]; {have}")
        return chosen

    def _standing(self, word: str | None, *texts: str | None) -> Standing:
        """Status and times, each of which may be missing."""
        status = self._status(word)
        signed_up, confirmed, since, until = (_time(text) for text in texts)
        if any(time and time > self.now for time in (signed_up, confirmed, since)):
            raise _Refused("has a time in the future")
        confirmed = confirmed or (self.now if status is Status.ACTIVE else None)
        return Standing(
            status=status,
            signed_up_at=signed_up or confirmed or self.now,
            confirmed_at=None if status is Status.PENDING else confirmed,
            status_since=since or (confirmed if status is Status.ACTIVE else None) or self.now,
            paused_until=until if status is Status.PAUSED else None,
        )

    def _status(self, text: str | None) -> Status:
        if not text:
            return Status.ACTIVE if self.terms.consented else Status.PENDING
        if (status := _STATUS.get(text) or _STATUS.get(text.casefold())) is None:
            raise _Refused(f"has an unknown status; there are {', '.join(Status)}")
        if status in ON_THE_LIST and not self.terms.consented:
            raise _Refused(f"is {status} in the file, but nobody vouches for these people's consent")
        return status


def _batch(read: Sequence[tuple[Any, ...]], refused: list[tuple[int, str]]) -> Batch:
    lines, standings, *texts = zip(*read, strict=True) if read else ((),) * (2 + len(TEXTS))
    return Batch(lines, dict(zip(TEXTS, texts, strict=True)), standings, refused)


def _name(found: dict[str, str]) -> str:
    return found.get("name") or f"{found.get('first_name', '')} {found.get('last_name', '')}"


def _refuse(reason: str) -> Any:
    raise _Refused(reason)


_source = lru_cache(maxsize=4096)(clean_name)
_zones = lru_cache(maxsize=1)(available_timezones)  # it looks through six hundred files


@lru_cache(maxsize=4096)
def _zone(text: str) -> str:
    """An IANA name that this machine knows, or nothing."""
    if text and text not in _zones():
        raise _Refused("has a time zone that is not like Europe/Berlin")
    return text


@lru_cache(maxsize=4096)
def _choice(topics: str, frequency: str) -> tuple[str, str]:
    """What they chose where the file comes from; only for who is new here."""
    try:
        choice = Choice.of(topics.casefold(), frequency.casefold() or "weekly")
    except ValueError:
        raise _Refused(
            'has topics that are not like "models,tools", or a frequency that is not weekly, monthly or changes'
        ) from None
    return choice.text, choice.frequency.value


def _time(text: str | None) -> datetime | None:
    """ISO 8601; a date is its midnight, and a time without a zone is UTC."""
    if not text:
        return None
    try:
        time = datetime.fromisoformat(text)
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise _Refused("has a time that is not like 2026-11-09T18:30:00Z") from None
