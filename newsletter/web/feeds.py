"""Feeds of the archive: Atom (RFC 4287), JSON Feed 1.1, and a map for search engines. Pure."""

import json
from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, tostring

from newsletter.config import Publication
from newsletter.desk.archive import Entry

ATOM, MAP = "http://www.w3.org/2005/Atom", "http://www.sitemaps.org/schemas/sitemap/0.9"


def atom(publication: Publication, entries: Sequence[Entry]) -> str:
    """The issues as an Atom feed; its time is that of the newest."""
    base = publication.base_url
    feed = Element("feed", {"xmlns": ATOM, "xml:lang": publication.language})
    _with(feed, "title", publication.name)
    _with(feed, "id", f"{base}/issues")
    SubElement(feed, "link", {"href": f"{base}/issues"})
    SubElement(feed, "link", {"rel": "self", "type": "application/atom+xml", "href": f"{base}/feed.atom"})
    _with(SubElement(feed, "author"), "name", publication.name)
    _with(feed, "updated", entries[0].out_at.isoformat() if entries else "1970-01-01T00:00:00+00:00")
    for entry in entries:
        place = SubElement(feed, "entry")
        _with(place, "title", entry.subject)
        _with(place, "id", _page(base, entry))
        SubElement(place, "link", {"rel": "alternate", "type": "text/html", "href": _page(base, entry)})
        _with(place, "updated", entry.out_at.isoformat())
        _with(place, "published", entry.out_at.isoformat())
        _with(place, "summary", entry.preheader)
    return _xml(feed)


def json_feed(publication: Publication, issues: Sequence[tuple[Entry, str]]) -> str:
    """The issues with their texts as a JSON Feed."""
    base = publication.base_url
    items = [
        {
            "id": _page(base, entry),
            "url": _page(base, entry),
            "title": entry.subject,
            "summary": entry.preheader,
            "content_text": text,
            "date_published": entry.out_at.isoformat(),
        }
        for entry, text in issues
    ]
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": publication.name,
        "home_page_url": f"{base}/issues",
        "feed_url": f"{base}/feed.json",
        "language": publication.language,
        "items": items,
    }
    return json.dumps(feed, ensure_ascii=False, indent=1)


def sitemap(publication: Publication, entries: Sequence[Entry]) -> str:
    """Every public page."""
    base, root = publication.base_url, Element("urlset", {"xmlns": MAP})
    for url in (f"{base}/issues", f"{base}/subscribe"):
        _with(SubElement(root, "url"), "loc", url)
    for entry in entries:
        place = SubElement(root, "url")
        _with(place, "loc", _page(base, entry))
        _with(place, "lastmod", entry.out_at.date().isoformat())
    return _xml(root)


def _page(base: str, entry: Entry) -> str:
    return f"{base}/issues/{entry.week}"


def _with(parent: Element, name: str, text: str) -> None:
    SubElement(parent, name).text = text


def _xml(root: Element) -> str:
    return '<?xml version="1.0" encoding="utf-8"?>\n' + tostring(root, encoding="unicode") + "\n"
