"""A mailbox of bounces over IMAP (RFC 9051), with verified TLS from the first byte (RFC 8314).

Mails are named by their UID, asked for without being marked (PEEK), and only their beginning is fetched. The flags
Seen and Flagged are the marks, so that nothing has to be remembered here.
"""

import imaplib
import re
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from newsletter.errors import ProviderError
from newsletter.providers.bounce_box import Mark

SECONDS = 30.0  #: for each answer
AT_ONCE = 20  #: mails in one command
_UID = re.compile(rb"\bUID (\d+)")
_FLAGS = {Mark.DONE: r"(\Seen)", Mark.STRANGE: r"(\Flagged)"}


@dataclass(frozen=True, slots=True)
class ImapAccount:
    """Where the mailbox is. What is secret, or an address, is not in its repr."""

    host: str
    port: int = 993
    user: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    folder: str = "INBOX"


class ImapBox:
    """The mailbox, connected. Raises ProviderError from everything but `close`."""

    def __init__(self, account: ImapAccount, context: ssl.SSLContext | None = None) -> None:
        """Connects and logs in. `context` verifies the server; without one the system's certificates do, by name."""
        self._account = account
        with self._said("reached"):
            verified = context or ssl.create_default_context()
            self._imap = imaplib.IMAP4_SSL(account.host, account.port, ssl_context=verified, timeout=SECONDS)
        try:
            with self._said("used: the login failed"):
                self._imap.login(account.user, account.secret)
            with self._said(f"used: there is no folder {account.folder}"):
                _good(self._imap.select(_quoted(account.folder)))
        except ProviderError:
            self.close()
            raise

    def waiting(self, most: int) -> Sequence[str]:
        """UIDs, which rise."""
        with self._said("searched"):
            found = _good(self._imap.uid("SEARCH", "UNSEEN", "UNFLAGGED", "UNDELETED"))
        return [uid.decode("ascii") for line in found if line for uid in line.split()][:most]

    def fetch(self, names: Sequence[str], most_bytes: int) -> Iterator[tuple[str, bytes]]:
        """As the port says."""
        for some in (names[at : at + AT_ONCE] for at in range(0, len(names), AT_ONCE)):
            with self._said("read"):
                found = _good(self._imap.uid("FETCH", ",".join(some), f"(UID BODY.PEEK[]<0.{most_bytes}>)"))
            yield from _mails(found)

    def mark(self, names: Sequence[str], mark: Mark) -> None:
        """As the port says."""
        if names:
            with self._said("marked"):
                _good(self._imap.uid("STORE", ",".join(names), "+FLAGS.SILENT", _FLAGS[mark]))

    def close(self) -> None:
        """Say goodbye."""
        with suppress(OSError, imaplib.IMAP4.error):
            self._imap.logout()
        with suppress(OSError):
            self._imap.shutdown()  # which a logout that fails leaves out

    @contextmanager
    def _said(self, done: str) -> Iterator[None]:
        """What went wrong, as a sentence; never with what the server said, which may hold the user's name."""
        try:
            yield
        except ssl.SSLCertVerificationError as error:
            why = getattr(error, "verify_message", "") or "it does not verify"
            raise ProviderError(
                f"The certificate of {self._account.host} is not good: {why}. Look at imap_host."
            ) from None
        except (OSError, imaplib.IMAP4.error, ValueError) as error:
            raise ProviderError(
                f"The mailbox of bounces at {self._account.host} could not be {done} ({type(error).__name__}). Look at "
                "imap_host, imap_user, imap_folder in [bounces], and at the password."
            ) from None


def _good(answer: tuple[str, Any]) -> list[Any]:
    status, found = answer
    if status != "OK":
        raise imaplib.IMAP4.error(status)
    return list(found)


def _quoted(folder: str) -> str:
    """RFC 9051, section 4.3. Raises ValueError for what cannot be a folder's name here."""
    if not folder.isprintable() or not folder.isascii():
        raise ValueError("write the name of the folder in ASCII, as the server lists it")
    return '"' + folder.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _mails(found: Sequence[Any]) -> Iterator[tuple[str, bytes]]:
    """A mail is a pair: what stands before the literal, and the literal. The UID may stand behind it as well."""
    for at, one in enumerate(found):
        if isinstance(one, tuple):
            rest = found[at + 1] if at + 1 < len(found) and isinstance(found[at + 1], bytes) else b""
            if uid := _UID.search(one[0]) or _UID.search(rest):
                yield uid[1].decode("ascii"), one[1]
