"""Rules on the house: room, copies, keys, chores, and providers that are not heard."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta

from jobs.notices.facts import Facts
from jobs.notices.words import at, lasting
from newsletter.desk.notices import Holds, Kind, Severity
from newsletter.issues.wording import numbered, sentence

POLL_PATIENCE = timedelta(hours=6)
COPY_AGE = timedelta(hours=50)  #: two nights and some
#: Before something runs out: certificates renew themselves 30 days before, so 14 are late; a key takes a person's day.
RUNS_OUT, RUNS_OUT_URGENT = timedelta(days=14), timedelta(days=3)
FREE, FREE_URGENT = 500_000_000, 100_000_000  #: bytes; and at least twice the database


def polls(facts: Facts) -> Iterator[Holds]:
    """A provider that is asked for events, and does not answer."""
    for provider, success, trouble in facts.polls:
        if success is None or facts.now - success >= POLL_PATIENCE:
            since = f"since {at(facts, success)}" if success else "so far"
            said = f"{provider} was not heard {since}: {sentence(trouble)}"
            todo = "Bounces and complaints are not known meanwhile. newsletter events poll tries it at once."
            yield Holds(Kind.POLL, provider, Severity.WARNING, said, todo)


def unread(facts: Facts) -> Iterator[Holds]:
    """Single events that stood in a provider's list and could not be read."""
    for provider, number in facts.unread:
        said = f"{provider} sent {numbered(number, 'event', 'events')} in the last day that could not be read."
        todo = (
            "All others beside them were taken. What these were about is not known here: look for bounces and "
            f"complaints in the provider's console, and whether another webhook posts to /hooks/{provider}."
        )
        yield Holds(Kind.UNREAD, provider, Severity.WARNING, said, todo)


def disk(facts: Facts) -> Iterator[Holds]:
    """Little room."""
    if facts.free < max(FREE, 2 * facts.size):
        where = f"the database is, which has {facts.size / 1e6:,.0f} MB" if facts.size else "the newsletter runs"
        said = f"{facts.free / 1e6:,.0f} MB are free where {where}."
        todo = "Make room: a full disk stops the sending, and nothing can be written down."
        yield Holds(Kind.DISK, "", Severity.URGENT if facts.free < FREE_URGENT else Severity.WARNING, said, todo)


def copies(facts: Facts) -> Iterator[Holds]:
    """No copy of the last nights, where copies are wanted."""
    newest, folder = facts.newest_copy, facts.config.backup.folder
    since = newest or facts.kept_since  # before the first night there can be none
    if folder and since and facts.now - since >= COPY_AGE:
        age = f"is {lasting(facts.now - newest)} old" if newest else "is missing"
        said = f"The newest copy of the database {age} ({folder})."
        yield Holds(
            Kind.BACKUP,
            "",
            Severity.WARNING,
            said,
            "newsletter db backup makes one now, or says what stands in the way.",
        )


def night(facts: Facts) -> Iterator[Holds]:
    """Chores that failed last night."""
    if facts.night:
        yield Holds(
            Kind.CHORES,
            "",
            Severity.WARNING,
            f"Not all of the night's chores were done: {facts.night}",
            "newsletter jobs",
        )


def key_file(facts: Facts) -> Iterator[Holds]:
    """Keys that are not where the settings say."""
    for file in facts.unreadable:
        said = f"The file {file} holds a key by the settings, and cannot be read."
        yield Holds(Kind.KEY_FILE, file, Severity.URGENT, said, "Put it back, or mend its owner and mode.")


def certificate(facts: Facts) -> Iterator[Holds]:
    """The certificate of our own pages: without it no reader can leave by a link."""
    seen, url = facts.certificate, facts.config.publication.base_url
    if seen is None:
        return
    todo = "Look at the proxy that renews it; readers cannot open our pages without it."
    if seen.until is None:
        said = f"The certificate of {url} is not to be trusted: {sentence(seen.trouble)}"
        yield Holds(Kind.EXPIRES, "certificate", Severity.URGENT, said, todo)
    elif seen.until - facts.now < RUNS_OUT:
        said = f"The certificate of {url} {_runs_out(facts, seen.until)}."
        yield Holds(Kind.EXPIRES, "certificate", _by_time(facts, seen.until), said, todo)


def expires(facts: Facts) -> Iterator[Holds]:
    """Keys and whatever else the settings say runs out (telling.expires)."""
    for name, day in facts.config.telling.expires.items():
        end = datetime.combine(day, time(0, 0), tzinfo=facts.config.publication.tz).astimezone(UTC)
        if end - facts.now < RUNS_OUT:
            said = f"{name} {_runs_out(facts, end)}."
            todo = "Renew it, and its date in telling.expires."
            yield Holds(Kind.EXPIRES, name, _by_time(facts, end), said, todo)


def _runs_out(facts: Facts, end: datetime) -> str:
    over = f"ran out {at(facts, end)}"
    return over if end <= facts.now else f"runs out in {lasting(end - facts.now)} ({at(facts, end)})"


def _by_time(facts: Facts, end: datetime) -> Severity:
    return Severity.URGENT if end - facts.now < RUNS_OUT_URGENT else Severity.WARNING


def untold(facts: Facts) -> Iterator[Holds]:
    """Ways by which nobody can be told: said by the others."""
    for way in sorted({name.partition(":")[0] for name, _ in facts.untold}):
        why = next(trouble for name, trouble in facts.untold if name.partition(":")[0] == way)
        said = f"Notices cannot be told by {way}: {sentence(why)}"
        yield Holds(Kind.UNTOLD, way, Severity.WARNING, said, "newsletter notices --try tells it again at once.")
