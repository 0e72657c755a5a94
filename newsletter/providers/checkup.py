"""The port for asking a provider about our own account: one question, and what its answer says of our set-up.

A check-up is pure, as an adapter is: a request out, an answer in. Nothing is changed at the provider, and nothing is
sent. What it finds is a light: red is mail that does not leave or arrive, yellow is worth a look, green is right.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Protocol

from newsletter.providers.poster import Answered, Failed, Request


class Light(StrEnum):
    """How bad it is."""

    GREEN = "green"  #: right
    YELLOW = "yellow"  #: works, or cannot be told, and is worth a look
    RED = "red"  #: mail does not leave, or is refused, or breaks what was promised


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor. Holds no secret and no address of a mailbox."""

    light: Light
    looked_at: str
    found: str
    todo: str = ""  #: empty where nothing is to be done


@dataclass(frozen=True, slots=True)
class Sending:
    """What is going to be sent, as far as a provider's account must be fit for it."""

    domain: str  #: of From
    people: int | None = None  #: who would be mailed now; None: not known


class Checkup(Protocol):
    """One question about the account."""

    def question(self) -> Request:
        """The request that asks; it changes nothing."""
        ...

    def verdict(self, said: Answered | Failed) -> Sequence[Finding]:
        """What the answer says. Never raises for what a provider says."""
        ...


def green(looked_at: str, found: str) -> Finding:
    """All is well."""
    return Finding(Light.GREEN, looked_at, found)


def yellow(looked_at: str, found: str, todo: str) -> Finding:
    """Worth a look."""
    return Finding(Light.YELLOW, looked_at, found, todo)


def red(looked_at: str, found: str, todo: str) -> Finding:
    """Not set up right."""
    return Finding(Light.RED, looked_at, found, todo)


def no_verdict(looked_at: str, said: Answered | Failed, key: str) -> list[Finding]:
    """What any answer but 200 says; empty for 200. `key` says in a few words where the right key is found."""
    if isinstance(said, Failed):
        return [yellow(looked_at, f"The account could not be asked: {said.reason}", "Try again later.")]
    if said.status == HTTPStatus.UNAUTHORIZED:
        return [not_accepted(looked_at, said.status, key)]
    if said.status != HTTPStatus.OK:
        return [yellow(looked_at, f"The account could not be asked: it answered {said.status}.", "Try again later.")]
    return []


def not_accepted(looked_at: str, status: int, key: str) -> Finding:
    """The key is wrong."""
    return red(looked_at, f"The key is not accepted (answer {status}).", f"Set the right one: {key}.")
