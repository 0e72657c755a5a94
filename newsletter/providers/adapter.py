"""What one provider's API is, without any talking: how a call is written, and what its answers mean.

An adapter is pure: bytes out, bytes in. `ApiProvider` (api_provider.py) puts a poster between the two. What a provider
says later, by webhook, is `hooks.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from newsletter.errors import ProviderError
from newsletter.mail.message import MessageBuilder
from newsletter.providers.base import Answer, Capabilities, OutgoingBatch, Receipt
from newsletter.providers.poster import Answered, Failed, Request


class Calls(Protocol):
    """One issue, ready to be handed over: what all its calls share is encoded once."""

    @property
    def most(self) -> int:
        """How many recipients of this issue fit a call, by the provider's bytes; at least 1."""
        ...

    def request(self, batch: OutgoingBatch) -> Request:
        """The call for this batch: equal at every attempt. Raises MailError for an unusable recipient."""
        ...


class Adapter(Protocol):
    """One provider's API."""

    @property
    def capabilities(self) -> Capabilities:
        """What it can do, and its limits."""
        ...

    def calls(self, builder: MessageBuilder) -> Calls:
        """The calls of one issue. Raises MailError for an issue that this provider cannot take."""
        ...

    def interpret(self, batch: OutgoingBatch, said: Answered | Failed) -> Answer:
        """What became of everybody in the call, and what to do next. Never raises for what a provider says."""
        ...


class Asked(Protocol):
    """An adapter whose provider can be asked what it has of a batch."""

    def question(self, batch_key: str, delivery_keys: Sequence[str]) -> Request:
        """The request that asks."""
        ...

    def found(self, delivery_keys: Sequence[str], said: Answered | Failed) -> Sequence[Receipt]:
        """One receipt a key, in their order: accepted, retry where it certainly has nothing, else unknown."""
        ...


@dataclass(frozen=True, slots=True)
class Account:
    """What an adapter needs to know of the account. The secrets are not in its repr."""

    secret: str = field(repr=False)  #: the key of the API, or the password
    options: Mapping[str, str] = field(default_factory=dict)  #: the provider's own table in config.toml, checked there
    address: str = ""  #: where its API is, instead of the usual place: a region, a mock on this machine


def checked_options(name: str, account: Account, known: Mapping[str, str]) -> dict[str, str]:
    """The provider's own settings, with defaults for what is not set. Raises ProviderError for an unknown one."""
    unknown = sorted(set(account.options) - set(known))
    if unknown:
        raise ProviderError(
            f"[provider.options]: {name} has no setting '{unknown[0]}'. There are: {', '.join(known) or 'none'}."
        )
    return {**known, **account.options}
