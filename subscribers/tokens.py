"""Tokens for links: who it is and what it is for, signed, with no address inside (security reference, S-45 to S-47).

    key id - ref - expiry - mac          each of a-z, 0-9 and hyphens: safe in a path, in HTML and in a header

The mac is 160 bits of keyed BLAKE2b (RFC 7693), its own for each purpose: a token for leaving confirms nothing. One
hash of 480 bits serves three purposes, a third each, because every message carries three links and signing was most of
what a recipient cost (docs/benchmarks.md); no part of the output tells anything of another.
The first key signs, older ones would still verify; today there is one, because the secret of a database is not changed
(keymark.py). Tokens are not single-use: a link scanner must not burn one (product reference 4.2); what a token may do,
it may do twice.
"""

import hashlib
import hmac
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from subscribers.errors import BadToken, ExpiredToken

SHORTEST_KEY = 32  #: bytes
MAC = 40  #: hexadecimal characters: 160 bits
LONGEST = 200
CONFIRM_DAYS = timedelta(days=7)  #: how long a confirmation link lives

_REF = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*", re.ASCII)
_REFS = re.compile(r"(?:[a-z0-9]++(?:-[a-z0-9]++)*+\n)*+", re.ASCII)  # one a line; nothing is tried twice
_NO_REF = "a token names a ref of a-z, 0-9 and inner hyphens, never an address"
_FORM = re.compile(rf"([0-9a-f]{{6}})-([a-z0-9-]+)-([0-9]{{1,12}})-([0-9a-f]{{{MAC}}})", re.ASCII)


class Purpose(StrEnum):
    """What a token is for, and good for nothing else."""

    CONFIRM = "confirm"  #: say yes; expires
    UNSUBSCRIBE = "unsubscribe"  #: leave; never expires
    RESUBSCRIBE = "resubscribe"  #: undo the leaving, from the page that says good-bye; expires
    PREFERENCES = "preferences"
    VIEW = "view"  #: the issue on the web, as this subscriber got it
    VOTE = "vote"  #: vote on tools and keep them; never expires
    BOOKMARKS = "bookmarks"  #: see what is kept, and remove it
    ERASE = "erase"  #: be forgotten; expires
    NEVER = "never"  #: "never mail me", in a confirmation that somebody else asked for
    STAY = "stay"  #: still wanted, or back after no answer; expires
    FORM = "form"  #: when a form was shown; expires
    ADDRESS = "address"  #: a change of address: the new mailbox says yes; expires
    ADDRESS_NO = "address-no"  #: the new mailbox says that it was not them
    ADDRESS_BACK = "address-back"  #: the old mailbox undoes it; expires


#: Purposes that share a hash, and their places in it. What every message carries is in the first.
_GROUPS = (
    (Purpose.UNSUBSCRIBE, Purpose.PREFERENCES, Purpose.VOTE),
    (Purpose.VIEW, Purpose.BOOKMARKS, Purpose.ERASE),
    (Purpose.CONFIRM, Purpose.RESUBSCRIBE, Purpose.NEVER),
    (Purpose.FORM,),
    (Purpose.STAY,),
    (Purpose.ADDRESS, Purpose.ADDRESS_NO, Purpose.ADDRESS_BACK),
)
#: What the key of each group is derived with: never changed, or the links in all mails that went out are dead.
_NAMES = (
    "unsubscribe+preferences+view",
    "vote+bookmarks+erase",
    "confirm+resubscribe+never",
    "form",
    "stay",
    "address+address-no+address-back",
)
_PLACES = {purpose: (group, at) for group, members in enumerate(_GROUPS) for at, purpose in enumerate(members)}


class Keys:
    """The secrets that sign and verify: the first signs, all verify."""

    __slots__ = ("_keyed", "_signing")

    def __init__(self, first: bytes, *older: bytes) -> None:
        if any(len(key) < SHORTEST_KEY for key in (first, *older)):
            raise ValueError(f"a key that signs links has at least {SHORTEST_KEY} bytes")
        self._signing = _key_id(first)
        self._keyed = {
            (_key_id(key), group): _keyed(key, group)
            for key in reversed((first, *older))
            for group in range(len(_GROUPS))
        }

    def __repr__(self) -> str:
        return f"Keys({self._signing}, {len(self._keyed) // len(_GROUPS)} in all)"

    @property
    def signing(self) -> str:
        """The id of the key that signs."""
        return self._signing

    def mac(self, key_id: str, purpose: Purpose, text: str) -> str:
        """The mac of a text under one key and purpose. Raises BadToken for a key that is not ours."""
        group, at = _PLACES[purpose]
        return self._macs(key_id, group, [text.encode()])[at]

    def macs(self, purposes: Sequence[Purpose], texts: Sequence[bytes]) -> list[list[str]]:
        """For each purpose the signing key's macs of all these texts."""
        places = [_PLACES[purpose] for purpose in purposes]
        macs = {group: self._macs(self._signing, group, texts) for group in {group for group, _ in places}}
        return [macs[group][at :: len(_GROUPS[group])] for group, at in places]

    def _macs(self, key_id: str, group: int, texts: Sequence[bytes]) -> list[str]:
        """The macs of a group's purposes for the first text, then for the second, and so on."""
        if (found := self._keyed.get((key_id, group))) is None:
            raise BadToken("This link was not made here, or its key was withdrawn.")
        copy, hashes = found.copy, []
        for text in texts:
            keyed = copy()
            keyed.update(text)
            hashes.append(keyed.digest())
        return b"".join(hashes).hex("\n", MAC // 2).split("\n")


def sign(keys: Keys, purpose: Purpose, ref: str, *, expires: datetime | None = None) -> str:
    """A token for this purpose and ref (a-z, 0-9 and inner hyphens), good until `expires` (aware) or for ever."""
    if not _REF.fullmatch(ref):
        raise ValueError(_NO_REF)
    text = f"{keys.signing}-{ref}-{int(expires.timestamp()) if expires else 0}"
    return f"{text}-{keys.mac(keys.signing, purpose, text)}"


def sign_each(keys: Keys, links: dict[str, Purpose], refs: Sequence[str]) -> list[list[str]]:
    """For each beginning of a link and its purpose: the links with everybody's token, which are good for ever.

    Equal to the beginning and `sign` for each, at a quarter of the cost.
    """
    if not refs:
        return [[] for _ in links]
    if not _REFS.fullmatch("\n".join((*refs, ""))):
        raise ValueError(_NO_REF)
    start, end = f"{keys.signing}-", "-0"
    lines = start + f"{end}\n{start}".join(refs) + end
    texts, macs = lines.split("\n"), keys.macs(list(links.values()), lines.encode("ascii").split(b"\n"))
    return [
        [f"{link}{text}-{mac}" for text, mac in zip(texts, column, strict=True)]
        for link, column in zip(links, macs, strict=True)
    ]


def verify(keys: Keys, purpose: Purpose, token: str, *, now: datetime) -> str:
    """The ref in this token. Raises BadToken unless it was made here and for this purpose, ExpiredToken if too late."""
    form = _FORM.fullmatch(token) if len(token) <= LONGEST else None
    if form is None:
        raise BadToken("This link is not complete. Copy the whole of it from the mail.")
    key_id, ref, expires, mac = form.groups()
    wanted = keys.mac(key_id, purpose, token[: -MAC - 1])
    if not hmac.compare_digest(wanted.encode(), mac.encode()):
        raise BadToken("This link was not made here, or not for this page.")
    if int(expires) and datetime.fromtimestamp(int(expires), UTC) < now:
        raise ExpiredToken("This link has expired. Ask for a new one.", ref)
    return ref


def _key_id(key: bytes) -> str:
    return hmac.digest(key, b"token key id", "sha256").hex()[:6]


def _keyed(key: bytes, group: int) -> "hashlib.blake2b":
    """A hash that waits for its text, under a key of its own for each group."""
    derived = hmac.digest(key, f"token v2 {_NAMES[group]}".encode(), "sha256")
    return hashlib.blake2b(key=derived, digest_size=len(_GROUPS[group]) * MAC // 2)
