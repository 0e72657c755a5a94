"""Small words: numbers, plurals, lists. English; another language brings its own file."""

from collections.abc import Sequence

_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def number(count: int) -> str:
    """Like "two", "twelve", "13"; "no" for none."""
    return _WORDS[count] if 0 <= count < len(_WORDS) else str(count)


def counted(count: int, noun: str) -> str:
    """Like "one week", "two weeks", "no weeks"."""
    return f"{number(count)} {noun if count == 1 else noun + 's'}"


def numbered(count: int, one: str, several: str) -> str:
    """In digits, with the words that agree: "1 reader has", "1,200 readers have", "0 readers have"."""
    return f"{count:,} {one if count == 1 else several}"


def tallied(counts: Sequence[tuple[int, str]]) -> str:
    """Like "nine ships, one tie and a skip": none of a kind is left out; a single last one gets its article."""
    there = [(count, noun) for count, noun in counts if count]
    words = [counted(count, noun) for count, noun in there]
    if len(words) > 1 and there[-1][0] == 1:
        words[-1] = f"a {there[-1][1]}"
    return listed(words)


def listed(words: Sequence[str]) -> str:
    """Like "a", "a and b", "a, b and c"."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def opened(text: str) -> str:
    """The text with a capital at its beginning and the rest as it is; a name like v0 or git-why is left alone."""
    first = text.split(" ", 1)[0]
    return text[:1].upper() + text[1:] if first.isalpha() else text


def sentence(text: str) -> str:
    """The text with an end: a full stop where it has none; what only announces more, like a colon, goes."""
    whole = text.strip().rstrip(":,; -")
    return f"{whole}." if whole and whole[-1] not in ".!?…" else whole
