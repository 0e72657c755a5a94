"""Sitemaps: what they list, and what they must not do."""

from collections.abc import Callable
from typing import Never

import pytest

from newsletter.comparisons.sitemap import MOST_ENTRIES, compare_pages, read_sitemap, xml_kind
from newsletter.errors import SourceError

SITE = "https://compare.example.org"
HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
SET = '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'


def urlset(*entries: str) -> bytes:
    """A sitemap; an entry is "path" or "path day"."""
    urls = ""
    for entry in entries:
        path, _, day = entry.partition(" ")
        urls += f"<url><loc>{SITE}{path}</loc>{f'<lastmod>{day}</lastmod>' if day else ''}</url>"
    return f"{HEAD}{SET}{urls}</urlset>".encode()


def index(*addresses: str) -> bytes:
    """A sitemap of sitemaps."""
    inside = "".join(f"<sitemap><loc>{address}</loc></sitemap>" for address in addresses)
    return f"{HEAD}<sitemapindex>{inside}</sitemapindex>".encode()


def nothing(address: str) -> Never:
    """Nothing else is fetched."""
    raise AssertionError(address)


def pages(body: bytes, load: Callable[[str], bytes] = nothing) -> list[str]:
    """The paths of the compare pages."""
    return [entry.url.removeprefix(SITE) for entry in compare_pages(body, f"{SITE}/sitemap.xml", load)]


def test_only_compare_pages_are_taken_the_newest_first() -> None:
    """The rest of the site is not ours."""
    body = urlset(
        "/", "/tool/mo", "/compare/a-vs-b 2026-10-01", "/compare/", "/compare/c-vs-d 2026-11-01", "/compare/e-vs-f"
    )
    assert pages(body) == ["/compare/c-vs-d", "/compare/a-vs-b", "/compare/e-vs-f"]


def test_an_address_that_stands_twice_is_read_once() -> None:
    """Each page is fetched once."""
    assert pages(urlset("/compare/a-vs-b", "/compare/a-vs-b")) == ["/compare/a-vs-b"]


def test_addresses_of_other_hosts_are_passed_over() -> None:
    """With and without www is the same host."""
    body = urlset("/compare/a-vs-b").replace(b"https://compare.", b"https://www.compare.")
    assert len(pages(body)) == 1
    assert pages(urlset("/compare/a-vs-b").replace(b"https://compare.", b"https://other.")) == []
    assert pages(urlset("/compare/a-vs-b").replace(b"https://compare", b"https://[")) == []


def test_a_sitemap_without_compare_pages_has_none() -> None:
    """Certainly."""
    assert pages(urlset("/about")) == pages(urlset()) == []


def test_the_sitemaps_of_an_index_are_read() -> None:
    """One level."""
    parts = {f"{SITE}/one.xml": urlset("/compare/a-vs-b"), f"{SITE}/two.xml": urlset("/compare/c-vs-d")}
    assert pages(index(*parts), parts.__getitem__) == ["/compare/a-vs-b", "/compare/c-vs-d"]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (index(f"{SITE}/one.xml"), "index in an index"),
        (index("https://other.example.org/one.xml"), "another host"),
        (index("https://["), "another host"),
        (index(*(f"{SITE}/{number}.xml" for number in range(51))), "51 sitemaps"),
    ],
)
def test_an_index_that_leads_further_is_refused(body: bytes, told: str) -> None:
    """Deeper, elsewhere, or to too many."""
    with pytest.raises(SourceError, match=told):
        pages(body, lambda _: index(f"{SITE}/two.xml"))


ENTITIES = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            f'{HEAD}<!DOCTYPE urlset [<!ENTITY a0 "x">{ENTITIES}]>{SET}<url><loc>&a9;</loc></url></urlset>',
            "document type",
        ),
        (f'{HEAD}<!DOCTYPE urlset [<!ENTITY a "{"x" * 99_999}">]>{SET}{"&a;" * 9_999}</urlset>', "document type"),
        (f'{HEAD}<!DOCTYPE urlset [<!ENTITY a SYSTEM "file:///etc/passwd">]>{SET}&a;</urlset>', "document type"),
        (f'{HEAD}<!DOCTYPE urlset SYSTEM "http://127.0.0.1/x.dtd">{SET}</urlset>', "document type"),
        (f"{HEAD}{SET}{'<a>' * 300_000}", "deeper than 200"),
        (f"{HEAD}{SET}{'<url/>' * (MOST_ENTRIES + 1)}</urlset>", "more than 50,000"),
        (f"{HEAD}{SET}<url>", "not well-formed"),
        (f"{HEAD}{SET}&nbsp;</urlset>", "not well-formed"),
        ("", "not well-formed"),
    ],
)
def test_hostile_xml_is_refused_unread(text: str, told: str) -> None:
    """No document type, no entities, no depth, no flood."""
    with pytest.raises(SourceError, match=told):
        read_sitemap(text.encode())


def test_a_document_type_in_another_encoding_is_refused_too() -> None:
    """The parser finds it, not a search for bytes."""
    text = f'<?xml version="1.0" encoding="utf-16"?><!DOCTYPE urlset [<!ENTITY a "x">]>{SET}</urlset>'
    with pytest.raises(SourceError, match="document type"):
        read_sitemap(text.encode("utf-16"))


def test_comments_and_namespaces_do_not_matter() -> None:
    """Nor do line breaks in an address."""
    inside = f"<s:url><s:loc>\n{SITE}/compare/a-vs-b\n</s:loc></s:url>"
    body = f"{HEAD}<!-- made by hand --><s:urlset xmlns:s='x'>{inside}</s:urlset>"
    assert pages(body.encode()) == ["/compare/a-vs-b"]
    assert xml_kind(body) == "urlset"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (f"{HEAD}\n<!-- x -->\n<?xml-stylesheet href='x'?>{SET}", "urlset"),
        ("<sitemapindex>", "sitemapindex"),
        ("<!DOCTYPE urlset [", "urlset"),
        (f"{HEAD}<rss version='2.0'>", "rss"),
        ("<feed xmlns='http://www.w3.org/2005/Atom'>", "feed"),
        ("<!doctype html><urlset>", None),
        ("AI tool comparison", None),
    ],
)
def test_a_sitemap_is_known_by_its_root(text: str, kind: str | None) -> None:
    """Whatever stands before it."""
    assert xml_kind(text) == kind


@pytest.mark.parametrize("part", ["<!---->", "<!-- x -->\n", "<?a?>", "<!----><?a?>", "\ufeff", "<!--><!---->"])
def test_comments_before_the_root_are_each_looked_at_once(part: str) -> None:
    """A search that goes back over them needs the fifth power of their number, and would not end here."""
    assert xml_kind(part * 80 + SET) == "urlset"
    assert xml_kind(part * 200_000) is None


@pytest.mark.parametrize(
    "text", [f"<!-- {SET}", f"<!--> {SET}", f"<?xml {SET}", f"<!---->x<!---->{SET}", "<!--", "<?", ""]
)
def test_a_root_inside_a_comment_is_none(text: str) -> None:
    """Nor is one behind other text."""
    assert xml_kind(text) is None
