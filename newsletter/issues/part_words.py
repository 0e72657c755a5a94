"""The words of a part: the issue's own, for fewer comparisons, and a line that says that it is a part.

The editor's subject and preheader speak of what the issue begins with: a part that does not have that gets those that
the rules write. The editor's introduction is for everybody.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from newsletter.config import Publication
from newsletter.issues.candidates import Chosen
from newsletter.issues.composing import compose
from newsletter.issues.composition import Composition
from newsletter.issues.edits import Edits
from newsletter.issues.parts import Part
from newsletter.issues.week import Week
from newsletter.issues.wording import counted, listed, opened

CHANGE_IT = "You can change that by “Preferences”, at the end of your mail."


@dataclass(frozen=True, slots=True)
class Around:
    """The issue that a part belongs to."""

    number: int
    week: Week
    date: date
    items: Sequence[Chosen]
    edits: Edits
    publication: Publication
    earlier: Sequence[tuple[int, str]] = ()  #: number and week of the month's issues before it, newest first


def words_of(part: Part, around: Around, most: int) -> Composition:
    """The words of this part, with at most so many comparisons of earlier issues."""
    chosen, edits = part.arranged(most), around.edits
    if around.items[0].key not in {one.key for one in chosen}:
        edits = edits.model_copy(update={"subject": None, "preheader": None})
    left_out = max(0, len(part.earlier) - most)
    note = _monthly(part, around, left_out) if part.earlier else _partly(part, around)
    return compose(
        chosen,
        number=around.number,
        week=around.week,
        date=around.date,
        edits=edits.model_copy(update={"intro": f"{edits.intro}\n\n{note}".strip()}),
        publication=around.publication,
        readers=part.readers,
    )


def _partly(part: Part, around: Around) -> str:
    rest = len(around.items) - len(part.items)
    here = _link(around, "The whole issue", str(around.week))
    return (
        f"This is what you chose of issue {around.number}. {here} has {counted(rest, 'more comparison')}. {CHANGE_IT}"
    )


def _monthly(part: Part, around: Around, left_out: int) -> str:
    issues = [(around.number, str(around.week))] if part.items else []
    named = listed([_link(around, f"issue {number}", week) for number, week in (*issues, *around.earlier)])
    said = f"This is your mail of the month: what you chose of {named}."
    said += f" {opened(counted(left_out, 'more comparison'))} of yours {_are(left_out)} there." if left_out else ""
    return f"{said} {CHANGE_IT}"


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def _link(around: Around, words: str, week: str) -> str:
    return f"[{words}]({around.publication.base_url}/issues/{week})"
