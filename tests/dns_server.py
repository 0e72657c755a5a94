"""A real name server on the loopback, over UDP and TCP, for a zone that a test has written itself."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Thread

from dns.resolver import Resolver
from dnslib import QTYPE, RCODE, RR, DNSError, DNSRecord
from dnslib.server import BaseResolver, DNSHandler, DNSLogger, DNSServer


@dataclass
class Zone(BaseResolver):  # type: ignore[misc]
    """Lines like `example.org. TXT "v=spf1 -all"`; every name outside of them does not exist."""

    lines: list[str]
    broken: set[str] = field(default_factory=set)  #: names that are answered with SERVFAIL
    silent: set[str] = field(default_factory=set)  #: names that are not answered at all
    cut: set[str] = field(default_factory=set)  #: names whose answer does not fit UDP
    asked: list[tuple[str, str, str]] = field(default_factory=list)  #: protocol, type, name

    def resolve(self, request: DNSRecord, handler: DNSHandler) -> DNSRecord:
        """The answer to one question."""
        name, kind = _plain(request.q.qname), QTYPE[request.q.qtype]
        self.asked.append((handler.protocol, kind, name))
        if name in self.silent:
            raise DNSError("this name is not answered")
        reply = request.reply()
        if name in self.broken:
            reply.header.rcode = RCODE.SERVFAIL
        elif name in self.cut and handler.protocol == "udp":
            reply.header.tc = 1
        else:
            self._fill(reply, name, kind)
        return reply

    def _fill(self, reply: DNSRecord, name: str, kind: str) -> None:
        records = [record for line in self.lines for record in RR.fromZone(line)]
        names = {_plain(record.rname) for record in records}
        found = [one for one in records if _plain(one.rname) == name and QTYPE[one.rtype] in (kind, "CNAME")]
        reply.add_answer(*found)
        if found and QTYPE[found[0].rtype] == "CNAME" and kind != "CNAME":
            self._fill(reply, _plain(found[0].rdata), kind)
        if not any(each == name or each.endswith(f".{name}") for each in names):
            reply.header.rcode = RCODE.NXDOMAIN


def _plain(name: object) -> str:
    return str(name).rstrip(".").lower()


@contextmanager
def name_server(zone: Zone) -> Iterator[int]:
    """The zone on a free port of 127.0.0.1, for as long as the block; gives the port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    silent = DNSLogger(log="-request,-reply,-truncated,-error,-recv,-send,-data", logf=lambda _: None)
    servers = [DNSServer(zone, address="127.0.0.1", port=port, tcp=tcp, logger=silent) for tcp in (False, True)]
    threads = [Thread(target=each.server.serve_forever, args=(0.01,), daemon=True) for each in servers]
    for thread in threads:
        thread.start()
    try:
        yield port
    finally:
        for server, thread in zip(servers, threads, strict=True):
            server.stop()
            thread.join(2)
            server.server.server_close()


def resolver_at(port: int, lifetime: float = 5.0) -> Resolver:
    """A resolver that asks nobody but this server."""
    resolver = Resolver(configure=False)
    resolver.nameservers, resolver.port, resolver.lifetime = ["127.0.0.1"], port, lifetime
    return resolver
