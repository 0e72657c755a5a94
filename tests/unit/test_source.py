"""Sources have three outcomes: items, certainly none, failed."""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

import feed_samples
import page_printer as printer
import pytest

from newsletter.comparisons.fetch import Page
from newsletter.comparisons.source import Fetch, Kind, collect, decoded
from newsletter.errors import FetchRefused, SourceError

SITE = "https://compare.example.org"
PAGE = printer.text_b(printer.sheet(printer.dice(21)))
HTML = printer.html_divs(printer.sheet(printer.dice(22)))


def web(pages: Mapping[str, str | bytes], content_type: str = "") -> Fetch:
    """A fetch that knows these paths, and refuses all others."""

    def fetch(url: str, /) -> Page:
        path = url.removeprefix(SITE)
        if path not in pages:
            raise FetchRefused(f"{url} answered 404, not a page. Check the address.")
        body = pages[path]
        return Page(url, body.encode() if isinstance(body, str) else body, content_type)

    return fetch


def sitemap(*paths: str) -> str:
    """A sitemap of these paths."""
    return f"<urlset>{''.join(f'<url><loc>{SITE}{path}</loc></url>' for path in paths)}</urlset>"


def test_a_file_is_read_and_its_name_may_be_its_address(tmp_path: Path) -> None:
    """a-vs-b.txt."""
    file = tmp_path / "aaa-vs-bbb.txt"
    file.write_text(PAGE, encoding="utf-8")
    outcome = collect(str(file))
    assert (outcome.kind, outcome.failures) == (Kind.ITEMS, ())
    assert [comparison.key for comparison in outcome.comparisons] == ["aaa-vs-bbb"]


def test_an_address_given_with_a_file_is_the_pages_address(tmp_path: Path) -> None:
    """What --url is for."""
    (tmp_path / "page.txt").write_text(PAGE, encoding="utf-8")
    (comparison,) = collect(str(tmp_path / "page.txt"), url=f"{SITE}/compare/one-vs-two").comparisons
    assert (comparison.key, comparison.url) == ("one-vs-two", f"{SITE}/compare/one-vs-two")


def test_a_folder_is_read_in_order_with_the_addresses_of_its_index(tmp_path: Path) -> None:
    """Text, HTML and feeds; whatever else lies there is left alone."""
    (tmp_path / "2.txt").write_text(PAGE, encoding="utf-8")
    (tmp_path / "1.HTML").write_text(HTML, encoding="utf-8")
    (tmp_path / "3.json").write_text(json.dumps(feed_samples.feed(feed_samples.entry("x", "y"))), encoding="utf-8")
    (tmp_path / "notes.md").write_text("Not a page.", encoding="utf-8")
    (tmp_path / "index.tsv").write_text(
        f"file\tflavour\turl\n2.txt\tB\t{SITE}/compare/aa-vs-bb\n1.HTML\t-\t-\n", encoding="utf-8"
    )
    outcome = collect(str(tmp_path))
    assert outcome.kind is Kind.ITEMS
    assert [comparison.key for comparison in outcome.comparisons][1:] == ["aa-vs-bb", "x-vs-y"]


def test_an_empty_folder_certainly_has_none_and_a_missing_one_has_failed(tmp_path: Path) -> None:
    """The difference between a quiet week and a broken source."""
    assert collect(str(tmp_path)).kind is Kind.NONE
    assert collect(str(tmp_path / "gone")).kind is Kind.FAILED


def test_one_page_that_cannot_be_read_makes_the_folder_a_failure(tmp_path: Path) -> None:
    """What is whole is handed over, and what is not is named."""
    (tmp_path / "good.txt").write_text(PAGE, encoding="utf-8")
    (tmp_path / "bad.txt").write_text("Not found", encoding="utf-8")
    outcome = collect(str(tmp_path))
    assert (outcome.kind, len(outcome.comparisons)) == (Kind.FAILED, 1)
    assert "bad.txt" in outcome.failures[0]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("name\taddress\n", "needs the columns"),
        ("file\turl\ngone.txt\t-\n", "names gone.txt"),
        ("", "needs the columns"),
    ],
)
def test_a_wrong_index_makes_the_folder_a_failure(tmp_path: Path, rows: str, told: str) -> None:
    """A missing page is a page that was not read."""
    (tmp_path / "index.tsv").write_text(rows, encoding="utf-8")
    outcome = collect(str(tmp_path))
    assert outcome.kind is Kind.FAILED
    assert told in outcome.failures[0]


def test_a_page_at_an_address_is_read() -> None:
    """Its address is that of the last redirect."""
    (comparison,) = collect(f"{SITE}/compare/aa-vs-bb", fetch=web({"/compare/aa-vs-bb": HTML})).comparisons
    assert (comparison.key, comparison.url) == ("aa-vs-bb", f"{SITE}/compare/aa-vs-bb")


def test_a_feed_is_known_by_its_content() -> None:
    """An empty one certainly has none."""
    feed = json.dumps(feed_samples.feed(feed_samples.entry()))
    assert collect(f"{SITE}/x", fetch=web({"/x": "\ufeff" + feed})).kind is Kind.ITEMS
    assert collect(f"{SITE}/x", fetch=web({"/x": json.dumps(feed_samples.feed())})).kind is Kind.NONE
    assert collect(f"{SITE}/x", fetch=web({"/x": feed[:-9]})).kind is Kind.FAILED


def test_a_sitemap_is_read_page_by_page_and_tells_how_far_it_is() -> None:
    """Long work shows that it goes on."""
    told: list[tuple[int, int]] = []
    pages = {
        "/map": sitemap("/compare/aa-vs-bb", "/about", "/compare/cc-vs-dd"),
        "/compare/aa-vs-bb": PAGE,
        "/compare/cc-vs-dd": HTML,
    }
    outcome = collect(f"{SITE}/map", fetch=web(pages), on_progress=lambda done, of: told.append((done, of)))
    assert [comparison.key for comparison in outcome.comparisons] == ["aa-vs-bb", "cc-vs-dd"]
    assert told == [(1, 2), (2, 2)]


def test_a_sitemap_of_which_a_page_is_missing_has_failed() -> None:
    """The other pages still come in."""
    outcome = collect(
        f"{SITE}/map", fetch=web({"/map": sitemap("/compare/aa-vs-bb", "/compare/c-vs-d"), "/compare/aa-vs-bb": PAGE})
    )
    assert (outcome.kind, len(outcome.comparisons), len(outcome.failures)) == (Kind.FAILED, 1, 1)


def test_a_sitemap_with_more_pages_than_are_read_has_failed() -> None:
    """It was read in part."""
    pages = {"/map": sitemap("/compare/aa-vs-bb", "/compare/c-vs-d"), "/compare/aa-vs-bb": PAGE}
    outcome = collect(f"{SITE}/map", fetch=web(pages), most=1)
    assert (outcome.kind, len(outcome.comparisons)) == (Kind.FAILED, 1)
    assert "2 compare pages; the newest 1" in outcome.failures[0]


def test_a_sitemap_without_compare_pages_certainly_has_none() -> None:
    """All of it was read."""
    assert collect(f"{SITE}/map", fetch=web({"/map": sitemap("/about")})).kind is Kind.NONE


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("Not found", "Not a compare page"),
        ("<rss></rss>", "RSS or Atom"),
        (b"\xff\xff\xff\xff" * 9, "it is not text in UTF-8; save it as UTF-8"),
        ("<urlset>", "not well-formed"),
        ("<sitemapindex><sitemap><loc>https://compare.example.org/gone</loc></sitemap></sitemapindex>", "answered 404"),
    ],
)
def test_what_cannot_be_read_has_failed(body: str | bytes, told: str) -> None:
    """With a sentence that names the place."""
    outcome = collect(f"{SITE}/x", fetch=web({"/x": body}))
    assert outcome.kind is Kind.FAILED
    assert told in outcome.failures[0]
    assert SITE in outcome.failures[0]


def test_what_a_file_cannot_be_is_said(tmp_path: Path) -> None:
    """A sitemap needs its address; a page is no bytes of another kind."""
    (tmp_path / "map.txt").write_text(sitemap("/compare/a-vs-b"), encoding="utf-8")
    (tmp_path / "picture.txt").write_bytes(b"\x89PNG" + bytes(range(128, 256)))
    outcome = collect(str(tmp_path))
    assert "address only" in outcome.failures[0]
    assert "picture.txt cannot be read: it is not text" in outcome.failures[1]


def test_a_file_that_is_far_too_large_is_not_read(tmp_path: Path) -> None:
    """Its size is asked first."""
    with (tmp_path / "large.txt").open("wb") as file:
        file.truncate(64_000_001)
    assert "larger than" in collect(str(tmp_path / "large.txt")).failures[0]


def test_a_file_that_vanishes_has_failed(tmp_path: Path) -> None:
    """Between the listing and the reading."""
    for name in ("1.txt", "2.txt"):
        (tmp_path / name).write_text(PAGE, encoding="utf-8")
    outcome = collect(str(tmp_path), on_progress=lambda *_: (tmp_path / "2.txt").unlink(missing_ok=True))
    assert outcome.kind is Kind.FAILED
    assert "2.txt cannot be read: No such file" in outcome.failures[0]


@pytest.mark.parametrize(
    ("body", "content_type", "text"),
    [
        ("Żuraw".encode(), "", "Żuraw"),
        ("Żuraw".encode()[:-1] + "é".encode()[:1], "", "Żura"),
        ("Żuraw".encode("iso-8859-2"), "text/html; charset=ISO-8859-2", "Żuraw"),
        ('<meta charset="windows-1250">Ż'.encode("cp1250"), "", '<meta charset="windows-1250">Ż'),
        ("Żuraw".encode("utf-16"), "", "Żuraw"),
        (b"\xef\xbb\xbfMo", "text/plain; charset=utf-8", "Mo"),
        ("Żuraw".encode(), "text/html; charset=punycode", "Żuraw"),
        ("Żuraw".encode(), "text/html; charset=no-such", "Żuraw"),
    ],
)
def test_bytes_are_read_as_they_say(body: bytes, content_type: str, text: str) -> None:
    """By the header, by their own word, as UTF-8; a character that was cut in two is left out."""
    assert decoded(body, content_type) == text


def test_bytes_that_are_no_text_are_refused() -> None:
    """Rather than guessed at."""
    with pytest.raises(SourceError, match="not text"):
        decoded(b"\x80\x81\x82 page")


def test_a_header_of_blanks_is_read_once() -> None:
    """A search that goes back over them needs the square of their number: a minute for one header."""
    assert decoded(b"Mo", "charset=" + " " * 500_000 + "!") == "Mo"


@pytest.mark.parametrize("row", ["x" * 200_000 + "\t-", "a.txt\t" + "x" * 200_000])
def test_an_index_with_a_field_without_end_has_failed(tmp_path: Path, row: str) -> None:
    """The line is named."""
    (tmp_path / "index.tsv").write_text(f"file\turl\n{row}\n", encoding="utf-8")
    (failure,) = collect(str(tmp_path)).failures
    assert failure.endswith("index.tsv has a field that is too long, in line 2. Mend that row.")


@pytest.mark.parametrize("name", ["x" * 5_000, "x/" * 5_000, "x\0y", "\udcff", "no\u202esuch"])
def test_a_name_that_no_file_can_have_is_a_source_that_failed(name: str) -> None:
    """With a sentence that can be printed, and that does not repeat the whole name."""
    (failure,) = collect(name, fetch=web({"/x": ""})).failures
    assert failure.isprintable()
    assert len(failure) < 200


def test_a_file_whose_name_is_no_text_can_be_named(tmp_path: Path) -> None:
    """A system's file names are bytes."""
    (tmp_path / os.fsdecode(b"\xff.txt")).write_text("Not found", encoding="utf-8")
    (failure,) = collect(str(tmp_path)).failures
    assert failure.isprintable()


def test_a_long_name_in_an_index_or_a_sitemap_is_not_repeated(tmp_path: Path) -> None:
    """Beginning and end are enough to find it."""
    (tmp_path / "index.tsv").write_text(f"file\turl\nbegin{'x' * 9_000}end.txt\t-\n", encoding="utf-8")
    (failure,) = collect(str(tmp_path)).failures
    assert re.search(r"names beginx{34}…x{32}end.txt, which is not there", failure)
    (failure,) = collect(f"{SITE}/{'x' * 1_000}", fetch=web({f"/{'x' * 1_000}": "<urlset><a></b>"})).failures
    assert len(failure) < 240


@pytest.mark.parametrize(
    ("content_type", "told"),
    [
        ("", "it is not text in UTF-8; save"),
        ("text/plain; charset=UTF-8", "it is not text in UTF-8; save"),
        ("text/plain; charset=ascii", "it is not text in ascii, which it names, nor in UTF-8; save"),
    ],
)
def test_bytes_that_are_not_what_they_say_are_told_plainly(content_type: str, told: str) -> None:
    """No encoding stands there twice, and no codec."""
    with pytest.raises(SourceError, match=told):
        decoded(b"\x80\x81\x82 page", content_type)
