"""Can mail come back to us (MX), and has the server that sends a name that leads back to it (PTR)?"""

import ipaddress
from collections.abc import Mapping, Sequence

from dns.reversename import from_address

from newsletter.desk.checkup.resolving import Look
from newsletter.providers.checkup import Finding, green, red, yellow


def exchange_findings(domains: Mapping[str, str], look: Look) -> list[Finding]:
    """One line for each domain; `domains` says what comes there: {"example.org": "replies"}."""
    return [_exchange(domain, what, look) for domain, what in domains.items()]


def _exchange(domain: str, what: str, look: Look) -> Finding:
    looked_at, looked = f"MX of {domain}", look(domain, "MX")
    if looked.unknown:
        return yellow(looked_at, f"It could not be looked up ({looked.unknown}).", "Run this again later.")
    hosts = sorted(value.partition(" ")[2] for value in looked.values)
    if hosts and not all(hosts):  # RFC 7505: a dot alone
        return red(looked_at, f"It says that no mail is taken: {what} cannot arrive.", "Publish the real MX.")
    if hosts:
        return green(looked_at, f"{', '.join(hosts)}: {what} can arrive.")
    addresses = [look(domain, kind) for kind in ("A", "AAAA")]
    if any(one.values for one in addresses):
        todo = "Publish an MX record, if mail is taken there at all."
        return yellow(looked_at, f"There is none; {what} go to the web address of the domain.", todo)
    if why := next((one.unknown for one in addresses if one.unknown), ""):
        return yellow(looked_at, f"There is none, and the rest could not be looked up ({why}).", "Run this again.")
    return red(looked_at, f"There is none: {what} cannot arrive.", "Publish an MX record for this domain.")


def reverse_findings(host: str, look: Look) -> list[Finding]:
    """For an SMTP server by name: its public addresses. It need not be the one that delivers, so nothing is red."""
    try:
        addresses: Sequence[str] = [str(ipaddress.ip_address(host))]
    except ValueError:
        found = [look(host, kind) for kind in ("A", "AAAA")]
        addresses = [value for one in found for value in one.values]
        if not addresses and (why := next((one.unknown for one in found if one.unknown), "")):
            return [yellow(f"Address of {host}", f"It could not be looked up ({why}).", "Run this again later.")]
    return [reverse_finding(one, look, certain=False) for one in addresses if ipaddress.ip_address(one).is_global]


def reverse_finding(address: str, look: Look, *, certain: bool) -> Finding:
    """The line for one address. `certain`: mail leaves from it to the world, so that a missing name is red."""
    looked_at, bad = f"Reverse DNS of {address}", red if certain else yellow
    looked = look(from_address(address).to_text(), "PTR")
    if looked.unknown:
        return yellow(looked_at, f"It could not be looked up ({looked.unknown}).", "Run this again later.")
    whose = "" if certain else " It matters if mail leaves from this address to the world."
    if not looked.values:
        return bad(looked_at, f"It has no name (PTR).{whose}", "Ask who gave you the address to set one.")
    kind = "A" if ipaddress.ip_address(address).version == 4 else "AAAA"  # noqa: PLR2004 - IPv4
    forward = {name: look(name, kind) for name in looked.values}
    for name, back in forward.items():
        if address in {str(ipaddress.ip_address(value)) for value in back.values}:
            return green(looked_at, f"{name}, and back.")
    names = ", ".join(looked.values)
    if why := next((back.unknown for back in forward.values() if back.unknown), ""):
        return yellow(looked_at, f"{names}, which could not be looked up ({why}).", "Run this again later.")
    found = f"{names}, which does not lead back.{whose}"
    return bad(looked_at, found, f"Give {names} an {kind} record with this address.")
