"""What an address is (security reference, S-40)."""

import contextlib
import hmac
import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from subscribers.address import Address, fingerprint, parse, parse_slowly
from subscribers.errors import BadAddress

SECRET = b"k" * 32

GOOD = {
    "ada@example.org": "ada@example.org",
    "  Ada@Example.ORG\n": "Ada@example.org",
    "ada+news@mail.example.com": "ada+news@mail.example.com",
    "g.o'brien@example.com": "g.o'brien@example.com",
    "x@bücher.example.com": "x@xn--bcher-kva.example.com",
    "x@BU\u0308CHER.example.com": "x@xn--bcher-kva.example.com",
    "x@xn--bcher-kva.example.com": "x@xn--bcher-kva.example.com",
    "INFO@example.org": "info@example.org",
    f"{'a' * 64}@example.org": f"{'a' * 64}@example.org",
    "=1+1@example.org": "=1+1@example.org",
}
BAD = {
    "no at": "ada.example.org",
    "nothing": "",
    "no local part": "@example.org",
    "no domain": "ada@",
    "two": "ada@example.org,ben@example.org",
    "parseaddr's trap (CVE-2023-27043)": "alice@example.org)bob@x.co",
    "display name": "Ada <ada@example.org>",
    "quoted local part": '"ada lovelace"@example.org',
    "ip literal": "ada@[192.0.2.1]",
    "bare ip": "ada@192.0.2.1",
    "no top level": "ada@localhost",
    "special use": "ada@site.test",
    "dot at the end": "ada.@example.org",
    "two dots": "a..b@example.org",
    "hyphen first": "ada@-example.org",
    "reserved hyphens": "ada@ab--c.org",
    "broken punycode": "ada@xn--a.org",
    "long local part": f"{'a' * 65}@example.org",
    "long domain": f"a@{'b' * 60}.{'c' * 60}.{'d' * 60}.{'e' * 60}.example.org",
    "long label": f"a@{'b' * 64}.org",
    "line feed inside": "ada@example.org\nBcc: ben@example.org",
    "blank inside": "ada lovelace@example.org",
    "nul": "ada\0@example.org",
    "non-ascii local part": "zofia.żółć@example.org",
    "full-width at": "ada＠example.org",
}


@pytest.mark.parametrize(("text", "display"), GOOD.items())
def test_what_a_form_accepts_is_kept_as_it_will_be_mailed(text: str, display: str) -> None:
    """The local part stays as written, the domain becomes its A-label in lower case."""
    assert parse(text) == Address(display, display.lower())


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_what_is_no_address_is_refused_in_a_sentence_that_does_not_repeat_it(text: str) -> None:
    """A message may be logged, so it never holds the address (S-60)."""
    with pytest.raises(BadAddress) as refusal:
        parse(text)

    assert str(refusal.value).endswith((".", ")"))
    assert "ada@" not in str(refusal.value)


def test_of_an_empty_field_it_says_what_to_do() -> None:
    """Not that an @-sign is missing in it."""
    with pytest.raises(BadAddress, match=r"^Type an address\.$"):
        parse("  ")


def test_a_local_part_beyond_ascii_is_refused_with_the_reason() -> None:
    """It could not be mailed without SMTPUTF8."""
    with pytest.raises(BadAddress, match="before the @ has letters beyond a-z"):
        parse("zofia.żółć@example.org")


ATEXT = string.ascii_letters + string.digits + "!#$%&'*+-/=?^_`{|}~."
LABELS = st.text(string.ascii_letters + string.digits + "-", min_size=1, max_size=8)
ADDRESSES = st.builds(
    "{}@{}".format, st.text(ATEXT, min_size=1, max_size=12), st.lists(LABELS, min_size=1, max_size=4).map(".".join)
)


@given(st.one_of(ADDRESSES, st.text(max_size=30), st.text('aB.@-_"<> ü\u0308\n', max_size=14)))
@example("news@a.bc")
@example("a@b.c")
@example("WWW@example.org")
@example("a@ab--cd.com")
@example("a@xn--p1ai.com")
@example(f"{'a' * 64}@{'b' * 63}.{'c' * 63}.{'d' * 57}.org")
@example(f"{'a' * 64}@{'b' * 63}.{'c' * 63}.{'d' * 58}.org")
def test_the_short_cut_agrees_with_the_library(text: str) -> None:
    """Whatever is typed: the same address, or no address, both ways."""
    found: list[Address | None] = []
    for way in (parse, parse_slowly):
        found.append(None)
        with contextlib.suppress(BadAddress):
            found[-1] = way(text.strip())

    assert found[0] == found[1]


@given(ADDRESSES)
def test_parsing_an_address_again_changes_nothing(text: str) -> None:
    """Parsing is idempotent, and so is the key."""
    with contextlib.suppress(BadAddress):
        once = parse(text)
        assert parse(once.display) == once
        assert parse(once.key).key == once.key


@given(ADDRESSES)
def test_equal_addresses_have_equal_keys_and_fingerprints(text: str) -> None:
    """Case and blanks do not make another mailbox."""
    with contextlib.suppress(BadAddress):
        keys = {parse(form).key for form in (text, text.upper(), text.lower(), f" {text} ")}
        assert len(keys) == 1
        assert len({fingerprint(key, SECRET) for key in keys}) == 1


def test_a_fingerprint_is_keyed_and_tells_nothing() -> None:
    """Without the secret nobody can guess addresses from a stolen table."""
    mine, theirs = fingerprint("ada@example.org", SECRET), fingerprint("ada@example.org", b"other" * 8)

    assert mine != theirs
    assert len(mine) == 32
    assert set(mine) <= set(string.hexdigits.lower())


def test_a_fingerprint_is_what_it_has_always_been() -> None:
    """HMAC with SHA-256, cut at 128 bits: with any other, nobody who is suppressed would be known again."""
    whole = hmac.digest(SECRET, b"subscriber fingerprint v1\0ada@example.org", "sha256").hex()

    assert fingerprint("ada@example.org", SECRET) == fingerprint("ada@example.org", SECRET) == whole[:32]


def test_a_fingerprint_without_a_secret_is_refused() -> None:
    """An empty secret would make the hash guessable."""
    with pytest.raises(ValueError, match="needs a secret"):
        fingerprint("ada@example.org", b"")
