"""Kinds of values that a setting can have: each says in a sentence what is wrong with one that cannot be."""

from email.utils import parseaddr
from functools import cache
from ipaddress import ip_network
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import available_timezones

import pyrage
from pydantic import AfterValidator, BaseModel, ConfigDict


class Section(BaseModel):
    """A table of config.toml: frozen and closed, so that a misspelt setting is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, populate_by_name=True)


zones = cache(available_timezones)  #: once: it looks through six hundred files, in every reading of a config.toml


def _zone(name: str) -> str:
    if name not in zones():
        raise ValueError(f"'{name}' is not a time zone; use a name like Europe/Berlin")
    return name


def _mailbox(value: str) -> str:
    if "@" not in parseaddr(value)[1] or any(c in value for c in "\r\n\0"):
        raise ValueError(f"'{value}' is not a mailbox; write name@example.org or Name <name@example.org>")
    return value


def _web_address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise ValueError(f"'{value}' is not a web address; write https://news.example.org")
    return value.rstrip("/")


def in_clear(address: str) -> bool:
    """Whether what travels to this address can be read on the way: no https, and not on this machine."""
    parts = urlsplit(address)
    return parts.scheme != "https" and parts.hostname not in ("localhost", "127.0.0.1", "::1")


def _network(value: str) -> str:
    try:
        return str(ip_network(value))
    except ValueError:
        raise ValueError(f"'{value}' is no address or network; write 127.0.0.1 or 10.0.0.0/8") from None


def _call_address(value: str) -> str:
    parts = urlsplit(value)
    if not parts.hostname or parts.username is not None or not (value.isascii() and value.isprintable()):
        raise ValueError("this is not an address that can be called; write https://chat.example.org/…, without a name")
    if parts.scheme not in ("http", "https") or in_clear(value):
        raise ValueError("only https is called, or http on this machine")
    return value


def _database_url(url: str) -> str:
    if urlsplit(url).password is not None or "password=" in urlsplit(url).query:
        raise ValueError(
            "a URL in a file holds no password; put it into NEWSLETTER_DATABASE_PASSWORD, or "
            "NEWSLETTER_DATABASE_PASSWORD_FILE names a file"
        )
    return url


def _public_key(value: str) -> str:
    kind = pyrage.ssh.Recipient if value.startswith("ssh-") else pyrage.x25519.Recipient
    try:
        kind.from_str(value)
    except pyrage.RecipientError:
        raise ValueError(f"'{value[:20]}…' is no public key; write age1… ('newsletter db keygen') or ssh-…") from None
    return value


Zone = Annotated[str, AfterValidator(_zone)]
Mailbox = Annotated[str, AfterValidator(_mailbox)]
Network = Annotated[str, AfterValidator(_network)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
CallAddress = Annotated[str, AfterValidator(_call_address)]
DatabaseUrl = Annotated[str, AfterValidator(_database_url)]
PublicKey = Annotated[str, AfterValidator(_public_key)]
