"""What replies and exceptions mean: every one that smtplib has, at every stage."""

import smtplib
import ssl
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.providers.base import Outcome
from newsletter.providers.plain_words import plain
from newsletter.providers.smtp_replies import OTHERS, STAGES, Said, Stage, Then, judged, of_error, queue_id

A, R, T, U = Outcome.ACCEPTED, Outcome.REFUSED, Outcome.RETRY, Outcome.UNKNOWN
CODES = (200, 250, 334, 354, 421, 450, 454, 500, 503, 530, 535, 550, 554, -1)


def tree(root: type[Exception] = smtplib.SMTPException) -> Iterator[type[Exception]]:
    """The exception and everything that smtplib itself derives from it."""
    yield root
    for kind in root.__subclasses__():
        if kind.__module__ == "smtplib":
            yield from tree(kind)


def made(kind: type[Exception], code: int) -> Exception:
    """One of this kind, as smtplib raises it."""
    if kind is smtplib.SMTPSenderRefused:
        return kind(code, b"words", "bounces@example.org")
    if kind is smtplib.SMTPRecipientsRefused:
        return kind({"ada@example.org": (code, b"words")})
    return kind(code, b"words") if issubclass(kind, smtplib.SMTPResponseException) else kind("words")


def test_every_exception_of_smtplib_has_its_place() -> None:
    """A new one in a new Python fails here."""
    assert set(tree()) == {*STAGES, *OTHERS}


@pytest.mark.parametrize("kind", [*tree()])
@pytest.mark.parametrize("code", CODES)
def test_no_exception_before_the_final_dot_is_a_yes_or_a_doubt(kind: type[Exception], code: int) -> None:
    """Nothing can have been taken; and no address gets out."""
    said = of_error(made(kind, code))

    assert said.outcome in (T, R)
    assert said.reason
    assert "@" not in said.reason


@pytest.mark.parametrize("kind", [*tree(), OSError, TimeoutError, ConnectionResetError, ssl.SSLError])
def test_every_exception_after_the_final_dot_is_doubt(kind: type[Exception]) -> None:
    """Also one that carries a code: smtplib makes a 500 by itself."""
    said = of_error(made(kind, 550), dotted=True)

    assert (said.outcome, said.then) == (U, Then.RECONNECT)


@pytest.mark.parametrize(
    ("error", "then"),
    [
        (smtplib.SMTPServerDisconnected("x"), Then.RECONNECT),
        (smtplib.SMTPConnectError(421, b"busy"), Then.SLOW_DOWN),
        (smtplib.SMTPConnectError(554, b"blocked"), Then.HALT),
        (smtplib.SMTPHeloError(450, b"x"), Then.SLOW_DOWN),
        (smtplib.SMTPHeloError(501, b"x"), Then.HALT),
        (smtplib.SMTPAuthenticationError(535, b"x"), Then.HALT),
        (smtplib.SMTPAuthenticationError(454, b"x"), Then.SLOW_DOWN),
        (smtplib.SMTPNotSupportedError("x"), Then.HALT),
        (smtplib.SMTPException("x"), Then.HALT),
        (smtplib.SMTPResponseException(500, b"Line too long."), Then.RECONNECT),
        (smtplib.SMTPSenderRefused(550, b"x", "a@b.org"), Then.HALT),
        (ssl.SSLCertVerificationError("x"), Then.HALT),
        (ssl.SSLError("x"), Then.AWAY),
        (ConnectionRefusedError(), Then.AWAY),
        (TimeoutError(), Then.AWAY),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value.name,
)
def test_what_is_done_after_an_exception(error: Exception, then: Then) -> None:
    """Nobody was mailed."""
    assert (of_error(error).outcome, of_error(error).then) == (T, then)


@pytest.mark.parametrize(
    ("stage", "code", "text", "outcome", "then"),
    [
        (Stage.END, 250, b"ok", A, Then.GO_ON),
        (Stage.END, 299, b"ok", A, Then.GO_ON),
        (Stage.END, 354, b"more", U, Then.RECONNECT),
        (Stage.END, 450, b"later", T, Then.GO_ON),
        (Stage.END, 421, b"closing", T, Then.SLOW_DOWN),
        (Stage.END, 454, b"Throttling failure: Maximum sending rate exceeded", T, Then.SLOW_DOWN),
        (Stage.END, 454, b"Throttling failure: Daily message quota exceeded", T, Then.HALT),
        (Stage.END, 554, b"spam", R, Then.GO_ON),
        (Stage.END, 503, b"what?", U, Then.RECONNECT),
        (Stage.END, 600, b"what?", U, Then.RECONNECT),
        (Stage.RECIPIENT, 550, b"unknown", R, Then.GO_ON),
        (Stage.RECIPIENT, 550, b"5.7.1 Unable to relay", T, Then.HALT),
        (Stage.RECIPIENT, 550, b"no <relay@example.org>", R, Then.GO_ON),
        (Stage.RECIPIENT, 452, b"over quota", T, Then.GO_ON),
        (Stage.RECIPIENT, 530, b"login first", T, Then.HALT),
        (Stage.DATA, 554, b"no", R, Then.GO_ON),
        (Stage.DATA, 250, b"what?", T, Then.RECONNECT),
        (Stage.SENDER, 552, b"too large", T, Then.HALT),
        (Stage.SENDER, 452, b"no room", T, Then.SLOW_DOWN),
        (Stage.TLS, 501, b"no", T, Then.HALT),
    ],
)
def test_what_a_reply_means(stage: Stage, code: int, text: bytes, outcome: Outcome, then: Then) -> None:
    """By its stage, its code, and for three servers by a word."""
    said = judged(stage, code, text)

    assert (said.outcome, said.then) == (outcome, then)


def test_what_is_no_reply_is_not_repeated() -> None:
    """Smtplib makes -1 of a line without a code, and cuts its beginning off."""
    said = judged(Stage.END, -1, b"age")

    assert said.reason == "The SMTP server answered to the message with something that is no reply of SMTP."
    assert said.outcome is Outcome.UNKNOWN


@given(st.sampled_from(Stage), st.integers(-1, 999), st.binary(max_size=60))
def test_only_a_yes_to_the_message_is_a_yes_and_only_there_is_doubt(stage: Stage, code: int, text: bytes) -> None:
    """Whatever the server says; and what goes on on the same connection, it made sense."""
    said = judged(stage, code, text, "ada@example.org")

    assert (said.outcome is A) == (stage is Stage.END and 200 <= code <= 299)
    assert said.outcome is not U or stage is Stage.END
    assert said.then is not Then.GO_ON or 200 <= code <= 599


@given(st.text(max_size=80))
def test_a_reason_is_one_line_without_addresses_links_or_controls(text: str) -> None:
    """And never longer than a log wants."""
    said = judged(Stage.RECIPIENT, 550, f"{text} ada@example.org".encode("utf-8", "replace"), "ada@example.org")

    assert said.reason.isprintable()
    assert "@" not in said.reason
    assert len(said.reason) <= 300


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<Ada@example.org>: no such user", "(an address) no such user"),
        ("mailbox Ada, full", "mailbox (an address) full"),
        ("b+ada=example.org bounced", "(an address) bounced"),
        ("see https://x.example/u/token", "see (an address)"),
        ("a\x1b[31mred\r\nflag", "a [31mred flag"),
        ("ada%40example.org", "(an address)"),
    ],
)
def test_what_a_server_repeats_of_our_message_is_hidden(text: str, shown: str) -> None:
    """Whole addresses, the recipient's own name, links with their tokens."""
    assert plain(text, "ada@example.org") == shown


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("2.0.0 Ok: queued as 4F2X1", "4F2X1"),
        ("OK id=1qXyz-0001-Ab", "1qXyz-0001-Ab"),
        ("Ok 0102018f-7a-000000", "0102018f-7a-000000"),
        ("2.0.0 OK 1700000000 a1-b2.45 - gsmtp", "1700000000 a1-b2.45 - gsmtp"),
        ("Message accepted", ""),
        ("", ""),
    ],
)
def test_the_servers_name_for_a_message_is_found(words: str, found: str) -> None:
    """Postfix, Exim, SES, Gmail; one line, as the ledger keeps it."""
    assert queue_id(words) == found


def test_a_long_reply_is_cut() -> None:
    """A log line is not a page."""
    assert len(judged(Stage.RECIPIENT, 550, b"word " * 1000).reason) == 300


def test_what_is_said_by_default_goes_on() -> None:
    """A receipt without a reason is an accepted one."""
    assert Said(A) == Said(A, Then.GO_ON, "", "")
