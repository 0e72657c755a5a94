"""Whose request it is: chains of proxies, true and made up (S-68)."""

import logging

import pytest
from starlette.requests import Request

from newsletter.web.client import Clients, network_of

PROXIES = ("127.0.0.1/32", "10.0.0.0/8")


def request(peer: str, *hops: str) -> Request:
    """A request from this address, with these headers."""
    headers = [(b"x-forwarded-for", hop.encode()) for hop in hops]
    return Request({"type": "http", "client": (peer, 1), "headers": headers})


@pytest.mark.parametrize(
    ("trusted", "peer", "hops", "network"),
    [
        ((), "192.0.2.7", (), "192.0.2.0/24"),
        ((), "127.0.0.1", ("192.0.2.7",), "127.0.0.0/24"),
        (PROXIES, "192.0.2.7", ("198.51.100.1",), "192.0.2.0/24"),
        (PROXIES, "127.0.0.1", ("198.51.100.1",), "198.51.100.0/24"),
        (PROXIES, "127.0.0.1", ("203.0.113.5, 198.51.100.1",), "198.51.100.0/24"),
        (PROXIES, "127.0.0.1", ("203.0.113.5", "198.51.100.1, 10.1.2.3"), "198.51.100.0/24"),
        (PROXIES, "127.0.0.1", ("198.51.100.1, nonsense",), "127.0.0.0/24"),
        (PROXIES, "127.0.0.1", ("nonsense, 198.51.100.1",), "198.51.100.0/24"),
        (PROXIES, "127.0.0.1", ("",), "127.0.0.0/24"),
        (PROXIES, "127.0.0.1", (), "127.0.0.0/24"),
        (PROXIES, "not an address", ("198.51.100.1",), ""),
    ],
    ids=range(11),
)
def test_only_a_proxy_of_ours_is_believed(
    trusted: tuple[str, ...], peer: str, hops: tuple[str, ...], network: str
) -> None:
    """From the right, as far as proxies of ours have written it."""
    assert Clients(trusted).network(request(peer, *hops)) == network


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.0/24"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("192.0.2", ""),
    ],
)
def test_a_network_is_what_one_person_can_have(address: str, network: str) -> None:
    """24 bits of an old address, 64 of a new one."""
    assert network_of(address) == network


def test_a_proxy_that_nobody_named_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    """A stranger's header says nothing."""
    caplog.set_level(logging.WARNING)
    clients = Clients(())
    for peer in ("192.0.2.7", "127.0.0.1", "127.0.0.1"):
        clients.network(request(peer, "198.51.100.1"))

    assert caplog.text.count("web.trusted_proxies") == 1
