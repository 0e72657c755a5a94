"""The log of `serve`: sentences for people, or a JSON object a line for programs (`log.format`).

Nothing in it is a reader's address or token, whoever logs it, libraries included: that is hidden here, at the last
moment, and control characters with it. Of an error that nobody expected the log has its kind and its place and no value
(security reference, S-60): values are addresses often enough.
"""

import json
import logging
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TextIO

from newsletter.errors import NewsletterError
from newsletter.providers.plain_words import without_addresses
from newsletter.web.armour import place

#: Readers' tokens and keys are that long; no word of ours is.
_TOKEN = re.compile(r"[A-Za-z0-9_-]{40,}")
LEVELS = {"urgent": logging.ERROR, "warning": logging.WARNING}

log = logging.getLogger("newsletter.serve")


def hidden(text: str) -> str:
    """One line without addresses and tokens."""
    return _TOKEN.sub("(a token)", without_addresses(text))


def _said(record: logging.LogRecord) -> str:
    """What is logged, and of an exception its kind and place."""
    error = record.exc_info[1] if record.exc_info else None
    return hidden(f"{record.getMessage()}{f' ({place(error)})' if error else ''}")


class AsText(logging.Formatter):
    """A line for people, with its minute (UTC); what is said at the start has none."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        at = datetime.fromtimestamp(record.created, UTC)
        return _said(record) if getattr(record, "is_start", False) else f"{at:%Y-%m-%d %H:%M} {_said(record)}"


class AsJson(logging.Formatter):
    """An object with time (UTC), level, logger, message, and the job where one said it."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        found = {"time": at.replace("+00:00", "Z"), "level": record.levelname.lower(), "logger": record.name}
        job = getattr(record, "job", "")
        return json.dumps({**found, **({"job": job} if job else {}), "message": _said(record)}, ensure_ascii=False)


@contextmanager
def logging_as(kind: str, stream: TextIO | None = None) -> Iterator[None]:
    """Log in this way ("text" or "json") as long as the block lasts; of libraries only what is a warning or worse."""
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(AsJson() if kind == "json" else AsText())
    root, before = logging.getLogger(), log.level
    root.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        root.removeHandler(handler)
        log.setLevel(before)


def start(*lines: str) -> None:
    """Say what is said once, at the start."""
    for line in lines:
        log.info("%s", line, extra={"is_start": True})


def news(job: str, line: str) -> None:
    """Say what a job has to say; a notice is as bad as it says itself."""
    log.log(LEVELS.get(line.partition(":")[0], logging.INFO), "%s", line, extra={"job": job})


def saying(name: str, call: Callable[[], list[str]]) -> Callable[[], None]:
    """The same, its sentences logged. What fails today must not end the service: it is said, and tried again."""
    last = [""]

    def once() -> None:
        try:
            lines, last[0] = call(), ""
        except NewsletterError as error:
            lines = [str(error)]
        except Exception as error:  # noqa: BLE001 - whatever it is, the next round comes; values stay out of the log
            lines = [f"{name} failed in a way that nobody foresaw: {place(error)}. It is tried again."]
        else:
            for line in lines:
                news(name, line)
            return
        if lines[0] != last[0]:  # once, not every half minute
            last[0] = lines[0]
            log.error("%s", lines[0], extra={"job": name})

    return once
