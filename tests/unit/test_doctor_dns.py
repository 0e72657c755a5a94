"""Look-ups against a real name server on the loopback."""

from collections.abc import Iterator

import pytest
from dns_server import Zone, name_server, resolver_at

from newsletter.desk.checkup import spf
from newsletter.desk.checkup.arriving import exchange_findings
from newsletter.desk.checkup.dmarc import discover
from newsletter.desk.checkup.resolving import Dns, Looked, dns
from newsletter.errors import ConfigError
from newsletter.providers.checkup import Finding, Light

LINES = [
    'good.org. TXT "v=spf1 include:" "part.org -all"',
    'part.org. TXT "v=spf1 ip4:192.0.2.1 -all"',
    'two.org. TXT "v=spf1 -all"',
    'two.org. TXT "v=spf1 mx -all"',
    'loop.org. TXT "v=spf1 include:pool.org -all"',
    'pool.org. TXT "v=spf1 include:loop.org -all"',
    *(f'm{number}.org. TXT "v=spf1 include:m{number + 1}.org -all"' for number in range(11)),
    'm11.org. TXT "v=spf1 -all"',
    'needs.org. TXT "v=spf1 include:broken.org -all"',
    'waits.org. TXT "v=spf1 include:silent.org -all"',
    "good.org. MX 10 In.Good.org.",
    "null.org. MX 0 .",
    "alias.org. CNAME good.org.",
    'big.org. TXT "v=spf1 -all"',
    '_dmarc.good.org. TXT "v=DMARC1; p=reject; rua=mailto:r@good.org"',
]


@pytest.fixture
def here() -> Zone:
    """The zone of these tests."""
    return Zone(LINES, broken={"broken.org"}, silent={"silent.org", "quiet.org"}, cut={"big.org"})


@pytest.fixture
def look(here: Zone) -> Iterator[Dns]:
    """Asks the server, and waits for two seconds at most."""
    with name_server(here) as port:
        yield Dns(resolver_at(port, lifetime=2.0))


def judged(domain: str, look: Dns) -> Finding:
    """What the doctor says of this domain's SPF."""
    return spf.finding(spf.read(domain, look), certain=True)


@pytest.mark.parametrize(
    ("domain", "light", "word"),
    [
        ("good.org", Light.GREEN, "1 of 10"),
        ("alias.org", Light.GREEN, "1 of 10"),
        ("part.org", Light.GREEN, "0 of 10"),
        ("two.org", Light.RED, "2 SPF records"),
        ("loop.org", Light.RED, "a loop"),
        ("m0.org", Light.RED, "11 look-ups"),
        ("m1.org", Light.GREEN, "10 of 10"),
        ("null.org", Light.RED, "no record"),
        ("needs.org", Light.YELLOW, "broken.org: the name server failed"),
        ("waits.org", Light.YELLOW, "silent.org: no answer in time"),
        ("broken.org", Light.YELLOW, "the name server failed"),
        ("silent.org", Light.YELLOW, "no answer in time"),
    ],
)
def test_spf_is_judged_by_what_a_real_server_says(domain: str, light: Light, word: str, look: Dns) -> None:
    """Right, missing, doubled, too deep, a loop; and what fails or is late is never red."""
    found = judged(domain, look)

    assert found.light is light
    assert word in found.found


def test_an_answer_that_does_not_fit_is_asked_for_again_over_tcp(look: Dns, here: Zone) -> None:
    """DKIM keys of 4096 bits do not fit."""
    assert look("big.org", "TXT").values == ("v=spf1 -all",)
    assert [protocol for protocol, _, name in here.asked if name == "big.org"] == ["udp", "tcp"]


def test_each_name_is_asked_for_once(look: Dns, here: Zone) -> None:
    """However often it is needed, and however it is written."""
    for name in ("good.org", "GOOD.org."):
        look(name, "TXT")

    assert len(here.asked) == 1


def test_a_name_that_does_not_exist_is_told_from_a_type_that_is_not_there(look: Dns) -> None:
    """NXDOMAIN and an empty answer."""
    assert look("nowhere.org", "TXT") == Looked(no_name=True)
    assert look("null.org", "TXT") == Looked()


@pytest.mark.parametrize("name", ["a..b.org", f"{'x' * 64}.org", "ä\ud800.org"])
def test_a_name_that_cannot_be_asked_for_is_not_known(name: str, look: Dns) -> None:
    """It comes from a record that anybody may have written."""
    assert "cannot be asked for" in look(name, "TXT").unknown


def test_mail_exchangers_are_read_from_the_wire(look: Dns) -> None:
    """A real one, and the dot of RFC 7505."""
    found = exchange_findings({"good.org": "replies", "null.org": "bounces"}, look)

    assert [one.light for one in found] == [Light.GREEN, Light.RED]
    assert "in.good.org" in found[0].found


def test_dmarc_is_read_from_the_wire(look: Dns) -> None:
    """Also for a name below that does not exist."""
    assert discover("news.good.org", look).policy == "reject"


def test_where_nothing_answers_it_is_given_up_soon() -> None:
    """Two names are waited for, and no third."""
    names = [f"n{number}.org" for number in range(9)]
    here = Zone([], silent=set(names))
    with name_server(here) as port:
        look = Dns(resolver_at(port, lifetime=0.3))
        found = [look(name, "TXT").unknown for name in names]

    assert {name for _, _, name in here.asked} == {"n0.org", "n1.org"}
    assert found[:2] == ["no answer in time"] * 2
    assert set(found[2:]) == {"DNS does not answer here"}


@pytest.mark.parametrize(
    ("text", "server"),
    [("192.0.2.53", ("192.0.2.53", 53)), ("127.0.0.1:53000", ("127.0.0.1", 53_000)), ("::1", ("::1", 53))],
)
def test_a_name_server_can_be_named(text: str, server: tuple[str, int]) -> None:
    """By its address, with or without a port."""
    resolver = dns(text).resolver

    assert (resolver.nameservers[0], resolver.port) == server


@pytest.mark.parametrize("text", ["dns.example.org", "127.0.0.1:x", "1.2.3"])
def test_a_name_server_is_named_by_its_address(text: str) -> None:
    """A name would have to be looked up first."""
    with pytest.raises(ConfigError, match="IP address"):
        dns(text)
