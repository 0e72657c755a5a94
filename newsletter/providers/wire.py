"""A TCP connection on which everything ends at one deadline: connecting, TLS, each send, each receive.

A time-out per operation is none: a server that drips a byte every half second outlives it (security reference 3.7).
"""

import select
import socket
import ssl
import time
from collections.abc import Callable

from newsletter.providers.poster import Limits

Left = Callable[[], float]


def deadline(seconds: float) -> Left:
    """Tells how many seconds are left, counted from now; raises TimeoutError when none are."""
    end = time.monotonic() + seconds

    def left() -> float:
        rest = end - time.monotonic()
        if rest <= 0:
            raise TimeoutError("the time for the whole call is over")
        return rest

    return left


class Wire:
    """One connection. Raises OSError (TimeoutError, ssl.SSLError among them) from every method."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock

    @classmethod
    def to(cls, host: str, port: int, left: Left, limits: Limits) -> "Wire":
        """Connect to the first address of the host that answers."""
        failure = OSError("the name has no address")
        for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            sock = socket.socket(family, kind, protocol)
            try:
                sock.settimeout(min(limits.connect, left()))
                sock.connect(address)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except OSError as error:
                sock.close()
                failure = error
            else:
                return cls(sock)
        raise failure

    def secured(self, context: ssl.SSLContext, host: str, left: Left) -> "Wire":
        """The same connection with TLS; the certificate is checked against the host's name."""
        try:
            self.sock.settimeout(left())
            return Wire(context.wrap_socket(self.sock, server_hostname=host))
        except BaseException:
            self.close()
            raise

    def send(self, content: bytes, left: Left) -> None:
        """Send all of it."""
        view = memoryview(content)
        while view:
            self.sock.settimeout(left())
            view = view[self.sock.send(view) :]

    def receive(self, left: Left, most: int = 65_536) -> bytes:
        """What is there, or comes first; nothing at the end."""
        self.sock.settimeout(left())
        return self.sock.recv(most)

    def has_something(self) -> bool:
        """Whether there is something to receive: on an idle connection that is its end."""
        poll = select.poll()
        poll.register(self.sock, select.POLLIN)
        return bool(poll.poll(0))

    def close(self) -> None:
        """Close it; never raises."""
        self.sock.close()
