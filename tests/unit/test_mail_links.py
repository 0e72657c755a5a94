"""Which addresses from outside become links (S-26)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.mail.links import host, safe, safe_in_markdown


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example",
        "http://a.example/b?c=d&e=f#g",
        "https://a-b.c.example:8443/%C3%A9(x)",
        "https://127.0.0.1/x",
    ],
)
def test_a_plain_web_address_is_a_link(url: str) -> None:
    """A scheme of two, a host, printable ASCII."""
    assert safe(url) == url


@pytest.mark.parametrize(
    "url",
    [
        None, "", "javascript:alert(1)", "data:text/html,x", "ftp://a.example", "//a.example", "a.example", "https://",
        "https://user@a.example/", "https://a:b@a.example/", "https://a.example/ b", "https://a.example/\nb",
        "http://127.0.0.1\r\nX: y/", 'https://a.example/"x', "https://a.example/<x>", "https://a.example/\\x",
        "https://a.example/é", "https://-a.example/", "https://a..example/", "https://a.example:port/",
        "https://a.example/" + "x" * 2000, "mailto:a@example.org", "https://a.example/{{x}}", "https://a.example/`x`",
    ],
)  # fmt: skip
def test_anything_else_is_none(url: str | None) -> None:
    """It is not mended."""
    assert safe(url) is None


@given(st.text(max_size=40))
def test_no_tail_brings_in_a_quote_or_a_blank(tail: str) -> None:
    """What is safe stays inside its attribute and its header."""
    url = safe(f"https://a.example/{tail}")

    assert url is None or not set(url) & set('"<>\\^`{|} \r\n\t')


def test_the_host_is_what_a_reader_is_shown() -> None:
    """Without www, in lower case; none for what is no address."""
    assert host("https://www.A.example:80/x") == "a.example"
    assert host("javascript:x") == ""


def test_the_intro_may_also_write_a_mail() -> None:
    """mailto, without a subject or a second recipient."""
    assert safe_in_markdown("mailto:editor@example.org")
    assert not safe_in_markdown("mailto:a@example.org,b@example.org")
    assert not safe_in_markdown("javascript:x")
