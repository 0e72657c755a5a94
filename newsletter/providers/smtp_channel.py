"""The line to a mail server, in the shape that smtplib wants, on which nothing is waited for longer than is good.

Theory. Three things end a wait: the time for what is awaited (RFC 5321, section 4.5.3.2), the time of the whole call,
and somebody who asks to stop. Up to the final dot all three end it at once, for nothing has been handed over. After the
dot only its own time does, and a stop leaves it a few seconds: whoever hangs up there makes a doubt. The socket never
blocks: every wait is cut into slices, between which is looked whether it may go on.
"""

import select
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from newsletter.providers.smtp_replies import Silent, Stage, StopAsked
from newsletter.providers.wire import Left, deadline

SLICE = 0.2  #: seconds after which a stop is seen at the latest
MOST_REPLY = 100_000  #: bytes to one command; RFC 5321, section 4.5.3.1.5, knows lines of 512
_READ, _WRITE = select.POLLIN, select.POLLOUT

Stopping = Callable[[], bool]
Resolve = Callable[..., list[Any]]
T = TypeVar("T")


class Patience:
    """How long may still be waited in one call, and for what."""

    def __init__(self, call: Left, stopping: Stopping = lambda: False) -> None:
        """`call`: until when the whole call is to be over; `stopping`: whether somebody has asked to stop."""
        self.stopping, self.stage = stopping, Stage.CONNECT
        self._call, self._step = call, call
        self._dotted = self._hurried = False
        self._last_words = 0.0

    def step(self, stage: Stage, seconds: float) -> None:
        """From now on this is awaited, for so long."""
        self.stage, self._step, self._dotted = stage, deadline(seconds), False

    def dotted(self, seconds: float, last_words: float) -> None:
        """The final dot is on its way: so long for the answer, and after a stop no longer than `last_words`."""
        self.stage, self._step, self._dotted = Stage.END, deadline(seconds), True
        self._last_words, self._hurried = last_words, False

    def left(self) -> float:
        """Seconds until what is awaited now must be there. Raises Silent when there are none, and StopAsked."""
        try:
            return self._left()
        except TimeoutError:
            raise Silent(self.stage) from None

    def _left(self) -> float:
        if not self._dotted:
            if self.stopping():
                raise StopAsked
            return min(self._call(), self._step())
        if not self._hurried and self.stopping():
            self._hurried, usual, soon = True, self._step, deadline(self._last_words)
            self._step = lambda: min(usual(), soon())
        return self._step()


def rest(seconds: float, stopping: Stopping) -> None:
    """Wait so long, or until somebody asks to stop."""
    left = deadline(seconds)
    with suppress(TimeoutError):
        while not stopping():
            time.sleep(min(SLICE, left()))


class Channel:
    """A socket as smtplib uses one, and the file that it reads replies from. Raises Silent, StopAsked and OSError."""

    def __init__(self, sock: socket.socket, patience: Patience) -> None:
        """`patience` is that of the call that uses it now."""
        sock.settimeout(0)
        self.sock, self.patience, self.buffer, self._replied = sock, patience, b"", 0

    @classmethod
    def to(cls, host: str, port: int, patience: Patience, resolve: Resolve = socket.getaddrinfo) -> "Channel":
        """A connection to the first address of the host that answers; each has its share of the time.

        The system's resolver (`resolve`) has time-outs of its own, seconds as a rule.
        """
        failure: OSError = OSError("the name has no address")
        found = resolve(host, port, type=socket.SOCK_STREAM)
        for tried, (family, kind, protocol, _, address) in enumerate(found):
            share = deadline(patience.left() / (len(found) - tried))
            channel = cls(socket.socket(family, kind, protocol), patience)
            try:
                channel._connect(address, share)
            except OSError as error:
                channel.close()
                failure = error
            except BaseException:
                channel.close()
                raise
            else:
                return channel
        raise failure

    def secured(self, context: ssl.SSLContext, host: str) -> "Channel":
        """The same connection with TLS; the certificate is checked against the host's name."""
        inner = context.wrap_socket(self.sock, server_hostname=host, do_handshake_on_connect=False)
        made = Channel(inner, self.patience)
        try:
            made._until(_READ, inner.do_handshake)
        except BaseException:
            made.close()
            raise
        return made

    def sendall(self, content: bytes) -> None:
        """Send all of it, in the time for this command."""
        self._replied, view = 0, memoryview(content)
        while view:
            view = view[self._send(view) :]

    def pour(self, content: bytes, seconds: float) -> None:
        """Send all of it; each piece that is taken gives the next one so much time."""
        self._replied, view = 0, memoryview(content)
        while view:
            self.patience.step(Stage.DATA, seconds)
            view = view[self._send(view) :]

    def can_send(self) -> None:
        """Returns when a few bytes would be taken at once."""
        self._wait(_WRITE, self.patience.left)

    def makefile(self, _mode: str) -> "Channel":
        """Itself: it can be read by lines."""
        return self

    def readline(self, most: int) -> bytes:
        """The next line, or as much of it; nothing at the end."""
        while b"\n" not in self.buffer and len(self.buffer) < most:
            if not (came := self._until(_READ, self._receive)):
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
        if self.buffer:
            return True
        try:
            self.buffer = self._receive()
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):  # or a part of TLS itself
            return False
        except OSError:
            return True
        return True

    def close(self) -> None:
        """Close it; never raises."""
        self.sock.close()

    def _connect(self, address: Any, share: Left) -> None:
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with suppress(BlockingIOError):
            self.sock.connect(address)
        self._wait(_WRITE, lambda: min(self.patience.left(), share()))
        if code := self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise OSError(code, "the connection failed")

    def _send(self, view: memoryview) -> int:
        return self._until(_WRITE, lambda: self.sock.send(view))

    def _receive(self) -> bytes:
        return self.sock.recv(65_536)

    def _until(self, events: int, act: Callable[[], T]) -> T:
        while True:
            self.patience.left()
            try:
                return act()
            except BlockingIOError:
                self._wait(events, self.patience.left)
            except ssl.SSLWantReadError:
                self._wait(_READ, self.patience.left)
            except ssl.SSLWantWriteError:
                self._wait(_WRITE, self.patience.left)

    def _wait(self, events: int, left: Left) -> None:
        poll = select.poll()
        poll.register(self.sock, events)
        while not poll.poll(1000 * min(SLICE, left())):
            pass
