"""The local outbox: a provider that writes each message to a folder instead of mailing it.

The folder is a Maildir, so that mail programs can open it, with one `.eml` per message and an index, `index.jsonl`, of
one line per message. A message appears whole or not at all: written to `tmp`, synced, then linked into `new`. The file
name is the delivery's key: the same delivery, sent again, is found and not written a second time, so a batch may be
repeated at any time.
"""

import errno
import json
import os
import stat
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from newsletter.errors import MailError, ProviderError
from newsletter.mail.message import MessageBuilder, Recipient
from newsletter.providers.base import Answer, Capabilities, Outcome, OutgoingBatch, Receipt, all_alike

Entry = dict[str, str]

ALWAYS = timedelta(days=36_500)


class Outbox:
    """Writes messages below `folder`, which is made if it is missing (for its owner's eyes only)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.index = folder / "index.jsonl"
        self._alone = threading.Lock()  # one writer of the index
        self._indexed: set[str] | None = None  #: keys that stand in the index; read once, then kept
        self._in_files: set[str] = set()  #: keys that lie in the folder, as of the same moment

    @property
    def capabilities(self) -> Capabilities:
        """A key is remembered for as long as its message lies in the folder or stands in the index."""
        return Capabilities(
            name="outbox",
            batch_size=1000,
            longest_request=timedelta(0),  # whoever wrote is dead when somebody else can
            remembers_keys_for=ALWAYS,
            answers_look_ups=True,
        )

    def fits(self, _builder: MessageBuilder) -> int:
        """As many as it says: a folder has no limit."""
        return self.capabilities.batch_size

    def send(self, batch: OutgoingBatch) -> Answer:
        """Write what is not there yet. A message that cannot be written is to be tried again: nobody has it."""
        with self._alone:
            try:
                self._make_folders()
                found = [self._take(batch, recipient) for recipient in batch.recipients]
                _sync_folder(self.folder / "new")
                self._append([entry for entry, _ in found if entry])
            except OSError as error:
                self._indexed = None  # whatever was written is looked for again
                reason = f"The outbox in {self.folder.absolute()} cannot be written: {error.strerror or error}."
                return Answer(all_alike(batch, Outcome.RETRY, reason))
            return Answer([receipt for _, receipt in found])

    def look_up(self, _batch_key: str, delivery_keys: Sequence[str]) -> Sequence[Receipt]:
        """What lies in the folder or stands in the index was accepted; the rest certainly was not."""
        known = self.accepted()
        return [Receipt(key, Outcome.ACCEPTED if key in known else Outcome.RETRY) for key in delivery_keys]

    def accepted(self) -> frozenset[str]:
        """The keys of all messages that this outbox has taken, by its index and its files."""
        return frozenset(entry["key"] for entry in self.entries()) | frozenset(self._files())

    def entries(self) -> Iterator[Entry]:
        """The index: key, to, subject and file of each message, each key once, in the order of acceptance."""
        seen = set()
        text = self.index.read_text(encoding="utf-8", errors="replace") if self._index_is_a_file() else ""
        for line in text.splitlines():
            entry = _entry(line)
            if entry and entry["key"] not in seen:
                seen.add(entry["key"])
                yield entry

    def _index_is_a_file(self) -> bool:
        """Whether there is an index. Raises OSError where something else has its name: a pipe, a folder, a link."""
        try:
            mode = self.index.lstat().st_mode
        except FileNotFoundError:
            return False
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "its index.jsonl is not a plain file")
        return True

    def _files(self) -> Iterator[str]:
        """The keys of the messages that lie here. Raises OSError where one is no file: then nobody has got anything."""
        for part in ("new", "cur"):
            with suppress(FileNotFoundError), os.scandir(self.folder / part) as found:
                for entry in found:
                    if ".eml" not in entry.name:
                        continue
                    if not entry.is_file(follow_symlinks=False):
                        raise OSError(errno.EINVAL, f"{part}/{entry.name} is not a plain file; remove it")
                    yield entry.name.partition(".")[0]

    def _make_folders(self) -> None:
        for part in ("tmp", "new", "cur"):
            folder = self.folder / part
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if folder.is_symlink():
                raise ProviderError(
                    f"{folder} is a link; the outbox writes only below its own folder. Remove the link."
                )

    def _take(self, batch: OutgoingBatch, recipient: Recipient) -> tuple[Entry | None, Receipt]:
        """Write one message unless it is there already; refuse the one that cannot be made, and go on with the rest.

        The entry is for the index: also of a message that a crash left there without one.
        """
        if self._indexed is None:
            self._indexed, self._in_files = {entry["key"] for entry in self.entries()}, set(self._files())
        accepted = Receipt(recipient.key, Outcome.ACCEPTED, provider_id=recipient.key)
        if recipient.key in self._indexed:
            return None, accepted
        if recipient.key in self._in_files:
            return self._entry_of(batch, recipient), accepted
        try:
            return self._write(batch, recipient), accepted
        except MailError as error:
            return None, Receipt(recipient.key, Outcome.REFUSED, reason=str(error))

    def _entry_of(self, batch: OutgoingBatch, recipient: Recipient) -> Entry:
        entry = {"key": recipient.key, "to": recipient.address, "subject": batch.builder.subject}
        return {**entry, "file": f"new/{recipient.key}.eml"}

    def _write(self, batch: OutgoingBatch, recipient: Recipient) -> Entry:
        """Write one message: whole, synced, and only then visible. Made by us, so the name cannot lead elsewhere."""
        draft, final = (self.folder / part / f"{recipient.key}.eml" for part in ("tmp", "new"))
        content = batch.builder.mime(recipient)
        draft.unlink(missing_ok=True)  # left behind by a crash
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(final)
        self._in_files.add(recipient.key)
        return self._entry_of(batch, recipient)

    def _append(self, entries: list[Entry]) -> None:
        """Add to the index in one write. A line that a crash cut short is skipped by whoever reads it."""
        if not entries:
            return
        self._index_is_a_file()
        lines = "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries)
        handle = os.open(self.index, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "ab") as file:
            if file.tell() and not _ends_with_line(self.index):
                lines = "\n" + lines
            file.write(lines.encode())
            file.flush()
            os.fsync(file.fileno())
        if self._indexed is not None:
            self._indexed.update(entry["key"] for entry in entries)


def _entry(line: str) -> Entry | None:
    """One line of the index; None for what a crash, or somebody else, left there."""
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    good = isinstance(entry, dict) and all(
        isinstance(entry.get(part), str) for part in ("key", "to", "subject", "file")
    )
    return entry if good else None


def _ends_with_line(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
