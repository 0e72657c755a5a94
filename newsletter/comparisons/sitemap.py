"""Sitemaps: addresses of compare pages, from a sitemap or an index of sitemaps (one level).

XML from outside is parsed with nothing that it could use: no document type, no entities, no network, a limited depth
and number of entries (security reference S-35).
"""

import re
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import urlsplit

from lxml import etree

from newsletter.comparisons.address import pairs_in, shortened, web_address
from newsletter.errors import SourceError

MOST_ENTRIES = 50_000
MOST_SITEMAPS = 50
_MOST_DEPTH = 200
_LONGEST_PROLOG = 10_000  #: characters before the root in which it is looked for
_BLANKS = re.compile(r"[\s\ufeff]*")
_PROLOG = (("<!--", "-->"), ("<?", "?>"))  #: what may stand before the root: how it begins, and ends
_ROOT = re.compile(
    r"<(?:\w{1,20}:)?(?P<root>urlset|sitemapindex|rss|feed|!doctype\s+(?:urlset|sitemapindex))\b", re.IGNORECASE
)


class Entry(NamedTuple):
    """One address of a sitemap."""

    url: str
    changed: str  #: `lastmod` as written, perhaps empty: a W3C date, whose text sorts as its time does


class Sitemap(NamedTuple):
    """What one XML file says."""

    pages: tuple[Entry, ...]
    sitemaps: tuple[str, ...]  #: of an index


def xml_kind(text: str) -> str | None:
    """The root of an XML source: "urlset", "sitemapindex", "rss" or "feed"; None for anything else."""
    head = text[:_LONGEST_PROLOG]
    match = _ROOT.match(head, _after_prolog(head))
    return match["root"].lower().split()[-1] if match else None


def _after_prolog(text: str) -> int:
    """Where the comments and instructions before the root end, each looked at once: any page may be made of them."""
    at = 0
    while blanks := _BLANKS.match(text, at):
        at = blanks.end()
        begin, end = next((pair for pair in _PROLOG if text.startswith(pair[0], at)), ("", ""))
        closed = text.find(end, at + len(begin)) if begin else -1
        if closed < 0:
            break
        at = closed + len(end)
    return at


def read_sitemap(body: bytes, place: str = "The sitemap") -> Sitemap:
    """The entries of a sitemap or an index. Raises SourceError where it is not well-formed, or hostile."""
    place = shortened(place)
    target = _Collector(place)
    parser = etree.XMLParser(target=target, resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        told = getattr(error, "msg", None) or "its bytes are not text"
        raise SourceError(f"{place} is not well-formed XML: {shortened(told)}.") from None
    return Sitemap(tuple(target.pages), tuple(target.sitemaps))


def compare_pages(body: bytes, url: str, load: Callable[[str], bytes]) -> list[Entry]:
    """The compare pages that a sitemap at this address lists, newest first, of the same host only.

    `load` fetches the sitemaps of an index. Raises SourceError, also where an index names another index.
    """
    found = read_sitemap(body, url)
    pages, place = list(found.pages), shortened(url)
    if len(found.sitemaps) > MOST_SITEMAPS:
        raise SourceError(f"{place} lists {len(found.sitemaps)} sitemaps; at most {MOST_SITEMAPS} are read. Name one.")
    for address in found.sitemaps:
        if not _same_host(address, url):
            raise SourceError(f"{place} names a sitemap of another host: it is not read. Name that sitemap yourself.")
        part = read_sitemap(load(address), address)
        if part.sitemaps:
            raise SourceError(f"{shortened(address)} is an index in an index: it is not read. Name it yourself.")
        pages += part.pages
    unique = {entry.url: entry for entry in pages if _is_compare_page(entry.url) and _same_host(entry.url, url)}
    return sorted(unique.values(), key=lambda entry: entry.changed, reverse=True)


class _Collector:
    """A parser target that keeps addresses and nothing else: no tree is built."""

    def __init__(self, place: str) -> None:
        self._place = place
        self._path: list[str] = []
        self._text: list[str] = []
        self._location = self._changed = ""
        self.pages: list[Entry] = []
        self.sitemaps: list[str] = []

    def start(self, tag: str | bytes, attrib: dict[str | bytes, str | bytes]) -> None:  # noqa: ARG002
        self._path.append(str(tag).rpartition("}")[2])
        self._text = []
        if len(self._path) > _MOST_DEPTH:
            raise SourceError(f"{self._place} is nested deeper than {_MOST_DEPTH} elements: it is not read.")

    def data(self, data: str | bytes) -> None:
        self._text.append(str(data))

    def end(self, tag: str | bytes) -> None:  # noqa: ARG002
        inside, name = self._path[-2:-1], self._path.pop()
        text = "".join(self._text).strip()
        if name == "loc" and inside in (["url"], ["sitemap"]):
            self._location = text
        elif name == "lastmod":
            self._changed = text[:40]
        elif name in ("url", "sitemap"):
            self._keep(name)

    def comment(self, data: str | bytes) -> None:
        """Not of interest."""

    def doctype(self, _name: str, _public: str, _system: str) -> None:
        raise SourceError(f"{self._place} declares a document type, which a sitemap does not need: it is not read.")

    def close(self) -> None:
        """The parser asks for it."""

    def _keep(self, name: str) -> None:
        if name == "url":
            self.pages.append(Entry(self._location, self._changed))
        else:
            self.sitemaps.append(self._location)
        self._location = self._changed = ""
        if len(self.pages) + len(self.sitemaps) > MOST_ENTRIES:
            raise SourceError(f"{self._place} has more than {MOST_ENTRIES:,} entries: it is not read.")


def _is_compare_page(url: str) -> bool:
    return web_address(url) is not None and "/compare/" in url and bool(pairs_in(url))


def _same_host(one: str, other: str) -> bool:
    try:
        hosts = [(urlsplit(url).hostname or "").removeprefix("www.") for url in (one, other)]
    except ValueError:
        return False
    return hosts[0] == hosts[1] != ""
