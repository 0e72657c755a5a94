"""Mailboxes of bounces: the port, and a Maildir folder.

What a mail says is committed first, and then the mail is marked: read again after a crash, it is known. Understood ones
become "seen"; those that nobody here understands stay unread and are flagged, so that a person finds them and they are
not read again every few minutes.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from newsletter.errors import ProviderError

SEEN, FLAGGED, TRASHED = "S", "F", "T"


class Mark(StrEnum):
    """What becomes of a mail that was read."""

    DONE = "done"  #: seen
    STRANGE = "strange"  #: flagged, and still unread: for a person


class Box(Protocol):
    """A mailbox. Raises ProviderError where it cannot be reached or read."""

    def waiting(self, most: int) -> Sequence[str]:
        """Names of at most so many mails that have no mark, oldest first as far as that is known."""
        ...

    def fetch(self, names: Sequence[str], most_bytes: int) -> Iterator[tuple[str, bytes]]:
        """Those mails, each cut after so many bytes; one that has gone meanwhile is left out."""
        ...

    def mark(self, names: Sequence[str], mark: Mark) -> None:
        """Mark them; one that has gone is no trouble."""
        ...

    def close(self) -> None:
        """End the connection, if there is one; never raises."""
        ...


@dataclass(frozen=True, slots=True)
class Maildir:
    """A folder with `new` and `cur` (https://cr.yp.to/proto/maildir.html), on this machine."""

    folder: Path

    def waiting(self, most: int) -> Sequence[str]:
        """Paths below the folder. File names begin with the time of delivery."""
        names = [*self._files("new"), *(name for name in self._files("cur") if not _marked(name))]
        return sorted(names, key=lambda name: name.partition("/")[2])[:most]

    def fetch(self, names: Sequence[str], most_bytes: int) -> Iterator[tuple[str, bytes]]:
        """As the port says."""
        for name in names:
            with suppress(FileNotFoundError), self._said():
                yield name, _beginning(self.folder / name, most_bytes)

    def mark(self, names: Sequence[str], mark: Mark) -> None:
        """A mail's flags stand in its name; so it is in `cur` then."""
        for name in names:
            base, _, flags = name.partition("/")[2].partition(":2,")
            marked = "".join(sorted({*flags, SEEN if mark is Mark.DONE else FLAGGED}))
            with suppress(FileNotFoundError), self._said():
                (self.folder / name).rename(self.folder / "cur" / f"{base}:2,{marked}")

    def close(self) -> None:
        """There is nothing to close."""

    def _files(self, part: str) -> list[str]:
        """Plain files only: a link, or a pipe that never ends, is no mail."""
        with self._said(), os.scandir(self.folder / part) as found:
            return [f"{part}/{one.name}" for one in found if one.is_file(follow_symlinks=False) and one.name[0] != "."]

    @contextmanager
    def _said(self) -> Iterator[None]:
        """What is wrong with the folder, as a sentence; that a mail has gone is for the caller to know."""
        try:
            yield
        except FileNotFoundError as error:
            if self.folder.is_dir() and (self.folder / "cur").is_dir() and (self.folder / "new").is_dir():
                raise
            raise ProviderError(
                f"{self.folder} is no Maildir folder: it has no 'new' and 'cur'. Set bounces.maildir."
            ) from error
        except OSError as error:
            raise ProviderError(
                f"The bounces in {self.folder} cannot be read or marked: {error.strerror or error}. This user needs to "
                "read and rename files there."
            ) from None


def _beginning(path: Path, most_bytes: int) -> bytes:
    """The first bytes of a file, which must not have become a link meanwhile."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        return file.read(most_bytes)


def _marked(name: str) -> bool:
    return any(flag in name.rpartition(":2,")[2] for flag in (SEEN, FLAGGED, TRASHED)) if ":2," in name else False
