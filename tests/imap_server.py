"""A small server on the loopback that speaks as much IMAP (RFC 9051) as a mailbox of bounces needs, over TLS."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from misbehaving import Visit, serving

LOGIN = re.compile(rb'"?([^" ]+)"? "((?:[^"\\]|\\.)*)"')


@dataclass
class ImapServer:
    """Its one folder, INBOX, and who came."""

    mails: dict[int, bytes]  #: by UID
    flags: dict[int, set[str]] = field(default_factory=dict)
    logins: list[bytes] = field(default_factory=list)
    port: int = 0
    rude: bool = False  #: hang up at the next command

    def play(self, visit: Visit) -> None:
        """One connection."""
        visit.say(b"* OK hello\r\n")
        for line in visit.connection.makefile("rb"):
            if self.rude:
                return
            tag, _, rest = line.strip().partition(b" ")
            name, _, arguments = rest.partition(b" ")
            lines, good = self._answer(name.decode().upper(), arguments)
            visit.say(b"".join(lines) + tag + (b" OK done\r\n" if good else b" NO canary\r\n"))

    def _answer(self, name: str, arguments: bytes) -> tuple[list[bytes], bool]:
        if name == "CAPABILITY":
            return [b"* CAPABILITY IMAP4rev1\r\n"], True
        if name == "LOGIN":
            self.logins.append(arguments)
            found = LOGIN.fullmatch(arguments)
            return [], bool(found and (found[1], found[2]) == (b"bounces", b'pa ss\\"word'))
        if name == "SELECT":
            return [b"* %d EXISTS\r\n" % len(self.mails)], arguments == b'"INBOX"'
        if name == "LOGOUT":
            return [b"* BYE\r\n"], True
        return self._uid(arguments) if name == "UID" else ([], False)

    def _uid(self, arguments: bytes) -> tuple[list[bytes], bool]:
        name, *rest = arguments.decode().split(" ")
        if name == "SEARCH":
            found = [uid for uid, flags in self.flags.items() if not flags & {"\\Seen", "\\Flagged", "\\Deleted"}]
            return [b"* SEARCH " + b" ".join(b"%d" % uid for uid in found) + b"\r\n"], True
        uids = [int(uid) for uid in rest[0].split(",") if int(uid) in self.mails]
        if name == "STORE":
            for uid in uids:
                self.flags[uid].add(rest[2].strip("()"))
            return [], True
        if "BODY[" in arguments.decode():  # without PEEK, to fetch is to read
            for uid in uids:
                self.flags[uid].add("\\Seen")
        most = int(re.findall(r"<0\.(\d+)>", arguments.decode())[0])
        return [self._mail(uid, self.mails[uid][:most]) for uid in uids], True

    def _mail(self, uid: int, content: bytes) -> bytes:
        """Servers differ in whether the UID stands in front of the mail or behind it."""
        before, after = (b"UID %d " % uid, b"") if uid % 2 else (b"", b" UID %d" % uid)
        return b"* 1 FETCH (%sBODY[]<0> {%d}\r\n%s%s)\r\n" % (before, len(content), content, after)


@contextmanager
def imap_server(mails: dict[int, bytes]) -> Iterator[ImapServer]:
    """The server, as long as the block lasts."""
    server = ImapServer(mails, {uid: set() for uid in mails})
    with serving(server.play, tls=True) as place:
        server.port = int(place.url.rpartition(":")[2].partition("/")[0])
        yield server
