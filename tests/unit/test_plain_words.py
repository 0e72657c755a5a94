"""What providers repeat of our calls does not reach a log."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.issues.wording import sentence
from newsletter.providers.plain_words import HIDDEN, LONGEST_REASON, plain, reason


@pytest.mark.parametrize(
    "written",
    [
        "ada@example.org",
        "<Ada@example.org>:",
        "'ada@example.org'",
        '"ada lovelace"@example.org',
        '"ada\\"love lace"@example.org',
        "ada @example.org",
        "ada@ example.org",
        "ada @ example.org",
        "ada@exam",
        '"ada love"@',
        "é" * 300 + "ada@example.org",
        "ada@",
        "ada%40example.org",
        "ada%2540example.org",
        "ada=40example.org",
        "ada&#64;example.org",
        "ada&#x40;example.org",
        "ada\\u0040example.org",
        "ada[at]example.org",
        "ada＠example.org",
        "ada@exämple.org",
        "ádá@xn--exmple-cua.org",
        "bounces+ada=example.org@news.example.net",
        "mailto:ada@example.org",
        "https://ada.example/u/token",
        "www.ada.example/u/token",
    ],
)
def test_an_address_is_hidden_however_it_is_written(written: str) -> None:
    """Whole, cut, quoted, encoded; the words around it stay."""
    assert plain(f"no mailbox {written} here").replace(HIDDEN, "") == "no mailbox  here"


@given(st.integers(0, 400))
def test_an_address_at_the_cut_is_not_halved(before: int) -> None:
    """Hidden first, cut then: wherever it stands, no part of it is left."""
    shown = reason("It answered 400", f"{'x' * before} ada.lovelace@example.org is wrong")

    assert "ada" not in shown
    assert len(shown) <= LONGEST_REASON


@given(st.text(max_size=80))
def test_whatever_is_said_is_one_line_that_can_be_stored(said: str) -> None:
    """Controls, lone surrogates, marks of direction."""
    shown = reason("It answered 400", f"{said} ada@example.org")

    assert shown.isprintable()
    assert "@" not in shown
    assert shown.encode()


def test_lone_surrogates_are_left_out() -> None:
    """JSON can hold them; no database takes them."""
    assert plain("half \ud83d a face") == "half a face"


def test_an_at_sign_alone_is_no_address() -> None:
    """Postmark says: It must contain the '@' symbol."""
    assert plain("It must contain the '@' symbol.") == "It must contain the 'at-sign' symbol."


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Forbidden", "It answered 403: Forbidden."),
        ("Is it there?", "It answered 403: Is it there?"),
        ("failed the check:", "It answered 403: failed the check."),
        ("", "It answered 403: nothing more."),
        ("  \n ", "It answered 403: nothing more."),
    ],
)
def test_a_reason_is_a_sentence(said: str, shown: str) -> None:
    """Advice is put behind it."""
    assert reason("It answered 403", said) == shown


@pytest.mark.parametrize(
    ("text", "ended"), [("", ""), ("a", "a."), ("a.", "a."), ("a:", "a."), ("a!", "a!"), (":", "")]
)
def test_a_sentence_ends_once(text: str, ended: str) -> None:
    """With a full stop where there is no end; a colon that announces nothing goes."""
    assert sentence(text) == ended
