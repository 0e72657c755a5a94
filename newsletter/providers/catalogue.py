"""Which providers there are, and how one is made from the settings.

A further provider is a line here, a file beside it and a page in docs/providers/ (docs/adding-a-provider.md).
"""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import import_module
from pathlib import Path
from urllib.parse import urlsplit

from newsletter.config import Config, ProviderChoice
from newsletter.errors import ConfigError, NewsletterError
from newsletter.mail.columns import Columns
from newsletter.mail.message import MessageBuilder
from newsletter.providers.adapter import Account, Adapter
from newsletter.providers.api_provider import ApiProvider
from newsletter.providers.base import Answer, Capabilities, Outcome, OutgoingBatch, Provider, Receipt
from newsletter.providers.hooks import Hook
from newsletter.providers.outbox import Outbox
from newsletter.providers.poster import Limits, Poster

#: Name → module, adapter, webhooks. Imported when chosen: signing for Amazon alone takes a quarter of a second.
APIS = {
    "ses": ("ses", "Ses", "ses_hook", "SesHook"),
    "postmark": ("postmark", "Postmark", "postmark_hook", "PostmarkHook"),
    "sendgrid": ("sendgrid", "SendGrid", "sendgrid_hook", "SendGridHook"),
    "mailgun": ("mailgun", "Mailgun", "mailgun_hook", "MailgunHook"),
    "resend": ("resend", "Resend", "resend_hook", "ResendHook"),
    "brevo": ("brevo", "Brevo", "brevo_hook", "BrevoHook"),
}
#: Webhooks that have settings of their own.
WITH_OPTIONS = ("ses_hook", "brevo_hook")
MakePoster = Callable[[Limits], Poster]


def _over_http(limits: Limits) -> Poster:
    """Loaded when it is wanted: the outbox and most commands call nobody."""
    made: Poster = import_module("newsletter.providers.httpx_poster").HttpxPoster(limits)
    return made


def provider_of(
    config: Config, choice: ProviderChoice, environ: Mapping[str, str] = os.environ, poster: MakePoster = _over_http
) -> Provider:
    """The provider of this choice, ready to send. Raises ConfigError or ProviderError; nothing is called."""
    with naming("fallback" if choice is config.fallback else "provider"):
        return _provider_of(config, choice, environ, poster)


def _provider_of(config: Config, choice: ProviderChoice, environ: Mapping[str, str], poster: MakePoster) -> Provider:
    if choice.name == "outbox":
        return Outbox(choice.folder)
    if config.fallback and config.fallback.name == config.provider.name:
        raise ConfigError(f"fallback.name is {choice.name} as provider.name is: name another provider, or none.")
    _refuse_links_to_nowhere(config, choice)
    key = provider_key(choice, environ)
    if choice.name == "smtp":
        from newsletter.providers import smtp  # noqa: PLC0415 - as for the others, when it is chosen

        made: Provider = smtp.from_options(choice.options, key, domain=config.publication.domain)
    else:
        connections = Limits(connections=config.sending.in_flight)
        made = ApiProvider(
            adapter_of(choice, key),
            poster(connections),
            label=_label(choice.name, key or environ.get("AWS_ACCESS_KEY_ID", "")),
        )
    only_to = _only_to(config, choice)
    return OnlyTo(made, only_to) if only_to else made


def adapter_of(choice: ProviderChoice, key: str) -> Adapter:
    """The adapter of this choice. Raises ConfigError without a key, ProviderError for an option it does not know."""
    if not key and choice.options.get("credentials") != "environment":
        name = choice.name.upper()
        raise ConfigError(f"There is no key for {choice.name}. Set NEWSLETTER_{name}_KEY, or provider.key_file.")
    module, maker, _, _ = APIS[choice.name]
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise ConfigError(
            f"The key of {choice.name} is not one line of plain characters without blanks. Copy it again."
        )
    account = Account(key, {name: str(value) for name, value in choice.options.items()}, choice.address)
    made: Adapter = getattr(import_module(f"newsletter.providers.{module}"), maker)(account)
    return made


@contextmanager
def naming(table: str) -> Iterator[None]:
    """Let a sentence name the table that is wrong: an adapter does not know whether it is the first or the second."""
    try:
        yield
    except NewsletterError as error:
        raise type(error)(in_table(str(error), table)) from None


def in_table(sentence: str, table: str) -> str:
    """The sentence about [provider] as one about this table. `only_to` is one list for both."""
    return sentence.replace("provider.options", f"{table}.options").replace("provider.key_file", f"{table}.key_file")


def hook_of(name: str, options: Mapping[str, object]) -> Hook:
    """The webhooks of this provider. Raises KeyError for one that has none."""
    _, _, module, maker = APIS[name]
    kind = getattr(import_module(f"newsletter.providers.{module}"), maker)
    made: Hook = kind({key: str(value) for key, value in options.items()}) if module in WITH_OPTIONS else kind()
    return made


def provider_key(choice: ProviderChoice, environ: Mapping[str, str] = os.environ) -> str:
    """The key of a provider's API, blanks around it ignored; empty where none is set. Raises ConfigError."""
    return key_of(choice.name, choice.key_file, environ)


def key_of(owner: str, key_file: Path | None, environ: Mapping[str, str] = os.environ) -> str:
    """What NEWSLETTER_<OWNER>_KEY, the file that NEWSLETTER_<OWNER>_KEY_FILE names, or `key_file` holds; else empty.

    Blanks around it are ignored. Raises ConfigError.
    """
    return _in_environment(f"NEWSLETTER_{owner.upper()}_KEY", f"The key of {owner}", environ, key_file)


def hook_proof(name: str, table: str = "provider") -> str:
    """What has to be set so that this provider's webhooks are believed."""
    return f"topic_arn in [{table}.options]" if name == "ses" else f"NEWSLETTER_{name.upper()}_HOOK_SECRETS"


def hears(choice: ProviderChoice, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether that is set."""
    return bool(hook_secrets(choice.name, environ) or (choice.name == "ses" and choice.options.get("topic_arn")))


def hook_secrets(name: str, environ: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """What proves a provider's webhooks: NEWSLETTER_<NAME>_HOOK_SECRETS, several with blanks between them.

    Or what stands in the file that the same name with _FILE behind it names. Raises ConfigError.
    """
    variable = f"NEWSLETTER_{name.upper()}_HOOK_SECRETS"
    return tuple(_in_environment(variable, f"The secrets of {name}'s webhooks", environ).split())


def _in_environment(variable: str, what: str, environ: Mapping[str, str], else_from: Path | None = None) -> str:
    """The value of a variable, or what is in the file that it names with _FILE behind it, or in this one."""
    if value := environ.get(variable, "").strip():
        return value
    path = Path(environ[f"{variable}_FILE"]) if environ.get(f"{variable}_FILE") else else_from
    try:
        return path.read_text(encoding="utf-8").strip() if path else ""
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{what} cannot be read from {path}: {_why(error)}.") from None


def _why(error: OSError | UnicodeDecodeError) -> str:
    return str(error.strerror or error) if isinstance(error, OSError) else "it is no text"


@dataclass
class Later:
    """A provider that is made when somebody sends: who only looks at an issue needs no key for it."""

    make: Callable[[], Provider]

    @cached_property
    def _made(self) -> Provider:
        return self.make()

    @property
    def capabilities(self) -> Capabilities:
        """As the provider's."""
        return self._made.capabilities

    def fits(self, builder: MessageBuilder) -> int:
        """As the provider's."""
        return self._made.fits(builder)

    def send(self, batch: OutgoingBatch) -> Answer:
        """As the provider."""
        return self._made.send(batch)

    def look_up(self, batch_key: str, delivery_keys: Sequence[str]) -> Sequence[Receipt]:
        """As the provider."""
        return self._made.look_up(batch_key, delivery_keys)


@dataclass(frozen=True)
class OnlyTo:
    """A provider that mails nobody but some: whoever else is in a call is refused here (DESIGN, invariant 14)."""

    provider: Provider
    allowed: tuple[str, ...]  #: addresses, or @domains, in lower case

    @property
    def capabilities(self) -> Capabilities:
        """As the provider's; the name says whom it may reach: with others allowed, a call would not be the same."""
        can, allowed = self.provider.capabilities, "\n".join(sorted(self.allowed))
        return replace(can, name=f"{can.name}:only:{hashlib.blake2b(allowed.encode(), digest_size=3).hexdigest()}")

    def fits(self, builder: MessageBuilder) -> int:
        """As the provider's."""
        return self.provider.fits(builder)

    def send(self, batch: OutgoingBatch) -> Answer:
        """Hand over who may be mailed."""
        everybody = Columns.of(batch.recipients)
        mine = [one for one in everybody if self._may(one.address)]
        answer = self.provider.send(replace(batch, recipients=Columns.of(mine))) if mine else Answer([])
        reason = "Not among provider.only_to: nobody else is mailed."
        refused = [Receipt(one.key, Outcome.REFUSED, "", reason) for one in everybody if not self._may(one.address)]
        return replace(answer, receipts=[*answer.receipts, *refused]) if refused else answer

    def look_up(self, batch_key: str, delivery_keys: Sequence[str]) -> Sequence[Receipt]:
        """As the provider."""
        return self.provider.look_up(batch_key, delivery_keys)

    def _may(self, address: str) -> bool:
        folded = address.casefold()
        return folded in self.allowed or f"@{folded.rpartition('@')[2]}" in self.allowed


def _only_to(config: Config, choice: ProviderChoice) -> tuple[str, ...]:
    """Whom this provider may reach. A list for one of two providers is a list for both: "nobody else is mailed"."""
    both = (choice, config.provider, *((config.fallback,) if config.fallback else ()))
    return tuple(one.casefold() for one in next((one.only_to for one in both if one.only_to), ()))


def _refuse_links_to_nowhere(config: Config, choice: ProviderChoice) -> None:
    """Outside production nobody is mailed but who was named: a test must not reach the list (DESIGN, invariant 14)."""
    if urlsplit(config.publication.base_url).scheme != "https" and not _only_to(config, choice):
        raise ConfigError(
            f"publication.base_url is {config.publication.base_url}: readers could not reach it, nor leave. Set the "
            f"https address of this newsletter, or provider.only_to to try {choice.name} with some addresses."
        )


def _label(name: str, key: str) -> str:
    """The provider's name in the ledger, and which account it is: another account knows nothing of a call."""
    return f"{name}:{hashlib.blake2b(key.encode(), digest_size=3, person=b'account').hexdigest()}"
