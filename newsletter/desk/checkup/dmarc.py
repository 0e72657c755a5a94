"""DMARC (RFC 9989): is there one policy for the domain of From, and does what signs our mail belong to that domain?

The organizational domain is found as the RFC says since 2026, by walking up the tree of names (4.10), and not by a list
of public suffixes: no list, nothing to keep up to date.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from newsletter.desk.checkup.resolving import Look
from newsletter.desk.checkup.tags import tags_of
from newsletter.providers.checkup import Finding, green, red, yellow

MOST_LABELS = 8  #: RFC 9989, 4.10: of a longer name only its last seven are walked
_RECORD = re.compile(r"v\s*=\s*DMARC1\s*(;.*)?", re.DOTALL)
POLICIES = ("none", "quarantine", "reject")
_MODES = {"r": "relaxed", "s": "strict"}


@dataclass(frozen=True, slots=True)
class Dmarc:
    """What is known of a domain's policy."""

    domain: str
    place: str = ""  #: whose record applies; empty: there is none
    organization: str = ""  #: its organizational domain
    tags: Mapping[str, str] = field(default_factory=dict)
    several: int = 0  #: records at the domain itself, where there is more than one
    unknown: str = ""

    @property
    def policy(self) -> str:
        """What receivers are asked to do with mail that is not ours, from this very domain; "" if it does not say."""
        own = self.tags.get("p", "").lower()
        return own if self.place == self.domain else self.tags.get("sp", own).lower()


def discover(domain: str, look: Look) -> Dmarc:
    """The policy for this domain, and its organizational domain."""
    found: dict[str, dict[str, str]] = {}
    several, unknown = 0, ""
    for name in _names(domain):
        looked = look(f"_dmarc.{name}", "TXT")
        unknown = unknown or (f"_dmarc.{name}: {looked.unknown}" if looked.unknown else "")
        records = [text for text in looked.values if _RECORD.fullmatch(text.strip())]
        if len(records) == 1:
            found[name] = tags_of(records[0])
            if found[name].get("psd", "").lower() in ("n", "y"):
                break
        elif name == domain:
            several = len(records)
    organization = _organization(domain, found)
    place = next((name for name in (domain, organization) if name in found), "")
    return Dmarc(domain, place, organization, found.get(place, {}), several, unknown)


def policy_finding(dmarc: Dmarc) -> list[Finding]:
    """The lines for the record: the policy, and where reports go."""
    looked_at = f"DMARC of {dmarc.domain}"
    if dmarc.several > 1:
        found = f"There are {dmarc.several} records; receivers then ignore all of them."
        return [red(looked_at, found, "Keep one TXT record at _dmarc." + dmarc.domain + ".")]
    if not dmarc.place and dmarc.unknown:
        return [yellow(looked_at, f"It could not be looked up ({dmarc.unknown}).", "Run this again later.")]
    if not dmarc.place:
        todo = f"Publish at _dmarc.{dmarc.domain}: v=DMARC1; p=none; rua=mailto:… (an address that somebody reads)."
        return [red(looked_at, "There is no record; Gmail, Yahoo and Outlook want one of bulk senders.", todo)]
    return [_policy(looked_at, dmarc), _reports(dmarc)]


def alignment_finding(dmarc: Dmarc, signer: str, return_path: str, look: Look) -> Finding:
    """Does mail pass? By the domain that signs (d=), or by that of the return path; either may be "": not known."""
    looked_at = f"DMARC alignment with {dmarc.domain}"
    parts = [_aligned("DKIM", "adkim", signer, dmarc, look), _aligned("SPF", "aspf", return_path, dmarc, look)]
    words = "; ".join(word for _, word in parts if word)
    good = [passes for passes, _ in parts if passes is not None]
    if any(good):
        return green(looked_at, f"{words}.")
    if len(good) == len(parts):
        todo = "Let the provider sign for your own domain, or send From the domain that it signs for."
        return red(looked_at, f"{words}: every message fails DMARC.", todo)
    todo = "Name what a test mail shows: --selector (s= of its DKIM-Signature), --return-path (its Return-Path)."
    return yellow(looked_at, f"It cannot be told from here. {words}.", todo)


def _names(domain: str) -> list[str]:
    labels = domain.split(".")
    walked = [".".join(labels[at:]) for at in range(1, len(labels))]
    return [domain, *(walked if len(labels) <= MOST_LABELS else walked[-(MOST_LABELS - 1) :])]


def _organization(domain: str, found: Mapping[str, Mapping[str, str]]) -> str:
    """RFC 9989, 4.10.2. `found` goes from the longest name to the shortest, and ends at one that says psd=n or y."""
    if not found:
        return domain
    last = list(found)[-1]
    if found[last].get("psd", "").lower() == "y" and last != domain:
        return ".".join(domain.split(".")[-last.count(".") - 2 :])
    return last


def _policy(looked_at: str, dmarc: Dmarc) -> Finding:
    where = "" if dmarc.place == dmarc.domain else f" (the record of {dmarc.place})"
    if dmarc.policy not in POLICIES:
        todo = "Begin with p=none, and write it right behind v=DMARC1."
        return red(looked_at, f"The record has no usable policy{where}.", todo)
    if dmarc.policy == "none":
        todo = "Read the reports for some weeks. Once all your mail passes: p=quarantine, and later p=reject."
        return yellow(looked_at, f"p=none{where}: enough for the mailbox providers, and no protection yet.", todo)
    if dmarc.tags.get("t", "").lower() == "y" or dmarc.tags.get("pct", "100") != "100":
        todo = "Remove t=y and pct= when the reports are clean."
        return yellow(looked_at, f"p={dmarc.policy}{where}, but only as a test (t=y, or pct=).", todo)
    return green(looked_at, f"p={dmarc.policy}{where}.")


def _reports(dmarc: Dmarc) -> Finding:
    looked_at = f"DMARC reports of {dmarc.place}"
    if dmarc.tags.get("rua", ""):
        return green(looked_at, "Reports are asked for (rua).")
    todo = "Add rua=mailto:… : without reports nobody sees which mail fails."
    return yellow(looked_at, "No reports are asked for (no rua).", todo)


def _aligned(name: str, tag: str, other: str, dmarc: Dmarc, look: Look) -> tuple[bool | None, str]:
    """Whether this domain counts as the domain of From, and the words for it."""
    if not other:
        return None, f"{name}: domain not known"
    strict = dmarc.tags.get(tag, "r").lower() == "s"
    if other == dmarc.domain:
        return True, f"{name} by {other}"
    theirs = discover(other, look)
    if theirs.unknown and not strict:
        return None, f"{name}: {theirs.unknown}"
    if not strict and theirs.organization == dmarc.organization:
        return True, f"{name} by {other} (relaxed)"
    return False, f"{name} by {other} does not count ({_MODES['s' if strict else 'r']})"
