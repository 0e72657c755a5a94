"""`newsletter bounces`: mail that came back to the address it was sent from, over SMTP."""

import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated

import typer

from jobs.bouncing import kinds
from newsletter.cli.door import Json, door
from newsletter.cli.output import as_json, say
from newsletter.desk.bouncing import Told, box_of, read_box, take_mail
from newsletter.errors import DatabaseError
from newsletter.providers.bounce_mail import MOST_READ

app = typer.Typer(
    help="Bounces of mail that went over SMTP (docs/bounces.md). Example: newsletter bounces read", no_args_is_help=True
)

TRY_AGAIN = 75  #: EX_TEMPFAIL of sysexits.h: the mail server that handed us a mail keeps it and comes again


@app.command()
def read(context: typer.Context, json: Json = False) -> None:
    """Read the mailbox of bounces now: suppress whose mailbox is gone and who complained, then mark the mails.

    Example: newsletter bounces read
    """
    desk = door(context).desk()
    box = box_of(desk.config)
    try:
        told = read_box(desk, box)
    finally:
        box.close()
    _print(told, json_wanted=json)


@app.command()
def take(
    context: typer.Context,
    recipient: Annotated[str, typer.Option(help="The envelope's recipient, where the mail does not say it.")] = "",
    json: Json = False,
) -> None:
    """Read one mail from standard input: for a mail server that pipes bounces into a program.

    Example: newsletter bounces take < mail
    """
    content = sys.stdin.buffer.read(MOST_READ)
    while sys.stdin.buffer.read(1_000_000):  # to the end, or whoever writes gets an error
        pass
    try:
        told = take_mail(door(context).desk(), content, recipient)
    except DatabaseError as error:
        sys.stderr.write(f"{error}\n")
        raise typer.Exit(TRY_AGAIN) from None
    _print(told, json_wanted=json)


def _print(told: Told, *, json_wanted: bool) -> None:
    if json_wanted:
        as_json(_plain(told))
        return
    if not told.mails:
        say("No mail waits there.")
        return
    what = f": {kinds(told)}" if told.kinds else ""
    say(f"{told.mails:,} read: {told.new:,} new, {told.known:,} known before{what}.")
    if told.nobodys:
        say(f"{told.nobodys:,} of no delivery of this newsletter: of somebody erased, or made up. Nothing follows.")
    if told.strange:
        say(f"{told.strange:,} not understood: a person should look. In a mailbox they stay, unread and flagged.")


def _plain(told: Told) -> Mapping[str, object]:
    return asdict(told) | {"kinds": dict(told.kinds)}
