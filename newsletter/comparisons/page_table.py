"""The decision table: a label, the first tool's value, the second tool's value, and so on.

It says a second time what the cards say, and two things that only it knows: the counts and the pricing.
"""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from newsletter.comparisons.comparison import Verdict
from newsletter.comparisons.page_lines import Line

LABELS = ("panel verdict", "community", "pricing", "best for", "category")
_PANEL = re.compile(r"(?:(ship|mixed|skip)\b\W{0,4})?(\d{1,4}) ?ships?\W{1,4}(\d{1,4}) ?skips?\)?", re.IGNORECASE)
_NOTHING = re.compile(r"[—–-]+|n/?a|none|unknown", re.IGNORECASE)
_SCORECARD = ("reviewer scorecard", "reviewer scorecards", "the reviewer scorecard", "scorecard", "panel scorecard")


class Table(NamedTuple):
    """The decision table: lines[start:end]."""

    start: int
    end: int
    names: tuple[str, str] | None
    rows: Mapping[str, tuple[str, str]]  #: by label, lower case


class Count(NamedTuple):
    """A panel's counts, and the verdict's word if it was said."""

    word: Verdict | None
    ship: int
    skip: int


def find_table(lines: Sequence[Line], begin: int, names: tuple[str, str]) -> Table | None:
    """The table after the second card, if there is one; a cut one as far as it goes."""
    start = next((index for index in range(begin, len(lines)) if _starts(lines, index, names)), None)
    if start is None:
        return None
    head = start + 1 if lines[start].says("decision") else start
    labels = range(head, min(head + 4, len(lines)))
    first = next((index for index in labels if lines[index].says(*LABELS)), None)
    if first is None:
        return Table(start, min(head + 2, len(lines)), None, {})
    header = [line.text for line in lines[head:first] if not _NOTHING.fullmatch(line.text)]
    rows, end = _rows(lines, first, scorecard_start(lines, first) or len(lines))
    return Table(start, end, (header[0], header[1]) if len(header) == 2 else None, rows)  # noqa: PLR2004


def scorecard_start(lines: Sequence[Line], begin: int) -> int | None:
    """Where "Reviewer scorecard" stands: the first with a review below it, else the last."""
    found = [index for index in range(begin, len(lines)) if lines[index].says(*_SCORECARD)]
    near = (index for index in found if any(map(is_review, lines[index + 1 : index + 8])))
    return next(near, found[-1] if found else None)


def is_review(line: Line) -> bool:
    """Whether a review begins with this line: a score, or an opening quotation mark."""
    return line.text.startswith("“") or bool(re.match(r"\d{1,3} ?/ ?100\b", line.text))


def count_in(text: str) -> Count | None:
    """The counts in words like "Ship · 3 ship / 1 skip"."""
    match = _PANEL.fullmatch(text) if len(text) < 80 else None  # noqa: PLR2004
    return Count(Verdict(match[1].lower()) if match[1] else None, int(match[2]), int(match[3])) if match else None


def value_in(text: str) -> str | None:
    """A cell's text, or None for a dash and the like."""
    return None if not text or _NOTHING.fullmatch(text) else text


def _starts(lines: Sequence[Line], index: int, names: tuple[str, str]) -> bool:
    """Whether a table begins here: a description may contain the word "Decision" as well."""
    following = lines[index + 1 : index + 5]
    if lines[index].says("decision"):
        named = any(line.text in names for line in following[:2])
        return not following or named or any(line.says("panel verdict") for line in following)
    return lines[index].says("panel verdict") and any(count_in(line.text) for line in following)


def _rows(lines: Sequence[Line], start: int, end: int) -> tuple[dict[str, tuple[str, str]], int]:
    """Rows in steps of three where every step is a label; otherwise from label to label."""
    rows: dict[str, tuple[str, str]] = {}
    index = start
    while index < end and lines[index].says(*LABELS) and _label(lines[index]) not in rows:
        stop = _next_label(lines, index, end, rows)
        values = [line.text for line in lines[index + 1 : stop]]
        half = len(values) // 2
        if values and len(values) % 2 == 0:
            rows[_label(lines[index])] = " · ".join(values[:half]), " · ".join(values[half:])
        elif len(values) == 1 and stop == len(lines):
            rows[_label(lines[index])] = values[0], ""
        index = stop
    return rows, index


def _next_label(lines: Sequence[Line], index: int, end: int, rows: Mapping[str, object]) -> int:
    three = index + 3
    if three >= end or lines[three].says(*LABELS):
        return min(three, end)
    later = (
        i for i in range(index + 1, min(index + 8, end)) if lines[i].says(*LABELS) and _label(lines[i]) not in rows
    )
    return next(later, min(three, end))


def _label(line: Line) -> str:
    return line.text.casefold().rstrip(" :")
