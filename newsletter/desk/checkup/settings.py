"""What config.toml and the environment say, checked without asking anybody."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from email.utils import parseaddr
from urllib.parse import urlsplit

from newsletter.config import Config, ProviderChoice, Publication, Telling
from newsletter.providers.catalogue import hook_proof
from newsletter.providers.checkup import Finding, green, red, yellow
from newsletter.providers.smtp_settings import LOCAL

#: RFC 2606 and 6761: nobody has them, so nothing sent from them can pass or be answered.
_RESERVED = ("example", "test", "invalid", "localhost", "local", "example.org", "example.com", "example.net")
#: Mailbox providers: their DMARC asks receivers to refuse mail that others send From them.
_FREE = {
    "gmail.com", "googlemail.com", "yahoo.com", "yahoo.co.uk", "ymail.com", "aol.com", "outlook.com", "hotmail.com",
    "live.com", "msn.com", "icloud.com", "me.com", "mac.com", "gmx.de", "gmx.net", "gmx.com", "web.de", "t-online.de",
    "freenet.de", "proton.me", "protonmail.com", "mail.ru", "yandex.ru", "qq.com", "163.com", "orange.fr", "free.fr",
    "libero.it", "zoho.com", "fastmail.com",
}  # fmt: skip
_UNREAD = ("noreply", "donotreply", "dontreply", "nobody", "devnull")


@dataclass(frozen=True, slots=True)
class Chosen:
    """A provider that is chosen, with what the environment and the disk say of it."""

    role: str  #: "Provider" or "Fallback"
    choice: ProviderChoice
    key: str = field(default="", repr=False)
    problem: str = ""  #: why it cannot be used, in a sentence
    hears: bool | None = None  #: whether its webhooks would be believed; None: it has none
    own_key: bytes = field(default=b"", repr=False)  #: public, where mail is signed here

    @property
    def real(self) -> bool:
        """Whether mail leaves this machine by it."""
        return self.choice.name != "outbox"

    @property
    def table(self) -> str:
        """Its table in config.toml."""
        return self.role.lower()

    @property
    def stands_in(self) -> str:
        """The host on this machine that is called instead of the provider; empty where the provider is."""
        host = urlsplit(self.choice.address).hostname or ""
        return host if host in LOCAL and self.choice.name != "smtp" else ""


def findings(config: Config, chosen: Sequence[Chosen]) -> list[Finding]:
    """One line a setting."""
    publication = config.publication
    return [
        *(line for one in chosen for line in provider_findings(one)),
        _base_url(publication.base_url),
        _domain("From", publication.domain),
        _answers("Reply-To", publication.reply_to or publication.sender),
        _answers("Unsubscribe mailbox", publication.unsubscribe_mailbox or publication.sender),
        _postal_address(publication),
        _telling(config.telling),
        *_proxy(config),
    ]


def provider_findings(one: Chosen) -> list[Finding]:
    """The lines for a provider: is it usable, does it reach everybody, does it hear what comes back?"""
    looked_at = f"{one.role} {one.choice.name}"
    if not one.real:
        todo = "Choose a provider in config.toml when you want to send: docs/providers/."
        return [yellow(looked_at, "Messages are written to a folder; nothing leaves this machine.", todo)]
    if one.problem:
        return [red(looked_at, one.problem, f"Mend it; docs/providers/{one.choice.name}.md has every setting.")]
    found = [_usable(looked_at, one)]
    if number := len(one.choice.only_to):
        todo = f"Remove {one.table}.only_to before the first real issue."
        who = "Only one address or domain" if number == 1 else f"Only {number} addresses or domains"
        found.append(yellow(f"{looked_at}, only_to", f"{who} may be mailed; everybody else is refused here.", todo))
    return found + _hearing(one)


def _usable(looked_at: str, one: Chosen) -> Finding:
    """It can be made; what of it could be seen from here."""
    if one.stands_in:
        todo = f"Remove {one.table}.address when mail is to leave."
        found = f"It is called at {one.stands_in}: a stand-in on this machine, no real mail leaves by it."
        return yellow(looked_at, found, todo)
    if one.choice.name == "smtp":
        login = "its password is there" if one.choice.options.get("user") else "it needs no login, by them"
        return green(looked_at, f"Its settings are complete, and {login}. The server itself was not asked.")
    host = urlsplit(one.choice.address).hostname
    where = f" It is called at {host}." if host else ""
    return green(looked_at, f"Its settings are complete, and its key is there.{where}")


def _hearing(one: Chosen) -> list[Finding]:
    looked_at, name = f"Webhooks of {one.choice.name}", one.choice.name
    if one.hears is None:
        return []
    if one.hears:
        return [green(looked_at, "They can be believed: a secret (or topic) is set.")]
    what = hook_proof(name, one.table)
    found = "They are refused: bounces and complaints are not heard, and calls in doubt stay open."
    return [yellow(looked_at, found, f"Set {what}, and the provider's webhook to …/hooks/{name}.")]


def _base_url(address: str) -> Finding:
    parts, looked_at = urlsplit(address), "publication.base_url"
    host = parts.hostname or ""
    if parts.scheme != "https":
        todo = "Set the https address at which readers find this newsletter's pages."
        return red(looked_at, f"{address}: readers cannot reach it, and one-click unsubscribing needs https.", todo)
    if _is_reserved(host) or "." not in host:
        return red(looked_at, f"{address}: nobody outside can reach it.", "Set the address of your own domain.")
    return green(looked_at, f"{address}.")


def _domain(what: str, domain: str) -> Finding:
    looked_at = f"{what} domain"
    todo = "Send From a domain of your own, in whose DNS you can write."
    if _is_reserved(domain) or "." not in domain:
        return red(looked_at, f"{domain} is reserved for examples and tests.", todo)
    if domain.lower() in _FREE:
        found = f"{domain} belongs to a mailbox provider: what others send From it is refused (DMARC)."
        return red(looked_at, found, todo)
    return green(looked_at, f"{domain}.")


def _answers(looked_at: str, mailbox: str) -> Finding:
    local, _, domain = parseaddr(mailbox)[1].lower().rpartition("@")
    if _is_reserved(domain) or "." not in domain:
        return red(looked_at, f"Its domain, {domain}, is reserved: nothing arrives there.", "Set a mailbox of yours.")
    if any(word in local.replace("-", "").replace("_", "").replace(".", "") for word in _UNREAD):
        found = "By its name nobody reads it; who cannot answer or leave complains instead."
        return yellow(looked_at, found, "Set a mailbox that somebody reads.")
    return green(looked_at, f"A mailbox at {domain}.")


def _postal_address(publication: Publication) -> Finding:
    if len(publication.postal_address.strip()) < 10:  # noqa: PLR2004 - nobody lives in ten letters
        todo = "Set publication.postal_address: the law wants it in every mail (CAN-SPAM, CASL, Impressum)."
        return red("publication.postal_address", "There is none, or not a whole one.", todo)
    return green("publication.postal_address", "It is in every footer.")


def _telling(telling: Telling) -> Finding:
    if telling.operators or telling.webhook:
        return green("telling", "Somebody is told when something is wrong.")
    todo = "Set telling.operators or telling.webhook, and try it: newsletter notices --try (docs/telling.md)."
    return yellow("telling", "Nobody is told when something is wrong.", todo)


def _proxy(config: Config) -> list[Finding]:
    """Whether readers behind the proxy can be told apart, where there must be one."""
    if not config.web.port or urlsplit(config.publication.base_url).scheme != "https":
        return []
    looked_at = "web.trusted_proxies"
    if config.web.trusted_proxies:
        return [green(looked_at, f"{', '.join(config.web.trusted_proxies)}.")]
    most = config.signup.per_network
    found = f"No proxy is named: all readers count as one network, and after {most} sign-ups in an hour nobody can."
    return [yellow(looked_at, found, 'Set it to where the proxy stands, as ["127.0.0.1"]: docs/readers.md.')]


def _is_reserved(domain: str) -> bool:
    return any(domain.lower() == one or domain.lower().endswith(f".{one}") for one in _RESERVED)
