"""Which providers can be asked for events, and with which key.

SMTP and the outbox cannot: a mail server tells nothing afterwards but by mail.
"""

import os
from collections.abc import Mapping
from importlib import import_module

from newsletter.config import ProviderChoice
from newsletter.errors import ConfigError
from newsletter.providers.adapter import Account
from newsletter.providers.catalogue import hook_secrets, provider_key
from newsletter.providers.polls import Poll

#: Name → module, poll. Imported when asked: signing for Amazon alone takes a quarter of a second.
POLLS = {
    "ses": ("ses_poll", "SesPoll"),
    "postmark": ("postmark_poll", "PostmarkPoll"),
    "sendgrid": ("sendgrid_poll", "SendGridPoll"),
    "mailgun": ("mailgun_poll", "MailgunPoll"),
    "resend": ("resend_poll", "ResendPoll"),
    "brevo": ("brevo_poll", "BrevoPoll"),
}


def poll_of(choice: ProviderChoice, domain: str, environ: Mapping[str, str] = os.environ) -> Poll:
    """The poll for this choice; `domain` is the sender's.

    Raises KeyError for a provider that has none, ConfigError without a key, ProviderError for unusable options.
    """
    module, maker = POLLS[choice.name]
    key = poll_key(choice, environ)
    if not key and choice.options.get("credentials") != "environment":
        name = choice.name.upper()
        raise ConfigError(f"There is no key for {choice.name}. Set NEWSLETTER_{name}_KEY, or provider.key_file.")
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise ConfigError(f"The key of {choice.name} is not one line of plain characters. Copy it again.")
    account = Account(key, {name: str(value) for name, value in choice.options.items()}, choice.address)
    made: Poll = getattr(import_module(f"newsletter.providers.{module}"), maker)(account, domain)
    return made


def poll_key(choice: ProviderChoice, environ: Mapping[str, str] = os.environ) -> str:
    """The key that may read events: NEWSLETTER_<NAME>_POLL_KEY, or a file; else the one that sends."""
    name = f"NEWSLETTER_{choice.name.upper()}"
    own = {f"{name}_KEY{end}": environ.get(f"{name}_POLL_KEY{end}", "") for end in ("", "_FILE")}
    without_file = choice.model_copy(update={"key_file": None})  # that one is of the key that sends
    return provider_key(without_file, own) or provider_key(choice, environ)


def has_hook(choice: ProviderChoice, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether its webhooks are set up here: something proves them."""
    return bool(hook_secrets(choice.name, environ) or choice.options.get("topic_arn"))
