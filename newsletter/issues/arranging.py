"""What an editor asks of items in one go: lead, pins, drops, releases and order, checked against each other first.

Across edits the last word counts: a pin takes back an earlier drop, and so does a lead. Within one edit there is no
last word, so what contradicts itself is refused.
"""

from collections.abc import Collection, Mapping, Sequence

from newsletter.errors import IssueError
from newsletter.issues.edits import Edits, drop, known_key, lead_with, pin, release, reorder
from newsletter.issues.finding import find_key


def arrange(
    edits: Edits,
    known: Collection[str],
    *,
    lead: str | None = None,
    pins: Sequence[str] = (),
    drops: Sequence[str] = (),
    releases: Sequence[str] = (),
    order: Sequence[str] = (),
    positions: Sequence[str] = (),
) -> Edits:
    """The edits with all of these changes. `lead`: None leaves it, "" gives it back to the rules.

    `known` maps keys to titles, or holds keys; `positions` are the keys of the issue's items in order, for "3" (see
    `finding.find_key`). Raises IssueError for an unknown key, and where two changes contradict each other.
    """
    asked: dict[str, list[str]] = {
        "lead with": _keys([lead] if lead else [], known, positions),
        "pin": _keys(pins, known, positions),
        "drop": _keys(drops, known, positions),
        "release": _keys(releases, known, positions),
        "order": _keys(order, known, positions),
    }
    _refuse_contradictions(asked)
    if lead is not None:
        edits = lead_with(edits, asked["lead with"][0] if lead else None, known)
    for act, name in ((pin, "pin"), (drop, "drop"), (release, "release")):
        for key in asked[name]:
            edits = act(edits, key, known)
    return reorder(edits, asked["order"], known) if order else edits


def _keys(typed: Sequence[str], known: Collection[str], positions: Sequence[str]) -> list[str]:
    if isinstance(known, Mapping):
        return [find_key(one, known, positions=positions) for one in typed]
    return [known_key(one, known) for one in typed]


#: What cannot be asked of one comparison in one edit.
_CONTRADICTIONS = (("lead with", "drop"), ("pin", "drop"), ("order", "drop"), ("release", "drop"), ("release", "pin"),
                   ("release", "lead with"))  # fmt: skip


def _refuse_contradictions(asked: Mapping[str, Sequence[str]]) -> None:
    for one, other in _CONTRADICTIONS:
        for key in asked[one]:
            if key in asked[other]:
                raise IssueError(f"'{one}' and '{other}' of {key} contradict each other. Nothing was changed.")
