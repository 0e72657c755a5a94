"""Slugs: from the address, from links, from names."""

import pytest

from newsletter.comparisons.address import pairs_in, slug_of, slugs_for, tool_in, web_address
from newsletter.errors import NotAComparison

SITE = "https://compare.example.org/compare/"


@pytest.mark.parametrize(
    ("names", "path", "slugs"),
    [
        (("Mo", "Q"), "mo-vs-q", ("mo", "q")),
        (("Mo", "Q"), "mo-vs-q/?utm=1#top", ("mo", "q")),
        (("Mo", "Q"), "MO-vs-Q.html", ("mo", "q")),
        (("A vs B", "C"), "a-vs-b-vs-c", ("a-vs-b", "c")),
        (("A", "B vs C"), "a-vs-b-vs-c", ("a", "b-vs-c")),
        (("VS Code", "Zed"), "vs-code-vs-zed", ("vs-code", "zed")),
        (("Q", "Mo"), "mo-vs-q", ("q", "mo")),
    ],
)
def test_the_address_is_split_where_the_names_fit(names: tuple[str, str], path: str, slugs: tuple[str, str]) -> None:
    """Also where "-vs-" occurs more than once, or names them the other way round."""
    assert slugs_for(names, [SITE + path], [])[:2] == slugs


def test_an_address_in_another_order_or_of_other_tools_is_told() -> None:
    """For the editor to see."""
    assert slugs_for(("Quarry", "Mole"), [SITE + "mole-vs-quarry"], []).problems[0].code == "slugs-swapped"
    assert slugs_for(("Quarry", "Mole"), [SITE + "ant-vs-bee"], []).problems[0].code == "slugs-doubtful"


def test_an_address_that_holds_no_pair_is_passed_over() -> None:
    """The next one may."""
    addresses = ["https://example.org/x.html", "http://[", SITE + "a_b-vs-c", "page.txt", "mo-vs-q.txt"]
    assert slugs_for(("Mo", "Q"), addresses, [])[:2] == ("mo", "q")


def test_one_tool_beside_itself_is_refused() -> None:
    """That is no comparison."""
    with pytest.raises(NotAComparison, match="beside itself"):
        slugs_for(("Mo", "Mo"), [SITE + "mo-vs-mo"], [])


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("git-why", "git-why"),
        ("Żuraw 2", "zuraw-2"),
        ("Claude's API: 4 & more", "claudes-api-4-more"),
        ("x" * 300, "x" * 200),
    ],
)
def test_a_slug_can_be_made_from_a_name(name: str, slug: str) -> None:
    """ASCII, lower case, hyphens, not too long."""
    assert slug_of(name) == slug


def test_a_name_without_latin_letters_gets_a_slug_that_stays() -> None:
    """A short hash of it."""
    assert slug_of("通义千问") == slug_of("通义千问") != slug_of("文心一言")
    assert slug_of("通义千问").startswith("tool-")


def test_links_name_the_tools() -> None:
    """Two of them, or those with the names as their text."""
    assert tool_in("https://x.example/tool/mo?ref=1") == "mo"
    assert tool_in("/tool/-mo") is tool_in("/about") is None
    links = [("other", "Other"), ("mo-2", "Mo"), ("q-1", "Q")]
    assert slugs_for(("Mo", "Q"), [], links)[:2] == ("mo-2", "q-1")
    assert slugs_for(("Mo", "P"), [], links).problems[0].code == "slugs-derived"


@pytest.mark.parametrize(
    "url",
    ["", "ftp://x.example/", "https:///x", "https://user@x.example/", "https://x.example/a b", "https://x.example/\x00",
     "https://[", "javascript:alert(1)", "https://x.example/\\@y", "https://x.example/" + "x" * 2_000, 'https://x.example/"'],
)  # fmt: skip
def test_an_address_that_may_not_be_linked_is_none(url: str) -> None:
    """S-26."""
    assert web_address(url) is None


def test_an_endless_address_costs_nothing() -> None:
    """It is cut before it is split."""
    assert len(pairs_in(SITE + "-vs-" * 500_000)) == 0
    assert len(pairs_in(SITE + "a" + "-vs-a" * 500_000)) < 100
