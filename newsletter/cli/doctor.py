"""`newsletter doctor`: is the sending side set up right?"""

import ipaddress
import textwrap
from collections import Counter
from dataclasses import asdict
from typing import Annotated

import typer
from rich.text import Text

from newsletter.cli.door import Door, Json, door, now
from newsletter.cli.output import as_json, console, say
from newsletter.config import Config
from newsletter.desk.checkup import bounce_box, libraries, rows, settings, topics
from newsletter.desk.checkup.examination import (
    Known,
    account_findings,
    chosen_of,
    database_finding,
    dns_findings,
    message_findings,
    people_now,
    softened,
)
from newsletter.desk.checkup.resolving import Look, dns
from newsletter.desk.checkup.settings import Chosen
from newsletter.desk.desk import Desk
from newsletter.errors import NewsletterError
from newsletter.providers.checkup import Finding, Light, Sending
from newsletter.providers.httpx_poster import HttpxPoster
from newsletter.providers.poster import Limits
from subscribers.errors import SubscriberError

WIDEST = 100  #: characters of a line: longer ones are hard to read
_INDENT = 8  #: "yellow" and two blanks
_STYLES = {Light.RED: "bold red", Light.YELLOW: "yellow", Light.GREEN: "green"}

Sections = dict[str, list[Finding]]


def _address(value: str | None) -> str | None:
    try:
        return str(ipaddress.ip_address(value)) if value else value
    except ValueError:
        raise typer.BadParameter("this is not an IP address") from None


def doctor(
    context: typer.Context,
    ask_dns: Annotated[
        bool | None, typer.Option("--dns/--no-dns", help="Look DNS up. Default: with any provider but the outbox.")
    ] = None,
    ask_account: Annotated[
        bool,
        typer.Option(
            "--account/--no-account",
            help="Ask the provider about the account, and a mailbox of bounces, where they can be asked.",
        ),
    ] = True,
    selector: Annotated[
        list[str] | None, typer.Option(help="DKIM selector: s= in the DKIM-Signature of a test mail. Repeatable.")
    ] = None,
    return_path: Annotated[str, typer.Option(help="Domain of the Return-Path of a test mail.")] = "",
    address: Annotated[
        str | None, typer.Option(help="Address from which your server sends to the world.", callback=_address)
    ] = None,
    nameserver: Annotated[str, typer.Option(help="Ask this name server: its IP address, or ADDRESS:PORT.")] = "",
    json: Json = False,
) -> None:
    """Check settings, a message's headers, DNS and the provider's account. Exit code 1 if anything is red.

    Nothing is sent and nothing is changed. Example: newsletter doctor --selector pm
    """
    known = Known(tuple(selector or ()), return_path.rpartition("@")[2], address or "")
    here = door(context)
    chosen = chosen_of(here.config)
    real = any(one.real for one in chosen)
    look = dns(nameserver) if (real if ask_dns is None else ask_dns) else None
    found = _examined(here, chosen, known, look, ask_account=ask_account)
    lines = [line for section in found.values() for line in section]
    if json:
        as_json(
            {"worst": _worst(lines), "findings": [{"about": name, **asdict(x)} for name in found for x in found[name]]}
        )
    else:
        _tell(found, real=real)
    if _worst(lines) is Light.RED:
        raise typer.Exit(1)


def _examined(here: Door, chosen: list[Chosen], known: Known, look: Look | None, *, ask_account: bool) -> Sections:
    """Every line, by section; DNS is not asked without `look`."""
    config, desk = here.config, _desk(here)
    opened = desk if isinstance(desk, Desk) else None
    mailbox = bounce_box.findings(config, chosen, ask=ask_account)
    base = [*settings.findings(config, chosen), *mailbox, database_finding(desk), *libraries.findings()]
    message = message_findings(config, opened, now())
    if not any(one.real for one in chosen):
        base, message = softened(base), softened(message)
    base += [*topics.findings(opened), *rows.findings(opened)] if opened else []
    found = {"Settings": base, "Headers of a message": message}
    if look:
        found["DNS"] = dns_findings(config, chosen, known, look)
    if ask_account and (account := _account(config, chosen, opened)):
        found["Account"] = account
    return found


def _account(config: Config, chosen: list[Chosen], desk: Desk | None) -> list[Finding]:
    sending = Sending(config.publication.domain.lower(), people_now(desk) if desk else None)
    return account_findings(chosen, sending, lambda: HttpxPoster(Limits(whole=10.0)))


def _desk(here: Door) -> Desk | str:
    """The desk, or why there is none."""
    try:
        return here.desk()
    except (NewsletterError, SubscriberError) as error:
        return str(error)


def _worst(found: list[Finding]) -> Light:
    lights = {one.light for one in found}
    return next((light for light in (Light.RED, Light.YELLOW) if light in lights), Light.GREEN)


def _tell(found: Sections, *, real: bool) -> None:
    terminal = console()
    width = min(terminal.width, WIDEST)
    for name, findings in found.items():
        terminal.print(Text(name if name == next(iter(found)) else f"\n{name}", "bold"))
        for one in findings:
            for line in _lines(one, width):
                terminal.print(line, soft_wrap=True)
    count = Counter(one.light for findings in found.values() for one in findings)
    say("", f"{count[Light.RED]} red, {count[Light.YELLOW]} yellow, {count[Light.GREEN]} green.")
    if not real:
        say("Nothing leaves this machine: what would be red with a real provider is yellow.")
    if "DNS" not in found:
        say("DNS was not asked; --dns does.")


def _lines(one: Finding, width: int) -> list[Text]:
    """Light, what was looked at and what was found; below, what to do."""
    blank = " " * _INDENT
    head = [Text(line) for line in _wrapped(f"{one.looked_at}: {one.found}", width, blank, blank)]
    todo = _wrapped(one.todo, width, f"{blank}→ ", f"{blank}  ") if one.todo else []
    first = Text.assemble((f"{one.light:<{_INDENT}}", _STYLES[one.light]), head[0][_INDENT:])
    first.stylize("bold", _INDENT, _INDENT + len(one.looked_at))
    return [first, *head[1:], *(Text(line) for line in todo)]


def _wrapped(text: str, width: int, first: str, rest: str) -> list[str]:
    """Lines of at most this width; nothing that could be copied is broken."""
    return textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )
