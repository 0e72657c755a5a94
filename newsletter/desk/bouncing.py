"""Bounces of mail that went over SMTP: read from a mailbox or from standard input, kept, acted on, then marked.

What a mail says becomes an event like any provider's (delivery/events.py), unless it is about a single letter
(leaving_by_mail.py). Unlike a webhook a mail proves nothing but
that its writer knows the key of a delivery; so what names none of ours is not even kept: whoever floods the mailbox
would fill the database.
"""

import os
import ssl
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from newsletter.config import Config
from newsletter.delivery.events import owners, take
from newsletter.desk import leaving_by_mail
from newsletter.desk.desk import Desk
from newsletter.errors import ConfigError
from newsletter.providers.bounce_box import Box, Maildir, Mark
from newsletter.providers.bounce_imap import ImapAccount, ImapBox
from newsletter.providers.bounce_mail import MOST_READ, Reading, read
from newsletter.providers.catalogue import key_of
from newsletter.providers.smtp_settings import bounce_address

MOST, AT_ONCE = 5_000, 50  #: mails of one run, and of one transaction
PROVIDER = "smtp"


@dataclass(slots=True)
class Told:
    """What became of the mails that were read; new, known, nobodys and strange are all of them."""

    mails: int = 0
    new: int = 0
    known: int = 0  #: said before, or nothing was left to do
    nobodys: int = 0  #: of no delivery of ours: erased since, or made up. Not kept
    strange: int = 0  #: not understood: left for a person
    kinds: Counter[str] = field(default_factory=Counter)  #: of the new and the known ones


def box_of(config: Config, environ: Mapping[str, str] = os.environ, context: ssl.SSLContext | None = None) -> Box:
    """The mailbox of the settings, connected. Raises ConfigError, ProviderError."""
    bounces = config.bounces
    if bounces.maildir:
        return Maildir(bounces.maildir)
    if not bounces.imap_host:
        raise ConfigError("There is no mailbox of bounces. Set bounces.maildir or bounces.imap_host: docs/bounces.md.")
    secret = key_of("bounces", bounces.key_file, environ)
    if not secret:
        raise ConfigError("There is no password for the mailbox of bounces. Set NEWSLETTER_BOUNCES_KEY, or key_file.")
    account = ImapAccount(bounces.imap_host, bounces.imap_port, bounces.imap_user, secret, bounces.imap_folder)
    return ImapBox(account, context)


def read_box(desk: Desk, box: Box, enough: Callable[[], bool] = lambda: False) -> Told:
    """Read what waits in a mailbox; between transactions `enough` may end it. Raises DatabaseError, ProviderError.

    A mail is marked after the commit: read twice, it is known.
    """
    told, names = Told(), box.waiting(MOST)
    for some in (names[at : at + AT_ONCE] for at in range(0, len(names), AT_ONCE)):
        if enough():
            break
        found = {name: _read(desk, content) for name, content in box.fetch(some, MOST_READ)}
        _keep(desk, list(found.values()), told)
        box.mark([name for name, one in found.items() if one.event], Mark.DONE)
        box.mark([name for name, one in found.items() if not one.event], Mark.STRANGE)
    return told


def take_mail(desk: Desk, content: bytes, recipient: str = "") -> Told:
    """The same for one mail that somebody hands over; `recipient` is its envelope's, where that is known."""
    told = Told()
    _keep(desk, [_read(desk, content, recipient)], told)
    return told


def _read(desk: Desk, content: bytes, recipient: str = "") -> Reading:
    config = desk.config
    choices = (config.provider, *((config.fallback,) if config.fallback else ()))
    options: Mapping[str, object] = next((choice.options for choice in choices if choice.name == PROVIDER), {})
    return read(content, bounce_address(options, config.publication.domain), desk.clock(), recipient)


def _keep(desk: Desk, readings: Sequence[Reading], told: Told) -> None:
    """One transaction: what is about deliveries and letters of ours is stored and acted on."""
    read = [one.event for one in readings if one.event]
    by_letters = [event for event in read if leaving_by_mail.is_of_a_letter(event)]
    events = [event for event in read if event not in by_letters]
    with desk.transaction() as session:
        heard = [(event, leaving_by_mail.hear(session, event, desk.clock())) for event in by_letters]
        whose = owners(session, {event.key for event in events})
        ours = [event for event in events if event.key in whose]
        taken = take(session, PROVIDER, ours, desk.clock(), left_by=leaving_by_mail.SOURCE)
    told.mails += len(readings)
    told.new += taken.new + sum(done is True for _, done in heard)
    told.known += taken.known + sum(done is False for _, done in heard)
    told.nobodys += len(events) - len(ours) + sum(done is None for _, done in heard)
    told.strange += len(readings) - len(read)
    told.kinds.update(str(event.kind) for event in (*ours, *(event for event, done in heard if done is not None)))
