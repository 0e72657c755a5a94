"""Which providers can be asked about our account, and how.

One that is not here has no simple question, or none that our sources document: Mailgun and Brevo for now, and SMTP.
"""

from importlib import import_module

from newsletter.config import ProviderChoice
from newsletter.providers.adapter import Account
from newsletter.providers.checkup import Checkup, Sending

#: Name → module, check-ups. Imported when asked: signing for Amazon alone takes a quarter of a second.
CHECKUPS: dict[str, tuple[str, tuple[str, ...]]] = {
    "postmark": ("postmark_checkup", ("PostmarkServer", "PostmarkStream")),
    "ses": ("ses_checkup", ("SesAccount",)),
    "resend": ("resend_checkup", ("ResendDomains",)),
    "sendgrid": ("sendgrid_checkup", ("SendGridScopes",)),
}


def checkups_of(choice: ProviderChoice, key: str, sending: Sending) -> list[Checkup]:
    """The questions for this choice's account. Raises ProviderError for options that are not usable."""
    module, makers = CHECKUPS.get(choice.name, ("", ()))
    account = Account(key, {name: str(value) for name, value in choice.options.items()}, choice.address)
    return [getattr(import_module(f"newsletter.providers.{module}"), maker)(account, sending) for maker in makers]
