"""DMARC: RFC 9989."""

import pytest
from dns_tables import table, texts

from newsletter.desk.checkup.dmarc import alignment_finding, discover, policy_finding
from newsletter.providers.checkup import Finding, Light

GOOD = "v=DMARC1; p=reject; rua=mailto:reports@a.org"


def lines(*records: tuple[str, str, str], domain: str = "a.org", failing: tuple[str, ...] = ()) -> list[Finding]:
    """What the doctor says of the record."""
    return policy_finding(discover(domain, table(*records, failing=failing)))


def aligned(record: str, signer: str, return_path: str, domain: str = "news.a.org") -> Finding:
    """What the doctor says of alignment, where a.org has this record."""
    look = table(*texts(_dmarc__a__org=record))
    return alignment_finding(discover(domain, look), signer, return_path, look)


def test_a_strict_policy_with_reports_is_green() -> None:
    """Both lines of it."""
    assert [one.light for one in lines(*texts(_dmarc__a__org=GOOD))] == [Light.GREEN, Light.GREEN]


def test_no_record_is_red() -> None:
    """Gmail, Yahoo and Outlook want one."""
    assert [one.light for one in lines()] == [Light.RED]


def test_two_records_are_red() -> None:
    """They are then as good as none."""
    found = lines(("_dmarc.a.org", "TXT", GOOD), ("_dmarc.a.org", "TXT", "v=DMARC1; p=none"))

    assert [one.light for one in found] == [Light.RED]
    assert "2 records" in found[0].found


def test_another_text_record_beside_it_does_not_matter() -> None:
    """Only what begins with the version counts."""
    found = lines(("_dmarc.a.org", "TXT", GOOD), ("_dmarc.a.org", "TXT", "v=DMARC10; p=none"))

    assert found[0].light is Light.GREEN


def test_p_none_is_yellow_and_says_how_to_go_on() -> None:
    """It is enough for the mailbox providers."""
    found = lines(*texts(_dmarc__a__org="v=DMARC1; p=none; rua=mailto:r@a.org"))[0]

    assert found.light is Light.YELLOW
    assert "p=quarantine" in found.todo


@pytest.mark.parametrize("record", ["v=DMARC1; p=reject; t=y", "v=DMARC1; p=reject; pct=20"])
def test_a_policy_that_is_only_a_test_is_yellow(record: str) -> None:
    """By the new tag, or by the one that it replaced."""
    assert lines(*texts(_dmarc__a__org=record))[0].light is Light.YELLOW


def test_a_policy_that_nobody_understands_is_red() -> None:
    """A typing error."""
    assert lines(*texts(_dmarc__a__org="v=DMARC1; p=rejected"))[0].light is Light.RED


def test_without_reports_it_is_yellow() -> None:
    """Nobody sees what fails."""
    assert lines(*texts(_dmarc__a__org="v=DMARC1; p=reject"))[1].light is Light.YELLOW


def test_a_subdomain_has_the_policy_of_the_domain_above() -> None:
    """What that says of subdomains, sp, comes first."""
    records = texts(_dmarc__a__org="v=DMARC1; p=reject; sp=none; rua=mailto:r@a.org")
    found = lines(*records, domain="news.a.org")

    assert found[0].light is Light.YELLOW
    assert "p=none (the record of a.org)" in found[0].found


def test_a_record_that_cannot_be_looked_up_is_not_red() -> None:
    """Nobody knows whether it is there."""
    assert [one.light for one in lines(failing=("_dmarc.a.org",))] == [Light.YELLOW]


@pytest.mark.parametrize(
    ("records", "organization"),
    [
        (texts(_dmarc__a__org="v=DMARC1; p=none"), "a.org"),
        (texts(_dmarc__b__a__org="v=DMARC1; p=none; psd=n", _dmarc__a__org="v=DMARC1; p=none"), "b.a.org"),
        (texts(_dmarc__org="v=DMARC1; p=none; psd=y"), "a.org"),
        ([], "c.b.a.org"),
    ],
)
def test_the_organizational_domain_is_found_by_walking_up(
    records: list[tuple[str, str, str]], organization: str
) -> None:
    """RFC 9989, 4.10.2: by psd, else the shortest name with a record, else the name itself."""
    assert discover("c.b.a.org", table(*records)).organization == organization


def test_a_long_name_costs_eight_questions() -> None:
    """Nobody makes us ask for ever (4.10)."""
    asked: list[str] = []
    silent = table()
    discover(".".join("abcdefghijkl"), lambda name, kind: asked.append(name) or silent(name, kind))  # type: ignore[func-returns-value]

    assert len(asked) == 8


@pytest.mark.parametrize(
    ("record", "signer", "return_path", "light"),
    [
        ("v=DMARC1; p=none", "a.org", "mail.provider.net", Light.GREEN),
        ("v=DMARC1; p=none", "provider.net", "bounce.news.a.org", Light.GREEN),
        ("v=DMARC1; p=none", "provider.net", "provider.net", Light.RED),
        ("v=DMARC1; p=none; adkim=s", "a.org", "provider.net", Light.RED),
        ("v=DMARC1; p=none; adkim=s", "news.a.org", "", Light.GREEN),
        ("v=DMARC1; p=none; aspf=s", "provider.net", "bounce.news.a.org", Light.RED),
        ("v=DMARC1; p=none", "", "", Light.YELLOW),
        ("v=DMARC1; p=none", "provider.net", "", Light.YELLOW),
    ],
)
def test_one_of_the_two_domains_must_belong_to_that_of_from(
    record: str, signer: str, return_path: str, light: Light
) -> None:
    """Relaxed: the same organizational domain; strict: the very same. What is not known is not red."""
    assert aligned(record, signer, return_path).light is light
