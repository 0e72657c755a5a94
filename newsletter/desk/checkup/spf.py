"""SPF (RFC 7208): is there one record, can receivers evaluate it, and does it exclude anybody?

Written here, and not taken from a library: see docs/decisions/0007-spf-is-counted-here.md. Only what can be told
without a message is judged: names with macros in them are counted and not followed.
"""

import ipaddress
import re
from dataclasses import dataclass, field

from newsletter.desk.checkup.resolving import Look
from newsletter.providers.checkup import Finding, green, red, yellow

MOST_LOOKUPS = 10  #: RFC 7208, 4.6.4: more is a permanent error
ENOUGH = 40  #: look-ups after which nobody needs the exact number
_TERM = re.compile(r"([+?~-]?)(all|include|a|mx|ptr|ip4|ip6|exists)(?:(?=/)|:|$)(.*)", re.IGNORECASE)
_MODIFIER = re.compile(r"([a-z][a-z0-9._-]*)=(.*)", re.IGNORECASE)
_COUNTED = ("include", "a", "mx", "ptr", "exists")


@dataclass
class Spf:
    """What is known of a domain's SPF."""

    domain: str
    record: str = ""
    every: str = ""  #: the qualifier of `all` that ends it: - ~ ? +
    lookups: int = 0
    uses_ptr: bool = False
    faults: list[str] = field(default_factory=list)  #: with one of them receivers cannot evaluate it
    unknown: list[str] = field(default_factory=list)  #: what could not be looked up

    def fault(self, sentence: str) -> None:
        """Note it once."""
        if sentence not in self.faults:
            self.faults.append(sentence)


def read(domain: str, look: Look) -> Spf:
    """The SPF of this domain, with all that it includes."""
    spf = Spf(domain)
    record = _record_of(domain, look, spf)
    if record is not None:
        spf.record = record
        spf.every = _walk(record, (domain,), look, spf)
    return spf


def finding(spf: Spf, *, certain: bool, what: str = "From") -> Finding:
    """The line for it. `certain`: mail leaves with this domain in its return path, so a record must be there."""
    looked_at = f"SPF of {spf.domain}"
    if spf.faults:
        return red(looked_at, " ".join(spf.faults), "Mend the TXT record; until then receivers treat SPF as broken.")
    if not spf.record:
        return _missing(spf, looked_at, certain=certain, what=what)
    if spf.lookups > MOST_LOOKUPS:
        found = f"It needs {_number(spf)} look-ups; receivers stop at {MOST_LOOKUPS} and treat it as broken."
        return red(looked_at, found, "Remove the include of each service that no longer sends for you.")
    return _sound(spf, looked_at, f"{spf.record} ({spf.lookups} of {MOST_LOOKUPS} look-ups).")


def _sound(spf: Spf, looked_at: str, shown: str) -> Finding:
    """The line for a record that receivers can evaluate."""
    if spf.every == "+":
        return red(looked_at, f"{shown} '+all' lets the whole world send.", "End it with ~all or -all.")
    if spf.unknown:
        found = f"{shown} Could not be looked up: {', '.join(spf.unknown)}."
        return yellow(looked_at, found, "Run this again; if it stays so, ask whom these names belong to.")
    if spf.every not in ("-", "~"):
        return yellow(looked_at, f"{shown} It says nothing about all others.", "End it with ~all or -all.")
    if spf.uses_ptr:
        return yellow(looked_at, f"{shown} 'ptr' is slow and ignored by many.", "Name addresses or an include instead.")
    return green(looked_at, shown)


def _number(spf: Spf) -> str:
    return f"{ENOUGH} or more" if spf.lookups >= ENOUGH else str(spf.lookups)


def _missing(spf: Spf, looked_at: str, *, certain: bool, what: str) -> Finding:
    if spf.unknown:
        return yellow(looked_at, f"It could not be looked up ({spf.unknown[0]}).", "Run this again later.")
    if certain:
        return red(looked_at, "There is no record.", "Publish the TXT record that your provider or server needs.")
    found = f"There is no record. Receivers check the domain of the return path, which need not be that of {what}."
    todo = "Set up the provider's own return path (custom MAIL FROM), or name it here with --return-path."
    return yellow(looked_at, found, todo)


def _record_of(domain: str, look: Look, spf: Spf) -> str | None:
    """The record; None where there is none, or nobody knows."""
    looked = look(domain, "TXT")
    if looked.unknown:
        spf.unknown.append(f"{domain}: {looked.unknown}")
        return None
    records = [text for text in looked.values if text.lower() == "v=spf1" or text.lower().startswith("v=spf1 ")]
    if len(records) > 1:
        spf.fault(f"{domain} has {len(records)} SPF records; only one is allowed.")
        return None
    return records[0] if records else None


def _walk(record: str, path: tuple[str, ...], look: Look, spf: Spf) -> str:
    """Count and follow what this record names; returns the qualifier of its `all`, or of where it redirects to."""
    redirect = ""
    for term in record.split()[1:]:
        if modifier := _MODIFIER.fullmatch(term):
            redirect = modifier[2] if modifier[1].lower() == "redirect" else redirect
            continue
        found = _TERM.fullmatch(term)
        name, value = (found[2].lower(), found[3]) if found else ("", "")
        if not found or not _fits(name, value):
            spf.fault(f"{path[-1]}: '{term}' is no SPF.")
        elif name == "all":
            return found[1] or "+"  # what follows is never looked at (RFC 7208, 5.1)
        elif name in _COUNTED:
            spf.lookups += 1
            spf.uses_ptr |= name == "ptr"
            if name == "include":
                _follow(value, path, look, spf)
    if redirect:
        spf.lookups += 1
        return _follow(redirect, path, look, spf)
    return ""


def _follow(domain: str, path: tuple[str, ...], look: Look, spf: Spf) -> str:
    domain = domain.lower().rstrip(".")
    if "%" in domain or spf.lookups >= ENOUGH:
        return ""
    if domain in path:
        spf.fault(f"{path[-1]} includes {domain}, which includes it: a loop.")
        return ""
    before = len(spf.unknown), len(spf.faults)
    record = _record_of(domain, look, spf)
    if record is not None:
        return _walk(record, (*path, domain), look, spf)
    if before == (len(spf.unknown), len(spf.faults)):
        spf.fault(f"{path[-1]} names {domain}, which has no SPF record.")
    return ""


def _fits(name: str, value: str) -> bool:
    """Whether a mechanism has the value that it needs."""
    if name in ("ip4", "ip6"):
        try:
            return ipaddress.ip_network(value, strict=False).version == int(name[2])
        except ValueError:
            return False
    return not value if name == "all" else bool(value) or name in ("a", "mx", "ptr")
