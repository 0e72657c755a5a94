"""A real mail server on the loopback, aiosmtpd, that keeps what it takes and misbehaves where a test says so."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from misbehaving import CERTIFICATE, Script, Visit, serving

from newsletter.providers.smtp import Smtp, SmtpSettings

DROP = "drop"  #: instead of a reply: close the connection
STALL = "stall"  #: instead of a reply: nothing, for ever
USER, SECRET = "sender", "canary-secret"


@dataclass(frozen=True)
class Letter:
    """One message as it was taken."""

    sender: str
    to: tuple[str, ...]
    content: bytes


@dataclass
class MailServer:
    """Where it is, what it took, and how it will answer."""

    port: int
    letters: list[Letter] = field(default_factory=list)
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)
    visits: int = 0  #: connections that greeted
    mails: int = 0  #: MAIL commands
    ended: list[str] = field(default_factory=list)  #: for whom a final dot came, in order
    goodbyes: int = 0  #: QUIT commands
    rules: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    login_reply: str = ""  #: instead of taking any login
    stalled: threading.Event = field(default_factory=threading.Event)  #: somebody waits for a reply that never comes
    transports: list[Any] = field(default_factory=list)  #: of all connections

    def say(self, stage: str, who: str, *replies: str) -> None:
        """Answer so, once each, where `who` (a local part, or "" for anybody) is at this stage.

        MAIL, RCPT, "END" after the final dot; "DATA" takes DROP only: after the server has asked for the message.
        STALL goes everywhere: there, and at GREETING, EHLO, STARTTLS, HANDSHAKE, AUTH, RSET.
        """
        self.rules[stage, who] = list(replies)

    def next(self, stage: str, address: str = "") -> str:
        """What a rule says now; empty: as always."""
        for who in (address.partition("@")[0], ""):
            if replies := self.rules.get((stage, who)):
                return replies.pop(0)
        return ""

    async def hang_up(self) -> None:
        """Close what a silent connection would leave open."""
        for transport in self.transports:
            transport.abort()
        for _ in range(3):  # turns of the loop: what they close is closed in the next ones
            await asyncio.sleep(0)

    async def silence(self) -> None:
        """Say nothing any more, until the test ends."""
        self.stalled.set()
        await asyncio.get_running_loop().create_future()

    @property
    def people(self) -> list[str]:
        """Who got a message, in order."""
        return [to.partition("@")[0] for letter in self.letters for to in letter.to]

    def authenticate(
        self, _smtp: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any
    ) -> AuthResult:
        """What aiosmtpd asks at a login."""
        self.logins.append((data.login, data.password))
        good = (data.login, data.password) == (USER.encode(), SECRET.encode()) and not self.login_reply
        return AuthResult(success=good, handled=False, message=self.login_reply or None)


class Talk(SMTP):
    """aiosmtpd's protocol, which can close a connection in the middle of a message, and fall silent anywhere."""

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - the name that aiosmtpd looks for
        """Ask for the message, and perhaps leave: in one packet, so that the sender finds both."""
        assert self.envelope
        rule = self.event_handler.server.next("DATA", (self.envelope.rcpt_tos or [""])[0])
        if rule == STALL:
            await self.event_handler.server.silence()
        if rule == DROP:
            self.transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
            await self.push("354 Go ahead")
            self.transport.close()
        else:
            await super().smtp_DATA(arg)

    async def smtp_EHLO(self, hostname: str) -> None:  # noqa: N802
        """Say who we are."""
        await self._perhaps_silent("EHLO")
        await super().smtp_EHLO(hostname)

    async def smtp_STARTTLS(self, arg: str) -> None:  # noqa: N802
        """Begin with TLS; a stall in the handshake comes after the yes."""
        await self._perhaps_silent("STARTTLS")
        if self.event_handler.server.rules.get(("HANDSHAKE", "")):
            await self.push("220 go ahead")
            await self._perhaps_silent("HANDSHAKE")
        await super().smtp_STARTTLS(arg)

    async def smtp_AUTH(self, arg: str) -> None:  # noqa: N802
        """Log in."""
        await self._perhaps_silent("AUTH")
        await super().smtp_AUTH(arg)

    async def smtp_RSET(self, arg: str) -> None:  # noqa: N802
        """Begin anew."""
        await self._perhaps_silent("RSET")
        await super().smtp_RSET(arg)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember it."""
        self.event_handler.server.transports.append(transport)
        super().connection_made(transport)

    async def _handle_client(self) -> None:
        await self._perhaps_silent("GREETING")
        await super()._handle_client()

    async def _perhaps_silent(self, stage: str) -> None:
        if self.event_handler.server.next(stage) == STALL:
            await self.event_handler.server.silence()


@dataclass
class Desk:
    """aiosmtpd's handler."""

    server: MailServer

    async def handle_EHLO(  # noqa: N802
        self, _smtp: SMTP, session: Session, _envelope: Envelope, name: str, lines: list[str]
    ) -> list[str]:
        """Count who greets."""
        session.host_name = name
        self.server.visits += 1
        return lines

    async def handle_MAIL(  # noqa: N802
        self, smtp: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Take the sender."""
        self.server.mails += 1
        reply = await self._said(smtp, "MAIL", address)
        if not reply:
            envelope.mail_from = address
        return reply or "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, smtp: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Take the recipient."""
        reply = await self._said(smtp, "RCPT", address)
        if not reply:
            envelope.rcpt_tos.append(address)
        return reply or "250 OK"

    async def handle_DATA(self, smtp: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take the message; where a rule says DROP it is taken as well, and nobody is told."""
        self.server.ended.append(envelope.rcpt_tos[0].partition("@")[0])
        reply = await self._said(smtp, "END", envelope.rcpt_tos[0])
        if reply in ("", DROP):
            content = bytes(envelope.original_content or b"")
            self.server.letters.append(Letter(envelope.mail_from or "", tuple(envelope.rcpt_tos), content))
        return reply or f"250 2.0.0 Ok: queued as Q{len(self.server.letters)}"

    async def handle_QUIT(self, _smtp: SMTP, _session: Session, _envelope: Envelope) -> str:  # noqa: N802
        """Count who says goodbye."""
        self.server.goodbyes += 1
        return "221 Bye"

    async def _said(self, smtp: SMTP, stage: str, address: str) -> str:
        """The rule's reply. After a 421, or for DROP, the connection ends."""
        reply = self.server.next(stage, address)
        if reply == STALL:
            await self.server.silence()
        if reply == DROP:
            smtp.transport.close()
        elif reply.startswith("421"):
            await smtp.push(reply)
            smtp.transport.close()
        return reply


class Listener(Controller):
    """aiosmtpd's thread, on a port that the system chose."""

    def __init__(
        self, server: MailServer, sock: socket.socket, options: dict[str, Any], tls: ssl.SSLContext | None
    ) -> None:
        self._sock, self._options = sock, options
        super().__init__(Desk(server), hostname="127.0.0.1", port=server.port, ssl_context=tls)

    def factory(self) -> SMTP:
        """One connection's protocol."""
        return Talk(self.handler, **self._options)

    def _create_server(self) -> Awaitable[Any]:
        return self.loop.create_server(self._factory_invoker, sock=self._sock, ssl=self.ssl_context)


@contextmanager
def mail_server(security: str = "none", *, login: bool = False) -> Iterator[MailServer]:
    """The server, as long as the block lasts: "none", "starttls" or "tls", with its own certificate for localhost."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    with socket.create_server(("127.0.0.1", 0)) as sock:
        server = MailServer(sock.getsockname()[1])
        options: dict[str, Any] = {"hostname": "mail.example.net"}
        if security == "starttls":
            options |= {"tls_context": context, "require_starttls": True}
        if login:
            options |= {"authenticator": server.authenticate, "auth_required": True}
        listener = Listener(server, sock, options, context if security == "tls" else None)
        listener.start()
        server.visits = 0
        try:
            yield server
        finally:
            asyncio.run_coroutine_threadsafe(server.hang_up(), listener.loop).result(5)
            listener.stop()


def trusting() -> ssl.SSLContext:
    """What a client needs to trust the tests' certificate, for localhost and no other name."""
    return ssl.create_default_context(cafile=CERTIFICATE)


@contextmanager
def provider(server: MailServer | int, **rest: Any) -> Iterator[Smtp]:
    """A provider for this server; whoever waits, does not."""
    port = server if isinstance(server, int) else server.port
    waits = rest.pop("pause", [].append)
    known = {"pause": lambda seconds, _stopping: waits(seconds), "context": trusting()}
    options = {name: rest.pop(name) for name in ("ticks", "context") if name in rest}
    usual = {"host": "127.0.0.1", "security": "none", "bounce": "bounces@news.example.org", "call_seconds": 10.0}
    made = Smtp(SmtpSettings(**{**usual, "port": port, **rest}), **{**known, **options})
    try:
        yield made
    finally:
        made.close()


def scripted(**replies: Any) -> Script:
    """A server of which a test writes every byte: greeting, ehlo, mail, rcpt, data, end; None hangs up.

    What is not written is a plain yes. A function at `end` answers itself.
    """

    def play(visit: Visit) -> None:
        lines = visit.connection.makefile("rb")
        visit.say(replies.get("greeting", b"220 mail.example.net\r\n") or b"")
        while line := lines.readline():
            step = line[:4].strip().decode().lower()
            reply = replies.get(step, b"354 go ahead\r\n" if step == "data" else b"250 OK\r\n")
            if reply is None:
                return
            visit.say(reply)
            if step == "data":
                while (line := lines.readline()) != b".\r\n":
                    if not line:
                        return
                reply = replies.get("end", b"250 OK\r\n")
                if reply is None:
                    return
                reply(visit) if callable(reply) else visit.say(reply)

    return play


@contextmanager
def scripted_server(script: Script) -> Iterator[int]:
    """The port of a server that plays this for every connection."""
    with serving(script) as server:
        yield int(server.url.rpartition(":")[2].partition("/")[0])
