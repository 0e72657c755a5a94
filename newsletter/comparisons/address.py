"""Which slugs a page is about: from its address, or else from the names.

A compare address is `/compare/{slug}-vs-{slug}`. The two cards stand in the order of the address (95 of 95 pages seen);
likeness of names and slugs only confirms that, or chooses where "-vs-" occurs more than once.
"""

import hashlib
import re
import unicodedata
from pathlib import PurePosixPath
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from newsletter.comparisons.comparison import Problem
from newsletter.errors import NotAComparison

_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_LONGEST_SLUG = 200
LONGEST_SHOWN = 80  #: characters of a name in a message
_MUCH_MORE_ALIKE = 0.75  #: of 2.0, the sum over both names
_HARDLY_ALIKE = 0.5


class Slugs(NamedTuple):
    """The slugs of the first and the second card, and what is to be said of them."""

    first: str
    second: str
    problems: tuple[Problem, ...] = ()


def web_address(url: str | None) -> str | None:
    """The address if it is one that may be linked (S-26): http or https, a host, no user, no blanks or controls."""
    if not url or len(url) > 2_000 or any(c.isspace() or not c.isprintable() or c in '<>"\\' for c in url):  # noqa: PLR2004
        return None
    try:
        parts = urlsplit(url)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return None
    return url if fine else None


def shortened(name: str, most: int = LONGEST_SHOWN) -> str:
    """A name, path or address for a message: printable, and without its middle where it is longer than this."""
    if len(name) > 2 * _LONGEST_SLUG:
        name = name[:_LONGEST_SLUG] + name[-_LONGEST_SLUG:]
    told = "".join(filter(str.isprintable, name))
    half = (most - 1) // 2
    return told if len(told) <= most else f"{told[:half]}…{told[-half:]}"


def pairs_in(address: str) -> list[tuple[str, str]]:
    """Every way to read a compare address, or a file name like a-vs-b.html, as two slugs."""
    try:
        path = PurePosixPath(unquote(urlsplit(address).path).rstrip("/"))
    except ValueError:
        return []
    name = path.stem if path.suffix.lower() in (".html", ".htm", ".txt", ".json") else path.name
    name = name.lower()[: 2 * _LONGEST_SLUG + 4]
    cuts = (match.start() for match in re.finditer(r"(?=-vs-)", name))
    pairs = [(name[:cut], name[cut + 4 :]) for cut in cuts]
    return [pair for pair in pairs if all(len(slug) <= _LONGEST_SLUG and _SLUG.fullmatch(slug) for slug in pair)]


def tool_in(address: str) -> str | None:
    """The slug in the address of a tool page, `/tool/{slug}`."""
    match = re.search(r"/tools?/([a-z0-9-]{1,200})/?(?:[?#]|$)", address)
    return match[1] if match and _SLUG.fullmatch(match[1]) else None


def slugs_for(names: tuple[str, str], addresses: list[str], tools: list[tuple[str, str]]) -> Slugs:
    """The two slugs: from the first address that holds two, from links to tool pages, or from the names.

    `tools` are (slug, link text) in page order. Raises NotAComparison where both names give the same slug.
    """
    for address in addresses:
        if pairs := pairs_in(address):
            return _ordered(names, max(pairs, key=lambda pair: _best(names, pair)))
    if pair := _linked(names, tools):
        return _ordered(names, pair)
    return _derived(names)


def slug_of(name: str) -> str:
    """A slug from a name: ASCII, lower case, hyphens; a short hash where nothing of it is Latin."""
    ascii_ = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower().replace("'", "")
    slug = re.sub(r"[^a-z0-9]+", "-", ascii_).strip("-")[:_LONGEST_SLUG].strip("-")
    return slug or "tool-" + hashlib.blake2b(name.casefold().encode(), digest_size=4).hexdigest()


def likeness(name: str, slug: str) -> float:
    """How much of the name's words the slug holds, 0.0 to 1.0."""
    words, parts = set(slug_of(name).split("-")), set(slug.split("-"))
    return len(words & parts) / len(words)


def _ordered(names: tuple[str, str], pair: tuple[str, str]) -> Slugs:
    straight, swapped = _alike(names, pair), _alike(names, pair[::-1])
    if pair[0] == pair[1]:
        raise NotAComparison(f"Not a compare page: its address sets '{shortened(pair[0])}' beside itself (line 1).")
    if swapped >= straight + _MUCH_MORE_ALIKE:
        told = Problem(
            code="slugs-swapped", message=f"The address names the tools in another order: {'-vs-'.join(pair)}."
        )
        return Slugs(pair[1], pair[0], (told,))
    if straight < _HARDLY_ALIKE and straight <= swapped:
        told = Problem(
            code="slugs-doubtful",
            message=f"The address {'-vs-'.join(pair)} does not look like {_both(names, 'and')}.",
        )
        return Slugs(*pair, (told,))
    return Slugs(*pair)


def _derived(names: tuple[str, str]) -> Slugs:
    first, second = slug_of(names[0]), slug_of(names[1])
    if first == second:
        raise NotAComparison(
            f"Both tools of this page give the slug '{shortened(first)}' (line 1: {_both(names, 'vs')}): "
            "names repeat, addresses do not. Name the page's address with --url."
        )
    told = Problem(
        code="slugs-derived",
        message=f"The page has no address; '{first}' and '{second}' were made from the names. Name it with --url.",
    )
    return Slugs(first, second, (told,))


def _linked(names: tuple[str, str], tools: list[tuple[str, str]]) -> tuple[str, str] | None:
    slugs = list(dict.fromkeys(slug for slug, _ in tools))
    if len(slugs) == 2:  # noqa: PLR2004
        return slugs[0], slugs[1]
    by_text = {text.casefold(): slug for slug, text in reversed(tools) if text}
    first, second = (by_text.get(name.casefold()) for name in names)
    return (first, second) if first and second and first != second else None


def _both(names: tuple[str, str], between: str) -> str:
    return f" {between} ".join(map(shortened, names))


def _alike(names: tuple[str, str], pair: tuple[str, str]) -> float:
    return likeness(names[0], pair[0]) + likeness(names[1], pair[1])


def _best(names: tuple[str, str], pair: tuple[str, str]) -> float:
    return max(_alike(names, pair), _alike(names, pair[::-1]))
