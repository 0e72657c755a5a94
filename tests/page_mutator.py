"""Spoils pages in the ways the web does: lines lost, doubled and swapped, bytes flipped, pages cut and spliced."""

import random

ODD = [
    *("\x00", "\ufeff", "\u2028", "\u202e", "\u200b", "\ud800", "é", "e\u0301" * 40, "\u00a0", "\r", "\n\n\n", "💥"),
    *("—", "%", "100%", "Panel ship", "Community", "Entry", "Decision", "Reviewer scorecard", "Builder", "No review"),
    *("88/100 · ship", "999/100 · mixed", "0 ship / 0 skip", "“", "</div>", "<", "&#0;", " vs ", "-vs-", "9" * 400),
]


def spoiled(text: str, other: str, dice: random.Random) -> str:
    """The text after one to six accidents; `other` is a page to splice with."""
    for _ in range(dice.randint(1, 6)):
        text = dice.choice(_ACCIDENTS)(text, other, dice)
    return text


def _lose(text: str, _other: str, dice: random.Random) -> str:
    lines = text.split("\n")
    del lines[dice.randrange(len(lines))]
    return "\n".join(lines)


def _double(text: str, _other: str, dice: random.Random) -> str:
    lines = text.split("\n")
    lines.insert(dice.randrange(len(lines) + 1), dice.choice(lines))
    return "\n".join(lines)


def _swap(text: str, _other: str, dice: random.Random) -> str:
    lines = text.split("\n")
    one, two = dice.randrange(len(lines)), dice.randrange(len(lines))
    lines[one], lines[two] = lines[two], lines[one]
    return "\n".join(lines)


def _flip(text: str, _other: str, dice: random.Random) -> str:
    at = dice.randrange(len(text) + 1)
    return text[:at] + chr(dice.randrange(1, 0x3000)) + text[at + 1 :]


def _cut(text: str, _other: str, dice: random.Random) -> str:
    return text[: dice.randrange(len(text) + 1)]


def _behead(text: str, _other: str, dice: random.Random) -> str:
    return text[dice.randrange(len(text) // 2 + 1) :]


def _splice(text: str, other: str, dice: random.Random) -> str:
    return text[: dice.randrange(len(text) + 1)] + other[dice.randrange(len(other) + 1) :]


def _insert(text: str, _other: str, dice: random.Random) -> str:
    at = dice.randrange(len(text) + 1)
    return text[:at] + dice.choice(("", "\n")) + dice.choice(ODD) + dice.choice(("", "\n")) + text[at:]


def _empty_a_value(text: str, _other: str, dice: random.Random) -> str:
    lines = text.split("\n")
    lines[dice.randrange(len(lines))] = ""
    return "\n".join(lines)


_ACCIDENTS = (_lose, _double, _swap, _flip, _cut, _behead, _splice, _insert, _empty_a_value)
