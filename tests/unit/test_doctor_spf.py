"""SPF as receivers evaluate it: RFC 7208."""

import pytest
from dns_tables import table, texts

from newsletter.desk.checkup import spf
from newsletter.providers.checkup import Finding, Light


def line(*records: tuple[str, str, str], failing: tuple[str, ...] = (), certain: bool = True) -> Finding:
    """What the doctor says of a__org."""
    return spf.finding(spf.read("a.org", table(*records, failing=failing)), certain=certain)


@pytest.mark.parametrize("end", ["-all", "~all", "~ALL"])
def test_one_record_that_ends_in_all_is_green(end: str) -> None:
    """With an address, the domain's own servers and an include: three look-ups."""
    record = f"v=spf1 ip4:192.0.2.0/24 a mx/24 include:b.org {end}"
    found = line(*texts(a__org=record, b__org="v=spf1 ip6:2001:db8::/32 ?all"))

    assert found.light is Light.GREEN
    assert "3 of 10 look-ups" in found.found


def test_other_text_records_are_not_spf() -> None:
    """Neither a token of some service, nor a version that only begins alike."""
    found = line(*texts(a__org="v=spf1 -all"), ("a.org", "TXT", "v=spf10 +all"), ("a.org", "TXT", "token=1"))

    assert found.light is Light.GREEN


def test_two_records_are_red() -> None:
    """Receivers then treat SPF as broken (4.5)."""
    found = line(("a.org", "TXT", "v=spf1 -all"), ("a.org", "TXT", "v=spf1 mx -all"))

    assert found.light is Light.RED
    assert "2 SPF records" in found.found


@pytest.mark.parametrize("end", ["+all", "all"])
def test_a_record_that_lets_everybody_send_is_red(end: str) -> None:
    """Without a qualifier it is a plus."""
    assert line(*texts(a__org=f"v=spf1 mx {end}")).light is Light.RED


@pytest.mark.parametrize("record", ["v=spf1 mx", "v=spf1 mx ?all", "v=spf1 ptr -all"])
def test_a_record_that_says_nothing_of_others_is_yellow(record: str) -> None:
    """And so is one that uses ptr."""
    assert line(*texts(a__org=record)).light is Light.YELLOW


@pytest.mark.parametrize(("includes", "light"), [(10, Light.GREEN), (11, Light.RED)])
def test_ten_lookups_are_the_most(includes: int, light: Light) -> None:
    """Counted through the includes (4.6.4)."""
    names = [f"n{number}.org" for number in range(includes - 1)]
    records = [("a.org", "TXT", "v=spf1 include:b.org -all")]
    records += [("b.org", "TXT", " ".join(["v=spf1", *(f"include:{name}" for name in names), "-all"]))]
    records += [(name, "TXT", "v=spf1 ip4:192.0.2.1 -all") for name in names]

    assert line(*records).light is light


def test_what_stands_behind_all_is_not_counted() -> None:
    """Nobody looks at it (5.1); a redirect beside all counts for nothing either (6.1)."""
    looked = spf.read("a.org", table(*texts(a__org="v=spf1 redirect=b.org -all mx include:gone.org")))

    assert (looked.lookups, looked.faults) == (0, [])


@pytest.mark.parametrize("back", ["a.org", "b.org", "A.ORG."])
def test_a_loop_of_includes_is_red_and_ends(back: str) -> None:
    """However the name is written."""
    found = line(*texts(a__org="v=spf1 include:b.org -all", b__org=f"v=spf1 include:{back} -all"))

    assert found.light is Light.RED
    assert "a loop" in found.found


def test_the_end_of_a_redirect_counts() -> None:
    """The other record is used as a whole, its look-ups and its all."""
    looked = spf.read("a.org", table(*texts(a__org="v=spf1 redirect=b.org", b__org="v=spf1 mx ~all")))

    assert (looked.every, looked.lookups) == ("~", 2)


def test_an_include_without_a_record_is_red() -> None:
    """A permanent error (5.2): the usual rest of a service that was left long ago."""
    found = line(*texts(a__org="v=spf1 include:gone.org -all"))

    assert found.light is Light.RED
    assert "gone.org" in found.found


def test_an_include_that_cannot_be_looked_up_is_not_red() -> None:
    """Nobody knows what is there."""
    found = line(*texts(a__org="v=spf1 include:b.org -all"), failing=("b.org",))

    assert found.light is Light.YELLOW
    assert "the name server failed" in found.found


def test_a_domain_that_cannot_be_looked_up_is_not_red() -> None:
    """Even where there must be a record."""
    assert line(failing=("a.org",)).light is Light.YELLOW


@pytest.mark.parametrize(
    "term", ["ip4:999.1.1.1", "ip4:2001:db8::1", "ip6:192.0.2.1", "include:", "allow", "-all:b.org"]
)
def test_a_term_that_is_none_is_red(term: str) -> None:
    """One typing error breaks the whole record (4.6)."""
    found = line(*texts(a__org=f"v=spf1 {term} -all"))

    assert found.light is Light.RED
    assert term in found.found


def test_names_with_macros_are_counted_and_not_followed() -> None:
    """What they become depends on each message."""
    looked = spf.read("a.org", table(*texts(a__org="v=spf1 exists:%{i}.b.org include:%{d}.c.org -all")))

    assert (looked.lookups, looked.faults) == (2, [])


@pytest.mark.parametrize(("certain", "light"), [(True, Light.RED), (False, Light.YELLOW)])
def test_no_record_is_red_only_where_mail_returns_to_that_domain(certain: bool, light: Light) -> None:
    """A provider's own return path has a record of its own."""
    assert line(certain=certain).light is light
