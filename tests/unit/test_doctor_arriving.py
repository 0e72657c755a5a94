"""MX, and the name of the server that sends."""

from dns_tables import table

from newsletter.desk.checkup.arriving import exchange_findings, reverse_finding, reverse_findings
from newsletter.providers.checkup import Finding, Light

ADDRESS, BACK = "9.9.9.1", "1.9.9.9.in-addr.arpa."
NAMED = ((BACK, "PTR", "mail.a.org"), ("mail.a.org", "A", ADDRESS))


def exchange(*records: tuple[str, str, str], failing: tuple[str, ...] = ()) -> Finding:
    """What the doctor says of mail to a.org."""
    return exchange_findings({"a.org": "replies"}, table(*records, failing=failing))[0]


def test_a_mail_exchanger_is_green() -> None:
    """It is named."""
    found = exchange(("a.org", "MX", "10 in.a.org"))

    assert found.light is Light.GREEN
    assert "in.a.org" in found.found


def test_a_domain_that_takes_no_mail_is_red() -> None:
    """It says so (RFC 7505), or it has neither MX nor address."""
    assert exchange(("a.org", "MX", "0 ")).light is Light.RED
    assert exchange().light is Light.RED


def test_a_domain_with_an_address_alone_is_yellow() -> None:
    """Mail goes there then, wanted or not."""
    assert exchange(("a.org", "A", ADDRESS)).light is Light.YELLOW


def test_what_cannot_be_looked_up_is_not_red() -> None:
    """Neither MX nor the server's name."""
    assert exchange(failing=("a.org",)).light is Light.YELLOW
    assert reverse_finding(ADDRESS, table(failing=(BACK,)), certain=True).light is Light.YELLOW
    assert reverse_finding(ADDRESS, table(NAMED[0], failing=("mail.a.org",)), certain=True).light is Light.YELLOW


def test_a_name_that_leads_back_is_green() -> None:
    """From the address to the name and back."""
    assert reverse_finding(ADDRESS, table(*NAMED), certain=True).light is Light.GREEN


def test_a_sending_address_without_a_name_of_its_own_is_red() -> None:
    """Without any, or with one that leads elsewhere."""
    assert reverse_finding(ADDRESS, table(), certain=True).light is Light.RED
    elsewhere = table(NAMED[0], ("mail.a.org", "A", "9.9.9.2"))
    assert reverse_finding(ADDRESS, elsewhere, certain=True).light is Light.RED


def test_the_server_that_we_hand_mail_to_need_not_be_the_one_that_delivers() -> None:
    """So nothing is red; and of a private address nothing is asked."""
    public = reverse_findings("smtp.a.org", table(("smtp.a.org", "A", ADDRESS), ("smtp.a.org", "A", "10.0.0.1")))

    assert [one.light for one in public] == [Light.YELLOW]
    assert reverse_findings("10.0.0.1", table()) == []


def test_an_address_of_ipv6_leads_back_however_it_is_written() -> None:
    """Zones write zeros out, programs do not."""
    back = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.c.c.0.0.0.2.6.2.ip6.arpa."
    look = table((back, "PTR", "mail.a.org"), ("mail.a.org", "AAAA", "2620:00cc:0:0::1"))

    assert reverse_finding("2620:cc::1", look, certain=True).light is Light.GREEN
