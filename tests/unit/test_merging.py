"""Merge fields: where they stand, what may go in, and that nobody's value reaches another."""

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mail_samples import rendered, values

from newsletter.errors import MergeError
from newsletter.mail.merging import Merger, Segments, checked, token
from newsletter.mail.rendered import FIELDS, Finding, Level, RenderedIssue, Sender, dump, load

NONCE = "ab12cd34"
SENDER = Sender("A <a@example.org>", "a@example.org", "weekly.example.org", "A", "a@example.org", "i:weekly:n:example")


def issue(body: str, *fields: str, text: str | None = None) -> RenderedIssue:
    """A rendered issue of one line."""
    return RenderedIssue("s", "p", body, body if text is None else text, NONCE, fields, SENDER)


def test_values_stand_where_the_tokens_stood() -> None:
    """Split once, then joined."""
    body = f"Hello {token(NONCE, 'name')}, {token(NONCE, 'since')}. {token(NONCE, 'name')}!"

    merged = Merger(issue(body, "name", "since")).merge({"name": "Ada", "since": "May"})

    assert merged.text == "Hello Ada, May. Ada!"


def test_text_is_escaped_in_html_and_plain_in_text() -> None:
    """A name is never markup."""
    merged = Merger(issue(token(NONCE, "name"), "name")).merge({"name": "<b>\"Ada\" & 'co'</b>"})

    assert merged.html == "&lt;b&gt;&quot;Ada&quot; &amp; &#x27;co&#x27;&lt;/b&gt;"
    assert merged.text == "<b>\"Ada\" & 'co'</b>"


def test_a_value_that_looks_like_a_token_stays_text() -> None:
    """Values are put in once and are not searched again."""
    body = f"{token(NONCE, 'name')} {token(NONCE, 'since')}"

    assert Merger(issue(body, "name", "since")).merge({"name": token(NONCE, "since"), "since": "May"}).text == (
        f"{token(NONCE, 'since')} May"
    )


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        ((), "vtab12cd34-name-x"),
        (("name",), "none"),
        (("name", "since"), "vtab12cd34-name-x"),
        (("shoe",), "vtab12cd34-shoe-x"),
    ],
)
def test_tokens_and_declared_fields_must_be_the_same(fields: tuple[str, ...], body: str) -> None:
    """A template that lost its unsubscribe link is found before anything is sent."""
    with pytest.raises(MergeError):
        Merger(issue(body, *fields))


def test_a_part_without_a_token_that_the_other_has_is_refused() -> None:
    """Who reads the text part can leave, too."""
    with pytest.raises(MergeError, match="text of the issue"):
        Merger(issue(token(NONCE, "name"), "name", text="no token"))


def test_a_damaged_token_is_refused() -> None:
    """Half a token would be read by subscribers."""
    with pytest.raises(MergeError, match="damaged token"):
        Merger(issue(f"{token(NONCE, 'name')} vt{NONCE}-na", "name"))


@pytest.mark.parametrize(
    "url",
    [
        "https://news.example.org/u/a-b_c.d~e/1",
        "https://a.org:8443/",
        "http://localhost:8000/u/x",
        "http://127.0.0.1/u",
    ],
)
def test_a_plain_link_is_taken(url: str) -> None:
    """The same characters in HTML, text and header."""
    assert checked(FIELDS["view"], url) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://news.example.net/u/x",
        "https://news.example.net",
        "https://news.example.net/u?x=1",
        "https://news.example.net/u#x",
        "https://user@news.example.net/u",
        "https://news.example.net/ü",
        "https://news.example.net/u\r\nBcc: eve@example.org",
        "https://news.example.net/u\n",
        "https://news.example.net/%2e",
        'https://news.example.net/"onclick=',
        "http://localhost.example.org/u",
        "http://localhost/u?x=1",
        "http://localhost/u\r\nBcc: eve@example.org",
        "javascript:alert(1)",
        "https://news.example.net/" + "x" * 2000,
    ],
)
def test_any_other_link_is_refused(url: str) -> None:
    """And the message does not repeat it: it may hold a token."""
    with pytest.raises(MergeError, match="'view' needs a link") as refused:
        checked(FIELDS["view"], url)

    assert not url or url not in str(refused.value)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("Ada\r\nBcc: eve@example.org", "Ada  Bcc: eve@example.org"),
        ("A\u202eda\u2066", "Ada"),
        ("\u200b", "reader"),
        ("  ", "reader"),
        ("Zoë", "Zoë"),
        ("x" * 100, "x" * 79 + "…"),
        ("a\x00b\x85c", "a b c"),
    ],
)
def test_text_loses_what_has_no_place_in_a_mail(value: str, written: str) -> None:
    """Line breaks, direction overrides and invisible characters; too long is cut; empty has a fallback."""
    assert checked(FIELDS["name"], value) == written


def test_a_field_without_value_and_fallback_is_an_error() -> None:
    """Nobody shall read that they get this at nowhere."""
    with pytest.raises(MergeError, match="'address' has no value"):
        checked(FIELDS["address"], "")


@given(
    st.lists(st.sampled_from(["name", "since", "view"]), max_size=6),
    st.lists(st.text(max_size=8), min_size=7, max_size=7),
)
@settings(max_examples=60)
def test_splitting_loses_nothing(names: list[str], parts: list[str]) -> None:
    """Filled with its own tokens, a text is itself again."""
    text = "".join(part + token(NONCE, name) for part, name in zip(parts, names, strict=False)) + parts[-1]
    segments = Segments.of(text, NONCE)

    assert segments.filled({name: token(NONCE, name) for name in FIELDS}) == text


def test_a_and_then_b_equals_b_alone() -> None:
    """Invariant 9: nothing of one reader is left for the next."""
    shared = Merger(rendered())
    shared.merge({**values("ada"), "address": "ada@example.org"})

    after_ada = shared.merge({**values("ben"), "address": "ben@example.org"})

    assert after_ada == Merger(rendered()).merge({**values("ben"), "address": "ben@example.org"})
    assert "ada" not in (after_ada.html + after_ada.text).lower().replace("readable", "")


def test_unknown_fields_are_named_with_the_known_ones() -> None:
    """A sentence that helps."""
    with pytest.raises(MergeError, match=r"'shoe' is not a merge field\. There are: view"):
        Merger(dataclasses.replace(issue("x"), fields=("shoe",)))


def test_a_rendered_issue_that_was_kept_is_the_one_that_was_rendered() -> None:
    """What was approved is what is sent (invariant 4): stored as JSON and read again, findings included."""
    issue = dataclasses.replace(rendered(), findings=(Finding(Level.WARNING, "subject", "Short.", "subject"),))

    kept = load(dump(issue))

    assert kept == issue
    assert kept.findings == issue.findings
    assert kept.digest == issue.digest
