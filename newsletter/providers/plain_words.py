"""What a provider or a mail server says, made fit for logs, screens and the ledger: one line without addresses (S-60).

Hidden before anything is cut: half an address is one as well. An address is seen by its "@", however that is written,
and by a quoted name before it; one without any is seen only where the recipient is known. Links hold readers' tokens.
"""

import re
import unicodedata
from collections.abc import Sequence

from newsletter.issues.wording import sentence

LONGEST_REASON, LONGEST_WORD = 300, 60
MOST_READ = 20_000  #: characters; what comes later is not looked at, and not shown
HIDDEN = "(an address)"

_AT = r"(?:@|%(?:25)*40|=40(?=[A-Za-z0-9])|&#0*64;|&#x0*40;|&commat;|\\u0040|[\[({]at[\])}])"
_QUOTED = re.compile(rf'"(?:[^"\\]|\\.){{1,100}}"\s?{_AT}', re.IGNORECASE)  # "ada lovelace"@example.org
_NOT_FOR_LOGS = re.compile(rf"{_AT}|://|\bwww\.", re.IGNORECASE)
_BEGINS, _ENDS = re.compile(_AT, re.IGNORECASE), re.compile(rf"{_AT}\Z", re.IGNORECASE)
_DOMAIN = re.compile(r"\w\.\w")
_AROUND = "<>()[]{}:;,.!?'\"`"


def without_addresses(text: str) -> str:
    """One line of what can be printed; no address, but links stay. For our sentences with others' words in them."""
    return _shown(text, _BEGINS, "")


def plain(text: str, recipient: str = "") -> str:
    """One line of what can be printed, with no address and no link. `recipient`: whose name alone is hidden as well."""
    return _shown(text, _NOT_FOR_LOGS, recipient.rpartition("@")[0].casefold())


def reason(before: str, said: str, recipient: str = "") -> str:
    """A sentence for a receipt: what we say, and what they said; never longer than LONGEST_REASON."""
    words = plain(said, recipient) or "nothing more"
    return sentence(f"{before}: {words}"[: LONGEST_REASON - 1])


def word(said: str) -> str:
    """A provider's name for something: as `plain`, and short."""
    return plain(said)[:LONGEST_WORD]


def _one_line(text: str) -> str:
    """Without what cannot be printed, lone surrogates among it, and with quoted names closed up."""
    same = unicodedata.normalize("NFKC", text[:MOST_READ])  # a wide @ is one as well
    printable = same if same.isprintable() else "".join(one if one.isprintable() else " " for one in same)
    return _QUOTED.sub("quoted@", printable)


def _shown(text: str, wrong: re.Pattern[str], local: str) -> str:
    words = _one_line(text).split()
    hidden = _hidden(words, wrong, local)
    return " ".join(
        HIDDEN if at in hidden else word.replace("@", "at-sign")  # "it must contain an '@'"
        for at, word in enumerate(words)
        if at not in hidden or at - 1 not in hidden
    )


def _hidden(words: Sequence[str], wrong: re.Pattern[str], local: str) -> set[int]:
    """The places of what is an address or a link, or a part of one: "ada @example.org" is in two places."""
    found: set[int] = set()
    for at, word in enumerate(words):
        bare, then = word.strip(_AROUND), words[at + 1 : at + 2]
        goes_on = bool(_ENDS.search(bare) and then and _DOMAIN.search(then[0]))
        if bare != "@" and wrong.search(word):
            found.add(at)
        elif bare == "@" and goes_on:
            found |= {at - 1, at}
        elif local and (bare.casefold() == local or f"{local}=" in bare.casefold()):
            found.add(at)
        if _BEGINS.match(bare) and _DOMAIN.search(bare):
            found.add(at - 1)
        if goes_on:
            found.add(at + 1)
    return found
