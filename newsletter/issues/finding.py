"""Which comparison a person means by what they typed."""

import difflib
from collections.abc import Iterable, Mapping, Sequence

from newsletter.errors import IssueError
from newsletter.issues.shortening import plain
from newsletter.issues.wording import counted, listed, number

_MOST = 5  #: candidates that a refusal lists
_LIST = "'newsletter comparisons list' shows the keys there are."
_SHORTEST = 2  #: characters of a part of a name


def find_key(text: str, known: Mapping[str, str], *, positions: Sequence[str] = ()) -> str:
    """The key that is meant by `text`; `known` maps keys to titles, `positions` are the keys of an issue's items.

    Tried in this order: a whole key (its tools in either order); "3" or "#3", the place in the issue; a tool's slug;
    the beginning of a key; a part of the title. Raises IssueError where nothing fits, or several in the same way.
    """
    wanted = plain(text).casefold()
    if wanted in known:
        return wanted
    if positions and wanted.removeprefix("#").isdecimal():
        return _at(int(wanted.removeprefix("#")[:9]), positions)
    for fits in _ways(wanted, known):
        if len(fits) == 1:
            return fits[0]
        if fits:
            raise IssueError(_which(text, fits))
    raise IssueError(unknown(text, known))


def unknown(text: str, known: Iterable[str]) -> str:
    """The sentence that there is no such comparison, with the nearest right key where there is one."""
    named: dict[str, list[str]] = {}  # by its key, and by the slug of each of its tools
    for key in sorted(known):
        for name in dict.fromkeys((key, *key.split("-vs-"))):
            named.setdefault(name, []).append(key)
    meant = [key for name in difflib.get_close_matches(text, named, n=1, cutoff=0.4) for key in named[name]]
    hint = f"Did you mean {' or '.join(meant[:_MOST])}?" if meant else _LIST
    return f"There is no comparison '{text[:200]}'. {hint}"


def _ways(wanted: str, known: Mapping[str, str]) -> Iterable[list[str]]:
    """What fits in each of the ways, the strictest first."""
    keys = sorted(known)
    one, joint, other = wanted.partition("-vs-")
    yield [key for key in keys if joint and key == f"{other}-vs-{one}"]
    yield [key for key in keys if key.startswith(f"{wanted}-vs-") or key.endswith(f"-vs-{wanted}")]
    yield [key for key in keys if wanted and key.startswith(wanted)]
    yield [key for key in keys if len(wanted) >= _SHORTEST and wanted in plain(known[key]).casefold()]


def _at(place: int, positions: Sequence[str]) -> str:
    if not 1 <= place <= len(positions):
        raise IssueError(f"There is no item {place}: the issue has {counted(len(positions), 'item')}.")
    return positions[place - 1]


def _which(text: str, fits: list[str]) -> str:
    more = len(fits) - _MOST
    names = [*fits[:_MOST], *([f"{number(more)} more"] if more > 0 else [])]
    several = counted(len(fits), "comparison")
    return f"'{plain(text)[:200]}' fits {several}: {listed(names)}. Write more of the one you mean."
