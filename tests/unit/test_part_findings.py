"""What the check says of many parts is said once."""

import pytest

from newsletter.mail.part_findings import together
from newsletter.mail.rendered import Finding, Level


def short(characters: int) -> Finding:
    """The preheader has so many characters."""
    return Finding(Level.WARNING, "preheader", f"It has {characters}; 40 are best.", "preheader")


def said(whole: list[Finding], parts: dict[str, list[Finding]]) -> list[str]:
    """The sentences."""
    return [one.message for one in together(whole, parts)]


@pytest.mark.parametrize(
    ("names", "of", "where"),
    [
        ("a", 5, "the part 'a'"),
        ("ab", 5, "the parts 'a' and 'b'"),
        ("ab", 2, "all parts ('a' and 'b')"),
        ("abcde", 7, "5 of 7 parts (a, b, c, d …)"),
        ("abcde", 5, "all 5 parts"),
    ],
)
def test_what_many_parts_have_is_said_once(names: str, of: int, where: str) -> None:
    """With the parts that have it."""
    parts = {name: [short(30)] if name in names else [] for name in "abcdefg"[:of]}

    assert said([], parts) == [f"In {where}: It has 30; 40 are best."]


def test_what_differs_by_a_number_is_the_same() -> None:
    """The sentence is that of the first part, and says so."""
    assert said([], {"a": [short(30)], "b": [], "c": [short(8)]}) == [
        "In the parts 'a' and 'c', in 'a' so: It has 30; 40 are best."
    ]


def test_what_the_whole_has_is_not_said_of_its_parts() -> None:
    """Wherever the page of the part may be; but another number, or another item, is something else."""
    link = Finding(Level.WARNING, "local", "It leads here.", "http://localhost/1")
    cut, other = (Finding(Level.WARNING, "cut", "Cut.", key) for key in ("a-vs-b", "c-vs-d"))
    there = Finding(Level.WARNING, "local", "It leads here.", "http://localhost/1/a")

    assert said([link, cut], {"a": [there, cut, other]}) == ["It leads here.", "Cut.", "In the part 'a': Cut."]


def test_errors_of_parts_come_before_warnings_of_the_whole() -> None:
    """They block the approval."""
    assert [one.level for one in together([short(3)], {"a": [Finding(Level.ERROR, "e", "E.")]})] == [
        Level.ERROR,
        Level.WARNING,
    ]
