"""The boxes of an HTML page, walked once, and the ways to cut their texts into lines.

Which boxes are lines only a style sheet would tell, so there are several ways, and the grammar says which one fits.
"""

import re
from collections.abc import Iterator
from enum import Enum
from itertools import islice
from typing import NamedTuple

from lxml import etree

from newsletter.comparisons.page_lines import Line, as_lines, visible

_UNSEEN = re.compile(
    r"head|script|style|noscript|template|nav|svg|math|iframe|object|embed|canvas|video|audio|select|textarea|input"
    r"|datalist|dialog"
)
INLINE = re.compile(
    r"a|abbr|b|bdi|bdo|cite|code|data|del|dfn|em|font|i|ins|kbd|label|mark|q|s|samp|small|span|strong|strike|sub|sup"
    r"|time|tt|u|var|wbr|img|picture|svg|math|input"
)
#: What holds prose or one value: inline parts of it never are lines of their own.
_PROSE = re.compile(r"p|h[1-6]|li|td|th|dt|dd|blockquote|figcaption|caption|summary|pre")
_CELLS = frozenset({"td", "dd"})
_BOXES = frozenset({"div", "li", "article", "section"})
_PARTS = frozenset({"article", "section", "blockquote", "figure", "li"})
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_SHOWN_LATER = re.compile(r":(?:block|flex|grid|table|inline|contents)")
_SCORE = re.compile(r"/\s?100\b")
_QUOTE = 60  #: characters from which a text is a quote rather than a label


class Cut(Enum):
    """Where lines end besides at blocks."""

    BOXES = "at inline elements of a box that has no text of its own"
    BLOCKS = "nowhere else"
    NODES = "at every text"


class _Edge(Enum):
    """What an element's edges do to the line."""

    LINE = "end it"
    BLANK = "part two words"
    NONE = "nothing"


class _Box(NamedTuple):
    """What of an element decides its edges."""

    inline: bool
    parent: int  #: number of the box around it; the root is its own
    worded: bool  #: the box around it has text of its own
    prose: bool  #: the box around it holds prose or one value


class _Step(NamedTuple):
    """One edge of a box, and the texts behind it."""

    box: int
    look: str  #: of the box that the text is in
    texts: list[str]  #: with what stands behind comments
    ends: bool  #: the line ends in any case
    absent: bool  #: the box is empty where a value or a review would be


def readings(root: etree._Element) -> Iterator[list[Line]]:
    """The page's lines in each way, the likeliest first. Raises NotAComparison where there are far too many."""
    boxes, steps = _walk(root)
    for cut, dashes in ((Cut.BOXES, True), (Cut.BOXES, False), (Cut.BLOCKS, True), (Cut.NODES, False)):
        texts = _texts(steps, _edges(boxes, cut), dashes=dashes)
        yield as_lines((number, text, look) for number, (text, look) in enumerate(texts, start=1))


def _texts(steps: list[_Step], edges: list[_Edge], *, dashes: bool) -> Iterator[tuple[str, str]]:
    """(text, look) of each line; with `dashes`, a dash where a value or a review is missing."""
    line: list[str] = []
    look = ""
    for step in steps:
        edge = edges[step.box]
        if edge is _Edge.LINE or step.ends:
            yield "".join(line), look
            line = []
        if edge is _Edge.LINE:
            look = step.look
        elif edge is _Edge.BLANK:
            line.append(" ")
        line += ["—"] if dashes and step.absent else step.texts
    yield "".join(line), look


def _edges(boxes: list[_Box], cut: Cut) -> list[_Edge]:
    edges: list[_Edge] = []
    for box in boxes:
        if not box.inline or cut is Cut.NODES:
            edges.append(_Edge.LINE)
        elif cut is Cut.BLOCKS or box.worded:
            edges.append(_Edge.NONE)
        else:
            within = box.prose or edges[box.parent] is not _Edge.LINE
            edges.append(_Edge.BLANK if within else _Edge.LINE)
    return edges


def _walk(root: etree._Element) -> tuple[list[_Box], list[_Step]]:
    held = _Held(root)
    boxes = [_Box(inline=False, parent=0, worded=False, prose=False)]
    steps: list[_Step] = []
    around = [(0, "")]  # number and look of the boxes around
    walk = etree.iterwalk(root, events=("start", "end", "comment", "pi"))
    for event, element in walk:
        if event == "start":
            look = f"{element.tag} {element.get('class') or ''}".strip()
            around.append((len(boxes), look))
            boxes.append(_box(element, around[-2][0], held))
            if _is_unseen(element):
                walk.skip_subtree()
            else:
                steps.append(
                    _Step(
                        around[-1][0], look, [visible(element.text or "")], ends=False, absent=held.is_missing(element)
                    )
                )
        elif event == "end":
            number, _ = around.pop()
            steps.append(
                _Step(number, around[-1][1], [visible(element.tail or "")], ends=element.tag == "br", absent=False)
            )
        elif steps and element.tail:
            steps[-1].texts.append(visible(element.tail))
    return boxes, steps


def _box(element: etree._Element, parent: int, held: "_Held") -> _Box:
    around = element.getparent()
    return _Box(
        inline=bool(INLINE.fullmatch(element.tag)),
        parent=parent,
        worded=around in held.own,
        prose=around is not None and bool(_PROSE.fullmatch(around.tag)),
    )


class _Held:
    """Which elements hold text: of their own, anywhere in them, a score, or a quote."""

    def __init__(self, root: etree._Element) -> None:
        self.own: set[etree._Element | None] = set()
        self.any: set[etree._Element] = set()
        self.score: set[etree._Element] = set()
        self.quote: set[etree._Element] = set()
        for element in root.iter():
            self._note(element.tail, element.getparent())
            if isinstance(element.tag, str):  # a comment's text is none
                self._note(element.text, element)

    def _note(self, text: str | None, owner: etree._Element | None) -> None:
        text = visible(text or "")
        if owner is None or not text or text.isspace():
            return
        self.own.add(owner)
        _mark(owner, self.any)
        if _SCORE.search(text[:200]):
            _mark(owner, self.score)
        if len(text) > _QUOTE:
            _mark(owner, self.quote)

    def is_missing(self, element: etree._Element) -> bool:
        """An empty table cell, or an empty box beside one with score and quote: a value or review is not there."""
        if element in self.any:
            return False
        if element.tag in _CELLS:
            return True
        parent = element.getparent()
        if element.tag not in _BOXES or parent is None:
            return False
        near = list(islice(parent, 4))
        reviews = [twin for twin in near if twin in self.score and twin in self.quote]
        return len(near) < 4 and len(reviews) == 1 and reviews[0].tag == element.tag  # noqa: PLR2004


def _mark(element: etree._Element | None, marked: set[etree._Element]) -> None:
    while element is not None and element not in marked:
        marked.add(element)
        element = element.getparent()


def _is_unseen(element: etree._Element) -> bool:
    facts = element.attrib
    if _UNSEEN.fullmatch(element.tag):
        return True
    if not facts:
        return element.tag == "footer" and _is_page_footer(element)
    names = facts.get("class", "").split()
    if "hidden" in facts or _HIDDEN_STYLE.search(facts.get("style", "")[:1_000]):
        return True
    if "sr-only" in names or "visually-hidden" in names:
        return bool(INLINE.fullmatch(element.tag))
    if "hidden" in names:
        return not any(map(_SHOWN_LATER.search, names))
    return element.tag == "footer" and _is_page_footer(element)


def _is_page_footer(element: etree._Element) -> bool:
    return not any(parent.tag in _PARTS for parent in element.iterancestors())
