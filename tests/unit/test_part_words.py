"""The words of a part: whose subject it has, what it says of itself, and how it stays short enough."""

from dataclasses import replace

import pytest
from issue_samples import NOW, PUBLICATION, WEEK, pair
from mail_samples import READERS

from newsletter.config import templates_folder
from newsletter.desk.editions import fitted
from newsletter.issues.candidates import Chosen
from newsletter.issues.composition import ItemKind
from newsletter.issues.edits import Edits, with_readers
from newsletter.issues.part_words import Around, words_of
from newsletter.issues.parts import Part


def chosen(kind: ItemKind, *names: str) -> tuple[Chosen, ...]:
    """A comparison for each of these names."""
    return tuple(Chosen(kind, pair(name, f"{name}-too"), 1) for name in names)


ISSUE = (*chosen(ItemKind.LEAD, "alder"), *chosen(ItemKind.BRIEF, "birch", "cedar"))
OLD = (*chosen(ItemKind.BRIEF, "dogwood", "elder", "fir", "gorse"), *chosen(ItemKind.LEAD, "hazel"))
EDITS = Edits(subject="Alder, and why we waited", preheader="What became of it in the end", intro="Good morning.")
AROUND = Around(12, WEEK, NOW.date(), ISSUE, EDITS, PUBLICATION, ((11, "2026-W46"), (10, "2026-W45")))
HERE = PUBLICATION.base_url


@pytest.mark.parametrize(("items", "own"), [(ISSUE[:1], True), (ISSUE[1:], False)])
def test_the_editor_s_lines_are_for_whom_they_speak_to(items: tuple[Chosen, ...], own: bool) -> None:
    """They are about what the issue begins with; the introduction is for everybody."""
    words = words_of(Part(items), AROUND, 0)

    assert (words.subject == EDITS.subject, words.preheader == EDITS.preheader) == (own, own)
    assert words.intro.startswith("Good morning.\n\nThis is what you chose of issue 12.")


@pytest.mark.parametrize("shown", [True, False])
def test_a_part_says_how_readers_voted_unless_the_editor_leaves_it_out(shown: bool) -> None:
    """What the editor decides holds for all of the issue."""
    words = words_of(Part(ISSUE, readers=READERS), replace(AROUND, edits=with_readers(EDITS, shown=shown)), 0)

    assert words.readers == (READERS if shown else None)


def test_a_part_says_how_much_more_there_is() -> None:
    """With a link to all of it."""
    said = words_of(Part(ISSUE[1:]), AROUND, 0).intro

    assert f"[The whole issue]({HERE}/issues/2026-W47) has one more comparison." in said


def test_the_mail_of_the_month_names_its_issues_and_what_was_left_out() -> None:
    """Leads first; and nothing of an issue that has nothing for them."""
    both, old = words_of(Part(ISSUE, OLD), AROUND, 2), words_of(Part((), OLD), AROUND, 9)
    links = [f"[issue {number}]({HERE}/issues/2026-W{week})" for number, week in ((12, 47), (11, 46), (10, 45))]

    assert f"what you chose of {links[0]}, {links[1]} and {links[2]}. Three more comparisons of yours are" in both.intro
    assert [item.key.partition("-")[0] for item in both.items] == ["alder", "birch", "cedar", "hazel", "dogwood"]
    assert f"what you chose of {links[1]} and {links[2]}. You can change" in old.intro


def test_a_mail_of_the_month_that_would_be_cut_off_has_less_in_it() -> None:
    """So much as there is room for, and never nothing of the issue itself."""
    whole = fitted(Part(ISSUE, OLD), AROUND, templates_folder())
    size = len(whole.html.encode())
    less = fitted(Part(ISSUE, OLD), AROUND, templates_folder(), room=size - 1)
    least = fitted(Part(ISSUE, OLD), AROUND, templates_folder(), room=1)

    assert len(less.html.encode()) < size
    assert ("more comparison" in whole.text, "more comparison" in less.text) == (False, True)
    assert ("Alder" in least.text, "Hazel" in least.text) == (True, False)
