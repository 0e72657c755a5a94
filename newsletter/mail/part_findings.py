"""What the preflight says of an issue and of its parts, each thing once: pure.

A part is checked as the whole is, so the same is found in many of them, often with another number in it: how long the
preheader is, how large the mail. Such findings are one, with the parts that it applies to, in the words of the first.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from newsletter.issues.wording import listed
from newsletter.mail.rendered import Finding, Level

MOST_NAMES = 4  #: so many parts are named, of more of them some
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class _Alike:
    """Findings that say the same with other numbers."""

    level: Level
    code: str
    words: str
    place: str


def together(whole: Sequence[Finding], parts: Mapping[str, Sequence[Finding]]) -> tuple[Finding, ...]:
    """What is said of the whole, and what is said of parts alone, which the sentence names; errors first."""
    of_all = {_anywhere(one) for one in whole}
    own = dict[_Alike, dict[str, Finding]]()
    for name, findings in parts.items():
        for one in findings:
            if _anywhere(one) not in of_all:
                own.setdefault(_alike(one), {}).setdefault(name, one)
    told = (_told(found, len(parts)) for found in own.values())
    return tuple(sorted((*whole, *told), key=lambda one: tuple(Level).index(one.level)))


def _anywhere(one: Finding) -> Finding:
    """Without the address of a page: every part has its own."""
    return replace(one, place="") if "://" in one.place else one


def _alike(one: Finding) -> _Alike:
    return _Alike(one.level, one.code, _NUMBER.sub("0", one.message), _anywhere(one).place)


def _told(found: Mapping[str, Finding], of: int) -> Finding:
    first = next(iter(found))
    same = len({one.message for one in found.values()}) == 1
    example = "" if same else f", in '{first}' so"
    return replace(found[first], message=f"In {_where(list(found), of)}{example}: {found[first].message}")


def _where(names: Sequence[str], of: int) -> str:
    named = listed([f"'{name}'" for name in names[:MOST_NAMES]])
    if len(names) == 1:
        return f"the part {named}"
    if len(names) == of:
        return f"all {of} parts" if of > MOST_NAMES else f"all parts ({named})"
    if len(names) <= MOST_NAMES:
        return f"the parts {named}"
    return f"{len(names)} of {of} parts ({', '.join(names[:MOST_NAMES])} …)"
