"""Making text shorter without making it say something else.

Text is cut at the end of a sentence; where no sentence fits, at the end of a clause, and only then at a word, with "…".
Sentence ends are found by rule and in doubt not found: a missed end costs a sentence, a wrong one cuts a claim in two.
"""

import re
import unicodedata

ELLIPSIS = "…"
_ABBREVIATIONS = frozenset(
    """
    e.g i.e vs etc cf al approx no nos fig eq mr mrs ms dr prof st jr sr inc ltd co corp v ver vol pp u.s u.k a.k.a
    """.split()  # noqa: SIM905
)
#: A full stop and the like, with closing marks, before a space; or the full-width marks, which need no space.
_END = re.compile(r"[.!?…]+[\"'”’»)\]]*(?=\s)|[。！？]+[」』”’]*")
#: What cannot begin a sentence (small letters cannot either: a name like git-why loses, and nothing is cut in two).
_GOES_ON = frozenset(",;:.!?)]—–-")
_LAST_WORD = re.compile(r"([^\s(\[\"'“‘]+?)\.$")
_PAIRS = (("(", ")"), ("[", "]"), ("“", "”"), ("«", "»"))
#: Ends of clauses, best first, and how much of the budget must be used for each to be worth it.
_CLAUSES = ((re.compile(r"\s[—–]\s|;\s|(?<=\w)—(?=\w)"), 0.55), (re.compile(r",\s"), 0.65))
#: Words that a cut must not end with, nor one word after them: they promise more.
_DANGLING = frozenset(
    """
    a an the and or but nor of to in on at by for from with without into over under as is are was were be been has have
    had that which who whose when where while than if because so its their your our his her this these those not no can
    could will would may might must should do does did more most very just also about between before after
    """.split()  # noqa: SIM905
)
_NAME_BREAKS = re.compile(r":\s|\s[–—|]\s|\s-\s|\s\(")


def plain(text: str) -> str:
    """The text in one line: every run of white space is one space."""
    return " ".join(text.split())


def sentences(text: str) -> list[str]:
    """The sentences of a text, in order; joined by spaces they are the text again (white space apart)."""
    text, found, start = plain(text), [], 0
    for end in _END.finditer(text):
        if _is_end(text, start, end.end()):
            found.append(text[start : end.end()].strip())
            start = end.end()
    return [*found, rest] if (rest := text[start:].strip()) else found


def shorten(text: str, budget: int) -> str:
    """The text in at most `budget` characters: whole sentences from its beginning, else a clause or words and "…"."""
    text = plain(text)
    if len(text) <= budget:
        return text
    return leading(sentences(text), budget) or cut(text, budget)


def leading(parts: list[str], budget: int) -> str:
    """As many of these sentences, from the first, as fit into the budget; empty where the first is too long."""
    kept = ""
    for part in parts:
        longer = f"{kept} {part}".lstrip()
        if len(longer) > budget:
            break
        kept = longer
    return kept


def cut(text: str, budget: int) -> str:
    """The text cut to at most `budget` characters, at a clause or a word, with "…" where something is missing."""
    text = plain(text)
    if len(text) <= budget:
        return text
    room = text[: max(budget - 1, 1)]
    whole = room if text[len(room)].isspace() else room.rpartition(" ")[0]
    kept = _at_clause(room, budget) or _at_word(room, text, _settled(whole.split()))
    return kept + ELLIPSIS


def cut_name(name: str, budget: int) -> str:
    """A name cut at a word, with "…": its sub-title too tells it from others, so nothing but length counts."""
    name = plain(name)
    if len(name) <= budget:
        return name
    room = name[: max(budget - 1, 1)]
    words = room.rpartition(" ")[0].split()
    while words and words[-1].casefold() in _DANGLING:
        words.pop()
    return _at_word(room, name, words) + ELLIPSIS


def short_name(name: str, budget: int = 30) -> str:
    """A tool's name without what follows a colon, a dash or a bracket; cut at a word where that is still too long."""
    name = plain(name)
    if len(name) <= budget:
        return name
    breaks = [found.start() for found in _NAME_BREAKS.finditer(name) if found.start() > 1]
    fitting = [at for at in breaks if at <= budget]
    if fitting:
        return name[: max(fitting)].rstrip(" ,;:-–—")
    return cut_name(name[: breaks[0]] if breaks else name, budget)


def _is_end(text: str, start: int, end: int) -> bool:
    following = text[end:].lstrip()[:1]
    if following.islower() or following in _GOES_ON or _abbreviated(text[start:end]):
        return False
    return _balanced(text[start:end]) or not _balanced(text[start:])


def _abbreviated(piece: str) -> bool:
    word = _LAST_WORD.search(piece)
    if word is None:
        return False
    bare = word[1].casefold()
    return bare in _ABBREVIATIONS or (len(bare) == 1 and bare.isalpha() and bare != "i")


def _balanced(piece: str) -> bool:
    """Whether every bracket, quotation mark and back-tick that opens here is closed here."""
    pairs = all(piece.count(opening) == piece.count(closing) for opening, closing in _PAIRS)
    return pairs and piece.count('"') % 2 == 0 and piece.count("`") % 2 == 0


def _at_clause(room: str, budget: int) -> str:
    for pattern, share in _CLAUSES:
        ends = [found.start() for found in pattern.finditer(room + " ") if _balanced(room[: found.start()])]
        if ends and ends[-1] >= share * budget:
            return room[: ends[-1]].rstrip(" ,;:—–-")
    return ""


def _at_word(room: str, text: str, words: list[str]) -> str:
    kept = _closed(" ".join(words)).rstrip(" ,;:—–-(")
    return kept if len(kept) * 2 > len(room) else _at_character(room, text)


def _settled(words: list[str]) -> list[str]:
    """The words without a beginning at their end: "parameters that activate" is "parameters"."""
    while len(words) > 2:  # noqa: PLR2004
        hanging = [at + 1 for at in (-3, -2) if words[at].endswith(":")]
        hanging += [at for at in (-2, -1) if words[at].casefold().strip("([“\"'") in _DANGLING]
        if not hanging:
            break
        words = words[: hanging[0]]
    return words


def _closed(kept: str) -> str:
    """The text without a bracket at its end that the cut left open."""
    opening = kept.rfind("(")
    return kept[:opening] if kept.count("(") > kept.count(")") and opening * 2 > len(kept) else kept


def _at_character(room: str, text: str) -> str:
    """For text without spaces: between characters, never inside one that is built of several code points."""
    end = len(room)
    while end > 1 and (unicodedata.combining(text[end]) or text[end] in "\u200d\ufe0f" or text[end - 1] == "\u200d"):
        end -= 1
    return text[:end].rstrip()
