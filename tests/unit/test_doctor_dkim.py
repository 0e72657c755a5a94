"""DKIM keys in DNS."""

import base64
from functools import cache

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from dns_tables import table

from newsletter.desk.checkup.dkim_keys import Selector, findings, public_der
from newsletter.providers.checkup import Finding, Light

SURE = Selector("s1", certain=True)


@cache
def key(bits: int) -> str:
    """A public key as it stands in a record."""
    return base64.b64encode(public_der(generate_private_key(65_537, bits).public_key())).decode()


def line(*records: str, selector: Selector = SURE, failing: tuple[str, ...] = ()) -> Finding:
    """What the doctor says of these records."""
    written = [("s1._domainkey.a.org", "TXT", record) for record in records]
    return findings([selector], ["a.org"], table(*written, failing=failing))[0][0]


@pytest.mark.parametrize(("bits", "light"), [(2048, Light.GREEN), (1024, Light.YELLOW)])
def test_a_short_key_is_yellow(bits: int, light: Light) -> None:
    """1024 bits are taken, and 2048 are wanted."""
    found = line(f"v=DKIM1; k=rsa; p={key(bits)}")

    assert found.light is light
    assert f"{bits} bits" in found.found


def test_a_key_below_1024_bits_is_red() -> None:
    """Receivers must ignore it (RFC 8301); written down here, as nothing makes such keys any more."""
    modulus = (1 << 511) + 111
    numbers = b"\x02\x41\x00" + modulus.to_bytes(64, "big") + b"\x02\x03\x01\x00\x01"
    bits = b"\x00" + b"\x30" + bytes([len(numbers)]) + numbers
    algorithm = bytes.fromhex("300d06092a864886f70d0101010500")
    body = algorithm + b"\x03" + bytes([len(bits)]) + bits
    found = line("p=" + base64.b64encode(b"\x30" + bytes([len(body)]) + body).decode())

    assert found.light is Light.RED
    assert "512 bits" in found.found


def test_blanks_in_a_key_do_not_matter() -> None:
    """Consoles wrap long values."""
    wrapped = " ".join(key(2048)[at : at + 60] for at in range(0, 400, 60))

    assert line(f"v=DKIM1; p={wrapped}").light is Light.GREEN


@pytest.mark.parametrize("record", ["v=DKIM1; p=", "v=DKIM1; k=rsa", "v=DKIM1; p=AAAA", "v=DKIM2; p=AAAA", "p=?"])
def test_a_record_without_a_usable_key_is_red(record: str) -> None:
    """Taken back, cut, or something else."""
    assert line(record).light is Light.RED


def test_two_keys_at_one_selector_are_red() -> None:
    """Which one a receiver takes is left to chance (RFC 6376, 3.6.2.2)."""
    assert line(f"p={key(2048)}", f"p={key(1024)}").light is Light.RED


def test_a_key_that_is_only_a_test_is_yellow() -> None:
    """Some receivers treat such mail as not signed."""
    assert line(f"t=y:s; p={key(2048)}").light is Light.YELLOW


def test_an_ed25519_key_alone_is_yellow() -> None:
    """Not everybody checks it."""
    public = Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    found = line("k=ed25519; p=" + base64.b64encode(public).decode())

    assert found.light is Light.YELLOW
    assert "Ed25519" in found.found


def test_a_key_that_mail_is_not_signed_with_here_is_red() -> None:
    """Every signature would fail."""
    own = base64.b64decode(key(2048))
    other = base64.b64decode(key(1024))

    assert line(f"p={key(2048)}", selector=Selector("s1", certain=True, own=own)).light is Light.GREEN
    assert line(f"p={key(2048)}", selector=Selector("s1", certain=True, own=other)).light is Light.RED


@pytest.mark.parametrize(("certain", "light"), [(True, Light.RED), (False, Light.YELLOW)])
def test_a_missing_key_is_red_only_where_somebody_named_its_selector(certain: bool, light: Light) -> None:
    """A guessed selector proves nothing."""
    assert line(selector=Selector("s1", certain=certain)).light is light


@pytest.mark.parametrize("certain", [True, False])
def test_a_key_that_cannot_be_looked_up_is_not_red(certain: bool) -> None:
    """Whoever named it."""
    found = line(selector=Selector("s1", certain=certain), failing=("s1._domainkey.a.org",))

    assert found.light is Light.YELLOW
    assert "could not be looked up" in found.found


def test_the_signing_domain_is_the_one_that_has_the_key() -> None:
    """An account is often verified for the domain above that of From."""
    look = table(("s1._domainkey.a.org", "TXT", f"p={key(2048)}"))
    lines, signer = findings([SURE], ["news.a.org", "a.org"], look)

    assert signer == "a.org"
    assert [one.light for one in lines] == [Light.GREEN]


def test_without_any_selector_the_doctor_says_how_to_find_one() -> None:
    """Amazon's are random."""
    lines, signer = findings([], ["a.org"], table())

    assert (signer, lines[0].light) == ("", Light.YELLOW)
    assert "--selector" in lines[0].todo
