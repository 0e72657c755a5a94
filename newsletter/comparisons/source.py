"""Where comparisons come from: a file, a folder, a page's address, a sitemap, a feed.

A source has three outcomes: items, certainly none, failed. What was read in part has failed, though what is whole of it
is handed over; so a failed source is never taken for an empty week, and nothing that was read is lost.
"""

import codecs
import csv
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Protocol

from newsletter.comparisons.address import shortened
from newsletter.comparisons.comparison import Comparison
from newsletter.comparisons.feed import is_feed, read_feed
from newsletter.comparisons.fetch import Page
from newsletter.comparisons.fetch import fetch as fetch_page
from newsletter.comparisons.page import read_page
from newsletter.comparisons.sitemap import compare_pages, xml_kind
from newsletter.errors import SourceError

MOST_PAGES = 2_000  #: of one sitemap
MOST_FILE_BYTES = 64_000_000  #: a feed of ten thousand comparisons; a page is refused at 2 MB
_SUFFIXES = (".txt", ".html", ".htm", ".json")
_CODECS = re.compile(r"utf-(?:8|16)(?:-le|-be)?|ascii|iso8859-\d+|cp125\d|koi8-[ru]|gb\w+|big5\w*|shift_jis\w*|euc_\w+")
_CHARSET = re.compile(rb"charset\s*+=\s*+[\"']?\s*+([\w.:-]{1,40})", re.IGNORECASE)  # a header of blanks is read once


class Kind(StrEnum):
    """How reading a source ended."""

    ITEMS = "items"  #: all of it was read
    NONE = "none"  #: all of it was read, and there certainly are none
    FAILED = "failed"  #: not all of it was read


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a source gave. With failures it has FAILED, also where some comparisons could be read."""

    source: str
    comparisons: tuple[Comparison, ...] = ()
    failures: tuple[str, ...] = ()  #: sentences: what, where, what next

    @property
    def kind(self) -> Kind:
        """Items, certainly none, or failed."""
        if self.failures:
            return Kind.FAILED
        return Kind.ITEMS if self.comparisons else Kind.NONE


class Fetch(Protocol):
    """What `fetch.fetch` is here: an address in, a page out, or FetchRefused."""

    def __call__(self, url: str, /) -> Page:
        """The page at this address."""
        ...


Progress = Callable[[int, int], object]  #: called with (done, of how many)
_Step = Callable[[], Sequence[Comparison]]


def collect(
    source: str,
    *,
    fetch: Fetch = fetch_page,
    url: str | None = None,
    most: int = MOST_PAGES,
    on_progress: Progress | None = None,
) -> Outcome:
    """Everything this source holds. Never raises for what the source does wrong: that is the outcome.

    Args:
        source: A path, or an http(s) address of a page, a sitemap or a feed.
        fetch: How an address is fetched.
        url: The address of a page that is read from a file.
        most: Compare pages taken from a sitemap, the newest first; more than that is a failure.
        on_progress: Called after each page with (done, of how many).
    """
    try:
        steps = list(_steps(source, fetch, url, most))
    except SourceError as error:
        return Outcome(source, failures=(str(error),))
    comparisons: list[Comparison] = []
    failures: list[str] = []
    for done, step in enumerate(steps, start=1):
        try:
            comparisons += step()
        except SourceError as error:
            failures.append(str(error))
        if on_progress:
            on_progress(done, len(steps))
    return Outcome(source, tuple(comparisons), tuple(failures))


def decoded(body: bytes, content_type: str = "") -> str:
    """The text of a body: by its header, its own declaration, or as UTF-8. A character cut at the end is left out.

    Raises SourceError where it is not text in that encoding.
    """
    declared = _CHARSET.search(content_type.encode("ascii", "ignore")) or _CHARSET.search(body[:1_024])
    name = declared[1].decode("ascii", "replace") if declared else ""
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        name = "utf-16"
    for encoding in filter(None, (name, "utf-8")):
        with suppress(UnicodeError, LookupError):
            return _decode(body, codecs.lookup(encoding).name)
    told = (
        f"it is not text in {name}, which it names, nor"
        if name.lower() not in ("", "utf-8", "utf8")
        else "it is not text"
    )
    raise SourceError(f"{told} in UTF-8; save it as UTF-8")


def _decode(body: bytes, encoding: str) -> str:
    if not _CODECS.fullmatch(encoding):
        raise LookupError(encoding)
    decoder = codecs.getincrementaldecoder(encoding)()  # not final: half a character at the end is no error
    return decoder.decode(body).removeprefix("\ufeff")


def _steps(source: str, fetch: Fetch, url: str | None, most: int) -> Iterator[_Step]:
    if source.startswith(("http://", "https://")):
        yield from _address_steps(source, fetch, most)
        return
    path = Path(source)
    try:
        is_folder, is_file = path.is_dir(), path.is_file()
    except OSError as error:  # a name that is too long, a folder around it that is closed
        raise SourceError(f"{shortened(source)} cannot be read: {_refusal(error)}. Check the name.") from None
    if is_folder:
        yield from _folder_steps(path)
    elif is_file:
        yield partial(_read_file, path, url)
    else:
        raise SourceError(
            f"There is no {shortened(source)}. Name a file, a folder, or an address that begins with https://."
        )


def _address_steps(url: str, fetch: Fetch, most: int) -> Iterator[_Step]:
    page = fetch(url)
    text = _text(page)
    if xml_kind(text) not in ("urlset", "sitemapindex"):
        yield partial(_read, text, page.url, url=page.url)
        return
    entries = compare_pages(page.body, page.url, lambda address: fetch(address).body)
    for entry in entries[:most]:
        yield partial(_fetched, fetch, entry.url)
    if len(entries) > most:
        yield partial(
            _fail,
            f"{shortened(url)} lists {len(entries):,} compare pages; the newest {most:,} were read. Raise the limit.",
        )


def _folder_steps(folder: Path) -> Iterator[_Step]:
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES and path.is_file())
        addresses = _index(folder)
    except OSError as error:
        raise SourceError(f"The folder {shortened(str(folder))} cannot be read: {_refusal(error)}.") from None
    for path in paths:
        yield partial(_read_file, path, addresses.get(path.name))
    for name in sorted(addresses.keys() - {path.name for path in paths}):
        yield partial(
            _fail,
            f"{shortened(str(folder / 'index.tsv'))} names {shortened(name)}, which is not there. "
            "Add the file or remove the row.",
        )


def _index(folder: Path) -> dict[str, str | None]:
    """Addresses by file name from index.tsv, None where they are not known; empty without such a file."""
    path = folder / "index.tsv"
    if not path.is_file():
        return {}
    rows = csv.DictReader(_file_text(path).splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    place = shortened(str(path))
    try:
        if not {"file", "url"} <= set(rows.fieldnames or ()):
            raise SourceError(f"{place} needs the columns 'file' and 'url', parted by tabs.")
        return {row["file"]: row["url"] if row["url"] not in (None, "", "-") else None for row in rows if row["file"]}
    except csv.Error:  # a field of more than 131,072 characters
        raise SourceError(
            f"{place} has a field that is too long, in line {rows.line_num + 1}. Mend that row."
        ) from None


def _fetched(fetch: Fetch, url: str) -> Sequence[Comparison]:
    page = fetch(url)
    return _read(_text(page), url, url=page.url)


def _read_file(path: Path, url: str | None) -> Sequence[Comparison]:
    return _read(_file_text(path), str(path), url=url, file_name=path.name)


def _read(text: str, place: str, *, url: str | None = None, file_name: str | None = None) -> Sequence[Comparison]:
    """A feed or one page, known by its content; errors name the place."""
    place = shortened(place)
    if is_feed(text):
        return read_feed(text, place)
    if kind := xml_kind(text):
        told = "RSS or Atom" if kind in ("rss", "feed") else "a sitemap, which is read from its address only"
        raise SourceError(f"{place} is {told}. Name pages, a sitemap's address, or a JSON feed (docs/feed.md).")
    try:
        return (read_page(text, url=url, file_name=file_name),)
    except SourceError as error:
        raise SourceError(f"{place}: {error}") from None


def _text(page: Page) -> str:
    try:
        return decoded(page.body, page.content_type)
    except SourceError as error:
        raise SourceError(f"{shortened(page.url)} cannot be read: {error}.") from None


def _file_text(path: Path) -> str:
    try:
        if path.stat().st_size <= MOST_FILE_BYTES:
            return decoded(path.read_bytes())
        reason = f"it is larger than {MOST_FILE_BYTES:,} bytes"
    except OSError as error:
        reason = _refusal(error)
    except SourceError as error:
        reason = str(error)
    raise SourceError(f"{shortened(str(path))} cannot be read: {reason}.")


def _refusal(error: OSError) -> str:
    return error.strerror or "the system refuses"


def _fail(sentence: str) -> Sequence[Comparison]:
    raise SourceError(sentence)
