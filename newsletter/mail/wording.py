"""What templates ask for beyond the words of the issue: clean strings, dates, an avatar's letter and colour."""

import re
import zlib
from datetime import date
from enum import Enum
from typing import Any

from pydantic import BaseModel

from newsletter.comparisons.comparison import Comparison, Panel
from newsletter.issues.composition import Item

#: Not strftime, which asks the machine's locale.
MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
#: Text from Windows that was read as Latin-1: these "control characters" are quotes and dashes. Gmail clips a mail that
#: has one of them (rendering reference, section 1).
WINDOWS = {code: bytes([code]).decode("cp1252", "replace").replace("\ufffd", " ") for code in range(0x80, 0xA0)}
CONTROLS = dict.fromkeys((*range(0x20), 0x7F, 0x2028, 0x2029), " ")
DIRECTIONS = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)))
ONE_LINE = WINDOWS | CONTROLS | DIRECTIONS
SEVERAL_LINES = {code: text for code, text in ONE_LINE.items() if code != ord("\n")}
INNER = re.compile(r'"([^"]*)"|“([^“”]*)”')

#: White text on each has a contrast of 5.5 or more.
TINTS = ("#35578f", "#75457f", "#1c6763", "#7d5210", "#8f3f31", "#3d653a", "#5a5148", "#2f6180")


def cleaned(value: Any) -> Any:
    """The same value with every string in it on one line, without control characters and direction overrides."""
    if isinstance(value, Enum):
        return value
    if isinstance(value, str):
        return " ".join(value.translate(ONE_LINE).split())
    if isinstance(value, tuple):
        return tuple(cleaned(part) for part in value)
    if isinstance(value, BaseModel):
        return value.model_copy(update={name: cleaned(part) for name, part in value if part is not None})
    return value


def cleaned_lines(text: str) -> str:
    """The same for a text that keeps its line breaks."""
    return re.sub(r"\r\n?", "\n", text).translate(SEVERAL_LINES)


def date_in_words(day: date) -> str:
    """The day as in "16 January 2026", whatever the machine's locale."""
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def initial(name: str) -> str:
    """The letter or digit that stands for a tool where a logo would be."""
    return next((character for character in name if character.isalnum()), "?").upper()[:1]


def tints(comparison: Comparison) -> tuple[str, str]:
    """Two different colours for the two avatars, always the same for the same tools."""
    first, second = (zlib.crc32(tool.slug.encode()) % len(TINTS) for tool in comparison.tools)
    return TINTS[first], TINTS[second if second != first else (second + 3) % len(TINTS)]


def quoted(item: Item) -> dict[tuple[str, str], str]:
    """What a lead shows of each review, by tool's slug and reviewer: the words chosen for the issue, cut already.

    Quotes name their tool by a name that both tools may have, so they are taken in the scorecard's order.
    """
    quotes, found = list(item.quotes), {}
    for tool, review in item.comparison.quotes():
        place = next((n for n, q in enumerate(quotes) if (q.reviewer, q.tool) == (review.reviewer, tool.name)), None)
        if place is not None:
            found[tool.slug, review.reviewer] = quotes.pop(place).text
    return found


def in_quotes(text: str) -> str:
    """The words in quotation marks; marks inside them become single ones, as typesetters do it."""
    inside = INNER.sub(r"‘\1\2’", text)
    return f"“{inside}”"


def label(text: str) -> str:
    """The words as an attribute may have them: without what could end it, or look like another to `inlining`."""
    return " ".join(re.sub("[\"'`<>=]", " ", text).split())


def source(site_name: str, linked: bool) -> str:
    """Where the verdicts come from; a name such as "the review panel" says already that it is a panel."""
    panel = "" if "panel" in site_name.lower() else " panel reviews"
    return f"Verdicts by {site_name}{panel}{'; linked under each item' if linked else ''}."


def pips(panel: Panel) -> tuple[int, int]:
    """How many filled and empty dots show the split; none where the counts are unknown or too many to see."""
    ship, skip = panel.ship or 0, panel.skip or 0
    return (ship, skip) if 0 < ship + skip <= 9 else (0, 0)  # noqa: PLR2004


def counts(panel: Panel) -> str:
    """The counts behind the percentage, like "3 ship / 1 skip"; empty where they are not known: it is said already."""
    return "" if panel.ship is None else panel.split
