"""What a sending waits for, in one line: until when, how long that is, and why."""

from collections.abc import Callable
from zoneinfo import ZoneInfo

from newsletter.cli.output import Telling
from newsletter.delivery.progress import Progress
from newsletter.delivery.waits import Wait


def counting(bar: Telling, skips: int = 0) -> Callable[[Progress], None]:
    """What tells the bar how many are dealt with, and how they fared: "taken" would be too much said of the refused.

    `skips`: so many may not be mailed and are skipped by its end, as things were when it began.
    """
    return lambda now: bar(now.list_size - now.to_claim - now.under_way, now.list_size, fared(now, skips))


def fared(now: Progress, skips: int = 0) -> str:
    """Like "12,000 accepted, 3 refused, 8,000 to go"."""
    known = {"accepted": now.accepted, "refused": now.refused, "unknown": now.unknown}
    counts = [f"{number:,} {what}" for what, number in known.items() if number or what == "accepted"]
    to_come = max(0, now.to_claim - passed(now, skips))
    return ", ".join([*counts, f"{to_come + now.under_way:,} to go"])


def passed(now: Progress, skips: int) -> int:
    """How many of those who are to come will be skipped, if `skips` are in all."""
    return max(0, skips - now.skipped_in_all)


#: Seconds: a shorter wait is not worth a word.
WORTH_SAYING = 2.0


def waiting(bar: Telling, zone: ZoneInfo) -> Callable[[Wait | None], None]:
    """What tells the bar about each wait; times are told in this zone."""
    said = False

    def tell(wait: Wait | None) -> None:
        nonlocal said
        if wait is None:
            bar.waits("")
        elif said or wait.seconds >= WORTH_SAYING:
            bar.waits(sentence(wait, zone))
        said = wait is not None and (said or wait.seconds >= WORTH_SAYING)

    return tell


def sentence(wait: Wait, zone: ZoneInfo) -> str:
    """Like "Waiting until 09:14:05 UTC (4:37): the provider asked for it"."""
    minutes, seconds = divmod(round(wait.seconds), 60)
    return f"Waiting until {wait.until.astimezone(zone):%H:%M:%S %Z} ({minutes}:{seconds:02}): {wait.why}"
