"""Reading the mailbox of bounces every so many minutes, beside the tick."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from newsletter.desk.bouncing import Told, box_of, read_box
from newsletter.desk.desk import Desk
from newsletter.errors import NewsletterError
from newsletter.providers.bounce_box import Box


@dataclass
class BounceReader:
    """Reads when it is time; the first time at once. Trouble counts as read: it is tried again at the next time."""

    desk: Desk
    enough: Callable[[], bool] = lambda: False  #: whether somebody has asked to stop
    open_box: Callable[[], Box] | None = None  #: by default that of the settings
    due: datetime | None = None
    trouble: str = ""  #: of the last time

    def __call__(self) -> list[str]:
        """What is worth a line: news, and trouble that was not said yet."""
        desk, bounces = self.desk, self.desk.config.bounces
        now = desk.clock()
        if not bounces.somewhere or not bounces.every_minutes or (self.due and now < self.due):
            return []
        self.due = now + timedelta(minutes=bounces.every_minutes)
        try:
            told, trouble = self._read(), ""
        except NewsletterError as error:
            told, trouble = Told(), f"Bounces: {error}"
        lines = [*story(told), *([trouble] if trouble and trouble != self.trouble else [])]
        self.trouble = trouble
        return lines

    def _read(self) -> Told:
        box = self.open_box() if self.open_box else box_of(self.desk.config)
        try:
            return read_box(self.desk, box, self.enough)
        finally:
            box.close()


def story(told: Told) -> list[str]:
    """What a reading that nobody watches has to say: news only."""
    lines = [f"Bounces: {told.new:,} new ({kinds(told)})."] if told.new else []
    if told.strange:
        lines.append(f"Bounces: {told.strange:,} not understood; they stay in the mailbox, unread and flagged.")
    return lines


def kinds(told: Told) -> str:
    """How many of which kind, in words."""
    return ", ".join(f"{number:,} {kind}" for kind, number in sorted(told.kinds.items()))
