"""A mail server of the providers' process: aiosmtpd, that keeps the same log, and misbehaves as the day says.

The sender's address says everything: `bounces+KEY@RUN.DAY.example.org` is the delivery, the run and the day.
"""

import asyncio
import random
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from crashes.days import Day, day_of

STALL = 6.0  #: seconds of silence: longer than a call over SMTP may take
GONE = 4  #: so many connections at most are sent away once the server has gone
LATER = "451 4.3.0 not now"
NEVER = "550 5.1.1 nobody of that name"
CLOSING = "421 4.3.2 closing"
#: Trouble of a call → what happens to a message: at which command, whether it is taken, what is replied. No reply: the
#: connection ends.
TROUBLES = {
    "drop": ("END", False, ""),
    "take, then reset": ("END", True, ""),
    "take late": ("END", True, ""),
    "half an answer": ("END", True, ""),
    "nonsense": ("END", True, "299 what was that"),
    "nonsense, not taken": ("RCPT", False, ""),
    "an error after taking": ("END", True, "999 oops"),
    "an error": ("END", False, ""),
    "stall": ("END", True, "stall"),
    "stall, not taken": ("END", False, "stall"),
    "an error inside a 200": ("END", False, "554 5.6.0 not this message"),
    "not now": ("RCPT", False, LATER),
    "the account is at fault": ("MAIL", False, CLOSING),
}


class Log(Protocol):
    """What the provider has of one run."""

    lock: Any
    calls: int
    away: int

    def mail(self, people: list[str]) -> None:
        """Mail them."""
        ...


RunOf = Callable[[str], Any]


class Letterbox:
    """aiosmtpd's handler."""

    def __init__(self, run_of: RunOf) -> None:
        self.run_of = run_of

    async def handle_MAIL(  # noqa: N802 - the names that aiosmtpd looks for
        self, smtp: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Decide what becomes of this message; a server that has gone says so here."""
        local, _, domain = address.partition("@")
        run_name, day_name, _ = domain.split(".", 2)
        run, day, key = self.run_of(run_name), day_of(day_name), local.partition("+")[2]
        with run.lock:
            run.calls += 1
            fate = fate_of(run, day, key, f"{key} {run.calls}")
        envelope.mail_from, envelope.own = address, (run, key, fate)  # type: ignore[attr-defined]
        return await self._said(smtp, envelope, "MAIL")

    async def handle_RCPT(  # noqa: N802
        self, smtp: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """The recipient."""
        said = await self._said(smtp, envelope, "RCPT")
        if said.startswith("250"):
            envelope.rcpt_tos.append(address)
        return said

    async def handle_DATA(self, smtp: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """The whole message has come."""
        run, key, (_, taken, _) = envelope.own  # type: ignore[attr-defined]
        if taken:
            with run.lock:
                run.mail([key])
        return await self._said(smtp, envelope, "END")

    async def _said(self, smtp: SMTP, envelope: Envelope, stage: str) -> str:
        _, _, (where, _, reply) = envelope.own  # type: ignore[attr-defined]
        if stage != where:
            return "250 2.0.0 Ok: queued as Q1"
        if reply == "stall":
            await asyncio.sleep(STALL)
        if reply in ("", "stall"):
            smtp.transport.abort()
        elif reply.startswith("421"):
            await smtp.push(reply)
            smtp.transport.close()
        return reply or "250 unheard"


def fate_of(run: Any, day: Day, key: str, call: str) -> tuple[str, bool, str]:
    """At which command something happens, whether the message is taken, and the reply."""
    if run.away:
        run.away -= 1
        return "MAIL", False, CLOSING if run.away % 2 else ""
    word = day.word(key, call)
    if word != "accepted" or day.is_marked(key):
        return "RCPT", False, LATER if word == "retry" else NEVER
    luck = random.Random(f"{day.name} message {call}")
    trouble = day.meets(call) if luck.random() < 0.3 else ""  # a message is a call here: not half of them
    if trouble and luck.random() < 0.3:
        run.away = luck.randint(1, GONE)  # it goes away in the middle of a batch
    return TROUBLES[trouble] if trouble else ("", True, "")


class Listener(Controller):
    """aiosmtpd's thread, on a port that the system chose."""

    def __init__(self, run_of: RunOf, sock: socket.socket) -> None:
        self._sock = sock
        super().__init__(Letterbox(run_of), hostname="127.0.0.1", port=sock.getsockname()[1])

    def _create_server(self) -> Awaitable[Any]:
        self.loop.set_exception_handler(lambda _loop, _context: None)  # senders die: that is what this is all about
        return self.loop.create_server(self._factory_invoker, sock=self._sock, backlog=64)


@contextmanager
def listening(run_of: RunOf) -> Iterator[int]:
    """The server, as long as the block lasts; its port."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        listener = Listener(run_of, sock)
        listener.start()
        try:
            yield int(sock.getsockname()[1])
        finally:
            listener.stop()
