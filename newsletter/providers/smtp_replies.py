"""What a reply of an SMTP server, or its silence, means for a message and for what comes after it.

RFC 5321, section 4.2.1: the first digit decides: 2 done, 4 not now, 5 not ever; with 4 and 5 nothing was taken. Only
between the final dot and the reply to it does nobody know (section 4.2.5: the server then has the message, or not).
"""

import re
import smtplib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from newsletter.providers.base import Outcome
from newsletter.providers.plain_words import plain, reason

LONGEST_ID = 200


class Stage(StrEnum):
    """What a reply answers."""

    CONNECT = "a connection"
    GREETING = "the greeting"
    TLS = "STARTTLS"
    LOGIN = "the login"
    SENDER = "MAIL"
    RECIPIENT = "RCPT"
    DATA = "DATA"
    END = "the message"


class Then(IntEnum):
    """What is done after it, in the order of how bad it is."""

    GO_ON = 0  #: the next message, on the same connection
    RECONNECT = 1  #: the connection is gone, or out of step
    AWAY = 2  #: the server cannot be reached
    SLOW_DOWN = 3  #: the server asks for less: later, on a new connection
    HALT = 4  #: the account or the settings are the problem: a person has to look


@dataclass(frozen=True, slots=True)
class Said:
    """What became of one message, and what to do then."""

    outcome: Outcome
    then: Then = Then.GO_ON
    reason: str = ""
    provider_id: str = ""


class Impatience(Exception):
    """A wait has ended. No OSError: smtplib would make "the server closed the connection" of it."""


class Silent(Impatience):
    """The server did not answer in time."""

    def __init__(self, stage: Stage) -> None:
        """`stage` is what it did not answer."""
        super().__init__(stage)
        self.stage = stage


class StopAsked(Impatience):
    """Somebody has asked to stop, and nothing had been handed over."""


#: Stages that are the same for everybody: what is refused there is the account's fault, not a recipient's.
COMMON = (Stage.CONNECT, Stage.GREETING, Stage.TLS, Stage.LOGIN, Stage.SENDER)
OPENING = (Stage.CONNECT, Stage.GREETING, Stage.TLS, Stage.LOGIN)
CLOSING, THROTTLED, OUT_OF_STEP = 421, 454, 503
#: RFC 4954, section 6, and RFC 3207, section 4: no login, a weak one, none at all, or no TLS.
LOGIN_CODES = (530, 534, 535, 538)
_QUOTA = re.compile(r"\bquota\b", re.IGNORECASE)  # SES: "454 Throttling failure: Daily message quota exceeded"
_RELAY = re.compile(r"\brelay", re.IGNORECASE)  # Postfix, Exchange, Exim: it does not send for us to anybody
_ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}\s+")  # RFC 3463
_QUEUE_ID = re.compile(r"(?:queued as|\bid=)\s*(\S+)", re.IGNORECASE)  # Postfix, Exim
_OK = re.compile(r"ok:?\s+", re.IGNORECASE)


def judged(stage: Stage, code: int, text: bytes, recipient: str = "") -> Said:
    """What this reply means. `recipient`: the address that must not stand in the reason."""
    said = text.decode("utf-8", "replace")
    words = plain(said, recipient)
    if stage is Stage.END and 200 <= code <= 299:  # noqa: PLR2004 - the codes that say yes
        return Said(Outcome.ACCEPTED, provider_id=queue_id(words))
    if code < 100:  # noqa: PLR2004 - smtplib's own, for a line that does not begin with three digits
        why = f"The SMTP server answered to {stage} with something that is no reply of SMTP."
    else:
        why = reason(f"The SMTP server answered {code} to {stage}", said, recipient)
    if not 400 <= code <= 599:  # noqa: PLR2004 - the codes that say no; any other makes no sense here
        return Said(Outcome.UNKNOWN if stage is Stage.END else Outcome.RETRY, Then.RECONNECT, why)
    if code in LOGIN_CODES or (code == THROTTLED and _QUOTA.search(words)):
        return Said(Outcome.RETRY, Then.HALT, why)
    if code == OUT_OF_STEP:  # then nobody knows which command a reply belongs to
        return Said(Outcome.UNKNOWN if stage is Stage.END else Outcome.RETRY, Then.RECONNECT, why)
    return _not_now(stage, code, why) if code < 500 else _not_ever(stage, words, why)  # noqa: PLR2004


def _not_now(stage: Stage, code: int, why: str) -> Said:
    slower = code in (CLOSING, THROTTLED) or stage in COMMON
    return Said(Outcome.RETRY, Then.SLOW_DOWN if slower else Then.GO_ON, why)


def _not_ever(stage: Stage, words: str, why: str) -> Said:
    if stage in COMMON or (stage is Stage.RECIPIENT and _RELAY.search(words)):
        return Said(Outcome.RETRY, Then.HALT, why)
    return Said(Outcome.REFUSED, reason=why)


#: Every exception of smtplib that carries a reply, and what the reply was to.
STAGES: Mapping[type[smtplib.SMTPException], Stage] = {
    smtplib.SMTPConnectError: Stage.GREETING,
    smtplib.SMTPHeloError: Stage.GREETING,
    smtplib.SMTPAuthenticationError: Stage.LOGIN,
    smtplib.SMTPSenderRefused: Stage.SENDER,
    smtplib.SMTPDataError: Stage.DATA,
}
#: The others. A reply that only smtplib's own exception class names may be made up by smtplib ("500 Line too long").
OTHERS: Mapping[type[smtplib.SMTPException], tuple[Then, str]] = {
    smtplib.SMTPServerDisconnected: (Then.RECONNECT, "The SMTP server closed the connection."),
    smtplib.SMTPResponseException: (Then.RECONNECT, "The SMTP server's reply made no sense."),
    smtplib.SMTPRecipientsRefused: (Then.RECONNECT, "The SMTP server refused a recipient and did not say which."),
    smtplib.SMTPNotSupportedError: (
        Then.HALT,
        "The SMTP server does not offer what the settings ask for: STARTTLS, or a login. Look at port and security.",
    ),
    smtplib.SMTPException: (Then.HALT, "The SMTP server offers no way to log in that is known here."),
}


def of_error(error: Exception, *, dotted: bool = False) -> Said:
    """What an exception of smtplib, of a socket or of TLS means. `dotted`: the final dot was, or may be, on its way."""
    if dotted:
        name = type(error).__name__
        reason = f"The SMTP server did not answer to the whole message ({name}). It may have taken it."
        return Said(Outcome.UNKNOWN, Then.RECONNECT, reason)
    if isinstance(error, Impatience):
        return _waited(error)
    if isinstance(error, smtplib.SMTPResponseException) and type(error) in STAGES:
        text = error.smtp_error
        return judged(STAGES[type(error)], error.smtp_code, text if isinstance(text, bytes) else text.encode())
    if isinstance(error, smtplib.SMTPException):
        then, reason = OTHERS.get(type(error), OTHERS[smtplib.SMTPServerDisconnected])
        return Said(Outcome.RETRY, then, f"{reason} Nothing was sent.")
    if isinstance(error, ssl.SSLCertVerificationError):
        why = getattr(error, "verify_message", "") or "it does not verify"
        reason = f"The SMTP server's certificate is not good: {why}. Nothing was sent."
        return Said(Outcome.RETRY, Then.HALT, reason)
    return Said(Outcome.RETRY, Then.AWAY, f"The SMTP server could not be reached ({type(error).__name__}).")


def _waited(error: Impatience) -> Said:
    if isinstance(error, Silent):
        then = Then.AWAY if error.stage in OPENING else Then.RECONNECT
        return Said(Outcome.RETRY, then, f"The SMTP server did not answer to {error.stage} in time. Nothing was sent.")
    return Said(Outcome.RETRY, Then.AWAY, "Sending was asked to stop. It was not sent.")


def queue_id(words: str) -> str:
    """The name that the server gave the message, from its "250 2.0.0 Ok: queued as 4F2X1"; empty where there is none.

    One word where the server is one of those that say it so; else all that it said, if there is a digit in it.
    """
    rest = _OK.sub("", _ENHANCED.sub("", words, count=1), count=1)
    if found := _QUEUE_ID.search(rest):
        return found[1][:LONGEST_ID]
    return rest[:LONGEST_ID] if any(letter.isdigit() for letter in rest) else ""
