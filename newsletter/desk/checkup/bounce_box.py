"""The mailbox that mail over SMTP bounces to: can it be opened and read? Nothing in it is marked."""

from collections.abc import Callable, Sequence
from contextlib import closing

from newsletter.config import Config
from newsletter.desk.bouncing import MOST, box_of
from newsletter.desk.checkup.settings import Chosen
from newsletter.errors import NewsletterError
from newsletter.providers.bounce_box import Box
from newsletter.providers.checkup import Finding, green, red, yellow

LOOKED_AT = "Mailbox of bounces"


def findings(
    config: Config, chosen: Sequence[Chosen], *, ask: bool = True, open_: Callable[[Config], Box] = box_of
) -> list[Finding]:
    """One line where mail leaves over SMTP or a mailbox is set; none for anybody else.

    `ask`: connect to a server of IMAP; without it only a folder on this machine is looked at.
    """
    if not config.bounces.somewhere:
        return [_nowhere()] if any(one.choice.name == "smtp" for one in chosen) else []
    if config.bounces.imap_host and not ask:
        return [green(LOOKED_AT, f"It is set, at {config.bounces.imap_host}. The server was not asked.")]
    return [_opened(config, open_)]


def _nowhere() -> Finding:
    found = "None is set: unless a mail server pipes bounces into 'newsletter bounces take', nobody hears of them."
    return yellow(LOOKED_AT, found, "Set maildir or imap_host in [bounces]: docs/bounces.md.")


def _opened(config: Config, open_: Callable[[Config], Box]) -> Finding:
    try:
        with closing(open_(config)) as box:
            waiting = len(box.waiting(MOST))
    except NewsletterError as error:
        return red(LOOKED_AT, str(error), "Until it can be read, dead addresses stay on the list: docs/bounces.md.")
    many = f"{waiting} or more" if waiting == MOST else str(waiting)
    if not config.bounces.every_minutes:
        todo = "Set bounces.every_minutes, or run 'newsletter bounces read' regularly."
        return yellow(LOOKED_AT, f"It can be read, and nobody does ({many} waiting): every_minutes is 0.", todo)
    return green(LOOKED_AT, f"It can be read; {many} waiting.")
