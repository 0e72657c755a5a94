"""DKIM (RFC 6376): are the public keys there that our mail is signed with, and are they long enough?

Where a provider signs, the selector is its choice; the usual ones are tried, and any other is named with --selector.
"""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from newsletter.desk.checkup.resolving import Look, Looked
from newsletter.desk.checkup.tags import tags_of
from newsletter.providers.checkup import Finding, Light, green, red, yellow

#: Selectors that these providers give as a rule. Amazon's are random; Postmark's newer ones begin with a date.
USUAL: dict[str, tuple[str, ...]] = {
    "postmark": ("pm",),
    "sendgrid": ("s1", "s2"),
    "mailgun": ("mx", "k1", "pic", "smtp", "mta", "email", "mailo", "pdk1", "pdk2"),
    "resend": ("resend",),
    "brevo": ("brevo1", "brevo2", "mail"),
}
FEWEST_BITS, GOOD_BITS = 1024, 2048  #: RFC 8301, section 3.2
_ED25519 = 32  #: bytes of a key


@dataclass(frozen=True, slots=True)
class Selector:
    """Where a key may be."""

    name: str
    certain: bool  #: somebody said so: then the key must be there
    own: bytes = b""  #: the public key (DER) that belongs to the private one here, where we sign ourselves


def findings(selectors: Sequence[Selector], domains: Sequence[str], look: Look) -> tuple[list[Finding], str]:
    """The lines for these selectors, and the domain that signs: the first of `domains` with a usable key, or ""."""
    found: list[Finding] = []
    signer = ""
    for selector in selectors:
        domain, looked = _where(selector.name, domains, look)
        if not looked.values and not selector.certain:
            continue
        line = finding(selector, domain, looked)
        found.append(line)
        signer = signer or (domain if looked.values and line.light is not Light.RED else "")
    return found or [_none(selectors, domains, look)], signer


def finding(selector: Selector, domain: str, looked: Looked) -> Finding:
    """The line for one key."""
    looked_at = f"DKIM key {selector.name}._domainkey.{domain}"
    if looked.unknown:
        return yellow(looked_at, f"It could not be looked up ({looked.unknown}).", "Run this again later.")
    if not looked.values:
        return red(looked_at, "There is no key.", "Publish the record that your provider shows, or mend the selector.")
    if len(looked.values) > 1:
        return red(looked_at, f"There are {len(looked.values)} records; only one is allowed.", "Remove the others.")
    return _judged(looked_at, looked.values[0], selector.own)


def _where(selector: str, domains: Sequence[str], look: Look) -> tuple[str, Looked]:
    """The first domain that has something there; else the first of all."""
    every = [(domain, look(f"{selector}._domainkey.{domain}", "TXT")) for domain in domains]
    return next((pair for pair in every if pair[1].values), every[0])


def _none(selectors: Sequence[Selector], domains: Sequence[str], look: Look) -> Finding:
    looked_at = f"DKIM keys of {domains[0]}"
    todo = "Read s= in the DKIM-Signature of a test mail to yourself, and name it here: --selector S"
    if not selectors:
        return yellow(looked_at, "No selector is known, so nothing could be looked up.", todo)
    for selector in selectors:
        if why := look(f"{selector.name}._domainkey.{domains[0]}", "TXT").unknown:
            return yellow(looked_at, f"They could not be looked up ({why}).", "Run this again later.")
    tried = ", ".join(selector.name for selector in selectors)
    return yellow(looked_at, f"None at the provider's usual selectors ({tried}).", todo)


def _judged(looked_at: str, record: str, own: bytes) -> Finding:
    tags = tags_of(record)
    key = "".join(tags.get("p", "").split())
    problem = _problem(tags, key)
    if problem:
        return red(looked_at, problem, "Publish the record again as your provider shows it.")
    if tags.get("k", "rsa") == "ed25519":
        todo = "Publish an RSA key beside it: not every receiver checks Ed25519."
        return yellow(looked_at, "An Ed25519 key.", todo)
    bits, der = _rsa(key)
    if own and der != own:
        todo = "Publish the public half of dkim_key_file: every signature fails until then."
        return red(looked_at, "It is not the key that mail is signed with here.", todo)
    return _length(looked_at, tags, bits)


def _length(looked_at: str, tags: dict[str, str], bits: int) -> Finding:
    if bits < FEWEST_BITS:
        return red(looked_at, f"{bits} bits: receivers ignore it.", f"Make a key of {GOOD_BITS} bits.")
    if bits < GOOD_BITS:
        return yellow(looked_at, f"{bits} bits.", f"Make a key of {GOOD_BITS} bits when you next change it.")
    if "y" in tags.get("t", "").lower().split(":"):
        return yellow(looked_at, f"{bits} bits; t=y says that it is only a test.", "Remove t=y from the record.")
    return green(looked_at, f"{bits} bits.")


def _problem(tags: dict[str, str], key: str) -> str:
    if tags.get("v", "DKIM1") != "DKIM1" or tags.get("k", "rsa") not in ("rsa", "ed25519"):
        return "The record is not a DKIM key."
    if "p" not in tags:
        return "The record has no key in it (p=)."
    if not key:
        return "The key was taken back (p= is empty)."
    whole = len(_decoded(key)) == _ED25519 if tags.get("k") == "ed25519" else _rsa(key)[0]
    return "" if whole else "The key in it (p=) cannot be read."


def _decoded(key: str) -> bytes:
    try:
        return base64.b64decode(key, validate=True)
    except binascii.Error:
        return b""


def _rsa(key: str) -> tuple[int, bytes]:
    """Its length, and itself in one form; 0 for anything else."""
    try:
        public = load_der_public_key(_decoded(key))
    except (ValueError, UnsupportedAlgorithm):
        return 0, b""
    return (public.key_size, public_der(public)) if isinstance(public, RSAPublicKey) else (0, b"")


def public_der(public: RSAPublicKey) -> bytes:
    """A public key in the one form in which two can be compared."""
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
