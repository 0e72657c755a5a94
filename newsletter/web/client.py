"""Whose request it is: the address that a connection comes from, or what a proxy of ours says of it.

X-Forwarded-For counts only from `web.trusted_proxies`: read from the right, the first address that is no proxy of ours
is the client, for everything further left is what that client says of itself (security reference, S-68).
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from starlette.requests import Request

log = logging.getLogger(__name__)
Network = IPv4Network | IPv6Network
V4, V6 = 24, 64  #: bits of an address that are one network: what one person can easily have many of


@dataclass(frozen=True)
class Clients:
    """What is believed of whom."""

    trusted: Sequence[str]  #: addresses or networks of proxies
    _said: list[str] = field(default_factory=list)

    def network(self, request: Request) -> str:
        """The network of who asks, as "192.0.2.0/24" or "2001:db8::/64"; empty where it is not known."""
        peer = request.client.host if request.client else ""
        hops = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
        if hops != [""] and not self._ours(peer):
            self._warn(peer)
        return network_of(self._client(peer, hops))

    def _client(self, peer: str, hops: list[str]) -> str:
        found = peer
        for hop in reversed(hops):
            if not self._ours(found) or not network_of(hop.strip()):
                break
            found = hop.strip()
        return found

    def _ours(self, address: str) -> bool:
        try:
            known = ip_address(address)
        except ValueError:
            return False
        return any(known in network for network in self._proxies)

    @cached_property
    def _proxies(self) -> tuple[Network, ...]:
        return tuple(ip_network(one) for one in self.trusted)

    def _warn(self, peer: str) -> None:
        """Once: without a word all readers behind a proxy would count as one, and be refused together."""
        if not self._said and network_of(peer) and ip_address(peer).is_loopback:
            self._said.append(peer)
            log.warning("A proxy at %s hands on requests, and web.trusted_proxies does not name it: set it.", peer)


def network_of(address: str) -> str:
    """The network of an address, as text; empty for what is none."""
    try:
        known = ip_address(address)
    except ValueError:
        return ""
    if isinstance(known, IPv6Address) and known.ipv4_mapped:
        known = known.ipv4_mapped
    bits = V6 if isinstance(known, IPv6Address) else V4
    return str(ip_network(f"{str(known).partition('%')[0]}/{bits}", strict=False))
