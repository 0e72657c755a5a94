"""Looking names up: what the checks are given, and the only file of them that knows dnspython."""

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from dns.exception import DNSException, Timeout
from dns.resolver import NXDOMAIN, NoNameservers, NoResolverConfiguration, Resolver

from newsletter.errors import ConfigError

PATIENCE = 4.0  #: seconds for one name, over all servers and tries
SILENCES = 2  #: names without an answer, before the first answer at all, after which nothing more is asked


@dataclass(frozen=True, slots=True)
class Looked:
    """What a name has of one type of record. Nothing of it is certain where `unknown` is not empty."""

    values: tuple[str, ...] = ()
    unknown: str = ""  #: why it could not be looked up: "the name server failed"
    no_name: bool = False  #: there is no such name, with any record


Look = Callable[[str, str], Looked]  #: name, type of record


@dataclass
class Dns:
    """Looks up with this resolver; each name and type is asked for once."""

    resolver: Resolver
    known: dict[tuple[str, str], Looked] = field(default_factory=dict)
    silences: int = 0
    answers: int = 0

    def __call__(self, name: str, kind: str) -> Looked:
        """The records, in no order, names in lower case. Never raises for what a network does."""
        key = (name.lower().rstrip("."), kind)
        if key not in self.known:
            self.known[key] = self._looked(*key)
        return self.known[key]

    def _looked(self, name: str, kind: str) -> Looked:
        if self.silences >= SILENCES and not self.answers:
            return Looked(unknown="DNS does not answer here")
        try:
            answer = self.resolver.resolve(name, kind, raise_on_no_answer=False, search=False)
        except NXDOMAIN:
            self.answers += 1
            return Looked(no_name=True)
        except Timeout:
            self.silences += 1
            return Looked(unknown="no answer in time")
        except NoNameservers:
            return Looked(unknown="the name server failed")
        except (DNSException, UnicodeError) as error:
            return Looked(unknown=f"it cannot be asked for ({type(error).__name__})")
        self.answers += 1
        return Looked(tuple(_text(one) for one in answer.rrset or ()))


def dns(nameserver: str = "") -> Dns:
    """Look-ups by this machine's resolver, or by `nameserver`, as 192.0.2.53 or 127.0.0.1:5300. Raises ConfigError."""
    if not nameserver:
        try:
            resolver = Resolver()
        except NoResolverConfiguration:
            raise ConfigError("This machine has no resolver. Name one: --nameserver 192.0.2.53") from None
    else:
        host, _, port = nameserver.rpartition(":") if nameserver.count(":") == 1 else (nameserver, "", "53")
        resolver = Resolver(configure=False)
        try:
            resolver.nameservers, resolver.port = [str(ipaddress.ip_address(host))], int(port)
        except ValueError:
            raise ConfigError("A name server is an IP address, with or without a port: 127.0.0.1:5300") from None
    resolver.lifetime = PATIENCE
    return Dns(resolver)


def _text(record: Any) -> str:
    """TXT: the strings in one piece (RFC 7208, 3.3). Others: as written in a zone, without the last dot."""
    if hasattr(record, "strings"):
        return b"".join(record.strings).decode("utf-8", "replace")
    return str(record.to_text()).rstrip(".").lower()
