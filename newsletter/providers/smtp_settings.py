"""What the SMTP provider is told: the server, the login, how fast, what it signs with."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from newsletter.errors import HeaderError, ProviderError
from newsletter.mail.headers import checked_address

PORTS = {"tls": 465, "starttls": 587, "none": 25}  #: RFC 8314, section 3.3, and RFC 6409, section 3.1
LOCAL = ("localhost", "127.0.0.1", "::1")
LONGEST_LOCAL_PART = 64  #: RFC 5321, section 4.5.3.1.1
#: A key that can stand behind the `+` of an address without quoting: no dot at an end, no two in a row.
_KEY = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")
_HOST = re.compile(r"[A-Za-z0-9.:-]{1,253}")
_CREDENTIAL = re.compile(r"[!-~]{1,1000}")  # no NUL, which divides them in PLAIN, and ASCII, as smtplib wants


@dataclass(frozen=True, slots=True)
class SmtpSettings:
    """How to reach the server, and what may be asked of it. What is secret, or an address, is not in its repr."""

    host: str
    bounce: str = field(repr=False)  #: bounces come back to this address, with `+` and the delivery's key in it
    port: int = 0  #: 0: the usual one: 465, 587 or 25
    security: str = "starttls"  #: "tls" from the first byte, "starttls", or "none": only on this machine
    user: str = field(default="", repr=False)  #: empty: no login
    secret: str = field(default="", repr=False)
    pool: int = 4  #: connections at once; a further call waits for one
    per_domain_per_second: float = 0.0  #: messages to one recipient domain; 0: as fast as the server takes them
    messages_per_connection: int = 100  #: then it is closed: many servers count, and close it themselves
    idle_seconds: float = 20.0  #: a connection that lay unused for longer is not used again
    connect_seconds: float = 30.0  #: for connecting, greeting, TLS and login together
    command_seconds: float = 300.0  #: for the answer to MAIL, RCPT, RSET; this and the next: RFC 5321, section 4.5.3.2
    data_seconds: float = 120.0  #: for the answer to DATA
    block_seconds: float = 180.0  #: for each piece of a message until it is taken
    answer_seconds: float = 600.0  #: for the answer to the whole message: without it nobody knows
    stop_seconds: float = 20.0  #: the same, once somebody has asked to stop
    call_seconds: float = 300.0  #: for a whole batch but for the last answer; in its last fifth no message is begun
    dkim_selector: str = ""  #: with the domain and the key file: each message is signed here
    dkim_domain: str = ""
    dkim_key_file: Path | None = None

    def __post_init__(self) -> None:
        """Raises ProviderError for what cannot work, or would send in clear over a network (S-41)."""
        _check(_HOST.fullmatch(self.host), "host is not the name of a server; write it like smtp.example.org")
        _check(self.security in PORTS, "security is one of tls, starttls, none")
        _check(
            self.security != "none" or self.host in LOCAL,
            "security = none is for a server on this machine only; use tls or starttls",
        )
        _check(0 <= self.port <= 65_535, "port is 1 to 65535, or 0 for the usual one")  # noqa: PLR2004
        _check(bool(self.user) == bool(self.secret), "user and secret belong together; set both or none")
        _check(
            not self.user or (_CREDENTIAL.fullmatch(self.user) and _CREDENTIAL.fullmatch(self.secret)),
            "user and secret must be printable ASCII without blanks; look for a line break at their end",
        )
        _check(self.pool >= 1 and self.messages_per_connection >= 1, "pool and messages_per_connection are at least 1")
        _check(self.per_domain_per_second >= 0, "per_domain_per_second is 0 or more")
        times = ("connect", "command", "data", "block", "answer", "stop", "call")
        for name in (f"{time}_seconds" for time in times):
            _check(getattr(self, name) > 0, f"{name} is more than 0")
        _check(self.idle_seconds >= 0, "idle_seconds is 0 or more")
        parts = (self.dkim_selector, self.dkim_domain, self.dkim_key_file)
        _check(all(parts) or not any(parts), "DKIM needs a selector, a domain and a key file; set all three or none")
        try:
            checked_address(self.bounce)
        except HeaderError:
            raise ProviderError("[provider.options] smtp: bounce is no address; write bounces@example.org.") from None

    @property
    def port_used(self) -> int:
        """The port that is connected to."""
        return self.port or PORTS[self.security]

    @property
    def greeting(self) -> str:
        """The name by which we greet the server: the bounce address's domain, which is ours and is in DNS."""
        return self.bounce.rpartition("@")[2]

    @property
    def reserve(self) -> float:
        """No message is begun with fewer seconds than this left for its call."""
        return self.call_seconds / 5

    def return_path(self, key: str) -> str:
        """Where the bounce of one delivery comes back to; without its key where an address cannot hold that."""
        local, _, domain = self.bounce.rpartition("@")
        verp = f"{local}+{key}"
        return f"{verp}@{domain}" if len(verp) <= LONGEST_LOCAL_PART and _KEY.fullmatch(key) else self.bounce


#: What may stand in [provider.options], and as what. The secret does not.
_TEXTS = ("host", "bounce", "security", "user", "dkim_selector", "dkim_domain", "dkim_key_file")
_WHOLES = ("port", "pool", "messages_per_connection")
_NUMBERS = (
    "per_domain_per_second", "idle_seconds", "connect_seconds", "command_seconds", "data_seconds", "block_seconds",
    "answer_seconds", "stop_seconds", "call_seconds",
)  # fmt: skip
_KINDS: Mapping[str, tuple[tuple[type, ...], str]] = {
    **dict.fromkeys(_TEXTS, ((str,), "a text in quotes")),
    **dict.fromkeys(_WHOLES, ((int,), "a whole number")),
    **dict.fromkeys(_NUMBERS, ((int, float), "a number")),
}


def bounce_address(options: Mapping[str, object], domain: str) -> str:
    """Where bounces come back to, without a key: of these options, else `bounces@domain`."""
    return str(options.get("bounce") or f"bounces@{domain}")


def settings_of(options: Mapping[str, object], secret: str, domain: str) -> SmtpSettings:
    """The settings in [provider.options]; bounces go to `bounces@domain` unless it says more. Raises ProviderError."""
    for name, value in options.items():
        _check(name in _KINDS, f"'{name}' is not a setting. There are: {', '.join(_KINDS)}")
        kinds, words = _KINDS[name]
        _check(isinstance(value, kinds) and not isinstance(value, bool), f"{name} is {words}")
    _check("host" in options, "host is missing; name the mail server, like smtp.example.org")
    given: dict[str, Any] = {"secret": secret, **options, "bounce": bounce_address(options, domain)}
    if path := given.get("dkim_key_file"):
        given["dkim_key_file"] = Path(path)
    return SmtpSettings(**given)


def _check(good: object, sentence: str) -> None:
    if not good:
        raise ProviderError(f"[provider.options] smtp: {sentence}.")
