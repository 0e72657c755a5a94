"""The whole check-up: what is gathered from settings, files and the environment, and every check over it."""

import os
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from email.utils import parseaddr

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from newsletter.config import Config, ProviderChoice, Publication
from newsletter.desk.checkup import arriving, dkim_keys, dmarc, sample, spf
from newsletter.desk.checkup.dkim_keys import Selector
from newsletter.desk.checkup.resolving import Look
from newsletter.desk.checkup.settings import Chosen
from newsletter.desk.desk import Desk
from newsletter.desk.editions import rendered
from newsletter.desk.sending import audience
from newsletter.errors import MailError, NewsletterError
from newsletter.issues.issue import issues
from newsletter.mail.rendered import RenderedIssue
from newsletter.providers import smtp
from newsletter.providers.catalogue import APIS, adapter_of, hears, in_table, naming, provider_key
from newsletter.providers.checkup import Finding, Light, Sending, green, red, yellow
from newsletter.providers.checkups import checkups_of
from newsletter.providers.poster import Poster
from newsletter.providers.smtp_settings import LOCAL, settings_of
from subscribers.tokens import Keys

_ELSEWHERE = "Run this where DNS works, or ask another resolver: --nameserver 9.9.9.9"


@dataclass(frozen=True, slots=True)
class Known:
    """What only a person can say; empty where nobody did."""

    selectors: tuple[str, ...] = ()  #: of DKIM
    return_path: str = ""  #: domain
    address: str = ""  #: from which mail leaves to the world


def chosen_of(config: Config, environ: Mapping[str, str] = os.environ) -> list[Chosen]:
    """The provider and the fallback, made once without calling anybody, to see whether they can be made."""
    both = (("Provider", config.provider), ("Fallback", config.fallback))
    found = [_chosen(role, choice, config.publication, environ) for role, choice in both if choice]
    if len(found) > 1 and found[0].choice.name == found[1].choice.name:
        found[1] = replace(found[1], problem="It is the same as provider.name: name another provider, or none.")
    return found


def database_finding(desk: Desk | str) -> Finding:
    """The line for the database; a text says why there is no desk."""
    if isinstance(desk, str):
        return red("Database and secret key", desk, "Mend this first: without it nothing is sent.")
    return green("Database and secret key", "They belong together, and the schema is the newest.")


def message_findings(config: Config, desk: Desk | None, now: datetime) -> list[Finding]:
    """The lines for the headers of a message: of the newest issue, or of a small one made up here."""
    issue, note = _newest(desk) if desk else (None, [])
    keys = desk.keys if desk else Keys(secrets.token_bytes(32))
    try:
        headers = sample.headers_of(issue or sample.small_issue(config.publication, now), keys, now)
    except MailError as error:
        return [*note, red("A sample message", str(error), "No message can be made until this is mended.")]
    return [*note, *sample.findings(headers, config.publication.domain)]


def dns_findings(config: Config, chosen: Sequence[Chosen], known: Known, look: Look) -> list[Finding]:
    """The lines for DNS."""
    publication = config.publication
    domain = publication.domain.lower()
    if (unreachable := _unreachable(domain, look)) is not None:
        return [unreachable]
    return_path = known.return_path.lower() or _return_path(chosen, domain)
    policy = dmarc.discover(domain, look)
    domains = list(dict.fromkeys([*_signing_domains(chosen), domain, policy.organization]))
    keys, signer = dkim_keys.findings(_selectors(chosen, known), domains, look)
    checked = spf.read(return_path or domain, look)
    found = [spf.finding(checked, certain=bool(return_path)), *keys, *dmarc.policy_finding(policy)]
    if policy.place and not policy.several:
        found.append(dmarc.alignment_finding(policy, signer, return_path, look))
    found += arriving.exchange_findings(_incoming(publication, return_path, chosen), look)
    return found + list(_reverse(chosen, known, look))


def account_findings(chosen: Sequence[Chosen], sending: Sending, poster: Callable[[], Poster]) -> list[Finding]:
    """What the providers say of our account, where they can be asked."""
    found: list[Finding] = []
    for one in chosen:
        if not one.real or one.problem:
            continue
        with closing(poster()) as post:
            for checkup in checkups_of(one.choice, one.key, sending):
                said = checkup.verdict(post.post(checkup.question()))
                found += [replace(line, todo=in_table(line.todo, one.table)) for line in said]
    return found


def people_now(desk: Desk) -> int:
    """How many would be mailed now."""
    with desk.transaction() as session:
        return audience(desk, session).eligible


def softened(findings: Sequence[Finding]) -> list[Finding]:
    """The same with no red, for a newsletter that only writes to a folder: nobody is hurt yet."""
    return [replace(one, light=Light.YELLOW) if one.light is Light.RED else one for one in findings]


def _chosen(role: str, choice: ProviderChoice, publication: Publication, environ: Mapping[str, str]) -> Chosen:
    name, key = choice.name, ""
    heard = hears(choice, environ) if name in APIS else None
    try:
        with naming(role.lower()):
            key = provider_key(choice, environ)
            if name == "smtp":
                smtp.from_options(choice.options, key, domain=publication.domain)
            elif name in APIS:
                adapter_of(choice, key)
    except NewsletterError as error:
        return Chosen(role, choice, key, str(error), heard)
    return Chosen(role, choice, key, "", heard, _public_key(choice, publication, key))


def _public_key(choice: ProviderChoice, publication: Publication, key: str) -> bytes:
    """The public half of the key that we sign with ourselves; empty where somebody else signs."""
    path = settings_of(choice.options, key, publication.domain).dkim_key_file if choice.name == "smtp" else None
    private = load_pem_private_key(path.read_bytes(), password=None) if path else None
    return dkim_keys.public_der(private.public_key()) if isinstance(private, RSAPrivateKey) else b""


def _newest(desk: Desk) -> tuple[RenderedIssue | None, list[Finding]]:
    try:
        with desk.transaction() as session:
            found = issues(session, desk.config.publication.slug)
            return (rendered(desk, session, found[0]) if found else None), []
    except NewsletterError as error:
        return None, [yellow("The newest issue", str(error), "Look at it: newsletter issue show latest")]


def _unreachable(domain: str, look: Look) -> Finding | None:
    """The line where nothing more can be said of this domain; None where DNS knows it."""
    looked, looked_at = [look(domain, kind) for kind in ("TXT", "MX")], f"DNS of {domain}"
    if any(one.no_name for one in looked):
        if look("com", "NS").no_name:
            return yellow(looked_at, "The resolver of this machine knows no names of the world.", _ELSEWHERE)
        found = "There is no such domain: receivers refuse mail from it."
        todo = "Check the spelling of publication.from. If it is right, ask another resolver: --nameserver 9.9.9.9"
        return red(looked_at, found, todo)
    if all(one.unknown for one in looked):
        return yellow(looked_at, f"It could not be looked up: {looked[0].unknown}.", _ELSEWHERE)
    return None


def _smtp(chosen: Sequence[Chosen]) -> list[Mapping[str, object]]:
    return [one.choice.options for one in chosen if one.choice.name == "smtp" and not one.problem]


def _return_path(chosen: Sequence[Chosen], domain: str) -> str:
    """Its domain, where the settings determine it: with our own server, and with Mailgun."""
    for options in _smtp(chosen[:1]):
        return str(options.get("bounce", "")).rpartition("@")[2].lower() or domain
    if chosen and chosen[0].choice.name == "mailgun":
        return str(chosen[0].choice.options.get("domain", "")).lower() or domain
    return ""


def _signing_domains(chosen: Sequence[Chosen]) -> list[str]:
    options = [one.choice.options for one in chosen]
    named = [str(one.get(name, "")).lower() for one in options for name in ("dkim_domain", "domain")]
    return [name for name in named if name]


def _selectors(chosen: Sequence[Chosen], known: Known) -> list[Selector]:
    given = [Selector(name, certain=True) for name in known.selectors]
    ours = [
        Selector(str(one.choice.options["dkim_selector"]), certain=True, own=one.own_key)
        for one in chosen
        if one.choice.name == "smtp" and one.choice.options.get("dkim_selector")
    ]
    usual = [Selector(name, certain=False) for one in chosen for name in dkim_keys.USUAL.get(one.choice.name, ())]
    return given + ours if given else ours + usual


def _incoming(publication: Publication, return_path: str, chosen: Sequence[Chosen]) -> dict[str, str]:
    """Which domains take mail for us, and what."""
    found: dict[str, list[str]] = {}
    boxes = (
        (publication.reply_to or publication.sender, "replies"),
        (publication.unsubscribe_mailbox or publication.sender, "unsubscriptions"),
        (publication.sender, "mail to From"),
    )
    for mailbox, what in boxes:
        found.setdefault(parseaddr(mailbox)[1].rpartition("@")[2].lower(), []).append(what)
    if _smtp(chosen[:1]):
        found.setdefault(return_path, []).append("bounces")
    return {domain: _listed(what) for domain, what in found.items()}


def _listed(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]


def _reverse(chosen: Sequence[Chosen], known: Known, look: Look) -> Iterator[Finding]:
    if known.address:
        yield arriving.reverse_finding(known.address, look, certain=True)
        return
    for options in _smtp(chosen):
        host = str(options["host"])
        if host not in LOCAL:
            yield from arriving.reverse_findings(host, look)
