"""HTML into lines, in several ways: which boxes are lines, only a style sheet would tell.

The parser is lxml's; nothing is executed, fetched or rendered. What is not seen on the page (scripts, the head,
navigation, hidden parts) gives no lines, but addresses are taken from the head.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from enum import Enum
from itertools import islice
from typing import NamedTuple
from urllib.parse import urljoin

from lxml import etree

from newsletter.comparisons.address import pairs_in, tool_in
from newsletter.comparisons.page_lines import Line, as_lines, check_length, clean
from newsletter.errors import NotAComparison

_UNSEEN = re.compile(
    r"head|script|style|noscript|template|nav|svg|math|iframe|object|embed|canvas|video|audio|select|textarea|input"
    r"|datalist|dialog"
)
_INLINE = re.compile(
    r"a|abbr|b|bdi|bdo|cite|code|data|del|dfn|em|font|i|ins|kbd|label|mark|q|s|samp|small|span|strong|strike|sub|sup"
    r"|time|tt|u|var|wbr"
)
#: What holds prose or one value: inline parts of it never are lines of their own.
_PROSE = re.compile(r"p|h[1-6]|li|td|th|dt|dd|blockquote|figcaption|caption|summary|pre")
_CELLS = frozenset({"td", "dd"})
_BOXES = frozenset({"div", "li", "article", "section"})
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_SHOWN_LATER = re.compile(r":(?:block|flex|grid|table|inline|contents)")
_SCORE = re.compile(r"/\s?100\b")
_QUOTE = 60  #: characters from which a text is a quote rather than a label
_MOST_LINKS = 2_000
_MOST_TAGS = 60_000
_MOST_ATTRIBUTES = 2_000
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")


class Cut(Enum):
    """Where lines end besides at blocks."""

    BOXES = "at inline elements of a box that has no text of its own"
    BLOCKS = "nowhere else"
    NODES = "at every text"


class Html(NamedTuple):
    """An HTML page, ready to be cut into lines."""

    root: etree._Element
    addresses: tuple[str, ...]  #: canonical, og:url, and whatever else may be the page's address
    tools: tuple[tuple[str, str], ...]  #: (slug, text) of links to tool pages
    ended: bool  #: the end of the document was there
    closed: bool  #: the last line ends with its box

    def readings(self) -> Iterator[list[Line]]:
        """The page's lines, in each of the ways. Raises NotAComparison where there are far too many."""
        held = _Held(self.root)
        for cut, missing in ((Cut.BOXES, True), (Cut.BOXES, False), (Cut.BLOCKS, True), (Cut.NODES, False)):
            texts = _texts(self.root, cut, held, missing=missing)
            yield as_lines((number, text, look) for number, (text, look) in enumerate(texts, start=1))


def is_html(text: str) -> bool:
    """Whether the text is HTML and not a page's text."""
    return bool(re.match(r"[\s\ufeff]*<(?:[a-zA-Z]|!--|!doctype|\?xml)", text[:1_000], re.IGNORECASE))


def read_html(text: str) -> Html:
    """The parsed page. Raises NotAComparison where there is nothing in it, or far too much."""
    check_length(text)
    _check_tags(text)
    parser = etree.HTMLParser(encoding="utf-8", remove_comments=False, no_network=True, huge_tree=False)
    try:
        root = etree.fromstring(text.encode("utf-8", "replace"), parser)
    except (etree.XMLSyntaxError, ValueError):
        root = None
    if root is None:
        raise NotAComparison("Not a compare page: line 1 begins an HTML document that has no content.")
    ended = bool(re.search(r"</(?:html|body)\s*>", text[-4_000:], re.IGNORECASE))
    last = re.search(r"</([a-z0-9]{1,20})\s*>\s*$", text[-100:], re.IGNORECASE)
    closed = bool(last and not _INLINE.fullmatch(last[1].lower()))
    return Html(root, tuple(_addresses(root)), tuple(_tools(root)), ended, closed)


def _check_tags(text: str) -> None:
    """Refuse what would keep the parser busy: libxml2 compares each attribute of a tag with all the others."""
    if text.count("<") > _MOST_TAGS:
        raise NotAComparison(f"Not a compare page: more than {_MOST_TAGS:,} tags, beginning at line 1.")
    for tag in text.split("<"):
        if len(tag) > _MOST_ATTRIBUTES and len(_QUOTED.sub("", tag).partition(">")[0].split()) > _MOST_ATTRIBUTES:
            line = text[: text.index(tag)].count("\n") + 1
            raise NotAComparison(
                f"Not a compare page: line {line} has a tag of more than {_MOST_ATTRIBUTES:,} attributes."
            )


def _addresses(root: etree._Element) -> Iterator[str]:
    base = next((base.get("href") for base in root.iter("base")), None) or ""
    named = [link.get("href") for link in root.iter("link") if (link.get("rel") or "").casefold() == "canonical"]
    metas = [
        meta.get("content")
        for meta in root.iter("meta")
        if (meta.get("property") or meta.get("name") or "").casefold() in ("og:url", "twitter:url")
    ]
    for address in [*named[:3], *metas[:3]]:
        with suppress(ValueError):
            yield urljoin(base, (address or "").strip())


def _tools(root: etree._Element) -> Iterator[tuple[str, str]]:
    for index, link in enumerate(root.iter("a")):
        if index >= _MOST_LINKS:
            return
        if slug := tool_in(link.get("href") or ""):
            yield slug, clean(" ".join(_short_text(link)))


def _short_text(element: etree._Element) -> Iterator[str]:
    for index, text in enumerate(element.itertext("*")):
        if index > 20:  # noqa: PLR2004
            return
        yield str(text)[:400]


class _Held:
    """Which elements hold text: of their own, anywhere in them, a score, or a quote."""

    def __init__(self, root: etree._Element) -> None:
        self.own: set[etree._Element] = set()
        self.any: set[etree._Element] = set()
        self.score: set[etree._Element] = set()
        self.quote: set[etree._Element] = set()
        for element in root.iter():
            texts = [(element.tail, element.getparent())]
            if isinstance(element.tag, str):  # not a comment, whose text is none
                texts.append((element.text, element))
            for text, owner in texts:
                if text and owner is not None and not text.isspace():
                    self._note(text, owner)

    def _note(self, text: str, owner: etree._Element) -> None:
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


class _Pen:
    """Writes lines: texts that belong to one line are joined."""

    def __init__(self, cut: Cut, texts: _Held) -> None:
        self.cut = cut
        self.texts = texts
        self.edges: dict[etree._Element, str] = {}
        self.done: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.look = ""

    def edge(self, element: etree._Element, inside: etree._Element | None) -> None:
        """An edge of the element: what comes next is inside `inside`."""
        if element not in self.edges:
            self.edges[element] = self._kind(element)
        edge = self.edges[element]
        if edge == "blank":
            self.open.append(" ")
        if edge == "line" or element.tag == "br":
            self.end()
        if edge == "line" and inside is not None:
            self.look = f"{inside.tag} {inside.get('class') or ''}".strip()

    def _kind(self, element: etree._Element) -> str:
        """What the element's edges are: the end of a "line", a "blank", or nothing."""
        if not _INLINE.fullmatch(element.tag) or self.cut is Cut.NODES:
            return "line"
        parent = element.getparent()
        if self.cut is Cut.BLOCKS or parent is None or parent in self.texts.own:
            return ""
        inline = _INLINE.fullmatch(parent.tag) and self.edges.get(parent) != "line"
        return "blank" if inline or _PROSE.fullmatch(parent.tag) else "line"

    def end(self) -> None:
        """End the line."""
        if self.open:
            self.done.append(("".join(self.open), self.look))
        self.open = []


def _texts(root: etree._Element, cut: Cut, held: _Held, *, missing: bool) -> list[tuple[str, str]]:
    """(text, look) of each line; with `missing`, a dash where a value or a review is missing."""
    pen = _Pen(cut, held)
    walk = etree.iterwalk(root, events=("start", "end", "comment", "pi"))
    for event, element in walk:
        if event == "start" and _is_unseen(element):
            walk.skip_subtree()
        elif event == "start":
            pen.edge(element, element)
            pen.open.append("—" if missing and held.is_missing(element) else element.text or "")
        elif event == "end":
            pen.edge(element, element.getparent())
        if event != "start":
            pen.open.append(element.tail or "")
    pen.end()
    return pen.done


def _is_unseen(element: etree._Element) -> bool:
    if _UNSEEN.fullmatch(element.tag) or element.get("hidden") is not None:
        return True
    if _HIDDEN_STYLE.search((element.get("style") or "")[:1_000]):
        return True
    names = (element.get("class") or "").split()
    if "sr-only" in names or "visually-hidden" in names:
        return bool(_INLINE.fullmatch(element.tag))
    if "hidden" in names:
        return not any(_SHOWN_LATER.search(name) for name in names)
    return element.tag == "footer" and _is_page_footer(element)


def _is_page_footer(element: etree._Element) -> bool:
    above = {parent.tag for parent in element.iterancestors()}
    return not above & {"article", "section", "blockquote", "figure", "li"}


def is_compare_address(address: str) -> bool:
    """Whether an address is that of a compare page."""
    return "/compare/" in address and bool(pairs_in(address))
