"""Settings that cannot work, or would send in clear, are refused before anything is connected to."""

from pathlib import Path

import pytest

from newsletter.errors import ProviderError
from newsletter.providers.smtp import from_options
from newsletter.providers.smtp_settings import SmtpSettings, settings_of

GOOD = {"host": "smtp.example.org", "bounce": "bounces@news.example.org"}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"host": ""}, "name of a server"),
        ({"host": "smtp.example.org\r\n"}, "name of a server"),
        ({"security": "ssl"}, "tls, starttls, none"),
        ({"security": "none"}, "on this machine only"),
        ({"port": 70_000}, "1 to 65535"),
        ({"user": "sender"}, "belong together"),
        ({"secret": "canary"}, "belong together"),
        ({"user": "sender", "secret": "canary\n"}, "printable ASCII"),
        ({"user": "sender", "secret": "canary\0x"}, "printable ASCII"),
        ({"user": "sender", "secret": "canaryé"}, "printable ASCII"),
        ({"pool": 0}, "at least 1"),
        ({"messages_per_connection": 0}, "at least 1"),
        ({"per_domain_per_second": -1.0}, "0 or more"),
        ({"call_seconds": 0}, "more than 0"),
        ({"dkim_selector": "s1"}, "all three or none"),
        ({"bounce": "canary"}, "bounce is no address"),
    ],
)
def test_what_cannot_work_is_refused_with_a_sentence(wrong: dict[str, object], words: str) -> None:
    """It names the setting, and never a secret or an address."""
    with pytest.raises(ProviderError, match=words) as caught:
        SmtpSettings(**{**GOOD, **wrong})

    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
def test_without_tls_only_this_machine_is_called(host: str) -> None:
    """A relay beside us, or a sink for tests (S-41)."""
    assert SmtpSettings(host=host, bounce="b@example.org", security="none").port_used == 25


@pytest.mark.parametrize(("security", "port"), [("tls", 465), ("starttls", 587)])
def test_the_usual_port_follows_from_the_security(security: str, port: int) -> None:
    """RFC 8314 and RFC 6409."""
    assert SmtpSettings(**GOOD, security=security).port_used == port


@pytest.mark.parametrize(
    ("key", "address"),
    [
        ("12-mfrggzdf", "bounces+12-mfrggzdf@news.example.org"),
        ("k" * 56, f"bounces+{'k' * 56}@news.example.org"),
        ("k" * 57, "bounces@news.example.org"),
        ("a..b", "bounces@news.example.org"),
        ("ends.", "bounces@news.example.org"),
    ],
)
def test_the_return_path_holds_the_key_where_an_address_can(key: str, address: str) -> None:
    """64 characters before the @, and dots only between others."""
    assert SmtpSettings(**GOOD).return_path(key) == address


def test_options_become_settings(tmp_path: Path) -> None:
    """The secret comes from elsewhere; bounces go to the publication's domain unless told otherwise."""
    made = settings_of({"host": "smtp.example.org", "user": "u", "pool": 2}, "s", "news.example.org")

    assert (made.bounce, made.user, made.secret, made.pool) == ("bounces@news.example.org", "u", "s", 2)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"host": "a", "hots": "b"}, "'hots' is not a setting. There are: host"),
        ({"host": "a", "secret": "b"}, "'secret' is not a setting"),
        ({"host": 1}, "host is a text"),
        ({"host": "a", "pool": 1.5}, "pool is a whole number"),
        ({"host": "a", "pool": True}, "pool is a whole number"),
        ({"host": "a", "idle_seconds": "x"}, "idle_seconds is a number"),
        ({}, "host is missing"),
    ],
)
def test_options_that_are_unknown_or_of_another_kind_are_refused(options: dict[str, object], words: str) -> None:
    """A setting that is misspelt would be a setting that does nothing."""
    with pytest.raises(ProviderError, match=words):
        from_options(options, "", domain="example.org")


def test_a_key_file_that_is_not_there_is_said_at_once(tmp_path: Path) -> None:
    """Not at the first message."""
    dkim = {"dkim_selector": "s1", "dkim_domain": "example.org", "dkim_key_file": str(tmp_path / "none.pem")}

    with pytest.raises(ProviderError, match=r"none\.pem cannot be read"):
        from_options({"host": "smtp.example.org", **dkim}, "", domain="example.org")
