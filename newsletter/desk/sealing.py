"""Copies of the database that only one person can open: the file format of age (https://age-encryption.org/v1).

The machine that sends knows the public half alone. Who takes its copies, or the machine itself, cannot read the copies
of last month; who loses the private half cannot either, so it is kept twice, and never beside the copies.
"""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import pyrage

from newsletter.errors import DatabaseError

Recipient: TypeAlias = Any  # pyrage says no types: of x25519 or of ssh, as is the other
Identity: TypeAlias = Any

SEALED = ".age"  #: how the name of a sealed copy ends
HEAD = b"age-encryption.org/"


def new_identity(file: Path) -> str:
    """Write a new private half into a file that only its owner reads; returns the public half. Raises DatabaseError."""
    made = pyrage.x25519.Identity.generate()
    try:
        with os.fdopen(os.open(file, os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_WRONLY, 0o600), "w") as kept:
            kept.write(f"# public key: {made.to_public()}\n{made}\n")
            kept.flush()
            os.fsync(kept.fileno())
    except OSError as error:
        raise DatabaseError(f"{file} cannot be made: {error.strerror}. No key was made.") from None
    return str(made.to_public())


def seal(plain: Path, into: Path, recipients: Sequence[str]) -> None:
    """Write a file that these recipients can open, and nobody else. Raises OSError."""
    known = [_recipient(text) for text in recipients]
    handle = os.open(into, os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_WRONLY, 0o600)
    with plain.open("rb") as source, os.fdopen(handle, "wb") as target:
        pyrage.encrypt_io(source, target, known)
        target.flush()
        os.fsync(target.fileno())


@contextmanager
def unsealed(file: Path, identity: Path | None, folder: Path) -> Iterator[Path]:
    """A copy as it was before it was sealed, in this folder, while it is used; a plain one is used where it lies.

    Raises DatabaseError where it is sealed and this identity does not open it.
    """
    if not is_sealed(file):
        yield file
        return
    if identity is None:
        raise DatabaseError(f"{file} is sealed. Say what opens it: --identity FILE. Nothing was changed.")
    known = identities(identity)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".unsealed-", dir=folder) as room:  # 0700, as is all that is in it
        yield _opened(file, known, Path(room) / file.name.removesuffix(SEALED))


def is_sealed(file: Path) -> bool:
    """Whether this file is one of age, by its first bytes."""
    try:
        with file.open("rb") as found:
            return found.read(len(HEAD)) == HEAD
    except OSError as error:
        raise DatabaseError(f"{file} cannot be read: {error.strerror}. Nothing was changed.") from None


def identities(file: Path) -> list[Identity]:
    """The private halves in a file: lines of AGE-SECRET-KEY-1…, or a private key of ssh. Raises DatabaseError."""
    try:
        raw = file.read_bytes()
        if raw.startswith(b"-----BEGIN"):
            return [pyrage.ssh.Identity.from_buffer(raw)]
        lines = raw.decode().split("\n")
        found = [pyrage.x25519.Identity.from_str(line.strip()) for line in lines if line.startswith("AGE-SECRET-KEY-")]
    except (OSError, UnicodeDecodeError, pyrage.IdentityError) as error:
        why = error.strerror if isinstance(error, OSError) else "no private key of age or ssh is in it"
        raise DatabaseError(f"{file} cannot be used: {why}. Nothing was changed.") from None
    if not found:
        raise DatabaseError(f"{file} cannot be used: no private key of age or ssh is in it. Nothing was changed.")
    return list(found)


def _opened(file: Path, known: list[Identity], plain: Path) -> Path:
    try:
        with file.open("rb") as source, plain.open("xb") as target:
            pyrage.decrypt_io(source, target, known)
    except pyrage.DecryptError:
        raise DatabaseError(
            f"{file} cannot be opened: it is damaged, or sealed for somebody else. Nothing was changed."
        ) from None
    except OSError as error:
        raise DatabaseError(f"{file} cannot be opened: {error.strerror}. Nothing was changed.") from None
    return plain


def _recipient(text: str) -> Recipient:
    return (pyrage.ssh.Recipient if text.startswith("ssh-") else pyrage.x25519.Recipient).from_str(text)
