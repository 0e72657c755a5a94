"""An HTML page: its boxes for the grammar, and the addresses it names.

The parser is lxml's; nothing is executed, fetched or rendered. What is not seen on the page (scripts, the head,
navigation, hidden parts) gives no lines, but addresses are taken from the head.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import urljoin

from lxml import etree

from newsletter.comparisons.address import tool_in
from newsletter.comparisons.page_boxes import INLINE, readings
from newsletter.comparisons.page_lines import Line, check_length, clean
from newsletter.errors import NotAComparison

_MOST_LINKS = 2_000
_MOST_TAGS = 30_000
_MOST_ATTRIBUTES = 500
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")


class Html(NamedTuple):
    """An HTML page, ready to be cut into lines."""

    root: etree._Element
    addresses: tuple[str, ...]  #: canonical, og:url, and whatever else may be the page's address
    tools: tuple[tuple[str, str], ...]  #: (slug, text) of links to tool pages
    ended: bool  #: the end of the document was there
    closed: bool  #: the last line ends with its box

    def readings(self) -> Iterator[list[Line]]:
        """The page's lines, in several ways. Raises NotAComparison where there are far too many."""
        return readings(self.root)


def is_html(text: str) -> bool:
    """Whether the text is HTML and not a page's text."""
    return bool(re.match(r"[\s\ufeff]*<(?:[a-zA-Z]|!--|!doctype|\?xml)", text[:1_000], re.IGNORECASE))


def read_html(text: str) -> Html:
    """The parsed page. Raises NotAComparison where there is nothing in it, or far too much."""
    check_length(text)
    _check_tags(text)
    parser = etree.HTMLParser(encoding="utf-8", remove_comments=False, no_network=True, huge_tree=False)
    root: etree._Element | None = None
    with suppress(etree.XMLSyntaxError, ValueError):
        root = etree.fromstring(text.encode("utf-8", "replace"), parser)
    if root is None:
        raise NotAComparison("Not a compare page: line 1 begins an HTML document that has no content.")
    ended = bool(re.search(r"</(?:html|body)\s*>", text[-4_000:], re.IGNORECASE))
    last = re.search(r"</([a-z0-9]{1,20})\s*>\s*$", text[-100:], re.IGNORECASE)
    closed = bool(last and not INLINE.fullmatch(last[1].lower()))
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
