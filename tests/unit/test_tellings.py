"""When a thing is told again: a table."""

from datetime import timedelta

import pytest
from people import NOW

from newsletter.desk.notices import Kind, Notice, Severity
from newsletter.desk.tellings import Telling, due

HOUR = timedelta(hours=1)


def notice(kind: Kind = Kind.DISK, *, since: int = 0, over: int | None = None) -> Notice:
    """Something that holds since so many hours after NOW, and until so many, or still."""
    until = NOW + over * HOUR if over is not None else None
    words = {"severity": Severity.WARNING, "sentence": "It is so.", "todo": "Mend it."}
    return Notice(key=str(kind), kind=kind, first_seen=NOW + since * HOUR, last_seen=NOW, resolved_at=until, **words)


def telling(told: int, over: int | None = None) -> Telling:
    """Told so many hours after NOW, and that it is over then."""
    return Telling(
        about="disk", way="w", told_at=NOW + told * HOUR, over_told_at=None if over is None else NOW + over * HOUR
    )


@pytest.mark.parametrize(
    ("found", "told", "hours", "person", "machine"),
    [
        (notice(), None, 0, "opened", "opened"),
        (notice(), telling(0), 23, "", ""),
        (notice(), telling(0), 24, "reminder", "reminder"),
        (notice(Kind.COMPLAINTS), telling(0), 48, "", ""),
        (notice(over=1), None, 2, "", ""),
        (notice(over=1), telling(0), 2, "", "resolved"),
        (notice(over=1), telling(0, over=1), 2, "", ""),
        (notice(since=2), telling(0, over=1), 2, "", "opened"),
        (notice(since=2), telling(0, over=1), 24, "opened", "opened"),
        (notice(since=1, over=3), telling(2, over=0), 4, "", "resolved"),
    ],
)
def test_what_is_told_when(found: Notice, told: Telling | None, hours: int, person: str, machine: str) -> None:
    """Once, then daily; what comes and goes is told to people once a day, to machines once an hour, with its end."""
    now = NOW + hours * HOUR

    assert due(found, told, now, also_over=False) == person
    assert due(found, told, now, also_over=True) == machine
