"""Log lines that whoever is outside can cause: the first few of a minute, and then how many more there were.

So a scanner, or a provider with an old secret, fills no disk and hides no other line. The numbers are all counted
(tally.py), whatever is said here.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

MOST, SPAN = 5, timedelta(minutes=1)


@dataclass(slots=True)
class _Minute:
    """A minute that has begun, and how many lines it has had."""

    since: datetime
    lines: int = 0


@dataclass
class Limited:
    """Says at most so many lines in a minute about each thing. Belongs to one event loop."""

    said: Callable[..., None]  #: a logger's method
    clock: Callable[[], datetime]
    most: int = MOST
    _minutes: dict[str, _Minute] = field(default_factory=dict)

    def __call__(self, about: str, message: str, *words: object) -> None:
        """Say this about something, which is a name of ours and never what somebody sent."""
        now, minute = self.clock(), self._minutes.get(about)
        if minute is None or not minute.since <= now < minute.since + SPAN:
            if minute and minute.lines > self.most:
                self.said("%s: %d more such lines in the minute from %s UTC.", *self._left_out(about, minute))
            minute = self._minutes[about] = _Minute(now)
        minute.lines += 1
        if minute.lines <= self.most:
            self.said(message, *words)
        if minute.lines == self.most + 1:
            self.said("%s: more such lines in this minute are only counted.", about)

    def _left_out(self, about: str, minute: _Minute) -> tuple[str, int, str]:
        return about, minute.lines - self.most, f"{minute.since:%Y-%m-%d %H:%M:%S}"


class Hushed(logging.Filter):
    """Warnings of a library about strangers' requests: said by us instead, at most so many of each in a minute."""

    def __init__(self, said: Callable[..., None], clock: Callable[[], datetime]) -> None:
        """`said`: a logger's method."""
        super().__init__()
        self._limited = Limited(said, clock)

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the library's own line stands. Its advice on what else to install is for nobody here."""
        if record.levelno != logging.WARNING:
            return True
        line = record.getMessage()
        if "install" not in line:
            self._limited(line.rstrip("."), "%s", line)
        return False
