"""Connections to one SMTP server: opened with verified TLS, used for some messages each, and never past a deadline.

smtplib speaks; below it is a `Wire`, so that everything in a call ends at one deadline, dripping servers included.
"""

import smtplib
import ssl
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import replace
from socket import socket
from typing import cast

from newsletter.providers.base import Outcome
from newsletter.providers.poster import Limits
from newsletter.providers.smtp_replies import Said, Stage, Then, judged, of_error
from newsletter.providers.smtp_settings import SmtpSettings
from newsletter.providers.wire import Left, Wire, deadline

MOST_REPLY = 100_000  #: bytes to one command; RFC 5321, section 4.5.3.1.5, knows lines of 512
GOODBYE = 1.0  #: seconds that a server gets to answer QUIT
_YES = range(200, 300)
_GO_AHEAD = 354


class Channel:
    """A wire in the shape that smtplib wants of a socket, and of the file that it reads replies from."""

    def __init__(self, wire: Wire, left: Left) -> None:
        self.wire, self.left = wire, left  # `left` is the deadline of the call that uses it now
        self.buffer, self._replied = b"", 0

    def sendall(self, content: bytes) -> None:
        """Send all of it. Raises OSError."""
        self._replied = 0
        self.wire.send(content, self.left)

    def makefile(self, _mode: str) -> "Channel":
        """Itself: it can be read by lines."""
        return self

    def readline(self, most: int) -> bytes:
        """The next line, or as much of it; nothing at the end. Raises OSError."""
        while b"\n" not in self.buffer and len(self.buffer) < most:
            if not (came := self.wire.receive(self.left)):
                break
            self._replied += len(came)
            if self._replied > MOST_REPLY:
                raise OSError("the reply does not end")
            self.buffer += came
        end = min(most, self.buffer.find(b"\n") + 1 or len(self.buffer))
        line, self.buffer = self.buffer[:end], self.buffer[end:]
        return line

    def has_something(self) -> bool:
        """Whether the server has said what nobody waits for, or has closed the connection. Waits for nothing."""
        if self.buffer or not self.wire.has_something():
            return bool(self.buffer)
        self.wire.sock.settimeout(0)
        try:
            self.buffer = self.wire.sock.recv(65_536)
        except (BlockingIOError, ssl.SSLWantReadError):  # a part of TLS itself, such as a ticket for its next session
            return False
        except OSError:
            return True
        return True

    def close(self) -> None:
        """Close it; never raises."""
        self.wire.close()


class Connection:
    """One connection to the server, on which one message after the other is handed over."""

    def __init__(self, wire: Wire, settings: SmtpSettings, left: Left) -> None:
        self.settings, self.sent, self._left = settings, 0, left
        self.smtp = smtplib.SMTP(local_hostname=settings.greeting)
        self._attach(wire)

    @classmethod
    def open(cls, settings: SmtpSettings, context: ssl.SSLContext | None, left: Left) -> "Connection | Said":
        """A connection that is greeted, secured and logged in, or why there is none. Nothing was sent then."""
        connection: Connection | None = None
        try:
            wire = Wire.to(settings.host, settings.port_used, left, Limits(connect=settings.connect_seconds))
            if settings.security == "tls":
                wire = wire.secured(context or ssl.create_default_context(), settings.host, left)
            connection = cls(wire, settings, left)
            said = connection._begin(context)
        except (OSError, smtplib.SMTPException) as error:
            said = of_error(error)
        except ValueError:  # smtplib lets those of base64 through
            said = Said(
                Outcome.RETRY, Then.HALT, "The SMTP server's part of the login made no sense. Nothing was sent."
            )
        if connection and said:
            connection.channel.close()
        return said or cast("Connection", connection)

    @property
    def worn_out(self) -> bool:
        """It has carried as many messages as one connection may."""
        return self.sent >= self.settings.messages_per_connection

    def use(self, left: Left) -> None:
        """From now on this deadline counts."""
        self._left = self.channel.left = left

    def transact(self, sender: str, recipient: str, content: bytes) -> Said:
        """Hand over one message with CRLF line ends to one recipient. Never raises for what a server does."""
        self.sent += 1
        try:
            said = self._envelope(sender, recipient, len(content)) or self._content(content, recipient)
            if said.then is Then.GO_ON and said.outcome is not Outcome.ACCEPTED:
                code, _ = self.smtp.docmd("RSET")
                said = said if code in _YES else replace(said, then=Then.RECONNECT)
        except (OSError, smtplib.SMTPException) as error:
            return of_error(error)
        return said

    def quit(self) -> None:
        """Say goodbye and close; never raises."""
        self.use(deadline(GOODBYE))
        with suppress(OSError, smtplib.SMTPException):
            self.smtp.docmd("QUIT")
        self.channel.close()

    def _attach(self, wire: Wire) -> None:
        self.channel = Channel(wire, self._left)
        self.smtp.sock, self.smtp.file = cast("socket", self.channel), self.channel

    def _begin(self, context: ssl.SSLContext | None) -> Said | None:
        """Greet, secure, log in. Why not, or None."""
        code, text = self.smtp.getreply()
        if code not in _YES:
            return judged(Stage.GREETING, code, text)
        self.smtp.ehlo_or_helo_if_needed()
        if self.settings.security == "starttls" and (said := self._start_tls(context)):
            return said
        if self.settings.user:
            self.smtp.login(self.settings.user, self.settings.secret)
        return None

    def _start_tls(self, context: ssl.SSLContext | None) -> Said | None:
        """STARTTLS, or nothing: what was said in clear is forgotten, as RFC 3207, section 4.2, wants it."""
        if not self.smtp.has_extn("starttls"):
            raise smtplib.SMTPNotSupportedError
        code, text = self.smtp.docmd("STARTTLS")
        if code not in _YES:
            return judged(Stage.TLS, code, text)
        if self.channel.buffer:  # somebody on the way put in commands' answers before TLS began
            raise smtplib.SMTPServerDisconnected
        self._attach(self.channel.wire.secured(context or ssl.create_default_context(), self.settings.host, self._left))
        self.smtp.ehlo_resp = self.smtp.helo_resp = None
        self.smtp.esmtp_features, self.smtp.does_esmtp = {}, False
        self.smtp.ehlo_or_helo_if_needed()
        return None

    def _envelope(self, sender: str, recipient: str, size: int) -> Said | None:
        """MAIL, RCPT and DATA. Why not, or None. Commands are written here: smtplib would parse addresses again."""
        if self.channel.has_something():  # it closed the connection, or replies belong to nobody knows what
            raise smtplib.SMTPServerDisconnected
        sized = f" SIZE={size}" if self.smtp.has_extn("size") else ""
        for stage, command, expected in (
            (Stage.SENDER, f"MAIL FROM:<{sender}>{sized}", _YES),
            (Stage.RECIPIENT, f"RCPT TO:<{recipient}>", _YES),
            (Stage.DATA, "DATA", (_GO_AHEAD,)),
        ):
            code, text = self.smtp.docmd(command)
            if code not in expected:
                return judged(stage, code, text, recipient)
        return None

    def _content(self, content: bytes, recipient: str) -> Said:
        """The message, the final dot, and what the server says to that. From the dot on nobody knows."""
        self.smtp.send(_stuffed(content))
        if self.channel.has_something():  # it has had enough; without a final dot nothing can be taken
            said = judged(Stage.DATA, *self.smtp.getreply(), recipient)
            return replace(said, then=max(said.then, Then.RECONNECT))
        if self._left() < self.settings.reserve / 2:
            return Said(Outcome.RETRY, Then.RECONNECT, "The SMTP server was too slow. The message was not finished.")
        try:
            self.smtp.send(b".\r\n")
            return judged(Stage.END, *self.smtp.getreply(), recipient)
        except (OSError, smtplib.SMTPException) as error:
            return of_error(error, dotted=True)


def _stuffed(content: bytes) -> bytes:
    """As it travels: a dot at the start of a line is doubled (RFC 5321, section 4.5.2), and the last line ends."""
    first = b"." if content.startswith(b".") else b""
    return first + content.replace(b"\n.", b"\n..") + (b"" if content.endswith(b"\r\n") else b"\r\n")


class Pool:
    """Some connections, shared by threads. Each is used by one at a time."""

    def __init__(self, settings: SmtpSettings, context: ssl.SSLContext | None = None) -> None:
        """`context` verifies the server; without one, the system's certificates do, by name."""
        self.settings, self._context = settings, context
        self._idle: deque[tuple[Connection, float]] = deque()
        self._free = threading.BoundedSemaphore(settings.pool)

    def take(self, left: Left) -> Connection | Said:
        """A connection of one's own, to be given back, or why there is none."""
        if not self._free.acquire(timeout=max(0.0, left() - self.settings.reserve)):
            return Said(Outcome.RETRY, Then.AWAY, "No connection to the SMTP server was free. Nothing was sent.")
        found: Connection | Said | None = None
        try:
            found = self._rested(left) or Connection.open(self.settings, self._context, left)
        finally:
            if not isinstance(found, Connection):
                self._free.release()
        return found

    def give_back(self, connection: Connection, then: Then) -> None:
        """Keep it for the next call, unless it is worn out or something is wrong with it."""
        if connection.worn_out:
            connection.quit()
        elif then is not Then.GO_ON:
            connection.channel.close()
        else:
            self._idle.append((connection, time.monotonic()))
        self._free.release()

    def close(self) -> None:
        """Close connections that are kept."""
        while self._idle:
            self._idle.pop()[0].quit()

    def _rested(self, left: Left) -> Connection | None:
        """The connection that was used last, if the server cannot be about to close it."""
        oldest = time.monotonic() - self.settings.idle_seconds
        with suppress(IndexError):
            while True:
                connection, since = self._idle.pop()
                if since > oldest and not connection.channel.has_something():
                    connection.use(left)
                    return connection
                connection.channel.close()
        return None
