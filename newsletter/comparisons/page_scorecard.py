"""The reviewer scorecard: reviewers, and under each of them one cell per tool.

Cells are certain: a line like "88/100 · ship", or a line that says there is no review. Between two cells stands the
quote of the first, and perhaps a heading: the next reviewer's name, a role below it. A text does not mark headings, so
the page is asked how it marks them (an own look in HTML, no blank line before the cell in the fuller text); only where
it does not mark them, length, capitals and position decide. What cannot be told is dropped, and said.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from newsletter.comparisons.comparison import Verdict
from newsletter.comparisons.page_lines import Line, ends_sentence

_SCORE = r"(?:score:? ?)?(?P<score>\d{1,3})(?: ?/ ?100)"
_WORD = r"(?P<word>[^\W\d_]{2,12})"
_SEPARATOR = r"[ \W]{0,4}"
_CELL = re.compile(rf"{_SCORE}{_SEPARATOR}(?:{_WORD})?\W{{0,2}}", re.IGNORECASE)
_CELL_TURNED = re.compile(rf"(?P<word>ship|skip){_SEPARATOR}{_SCORE}", re.IGNORECASE)
_CELL_AND_QUOTE = re.compile(rf"{_SCORE}{_SEPARATOR}(?P<word>ship|skip)\b(?P<rest> .+|[“\"—–-].+)", re.IGNORECASE)
_PIECE = re.compile(r"\d{1,3}|/? ?100|/|[·•∙⋅‧|–—-]|ship|skip|\d{1,3} ?/ ?100(?: ?\W)?|/ ?100 ?\W", re.IGNORECASE)
_NO_REVIEW = re.compile(
    r"[—–-]{1,3}(?: ?/ ?100)?|n/?a|none|pending|abstain(?:s|ed)?|absent"
    r"|.{0,40}\b(?:no|not|never|without|yet to|didn['’]t|hasn['’]t|haven['’]t|wasn['’]t|awaiting|pending|missing)\b"
    r".{0,40}\b(?:review|score|rat|verdict|opinion|comment|take|vote|quote|assess|cover|evaluat).{0,50}"
    r"|.{0,20}\breview(?:s|ed)?\b.{0,20}\b(?:pending|missing|unavailable|not available)\b.{0,20}",
    re.IGNORECASE,
)
_KNOWN = frozenset({"builder", "skeptic", "futurist", "founder"})
_ROLES = frozenset({"developer perspective", "reality check", "big picture"})
_ROLE_BEHIND = re.compile(rf" [·•|–—] | ?(?={'|'.join(sorted(_ROLES))}$)", re.IGNORECASE)
_SMALL = frozenset({"of", "the", "and", "for", "de", "in", "on", "a"})
_FURNITURE = frozenset({"reviewer", "reviewers", "review", "reviews", "panel", "critic", "critics", "score", "verdict"})
_LONGEST_HEADING = 60
_FOOTER = re.compile(
    r"weekly ai tool verdicts|get the next (?:comparison|verdict)|new ai tools ship daily|7 critics review"
    r"|loading bookmarks|no bookmarks yet|bookmark tools to save",
    re.IGNORECASE,
)
_FOOTER_ELSEWHERE = re.compile(
    r"bookmarks?$|browse (?:the|all)|share this|(?:more|related|similar|other) (?:comparison|tool|verdict)"
    r"|subscribe|sign up|©|\(c\) |copyright|privacy|terms|all rights|back to|newsletter$|your email|e-?mail$",
    re.IGNORECASE,
)
_FORMULA = 25  #: "No review yet": longer, right below a score, it is a short quote


@dataclass(slots=True)
class Cell:
    """One reviewer's cell for one tool, or a line that says there is none."""

    verdict: Verdict | None = None  #: None: there is no review, or its word is neither ship nor skip
    score: int | None = None
    absent: bool = False  #: the cell says that there is no review
    gap: bool = False
    quote: list[str] = field(default_factory=list)
    tool: int | None = None  #: 0 or 1 where the page names the tool at the cell


@dataclass(slots=True)
class Group:
    """One reviewer and the cells below the name, in page order."""

    reviewer: str | None
    cells: list[Cell] = field(default_factory=list)
    noted: bool = False  #: a line stood there that may have said "no review" in words of its own


class Scorecard(NamedTuple):
    """What was read, before it is known which cell is about which tool."""

    groups: list[Group]
    loose_quotes: int  #: quotes without reviewer, score and tool, as the shorter text has them
    after: list[Line]  #: what stood after the last quote: the footer, or the end of a cut page
    reversed: bool  #: quotes seem to stand before their scores: nothing here can be attributed


class _Marks(NamedTuple):
    """How this page marks a reviewer's heading."""

    look: str | None  #: by this tag and class
    block: bool  #: by standing in one block with the cell
    roles: bool  #: a role stands below each name
    labels: bool  #: a tool's name stands above each cell, or above each tool's reviews
    paragraphs: bool  #: quotes have several paragraphs


def read_scorecard(lines: Sequence[Line], names: tuple[str, str]) -> Scorecard:
    """The scorecard in these lines, which begin below its title."""
    cells, runs = _cells_and_runs(lines)
    if not cells:
        quotes = [index for index, line in enumerate(lines) if line.text.startswith("“")]
        rest = list(lines[quotes[-1] + 1 :]) if quotes else list(lines)
        return Scorecard([], len(quotes), rest, reversed=False)
    runs[0] = _without_header(runs[0], names)
    marks = _marks(cells, runs, names)
    groups = _grouped(cells, runs, marks, names)
    quote, after = _last_quote(runs[-1], cells[-1], paragraphs=any(len(cell.quote) > 1 for cell in cells[:-1]))
    cells[-1].quote = quote
    return Scorecard(groups, 0, after, reversed=_upside_down(runs[0], runs[-1]))


def _upside_down(first: list[Line], last: list[Line]) -> bool:
    """Whether quotes stand above their scores: one above the first, none below the last."""
    above = bool(first) and _is_prose(first[-1]) and any(_is_heading(line) for line in first[:-1])
    return above and not (last and _is_prose(last[0]) and not is_footer(last[0]))


def _cells_and_runs(lines: Sequence[Line]) -> tuple[list[Cell], list[list[Line]]]:
    """The cells in order, and the lines before, between and after them: always one run more than cells."""
    cells: list[Cell] = []
    runs: list[list[Line]] = [[]]
    index = 0
    while index < len(lines):
        cell, rest, used = _cell_at(lines, index)
        if cell and not runs[-1] and cells and not cells[-1].absent and not _stands_alone(cell, lines[index]):
            cell = None
        if cell is None:
            runs[-1].append(lines[index])
            index += 1
            continue
        cell.gap = lines[index].gap
        cells.append(cell)
        runs.append([lines[index]._replace(text=rest, gap=False, look="rest of the cell")] if rest else [])
        index += used
    return cells, runs


def _cell_at(lines: Sequence[Line], index: int) -> tuple[Cell | None, str, int]:
    """The cell that begins at this line, text that follows it in the line, and how many lines it takes."""
    text = lines[index].text
    if len(text) <= 120 and _NO_REVIEW.fullmatch(text):  # noqa: PLR2004
        return Cell(absent=True), "", 1
    if match := _scored(text):
        following = lines[index + 1].text if index + 1 < len(lines) else ""
        if not match["word"] and (verdict := _verdict(following)):
            return Cell(verdict, _score(match["score"])), "", 2
        return Cell(_verdict(match["word"] or ""), _score(match["score"])), "", 1
    if match := _CELL_AND_QUOTE.match(text):
        return Cell(_verdict(match["word"]), _score(match["score"])), match["rest"].strip(), 1
    if verdict := _verdict(text):
        return Cell(verdict), "", 1
    return _cell_in_pieces(lines, index)


def _cell_in_pieces(lines: Sequence[Line], index: int) -> tuple[Cell | None, str, int]:
    """A cell whose number, slash, dot and word are lines of their own, as text nodes may be."""
    joined = ""
    for used, line in enumerate(lines[index : index + 6], start=1):
        if len(line.text) > 10 or not _PIECE.fullmatch(line.text):  # noqa: PLR2004
            break
        joined += line.text
        if (match := _CELL.fullmatch(joined)) and (verdict := _verdict(match["word"] or "")):
            return Cell(verdict, _score(match["score"])), "", used
    return None, "", 0


def _stands_alone(cell: Cell, line: Line) -> bool:
    """Whether a line right below a score is a cell: not the verdict's word once more, not a short quote."""
    return len(line.text) <= _FORMULA if cell.absent else cell.score is not None


def _scored(text: str) -> re.Match[str] | None:
    return (_CELL.fullmatch(text) or _CELL_TURNED.fullmatch(text)) if len(text) <= 40 else None  # noqa: PLR2004


def _verdict(word: str) -> Verdict | None:
    return {"ship": Verdict.SHIP, "skip": Verdict.SKIP}.get(word.casefold())


def _score(digits: str) -> int | None:
    return int(digits) if int(digits) <= 100 else None  # noqa: PLR2004


def _without_header(run: list[Line], names: tuple[str, str]) -> list[Line]:
    """The lines above the first cell without the column titles and the sentences that introduce the table."""
    titled = {line.text for line in run} >= set(names)
    return [
        line
        for line in run
        if not (titled and line.text in names) and line.text.casefold() not in _FURNITURE and line.text != "—"
    ]


def _marks(cells: list[Cell], runs: list[list[Line]], names: tuple[str, str]) -> _Marks:
    labels = names[0] != names[1] and {line.text for run in runs[:-1] for line in run} >= set(names)
    first = _first_heading([line for line in runs[0] if not (labels and line.text in names)])
    prose = {line.look for run in runs for line in run if _is_prose(line)}
    look = first.look if first and first.look and first.look not in prose else None
    if look and len(runs) > 3 and not any(line.look == look for run in runs[1:-1] for line in run):  # noqa: PLR2004
        look = None
    return _Marks(
        look=look,
        block=not cells[0].gap and any(cell.gap for cell in cells),
        roles=len(runs[0]) > 1 and first is not None and first is runs[0][-2] and _is_heading(runs[0][-1]),
        labels=labels,
        paragraphs=_in_paragraphs(runs[1:-1:2], names),
    )


def _in_paragraphs(runs: list[list[Line]], names: tuple[str, str]) -> bool:
    """Whether most of the quotes that no heading follows have more than one line."""
    return sum(sum(line.text not in names for line in run) > 1 for run in runs) * 2 > len(runs)


def _first_heading(run: list[Line]) -> Line | None:
    """The first reviewer's name: the last line that looks like one, or the one above it if that is a role."""
    candidates = [line for line in run if _is_heading(line)]
    known = [line for line in candidates if _is_known(line)]
    if known or len(candidates) < 2:  # noqa: PLR2004
        return next(reversed(known or candidates), None)
    above, last = candidates[-2:]
    return above if _is_role(last) or " " in last.text else last


def _grouped(cells: list[Cell], runs: list[list[Line]], marks: _Marks, names: tuple[str, str]) -> list[Group]:
    groups: dict[str, Group] = {}
    strays: list[Group] = []
    group, tool = Group(None), None
    for index, (cell, run) in enumerate(zip(cells, runs, strict=False)):
        before = cells[index - 1] if index else None
        lines, tool = _labelled(run, marks, names, tool)
        at = _heading(lines, len(group.cells), before, cell, marks) if before else _opening(lines)
        quote, rest = (lines, []) if at is None else (lines[:at], lines[at + 1 :])
        if before:
            before.quote, group.noted = _quote(quote, marks, before, closes=at is not None and len(group.cells) == 1)
        if at is not None:
            name = _name(lines[at])
            group = groups.setdefault(name, Group(name)) if marks.labels else Group(name)
            if not marks.labels:
                strays.append(group)
            if any(_says_absent(line) for line in rest):
                group.cells.append(Cell(absent=True))
        elif not before:
            strays.append(group)
        cell.tool = tool
        group.cells.append(cell)
    return strays + list(groups.values())


def _labelled(
    run: list[Line], marks: _Marks, names: tuple[str, str], tool: int | None
) -> tuple[list[Line], int | None]:
    """The run without lines that name a tool, and the tool that is named last: the next cells are about it."""
    if not marks.labels:
        return run, None
    found = [(index, names.index(line.text)) for index, line in enumerate(run) if line.text in names]
    if any(two[0] - one[0] == 1 for one, two in pairwise(found)):
        tool = None  # both names together are column titles
    elif found:
        tool = found[-1][1]
    return [line for line in run if line.text not in names], tool


def _opening(run: list[Line]) -> int | None:
    first = _first_heading(run)
    return run.index(first) if first else None


def _heading(run: list[Line], held: int, before: Cell, cell: Cell, marks: _Marks) -> int | None:
    """Where in this run the next reviewer's name stands, or None where the reviewer is still the same.

    `held` is how many cells this reviewer has: with two, a heading must follow.
    """
    if not run:
        return None
    if marks.look:
        found = [index for index, line in enumerate(run) if line.look == marks.look and _is_heading(line)]
        return found[-2 if marks.roles and len(found) > 1 and found[-1] == len(run) - 1 else -1] if found else None
    if marks.block:
        at = _block_heading(run)
        with_a_note = at is not None and at < len(run) - 1  # no review, in words of its own
        return at if not cell.gap or with_a_note else None
    return _likely_heading(run, held, before, marks)


def _block_heading(run: list[Line]) -> int | None:
    at = len(run) - 1
    while at > 0 and not run[at].gap:
        at -= 1
    return next((index for index in range(at, len(run)) if _is_heading(run[index])), None)


def _likely_heading(run: list[Line], held: int, before: Cell, marks: _Marks) -> int | None:
    last, above = len(run) - 1, len(run) - 2
    free = before.absent or above >= 0  # something is left to be the quote
    if _is_known(run[last]):
        return last
    if above >= 0 and _is_heading(run[above]) and len(run[last].text) <= _LONGEST_HEADING:
        role = _is_role(run[last]) or (marks.roles and _is_heading(run[last]))
        if _is_known(run[above]) or role or (held > 1 and not _is_heading(run[last])):
            return above
    if held > 1:
        return last if _is_heading(run[last]) else None
    return last if _is_title_case(run[last]) and (free or len(run[last].text.split()) <= 3) else None  # noqa: PLR2004


def _quote(lines: list[Line], marks: _Marks, cell: Cell, *, closes: bool) -> tuple[list[str], bool]:
    """A cell's quote, and whether a last short line was left out that may say "no review" of the other tool."""
    if cell.absent:
        return [], False
    texts = [line.text for line in lines]
    if closes and len(texts) > 1 and not marks.paragraphs and len(texts[-1]) <= 80 and len(texts[-2]) > 80:  # noqa: PLR2004
        return texts[:-1], True
    return texts, False


def _last_quote(run: list[Line], cell: Cell, *, paragraphs: bool) -> tuple[list[str], list[Line]]:
    """The last cell's quote and the footer: that begins with a line that is no sentence, or after one paragraph."""
    if cell.absent or not run or is_footer(run[0]):
        return [], run
    stop = 1
    while stop < len(run) and not is_footer(run[stop]):
        alike = bool(run[stop].look) and run[stop].look == run[0].look
        if not alike and not (paragraphs and ends_sentence(run[stop].text)):
            break
        stop += 1
    return [line.text for line in run[:stop]], run[stop:]


def is_footer(line: Line, *, surely: bool = False) -> bool:
    """Whether the line belongs to what the site prints below every page; `surely`: to what this site does."""
    if len(line.text) > 100:  # noqa: PLR2004
        return False
    elsewhere = not surely and not ends_sentence(line.text) and _FOOTER_ELSEWHERE.match(line.text)
    return bool(_FOOTER.match(line.text) or elsewhere)


def _says_absent(line: Line) -> bool:
    return ends_sentence(line.text) and not _is_role(line)


def _is_heading(line: Line) -> bool:
    text = line.text
    return (
        len(text) <= _LONGEST_HEADING and text[0].isalnum() and text[-1] not in ".!?…:;,”\"'" and len(text.split()) <= 6  # noqa: PLR2004
    )


def _is_title_case(line: Line) -> bool:
    words = line.text.split()
    return _is_heading(line) and len(words) <= 4 and all(w[0].isupper() or w in _SMALL for w in words)  # noqa: PLR2004


def _is_prose(line: Line) -> bool:
    return len(line.text) > _LONGEST_HEADING and ends_sentence(line.text)


def _is_known(line: Line) -> bool:
    return _name(line).casefold().removeprefix("the ") in _KNOWN


def _is_role(line: Line) -> bool:
    return line.text.casefold() in _ROLES


def _name(line: Line) -> str:
    """The reviewer's name without a role in the same line."""
    name, _, role = _ROLE_BEHIND.sub("\0", line.text, count=1).partition("\0")
    if name and role:
        return name
    name, _, rest = re.sub(r" ?[(–—:] ?| - ", "\0", line.text, count=1).partition("\0")
    return name if rest and (rest.rstrip(")").casefold() in _ROLES or name.casefold() in _KNOWN) else line.text
