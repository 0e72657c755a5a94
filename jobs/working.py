"""What a machine does that only sends: whatever is due, beside all others, again and again until it is stopped.

Nothing is handed to it: it reads in the ledger what is due, as `serve` does, and shares each issue with whoever is at
it (delivery/crew.py). So a worker can be added or lost at any moment, and knows nothing when it begins.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from jobs.running import BY
from newsletter.delivery.flight import Ending
from newsletter.delivery.progress import Progress
from newsletter.desk import sending
from newsletter.desk.desk import Desk
from newsletter.errors import DatabaseError, IllegalStep, NewsletterError, SomebodySends

#: Seconds between two looks at what is due.
LOOK_EVERY = 1.0
#: Seconds in which an issue is left alone that could not be finished: as long as `serve` takes from look to look.
REST = 30.0


@dataclass
class Working:
    """The loop. `said` is told each sentence that is news."""

    desk: Desk
    stop: Callable[[], bool]
    pause: Callable[[float], object]
    on_end: Callable[[sending.Sent], None] = lambda _: None
    said: Callable[[str], None] = lambda _: None
    ticks: Callable[[], float] = time.monotonic
    turns: Callable[[], None] = lambda: None  #: called whenever it is seen that the loop turns and the database answers
    _rests: dict[str, float] = field(default_factory=dict)
    _trouble: str = ""

    def run(self) -> None:
        """Send what is due until it is stopped. No failure of today ends it: it is said once, and tried again."""
        while not self.stop():
            self._look()
            if not self.stop():
                self.pause(LOOK_EVERY)

    def _look(self) -> None:
        try:
            due = [] if sending.stopped_by(self.desk) else sending.due(self.desk)
        except DatabaseError as error:
            return self._tell(error)
        self.turns()
        for number in due:
            if self.ticks() >= self._rests.get(number, 0.0) and not self.stop():
                self._rests[number] = self.ticks() + (0.0 if self._send(number) else REST)
        return None

    def _send(self, number: str) -> bool:
        """Share one issue. Whether it may be looked at again at once."""
        try:
            ended = sending.send(self.desk, number, by=BY, on_progress=self._goes_on, stop=self.stop, pause=self._waits)
        except (IllegalStep, SomebodySends):
            return True  # somebody paused, cancelled or finished it since the look; or has to be alone for a moment
        except NewsletterError as error:
            self._tell(error)
            return False
        self._trouble = ""
        self.on_end(ended)
        return ended.ending in (Ending.DONE, Ending.STOPPED)

    def _goes_on(self, _: Progress) -> None:
        self.turns()

    def _waits(self, seconds: float) -> None:
        self.turns()
        self.pause(seconds)

    def _tell(self, error: NewsletterError) -> None:
        if str(error) != self._trouble:  # once, and not every second
            self.said(str(error))
        self._trouble = str(error)
