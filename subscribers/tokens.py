"""Tokens for links: who it is and what it is for, signed, with no address inside (security reference, S-45 to S-47).

    key id - ref - expiry - mac          each of a-z, 0-9 and hyphens: safe in a path, in HTML and in a header

The mac is HMAC-SHA256 cut to 160 bits, under a key that is derived per purpose: a token for leaving confirms nothing.
The first key signs, older ones would still verify; today there is one, because the secret of a database is not changed
(keymark.py). Tokens are not single-use: a link scanner must not burn one (product reference 4.2); what a token may do,
it may do twice.
"""

import hmac
import re
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from subscribers.errors import BadToken

SHORTEST_KEY = 32  #: bytes
MAC = 40  #: hexadecimal characters: 160 bits
LONGEST = 200
CONFIRM_DAYS = timedelta(days=7)  #: how long a confirmation link lives

_REF = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*", re.ASCII)
_FORM = re.compile(rf"([0-9a-f]{{6}})-([a-z0-9-]+)-([0-9]{{1,12}})-([0-9a-f]{{{MAC}}})", re.ASCII)


class Purpose(StrEnum):
    """What a token is for, and good for nothing else."""

    CONFIRM = "confirm"  #: say yes; expires
    UNSUBSCRIBE = "unsubscribe"  #: leave; never expires
    RESUBSCRIBE = "resubscribe"  #: undo the leaving, from the page that says good-bye; expires
    PREFERENCES = "preferences"
    VIEW = "view"  #: the issue on the web, as this subscriber got it
    VOTE = "vote"
    BOOKMARKS = "bookmarks"
    ERASE = "erase"  #: be forgotten; expires
    NEVER = "never"  #: "never mail me", in a confirmation that somebody else asked for


class Keys:
    """The secrets that sign and verify: the first signs, all verify."""

    __slots__ = ("_keyed", "_signing")

    def __init__(self, first: bytes, *older: bytes) -> None:
        if any(len(key) < SHORTEST_KEY for key in (first, *older)):
            raise ValueError(f"a key that signs links has at least {SHORTEST_KEY} bytes")
        self._signing = _key_id(first)
        self._keyed = {
            (_key_id(key), purpose): hmac.new(_derived(key, purpose), digestmod="sha256")
            for key in reversed((first, *older))
            for purpose in Purpose
        }

    def __repr__(self) -> str:
        return f"Keys({self._signing}, {len(self._keyed) // len(Purpose)} in all)"

    @property
    def signing(self) -> str:
        """The id of the key that signs."""
        return self._signing

    def mac(self, key_id: str, purpose: Purpose, text: str) -> str:
        """The mac of a text under one key and purpose. Raises BadToken for a key that is not ours."""
        if (found := self._keyed.get((key_id, purpose))) is None:
            raise BadToken("This link was not made here, or its key was withdrawn.")
        keyed = found.copy()
        keyed.update(text.encode())
        return keyed.hexdigest()[:MAC]


def sign(keys: Keys, purpose: Purpose, ref: str, *, expires: datetime | None = None) -> str:
    """A token for this purpose and ref (a-z, 0-9 and inner hyphens), good until `expires` (aware) or for ever."""
    if not _REF.fullmatch(ref):
        raise ValueError("a token names a ref of a-z, 0-9 and inner hyphens, never an address")
    text = f"{keys.signing}-{ref}-{int(expires.timestamp()) if expires else 0}"
    return f"{text}-{keys.mac(keys.signing, purpose, text)}"


def verify(keys: Keys, purpose: Purpose, token: str, *, now: datetime) -> str:
    """The ref in this token. Raises BadToken unless it was made here, for this purpose, and has not expired."""
    form = _FORM.fullmatch(token) if len(token) <= LONGEST else None
    if form is None:
        raise BadToken("This link is not complete. Copy the whole of it from the mail.")
    key_id, ref, expires, mac = form.groups()
    wanted = keys.mac(key_id, purpose, token[: -MAC - 1])
    if not hmac.compare_digest(wanted.encode(), mac.encode()):
        raise BadToken("This link was not made here, or not for this page.")
    if int(expires) and datetime.fromtimestamp(int(expires), UTC) < now:
        raise BadToken("This link has expired. Ask for a new one.")
    return ref


def _key_id(key: bytes) -> str:
    return hmac.digest(key, b"token key id", "sha256").hex()[:6]


def _derived(key: bytes, purpose: Purpose) -> bytes:
    return hmac.digest(key, b"token v1\0" + purpose.encode(), "sha256")
