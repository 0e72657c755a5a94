"""Connections to one SMTP server: opened with verified TLS, used for some messages each, and never past a deadline.

smtplib speaks; below it is a `Channel`, so that every wait ends in its time, dripping servers included.
"""

import smtplib
import ssl
import threading
import time
import weakref
from collections import deque
from contextlib import suppress
from dataclasses import replace
from socket import socket
from typing import cast

from newsletter.providers.base import Outcome
from newsletter.providers.smtp_channel import SLICE, Channel, Patience
from newsletter.providers.smtp_replies import Impatience, Said, Stage, Then, judged, of_error
from newsletter.providers.smtp_settings import SmtpSettings
from newsletter.providers.wire import deadline

GOODBYE = 1.0  #: seconds that a server gets to answer QUIT
_YES = range(200, 300)
_GO_AHEAD = 354
_FAILURES = (OSError, smtplib.SMTPException, Impatience)
_NONE_FREE = Said(Outcome.RETRY, Then.AWAY, "No connection to the SMTP server was free. Nothing was sent.")


class Connection:
    """One connection to the server, on which one message after the other is handed over."""

    def __init__(self, channel: Channel, settings: SmtpSettings) -> None:
        self.settings, self.sent = settings, 0
        self.smtp = smtplib.SMTP(local_hostname=settings.greeting)
        self._attach(channel)

    @classmethod
    def open(cls, settings: SmtpSettings, context: ssl.SSLContext | None, patience: Patience) -> "Connection | Said":
        """A connection that is greeted, secured and logged in, or why there is none. Nothing was sent then.

        All of it together has the settings' `connect_seconds`: a server that is silent at any step costs no more.
        """
        connection: Connection | None = None
        patience.step(Stage.CONNECT, settings.connect_seconds)
        try:
            connection = cls(Channel.to(settings.host, settings.port_used, patience), settings)
            said = connection._begin(context)
        except _FAILURES as error:
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

    def use(self, patience: Patience) -> None:
        """From now on this counts: the call's time, and whether somebody asks to stop."""
        self.channel.patience = patience

    def transact(self, sender: str, recipient: str, content: bytes) -> Said:
        """Hand over one message with CRLF line ends to one recipient. Never raises for what a server does."""
        self.sent += 1
        try:
            said = self._envelope(sender, recipient, len(content)) or self._content(content, recipient)
        except _FAILURES as error:
            return of_error(error)
        if said.then is Then.GO_ON and said.outcome is not Outcome.ACCEPTED and not self._begins_anew():
            return replace(said, then=Then.RECONNECT)
        return said

    def quit(self) -> None:
        """Say goodbye and close; never raises."""
        self.use(Patience(deadline(GOODBYE)))
        with suppress(*_FAILURES):
            self.smtp.docmd("QUIT")
        self.channel.close()

    def _attach(self, channel: Channel) -> None:
        self.channel = channel
        self.smtp.sock, self.smtp.file = cast("socket", channel), channel

    def _begin(self, context: ssl.SSLContext | None) -> Said | None:
        """Secure, greet, secure, log in. Why not, or None."""
        patience = self.channel.patience
        if self.settings.security == "tls":
            patience.stage = Stage.TLS
            self._secure(context)
        patience.stage = Stage.GREETING
        code, text = self.smtp.getreply()
        if code not in _YES:
            return judged(Stage.GREETING, code, text)
        self.smtp.ehlo_or_helo_if_needed()
        if self.settings.security == "starttls" and (said := self._start_tls(context)):
            return said
        if self.settings.user:
            patience.stage = Stage.LOGIN
            self.smtp.login(self.settings.user, self.settings.secret)
        return None

    def _start_tls(self, context: ssl.SSLContext | None) -> Said | None:
        """STARTTLS, or nothing: what was said in clear is forgotten, as RFC 3207, section 4.2, wants it."""
        self.channel.patience.stage = Stage.TLS
        if not self.smtp.has_extn("starttls"):
            raise smtplib.SMTPNotSupportedError
        code, text = self.smtp.docmd("STARTTLS")
        if code not in _YES:
            return judged(Stage.TLS, code, text)
        if self.channel.buffer:  # somebody on the way put in commands' answers before TLS began
            raise smtplib.SMTPServerDisconnected
        self._secure(context)
        self.smtp.ehlo_resp = self.smtp.helo_resp = None
        self.smtp.esmtp_features, self.smtp.does_esmtp = {}, False
        self.smtp.ehlo_or_helo_if_needed()
        return None

    def _secure(self, context: ssl.SSLContext | None) -> None:
        self._attach(self.channel.secured(context or ssl.create_default_context(), self.settings.host))

    def _begins_anew(self) -> bool:
        """Whether the server forgets the message that it did not take. What became of that is known already."""
        self.channel.patience.step(Stage.SENDER, self.settings.command_seconds)
        try:
            return self.smtp.docmd("RSET")[0] in _YES
        except _FAILURES:
            return False

    def _envelope(self, sender: str, recipient: str, size: int) -> Said | None:
        """MAIL, RCPT and DATA. Why not, or None. Commands are written here: smtplib would parse addresses again."""
        if self.channel.has_something():  # it closed the connection, or replies belong to nobody knows what
            raise smtplib.SMTPServerDisconnected
        sized = f" SIZE={size}" if self.smtp.has_extn("size") else ""
        usual, data = self.settings.command_seconds, self.settings.data_seconds
        for stage, command, expected, seconds in (
            (Stage.SENDER, f"MAIL FROM:<{sender}>{sized}", _YES, usual),
            (Stage.RECIPIENT, f"RCPT TO:<{recipient}>", _YES, usual),
            (Stage.DATA, "DATA", (_GO_AHEAD,), data),
        ):
            self.channel.patience.step(stage, seconds)
            code, text = self.smtp.docmd(command)
            if code not in expected:
                return judged(stage, code, text, recipient)
        return None

    def _content(self, content: bytes, recipient: str) -> Said:
        """The message, the final dot, and what the server says to that. From the dot on nobody knows."""
        settings, patience = self.settings, self.channel.patience
        try:
            self.channel.pour(_stuffed(content), settings.block_seconds)
        except OSError:
            raise smtplib.SMTPServerDisconnected from None
        if self.channel.has_something():  # it has had enough; without a final dot nothing can be taken
            said = judged(Stage.DATA, *self.smtp.getreply(), recipient)
            return replace(said, then=max(said.then, Then.RECONNECT))
        self.channel.can_send()  # so that the dot leaves at once, or certainly not at all
        patience.dotted(settings.answer_seconds, settings.stop_seconds)
        try:
            self.smtp.send(b".\r\n")
            return judged(Stage.END, *self.smtp.getreply(), recipient)
        except _FAILURES as error:
            return of_error(error, dotted=True)


def _stuffed(content: bytes) -> bytes:
    """As it travels: a dot at the start of a line is doubled (RFC 5321, section 4.5.2), and the last line ends."""
    first = b"." if content.startswith(b".") else b""
    return first + content.replace(b"\n.", b"\n..") + (b"" if content.endswith(b"\r\n") else b"\r\n")


def _quit_all(idle: deque[tuple[Connection, float]]) -> None:
    while idle:
        idle.pop()[0].quit()


class Pool:
    """Some connections, shared by threads. Each is used by one at a time."""

    def __init__(self, settings: SmtpSettings, context: ssl.SSLContext | None = None) -> None:
        """`context` verifies the server; without one, the system's certificates do, by name."""
        self.settings, self._context = settings, context
        self._idle: deque[tuple[Connection, float]] = deque()
        weakref.finalize(self, _quit_all, self._idle)  # also when the process ends: whoever made it has no end to tell
        self._free = threading.BoundedSemaphore(settings.pool)

    def take(self, patience: Patience) -> Connection | Said:
        """A connection of one's own, to be given back, or why there is none."""
        if said := self._queue(patience):
            return said
        found: Connection | Said | None = None
        try:
            found = self._rested(patience) or Connection.open(self.settings, self._context, patience)
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
        _quit_all(self._idle)

    def _queue(self, patience: Patience) -> Said | None:
        """Wait for a free place, as long as a message could still be sent. Why there is none, or None."""
        try:
            while (seconds := patience.left() - self.settings.reserve) > 0:
                if self._free.acquire(timeout=min(SLICE, seconds)):
                    return None
        except Impatience as error:
            return of_error(error)
        return _NONE_FREE

    def _rested(self, patience: Patience) -> Connection | None:
        """The connection that was used last, if the server cannot be about to close it."""
        oldest = time.monotonic() - self.settings.idle_seconds
        with suppress(IndexError):
            while True:
                connection, since = self._idle.pop()
                if since > oldest and not connection.channel.has_something():
                    connection.use(patience)
                    return connection
                connection.channel.close()
        return None
